"""Devices in the zones with what they measured last, alarms that are open there, and cameras that see the place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cim.analysis.incident_picture.people import BUILDINGS
from cim.analysis.incident_picture.reader import Reader
from cim.analysis.incident_picture.zones import Placed
from cim.analysis.overlay import Shapes
from cim.analysis.visibility.nearest import watching
from cim.analysis.visibility.nearest_tables import Looking
from cim.analysis.visibility.records import CAMERAS, FIELDS, cameras_near, distances_m, reaching
from cim.analysis.visibility.view import MOST_RANGE_M, Target
from cim.model.alarms import OPEN, Alarm
from cim.model.cameras import Camera
from cim.model.devices import DeviceEntry
from cim.store.alarms import AlarmQuery, alarms
from cim.store.device_streams import streams_of
from cim.store.devices import DeviceQuery, page_of_devices

MOST_DEVICES, MOST_SHOWN, MOST_ALARMS, MOST_CAMERAS = 5_000, 200, 1_000, 30
TARGET: Target = "person"


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices in the zones, nearest first, with the datastreams of the first ``MOST_SHOWN``; ``more``: not all."""

    entries: Sequence[DeviceEntry]
    placed: Placed
    streams: dict[int, list[dict[str, Any]]]
    more: bool


@dataclass(frozen=True, slots=True)
class Watching:
    """Cameras within whose reach the place is, those that see it first; None where cameras may not be seen."""

    lookings: Sequence[Looking] | None
    notes: Sequence[str]
    left_out: int


async def devices_inside(reader: Reader) -> Devices:
    """The devices in the zones that the caller may see."""
    houses = reader.context.decision(BUILDINGS)
    query = DeviceQuery(
        tuple(reader.context.models),
        houses is not None and "building_code" in houses.field_names,
        area=shapely.to_geojson(reader.zones.outer[0]),
        limit=MOST_DEVICES + 1,
    )
    entries = [one for one in await page_of_devices(reader.connection, query) if one.geometry]
    more = len(entries) > MOST_DEVICES
    points = np.array(
        [shapely.Point(json.loads(one.geometry or "")["coordinates"][:2]) for one in entries], dtype=object
    )
    placed = reader.zones.places(points)
    order = np.argsort(placed.distance_m, kind="stable")
    order = order[placed.band[order] < len(reader.zones.shapes)]
    chosen = [entries[index] for index in order.tolist()]
    things = [one.thing for one in chosen[:MOST_SHOWN] if one.thing is not None]
    streams: dict[int, list[dict[str, Any]]] = {}
    for row in await streams_of(reader.connection, things) if things else []:
        streams.setdefault(row["thing"], []).append(row)
    return Devices(
        chosen, Placed(placed.distance_m[order], placed.bearing_deg[order], placed.band[order]), streams, more
    )


async def alarms_inside(reader: Reader) -> list[tuple[Alarm, int, float]]:
    """The open alarms in the zones, with band and distance, nearest first."""
    west, south, east, north = (float(side) for side in shapely.total_bounds(reader.zones.outer))
    query = AlarmQuery(states=OPEN, bbox=(west, south, east, north), limit=MOST_ALARMS)
    found = [one for one in await alarms(reader.connection, query) if one.lon is not None]
    places: Shapes = np.array([shapely.Point(one.lon or 0.0, one.lat or 0.0) for one in found], dtype=object)
    placed = reader.zones.places(places)
    order = np.argsort(placed.distance_m, kind="stable").tolist()
    return [
        (found[index], int(placed.band[index]), float(placed.distance_m[index]))
        for index in order
        if placed.band[index] < len(reader.zones.shapes)
    ]


async def cameras_watching(reader: Reader) -> Watching:
    """The cameras within whose range the place is, or whose sectors reach the area; they look at its middle."""
    decision = await reader.known(CAMERAS, FIELDS)
    if decision is None:
        return Watching(None, (), 0)
    zones = reader.zones
    area = zones.outer[0] if not zones.radii_m else shapely.Point(zones.lon, zones.lat)
    near, _ = await cameras_near(reader.context, reader.connection, np.array([area], dtype=object), MOST_RANGE_M)
    if zones.radii_m:
        away_m = distances_m(near, zones.lon, zones.lat)
        order = np.argsort(away_m, kind="stable").tolist()
        meant = [near[index] for index in order if away_m[index] <= (near[index].range_m or 0.0)]
    else:
        meant = _by_distance(
            reaching([one for one in near if not one.missing], area, turned=True), zones.lon, zones.lat
        )
    some = meant[:MOST_CAMERAS]
    found = await watching(reader.context, some, np.array([zones.lon]), np.array([zones.lat]), TARGET)
    for source in found.sources:
        reader.sources.setdefault(source.layer, source)
    ordered = sorted(found.lookings, key=lambda one: (one.first != "seen", one.distance_m))
    return Watching(ordered, found.notes, len(meant) - len(some))


def _by_distance(cameras: Sequence[Camera], lon: float, lat: float) -> list[Camera]:
    order = np.argsort(distances_m(cameras, lon, lat), kind="stable").tolist()
    return [cameras[index] for index in order]
