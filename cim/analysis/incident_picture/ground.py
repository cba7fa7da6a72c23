"""Where the zones lie: county, towns, villages; land and plan at the place itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cim.analysis.incident_picture.reader import Reader
from cim.analysis.incident_picture.zones import areas_m2
from cim.model.redline import LONLAT_SRID

COUNTY, TOWNS, VILLAGES, LAND, PLAN = "admin_county", "admin_town", "admin_village", "land_status", "plan_parcels"
LEAST_M2 = 1.0
_AT = {LAND: ("DLBM",), PLAN: ("parcel_code", "use_code", "use_name")}


@dataclass(frozen=True, slots=True)
class Village:
    """A village in the zones: its town, and how much of it lies inside."""

    code: str
    name: str
    town: str
    inside_m2: float


@dataclass(frozen=True, slots=True)
class Ground:
    """The place and its regions.

    ``outside_share`` is how much of the zones lies beyond the county, None where its bounds are not known;
    ``place_outside`` whether the place itself does. ``at`` is what layers of land and plan say of the place.
    """

    county: str
    outside_share: float | None
    place_outside: bool
    villages: Sequence[Village]
    at: dict[str, dict[str, Any]]


async def ground_of(reader: Reader) -> Ground:
    """The regions that the zones lie in."""
    county, outside_share, place_outside = await _county(reader)
    towns = await reader.near(TOWNS, ("code", "name"))
    names = dict(zip(towns.columns["code"], towns.columns["name"], strict=True))
    found = await reader.near(VILLAGES, ("code", "name", "town_code"))
    inside = reader.zones.shares(reader.zones.on_plane(found.shapes), areas_m2).sum(axis=1)
    villages = [
        Village(str(code), str(name or ""), str(names.get(town) or town or ""), float(area))
        for code, name, town, area in zip(
            *(found.columns[one] for one in ("code", "name", "town_code")), inside, strict=True
        )
        if area > LEAST_M2
    ]
    at = {layer: await _at(reader, layer, fields) for layer, fields in _AT.items()}
    return Ground(county, outside_share, place_outside, sorted(villages, key=lambda one: -one.inside_m2), at)


async def _county(reader: Reader) -> tuple[str, float | None, bool]:
    """The county's name, how much of the zones lies beyond it, and whether the place does."""
    found = await reader.near(COUNTY, ("name",))
    if reader.lacking(COUNTY) or (COUNTY, "partial") in reader.lacks:
        return "", None, False
    zones = reader.zones
    if len(found.shapes) == 0:
        return "", 1.0, True
    shapes = zones.on_plane(found.shapes)
    inside = zones.shares(shapes, areas_m2).sum()
    whole = float(areas_m2(zones.shapes[-1:])[0])
    holds = np.asarray(shapely.intersects_xy(found.shapes, zones.lon, zones.lat))
    name = str(found.columns["name"][int(holds.argmax())] or "") if holds.any() else ""
    return name, max(0.0, 1.0 - float(inside) / whole), not bool(holds.any())


async def _at(reader: Reader, layer: str, fields: Sequence[str]) -> dict[str, Any]:
    """The values of a layer at the place; empty where there is nothing."""
    await reader.known(layer, fields)
    here = np.array([shapely.Point(reader.zones.lon, reader.zones.lat)], dtype=object)
    side = 1e-7
    box = (reader.zones.lon - side, reader.zones.lat - side, reader.zones.lon + side, reader.zones.lat + side)
    found = await reader.context.features(
        reader.connection,
        layer,
        fields,
        here,
        LONLAT_SRID,
        scenario=reader.scenarios.get(layer),
        boxes=[box],
    )
    holds = np.flatnonzero(shapely.intersects(found.shapes, here[0]))
    if len(holds) == 0:
        return {}
    return {name: reader.context.shown(layer, name, found.columns[name][int(holds[0])]) for name in fields}
