"""Geological hazard points as they are recorded, who watches each, and the devices that measure there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context
from cim.analysis.reaching import features_in, partial
from cim.analysis.routing.telling import NotRouted, missing, remark
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Finding, SourceEdition
from cim.model.redline import LONLAT_SRID
from cim.model.road_network import Floats, Ints, Shapes
from cim.store.devices import DeviceQuery, page_of_devices

GEOHAZARDS, CONTACTS = "geohazards", "contacts"
FIELDS = ("id", "name", "kind", "scale", "threatened")
CONTACT_FIELDS = ("name", "duty", "subject", "phone")
MONITOR = "monitor"
MOST_POINTS, MOST_DEVICES = 200, 2_000
DEVICES_WITHIN_M = 150.0
_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Monitor:
    """Who watches a point: the post and its telephone, as far as the caller may read them."""

    name: str
    phone: str | None


@dataclass(frozen=True, slots=True, eq=False)
class HazardPoints:
    """Hazard points with their facts, monitors by id, and of each how many devices measure there and are online.

    ``monitors`` is None where the caller may not read the contacts.
    """

    lonlat: Floats
    ids: Sequence[str]
    facts: Mapping[str, Sequence[Any]]
    fids: Ints
    monitors: Mapping[str, Sequence[Monitor]] | None
    devices: Sequence[tuple[int, int]]
    sources: Sequence[SourceEdition]
    remarks: Sequence[Finding]


async def hazard_points(
    connection: AsyncConnection, context: Context, ids: Sequence[str], area: Shapes | None
) -> HazardPoints:
    """The points of these ids, or in an area, or all; NotRouted where there are none, NotFound names unknown ids."""
    found = await features_in(context, connection, GEOHAZARDS, FIELDS, area, LONLAT_SRID)
    if not found.present:
        raise NotRouted("layer-missing", missing(found.edition).message, found.edition)
    points = shapely.centroid(found.shapes)
    names = [str(value) for value in found.columns["id"]]
    _refuse_unknown(ids, names)
    rows = np.array([k for k, name in enumerate(names) if not ids or name in ids], dtype=np.int64)
    if not len(rows):
        raise NotRouted("no-hazards", "范围内没有地质灾害隐患点", found.edition)
    if len(rows) > MOST_POINTS:
        raise BadRequest(
            f"there are {len(rows)} hazard points, at most {MOST_POINTS} are routed at once",
            where="area",
            remedy="choose a smaller area",
        )
    lonlat = shapely.get_coordinates(points[rows])
    monitors, sources, remarks = await _monitors(connection, context)
    if partial(context, GEOHAZARDS):
        remarks.append(remark("layer-partial", "只包括您有权查看的地区", found.edition, layer=GEOHAZARDS))
    return HazardPoints(
        lonlat,
        [names[k] for k in rows.tolist()],
        {name: [column[k] for k in rows.tolist()] for name, column in found.columns.items()},
        found.fids[rows],
        monitors,
        await _devices(connection, context, lonlat),
        [found.edition, *sources],
        remarks,
    )


def _refuse_unknown(ids: Sequence[str], known: Sequence[str]) -> None:
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise NotFound(
            f"there is no geological hazard {unknown[0][:40]!r} that you may see",
            where="hazards",
            remedy=f"GET /collections/{GEOHAZARDS}/items lists them",
        )


async def _monitors(
    connection: AsyncConnection, context: Context
) -> tuple[Mapping[str, Sequence[Monitor]] | None, list[SourceEdition], list[Finding]]:
    """The monitors of all points by the point's id; None where contacts may not be read."""
    decision = context.decision(CONTACTS)
    readable = decision is not None and {"duty", "subject"} <= set(decision.field_names)
    edition = await context.edition(connection, CONTACTS)
    if not readable:
        return None, [edition], [missing(edition)]
    found = await features_in(
        context, connection, CONTACTS, CONTACT_FIELDS, None, LONLAT_SRID, where=f"duty = '{MONITOR}'"
    )
    columns = found.columns
    monitors: dict[str, list[Monitor]] = {}
    for subject, name, phone in zip(columns["subject"], columns["name"], columns["phone"], strict=True):
        monitors.setdefault(str(subject), []).append(Monitor(str(name or ""), phone))
    return monitors, [found.edition], []


async def _devices(connection: AsyncConnection, context: Context, lonlat: Floats) -> list[tuple[int, int]]:
    """Of each point the devices within ``DEVICES_WITHIN_M``, and how many of them are online."""
    east = np.cos(np.radians(lonlat[:, 1]))
    plane = np.column_stack([lonlat[:, 0] * east, lonlat[:, 1]]) * _METRES_A_DEGREE
    around = shapely.union_all([_disc(lon, lat) for lon, lat in lonlat.tolist()])
    query = DeviceQuery(tuple(context.models), area=shapely.to_geojson(around), limit=MOST_DEVICES)
    counts = np.zeros((len(lonlat), 2), dtype=np.int64)
    for one in await page_of_devices(connection, query):
        lon, lat = json.loads(one.geometry or "null")["coordinates"][:2]
        near = np.hypot(*(plane - np.array([lon * east, np.full_like(east, lat)]).T * _METRES_A_DEGREE).T)
        counts[near <= DEVICES_WITHIN_M] += (1, int(one.state == "online"))
    return [(int(there), int(online)) for there, online in counts]


def _disc(lon: float, lat: float) -> shapely.Geometry:
    """A little more than the circle in which devices count, as degrees."""
    ring = shapely.get_coordinates(shapely.Point(0, 0).buffer(1.1 * DEVICES_WITHIN_M / _METRES_A_DEGREE))
    return shapely.Polygon(ring / (np.cos(np.radians(lat)), 1.0) + (lon, lat))
