"""What the shapes of one object are: geometries by level of detail, with the areas of their surfaces by meaning."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cim.model.city_bodies import listed
from cim.model.city_measures import Measured, measured, volumes_m3
from cim.model.city_surfaces import BrokenGeometry, Collector
from importers.city.faults import faults_of
from importers.city.frames import frame_of
from importers.importer import ReadOptions

AREA_DIGITS, VOLUME_DIGITS = 2, 2
NO_MEANING = "Surface"
OPEN = frozenset({302, 303, 307})


def described(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A record for each geometry: LoD, type, and for each kind of surface how many and square metres in space.

    Solids whose walls close also have a volume in cubic metres. Areas are those of the model's own system.
    """
    vertices = np.array(body.get("vertices") or np.empty((0, 3)), np.int64)
    transform = body.get("transform") or {"scale": [1, 1, 1], "translate": [0, 0, 0]}
    collector = Collector()
    try:
        collector.add(0, listed(body.get("geometry")), len(vertices), 0)
    except BrokenGeometry:
        return []
    surfaces = collector.done()
    frame = frame_of(body.get("crs"), ReadOptions())
    found = measured(surfaces, frame.metres(vertices * transform["scale"] + np.array(transform["translate"])))
    areas, of_surface = found.areas_m2, surfaces.surface_part
    records = []
    for number, part in enumerate(surfaces.parts):
        here = of_surface == number
        kinds: dict[str, dict[str, float]] = {}
        for kind in np.unique(surfaces.kinds[here]).tolist():
            some = areas[here & (surfaces.kinds == kind)]
            name = surfaces.kind_names[kind] if kind >= 0 else NO_MEANING
            kinds[name] = {"count": len(some), "area_m2": round(float(some.sum()), AREA_DIGITS)}
        records.append({"lod": part.lod, "type": part.kind, "surfaces": kinds, **_volume(found, number)})
    return records


def _volume(found: Measured, part: int) -> dict[str, float]:
    """The volume of a geometry all of whose shells close; nothing for others."""
    shells = found.surfaces.shell_part == part
    points = found.surfaces.points
    broken = {place for code, places in faults_of(found, points) if code in OPEN for place in places.tolist()}
    if part in broken or not found.surfaces.shell_closed[shells].all():
        return {}
    return {"volume_m3": round(float(volumes_m3(found)[shells].sum()), VOLUME_DIGITS)}
