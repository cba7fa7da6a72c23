"""The picture on the map: the bands, and what was found in them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from cim.analysis.incident_picture.facilities import Found
from cim.analysis.incident_picture.figures import Figure
from cim.analysis.incident_picture.material import Material
from cim.analysis.incident_picture.networks import Measured
from cim.analysis.incident_picture.tables import band_name
from cim.analysis.overlay import Shapes
from cim.model.analysis import Place

DIGITS = 7
MOST_SHAPES = 300
_DRAWN = ("pipelines", "flash_flood_zones")


def places(found: Material, figures: Sequence[Figure]) -> list[Place]:
    """Bands with the figures of people, then points, networks, models, devices, cameras and alarms."""
    zones = found.zones
    middle = {"type": "Point", "coordinates": [round(zones.lon, DIGITS), round(zones.lat, DIGITS)]}
    drawn = [*_bands(found, figures), Place(middle, {"kind": "place"})]
    for one in (*found.facilities, found.firms):
        drawn += _facilities(found, one)
    for network in found.networks:
        if network.network.layer in _DRAWN:
            drawn += _network(network)
    return [*drawn, *_models(found), *_devices(found), *_cameras(found), *_alarms(found)]


def _bands(found: Material, figures: Sequence[Figure]) -> Iterator[Place]:
    zones = found.zones
    inner = (0.0, *zones.radii_m[:-1])
    for band, geometry in enumerate(_geometries(zones.bands_lonlat)):
        facts: dict[str, Any] = {"kind": "ring", "ring": band + 1, "title": zones.names[band]}
        if zones.radii_m:
            facts |= {"inner_m": inner[band], "outer_m": zones.radii_m[band]}
        yield Place(geometry, {**facts, **{one.id: one.bands[band] for one in figures}})


def _facilities(found: Material, one: Found) -> Iterator[Place]:
    titles = one.features.columns["name"]
    for index, geometry in enumerate(_geometries(one.features.shapes)):
        outside = not bool(one.inside[index])
        yield Place(
            geometry,
            {
                "kind": one.kind.layer,
                "key": one.features.keys[index],
                "title": titles[index] or one.kind.title.zh,
                "ring": band_name(found.zones, int(one.placed.band[index])),
                "outside": outside,
                "distance_m": round(float(one.placed.distance_m[index]), 1),
                "bearing_deg": round(float(one.placed.bearing_deg[index]), 1),
            },
        )


def _network(one: Measured) -> Iterator[Place]:
    most = np.argsort(-one.inside.sum(axis=1), kind="stable")[:MOST_SHAPES]
    fields = one.network.by
    for index, geometry in zip(most.tolist(), _geometries(one.features.shapes[most]), strict=True):
        facts = {name: one.features.columns[name][index] for name in fields}
        inside = round(float(one.inside[index].sum()), 1)
        yield Place(geometry, {"kind": one.network.layer, **facts, f"inside_{one.network.unit}": inside})


def _models(found: Material) -> Iterator[Place]:
    for one in found.models:
        facts = {"kind": "model", "model": one.row.id, "title": one.row.name, "ring": band_name(found.zones, one.band)}
        yield Place(json.loads(one.row.footprint or "null"), facts)


def _devices(found: Material) -> Iterator[Place]:
    for index, one in enumerate(found.devices.entries):
        facts = {
            "kind": "device",
            "code": one.code,
            "title": one.name,
            "state": str(one.state),
            "ring": band_name(found.zones, int(found.devices.placed.band[index])),
        }
        yield Place(json.loads(one.geometry or "null"), facts)


def _cameras(found: Material) -> Iterator[Place]:
    for one in found.cameras.lookings or ():
        facts = {"kind": "camera", "gb_code": one.camera.code, "title": one.camera.name, "state": one.first}
        yield Place(_point(one.camera.lon, one.camera.lat), facts)


def _alarms(found: Material) -> Iterator[Place]:
    for one, band, _ in found.alarms:
        facts = {"kind": "alarm", "code": one.code, "title": one.title, "severity": str(one.severity)}
        yield Place(_point(one.lon or 0.0, one.lat or 0.0), {**facts, "ring": band_name(found.zones, band)})


def _point(lon: float, lat: float) -> Mapping[str, Any]:
    return {"type": "Point", "coordinates": [round(lon, DIGITS), round(lat, DIGITS)]}


def _geometries(shapes: Shapes) -> list[dict[str, Any]]:
    """GeoJSON of shapes in longitude and latitude, of as many digits as are worth telling."""
    if len(shapes) == 0:
        return []
    short = shapely.transform(shapes, lambda points: np.round(points, DIGITS))
    return [json.loads(text) for text in shapely.to_geojson(np.asarray(short, dtype=object))]
