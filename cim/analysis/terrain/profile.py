"""The profile of the ground along a line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, line_field
from cim.analysis.area import position
from cim.analysis.context import Context
from cim.analysis.overlay import Floats
from cim.analysis.terrain.ground import STATEMENT, Ground, ground_of, heights_told, layer_field, source_note
from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Place, Table, Title
from cim.model.heights import PointHeights

MOST_CORNERS = 5_000
MOST_STATIONS = 2_000
LEAST_STEP_M = 1.0
_GEOD = pyproj.Geod(ellps="GRS80")


class ProfileParameters(Parameters):
    """The line, and how far apart heights are read on it."""

    line: Any = line_field()
    step_m: float | None = Field(
        None, title="间距 Step (m)", ge=0.5, le=10_000, description="the side of the finest cells there when left out"
    )
    layer: str = layer_field()


@dataclass(frozen=True, slots=True)
class Stations:
    """Places along a line: how far each is from its start, in metres on the ellipsoid; corners are among them."""

    distance_m: Floats
    lon: Floats
    lat: Floats


async def terrain_profile(asked: ProfileParameters, context: Context) -> Answer:
    """Heights and slopes along a line, and how much it climbs."""
    corners = line_of(asked.line)
    ground = await ground_of(context, asked.layer)
    length_m = float(np.sum(_segments_m(corners)))
    step_m, notes = await _step(asked.step_m, ground, corners, length_m)
    stations = stations_on(corners, step_m)
    found = await ground.heights(stations.lon, stations.lat)
    if not found.known.any():
        raise ground.none_here()
    return _answer(stations, found, ground, step_m, [source_note(found), *notes])


def line_of(value: Any, where: str = "line") -> Floats:
    """The corners of a GeoJSON line as longitudes and latitudes; BadRequest names the point that cannot be used."""
    geometry = value.get("geometry") if isinstance(value, Mapping) and value.get("type") == "Feature" else value
    if not isinstance(geometry, Mapping) or geometry.get("type") != "LineString":
        raise BadRequest("it is not a GeoJSON LineString", where=where, remedy="draw a line of two points or more")
    given = geometry.get("coordinates")
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= MOST_CORNERS:
        raise BadRequest(
            "a line has two points or more",
            where=where,
            remedy=f"give 2 to {MOST_CORNERS} points in longitude, latitude",
        )
    corners = np.array([position(point, where, f"point {place}") for place, point in enumerate(given, 1)])
    if float(np.sum(_segments_m(corners))) < 0.01:
        raise BadRequest("the line has no length", where=where, remedy="give two different points")
    return corners


def _segments_m(corners: Floats) -> Floats:
    lon, lat = corners[:, 0], corners[:, 1]
    return np.asarray(_GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=np.float64)


async def _step(asked_m: float | None, ground: Ground, corners: Floats, length_m: float) -> tuple[float, list[str]]:
    step_m = asked_m
    if step_m is None:
        probe = stations_on(corners, length_m / 200)
        found = await ground.heights(probe.lon, probe.lat)
        step_m = max(LEAST_STEP_M, float(np.nanmin(found.cell_m))) if found.known.any() else length_m / 200
    least_m = length_m / MOST_STATIONS
    if step_m < least_m:
        return least_m, [f"线较长，间距放宽为 {least_m:.2f} 米"]
    return step_m, []


def stations_on(corners: Floats, step_m: float) -> Stations:
    """Every ``step_m`` along a line, and its corners. Edges are straight in longitude and latitude."""
    ends_m = np.concatenate([[0.0], np.cumsum(_segments_m(corners))])
    steps_m = np.arange(0, math.floor(ends_m[-1] / step_m) + 1) * step_m
    distance_m = np.unique(np.concatenate([steps_m[steps_m < ends_m[-1]], ends_m]))
    lon, lat = (np.interp(distance_m, ends_m, corners[:, axis]) for axis in (0, 1))
    return Stations(distance_m, lon, lat)


def _answer(stations: Stations, found: PointHeights, ground: Ground, step_m: float, notes: list[str]) -> Answer:
    rise_m, run_m = np.diff(found.height_m), np.diff(stations.distance_m)
    slope_deg = np.degrees(np.arctan2(rise_m, run_m))
    whole = bool(found.known.all())
    if not whole:
        notes.append(f"{int((~found.known).sum())} 个点没有高程，爬升和下降不能计算")
    summary = {
        "length_m": round(float(stations.distance_m[-1]), 2),
        "surface_length_m": round(float(np.hypot(rise_m, run_m).sum()), 2) if whole else None,
        "step_m": round(step_m, 2),
        "points": len(stations.lon),
        "unknown_points": int((~found.known).sum()),
        "lowest_m": round(float(np.nanmin(found.height_m)), 2),
        "highest_m": round(float(np.nanmax(found.height_m)), 2),
        "climb_m": round(float(rise_m[rise_m > 0].sum()), 2) if whole else None,
        "descent_m": round(float(-rise_m[rise_m < 0].sum()), 2) if whole else None,
        "steepest_deg": _steepest(slope_deg),
    }
    line = {"type": "LineString", "coordinates": np.column_stack([stations.lon, stations.lat]).round(8).tolist()}
    return Answer(
        summary={**summary, **heights_told(found), "notes": notes},
        tables=[_facts(summary), _table(stations, found, slope_deg, "；".join(notes))],
        places=[Place(line, {"kind": "profile", "length_m": summary["length_m"]})],
        sources=[ground.edition],
        statement=STATEMENT,
    )


def _steepest(slope_deg: Floats) -> float | None:
    known = np.abs(slope_deg[np.isfinite(slope_deg)])
    return round(float(known.max()), 2) if len(known) else None


_FACTS = (
    ("length_m", "水平长度", "m"),
    ("surface_length_m", "地表长度", "m"),
    ("lowest_m", "最低高程", "m"),
    ("highest_m", "最高高程", "m"),
    ("climb_m", "累计爬升", "m"),
    ("descent_m", "累计下降", "m"),
    ("steepest_deg", "最大坡度", "°"),
)


def _facts(summary: Mapping[str, Any]) -> Table:
    columns = (
        Column("fact", Title("项目", "Fact")),
        Column("value", Title("数值", "Value"), "number"),
        Column("unit", Title("单位", "Unit")),
    )
    rows = [(title, summary[name], unit) for name, title, unit in _FACTS]
    return Table("facts", Title("剖面概况", "Profile in short"), columns, rows)


def _table(stations: Stations, found: PointHeights, slope_deg: Floats, note: str) -> Table:
    columns = (
        Column("distance_m", Title("距离", "Distance"), "number", "m"),
        Column("height_m", Title("高程", "Height"), "number", "m"),
        Column("slope_deg", Title("至下一点坡度", "Slope to the next"), "number", "°"),
        Column("lon", Title("经度", "Longitude"), "number", "°", 7),
        Column("lat", Title("纬度", "Latitude"), "number", "°", 7),
    )
    slopes = np.append(slope_deg, np.nan)
    rows = [
        (round(distance, 2), _known(height), _known(slope), round(lon, 7), round(lat, 7))
        for distance, height, slope, lon, lat in zip(
            stations.distance_m.tolist(),
            found.height_m.tolist(),
            slopes.tolist(),
            stations.lon.tolist(),
            stations.lat.tolist(),
            strict=True,
        )
    ]
    return Table("profile", Title("剖面", "Profile"), columns, rows, note)


def _known(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


ANALYSIS: Analysis[ProfileParameters] = Analysis(
    id="terrain-profile",
    version="1",
    title=Title("地形剖面", "Terrain profile"),
    description=Title("沿线的高程、坡度和累计爬升。", "Heights and slopes along a line, and how much it climbs."),
    parameters=ProfileParameters,
    run=terrain_profile,
)
