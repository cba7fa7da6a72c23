"""Nearest cameras 周边监控: those around a place or along a route, and what of it they see."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.area import position
from cim.analysis.context import Context
from cim.analysis.terrain.profile import line_of, stations_on
from cim.analysis.visibility.around import surroundings_of
from cim.analysis.visibility.nearest_tables import Looking, point_answer, route_answer
from cim.analysis.visibility.places import placed
from cim.analysis.visibility.plane import Floats
from cim.analysis.visibility.records import cameras_near, distances_m, limits_told, reaching
from cim.analysis.visibility.view import MOST_RANGE_M, TARGETS_M, Target, seeable
from cim.errors import BadRequest
from cim.model.analysis import Answer, SourceEdition, Title
from cim.model.cameras import Camera

CAMERAS_AT_ONCE, MOST_CAMERAS = 16, 500
SEARCHED_M = (300.0, 1_200.0, MOST_RANGE_M)
ROUTE_STEP_M, MOST_STATIONS = 5.0, 2_000


class NearestParameters(Parameters):
    """The place or route, what is looked for, and how many cameras are wanted at a place."""

    place: Any = Field(
        title="地点或路线 Place or route",
        description="GeoJSON 点或线（经度、纬度） a Point or LineString in longitude, latitude",
        json_schema_extra={"x-cim-input": "geojson", "x-cim-draw": "line", "type": "object"},
    )
    target: Target = Field(
        "person",
        title="观察对象 Target",
        description="对象离地高度：地面 0 米，车牌 0.6 米，行人 1.6 米 Height above the ground of what is looked for",
    )
    most: int = Field(
        20,
        title="最多列出 At most",
        ge=1,
        le=100,
        description="地点周边的台数；路线全部列出 Cameras around a point; of a route all",
    )


@dataclass(frozen=True, slots=True)
class Watched:
    """Cameras with how places stand to them, in the order of the cameras; the editions and remarks of that."""

    lookings: list[Looking]
    sources: list[SourceEdition]
    notes: list[str]


async def nearest(asked: NearestParameters, context: Context) -> Answer:
    """The cameras around a place, nearest first, or those that see a route, in the order in which it meets them."""
    geometry = asked.place.get("geometry") if _is(asked.place, "Feature") else asked.place
    if _is(geometry, "Point"):
        lon, lat = position(geometry.get("coordinates"), "place", "the point")
        found = await around_point(context, lon, lat, asked.most, asked.target)
        return point_answer((lon, lat), found.lookings, asked.target, found.sources, found.notes)
    if _is(geometry, "LineString"):
        return await _route(asked, context, line_of(geometry, "place"))
    raise BadRequest(
        "it is neither a GeoJSON Point nor a LineString",
        where="place",
        remedy="give a point, or a line of two points or more",
    )


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, Mapping) and value.get("type") == kind


async def around_point(context: Context, lon: float, lat: float, most: int, target: Target) -> Watched:
    """The nearest cameras to a place, at most 5 km away, with how it stands to each, nearest first."""
    near, edition = await _nearest(context, lon, lat, most)
    watched = await watching(context, near, np.array([lon]), np.array([lat]), target)
    return Watched(watched.lookings, [edition, *watched.sources], watched.notes)


async def _nearest(context: Context, lon: float, lat: float, most: int) -> tuple[list[Camera], SourceEdition]:
    """The nearest cameras, looked for in wider and wider squares until so many are surely the nearest."""
    here = np.array([shapely.Point(lon, lat)], dtype=object)
    async with context.reading() as connection:
        for within_m in SEARCHED_M:
            near, edition = await cameras_near(context, connection, here, within_m)
            away_m = distances_m(near, lon, lat)
            if (away_m <= within_m).sum() >= most:
                break
    order = np.argsort(away_m, kind="stable")
    return [near[index] for index in order if away_m[index] <= MOST_RANGE_M][:most], edition


async def watching(context: Context, cameras: list[Camera], lon: Floats, lat: Floats, target: Target) -> Watched:
    """How places stand to cameras, in their order; ``states`` is None for those of which too little is known."""
    known = [camera for camera in cameras if not seeable(camera)]
    states: dict[int, Looking] = {}
    sources: dict[str, SourceEdition] = {}
    notes: dict[str, None] = {}
    for first in range(0, len(known), CAMERAS_AT_ONCE):
        some = known[first : first + CAMERAS_AT_ONCE]
        found = await surroundings_of(context, some, turned=True)
        sources |= {source.layer: source for source in found.sources}
        notes |= dict.fromkeys(found.notes)
        for camera, around in zip(some, found.around, strict=True):
            seen = await asyncio.to_thread(placed, camera, around, lon, lat, TARGETS_M[target])
            states[id(camera)] = Looking(camera, seen[0].distance_m, seen[0].bearing_deg, seen)
        context.progress(round(95 * (first + len(some)) / len(known)), f"已计算 {first + len(some)} / {len(known)} 台")
    lookings = [states.get(id(camera)) or _unknown(camera, lon, lat) for camera in cameras]
    return Watched(lookings, list(sources.values()), [*limits_told(context), *notes])


def _unknown(camera: Camera, lon: Floats, lat: Floats) -> Looking:
    bearing_deg, distance_m = camera.bearings_to(lon[:1], lat[:1])
    return Looking(camera, float(distance_m[0]), float(bearing_deg[0]))


async def _route(asked: NearestParameters, context: Context, corners: Floats) -> Answer:
    stations = stations_on(corners, ROUTE_STEP_M)
    if len(stations.lon) > MOST_STATIONS:
        stations = stations_on(corners, float(stations.distance_m[-1]) / (MOST_STATIONS - len(corners)))
    line = shapely.LineString(corners)
    async with context.reading() as connection:
        near, edition = await cameras_near(context, connection, np.array([line], dtype=object), MOST_RANGE_M)
    meant = reaching(near, line, turned=True)
    if len(meant) > MOST_CAMERAS:
        raise BadRequest(
            f"{len(meant)} cameras may see the route, at most {MOST_CAMERAS} are looked at together",
            where="place",
            remedy="choose a shorter route",
        )
    found = await watching(context, meant, stations.lon, stations.lat, asked.target)
    return route_answer(stations, found.lookings, asked.target, [edition, *found.sources], found.notes)


ANALYSIS: Analysis[NearestParameters] = Analysis(
    id="nearest-cameras",
    version="1",
    title=Title("周边监控", "Nearest cameras"),
    description=Title(
        "某地周边的视频监控及是否可见，或沿路线依次可见的路段和盲段。",
        "Cameras around a place and whether they see it, or the stretches of a route that cameras see, in order.",
    ),
    parameters=NearestParameters,
    run=nearest,
)
