"""Flash flood 山洪: which danger zones lie down the stream from a place, when it may get there, who lives there."""

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.context import Context, Features
from cim.analysis.impact.grids import MOST_CELLS, Mask, Window, mask_of, plane_points, window_around
from cim.analysis.impact.people import METHOD as PEOPLE_METHOD
from cim.analysis.impact.people import People, people_in, uncovered
from cim.analysis.impact.rivers import NEAR_M, water_in
from cim.analysis.impact.shapes import Point, absent, drawn, stated
from cim.analysis.impact.streams import Walk, lies_below, walked
from cim.analysis.overlay import Floats
from cim.analysis.place import place_field, place_of
from cim.analysis.reaching import taken
from cim.analysis.terrain.cells import Lattice, lattice_over
from cim.analysis.terrain.ground import Ground, ground_of, layer_field, source_note
from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title
from cim.model.heights import PointHeights
from cim.model.redline import to_lonlat

ZONES = "flash_flood_zones"
FIELDS = ("code", "name", "level", "return_years", "people")
LEAST_CELL_M = 15.0
CLIMB_M, CLIMB_A_CELL = 10.0, 0.5
"""How much a way down may seem to climb, for errors of heights: at least, and per metre of their cells."""
VELOCITY_ERROR = 0.5
METHOD = (
    "沿水系面的格网最短路为河长（相对实际误差约 ±10%），到达时间为河长除以给定流速，"
    "流速误差按 ±50% 给出最早和最晚；未计产汇流和洪峰变形"
)
STATEMENT = "本结果用于预警叫应的先后次序，到达时间是粗略估计，以实测水情为准。"


class FlashFloodParameters(Parameters):
    """Where the flood is seen, how fast it runs, and how far down is looked."""

    place: Any = place_field()
    velocity_m_s: float = Field(3.0, title="洪水流速 Velocity (m/s)", ge=0.2, le=15)
    within_m: float = Field(15_000.0, title="下游范围 Within (m)", ge=500, le=40_000)
    layer: str = layer_field()


@dataclass(frozen=True, slots=True)
class Stream:
    """The water cells of a window, walked from the one nearest to the place, with their heights."""

    lattice: Lattice
    walk: Walk
    height_m: Floats
    climb_m: float
    found: PointHeights
    name: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Met:
    """A zone down the stream: its number among the zones, and the length of stream to where it begins."""

    zone: int
    length_m: float


async def flash_flood(asked: FlashFloodParameters, context: Context) -> Answer:
    """The zones down the stream in the order that the water comes to them."""
    place = place_of(asked.place)
    ground = await ground_of(context, asked.layer)
    window = window_around(place, asked.within_m)
    water = await water_in(context, window)
    stream = await _stream(water, window, place, ground)
    async with context.reading() as connection:
        area = np.array([window.plane], dtype=object)
        found = await context.features(connection, ZONES, FIELDS, area, window.srid)
    levels = [context.shown(ZONES, "level", value) for value in found.columns["level"]]
    zones = replace(found, columns={**found.columns, "level": levels})
    met = await asyncio.to_thread(_met, zones, stream)
    areas = to_lonlat(zones.shapes[[one.zone for one in met]], window.srid) if met else np.zeros(0, dtype=object)
    people = await people_in(context, areas)
    return _answer(asked, place, ground, water, zones, stream, met, people)


async def _stream(water: Features, window: Window, place: Point, ground: Ground) -> Stream:
    if not water.present:
        raise BadRequest(
            "there is no layer water that you may see, so no stream can be followed",
            where="water",
            remedy="import the layer of water",
        )
    near = taken(water, np.flatnonzero(shapely.intersects(water.shapes, window.plane)))
    here = shapely.Point(*plane_points(np.array([place]), window.srid)[0])
    away = shapely.distance(near.shapes, here) if len(near.shapes) else np.array([np.inf])
    if not np.isfinite(away).any() or away.min() > NEAR_M:
        raise BadRequest(
            f"no stream lies within {NEAR_M:g} m of the place", where="place", remedy="choose a place by a stream"
        )
    nearest = int(np.argmin(away))
    west, south, east, north = shapely.bounds(window.plane)
    cell_m = max(LEAST_CELL_M, math.sqrt((east - west) * (north - south) / MOST_CELLS))
    lattice = lattice_over(np.array([window.plane], dtype=object), window.srid, cell_m)
    cells = mask_of(np.asarray(shapely.intersection(near.shapes, window.plane)), lattice, touched=True)
    walk = await asyncio.to_thread(walked, cells, _nearest_cell(cells, lattice, here), cell_m)
    found = await ground.heights(*_middles(walk, lattice))
    if not np.isfinite(found.height_m[walk.start]):
        raise BadRequest(
            "the stream has no height at the place, so down is not known",
            where="layer",
            remedy=f"GET /rasters/{ground.layer}.json tells where there are heights",
        )
    climb_m = max(CLIMB_M, CLIMB_A_CELL * float(np.nanmax(found.cell_m)))
    name = str(near.columns["name"][nearest] or near.columns["water_code"][nearest])
    return Stream(lattice, walk, found.height_m, climb_m, found, name, float(away[nearest]))


def _nearest_cell(cells: Mask, lattice: Lattice, here: shapely.Point) -> tuple[int, int]:
    rows, columns = np.nonzero(cells)
    x = lattice.west + (columns + 0.5) * lattice.cell_m
    y = lattice.north - (rows + 0.5) * lattice.cell_m
    nearest = int(np.argmin(np.hypot(x - here.x, y - here.y)))
    return int(rows[nearest]), int(columns[nearest])


def _middles(walk: Walk, lattice: Lattice) -> tuple[Floats, Floats]:
    x = lattice.west + (walk.columns + 0.5) * lattice.cell_m
    y = lattice.north - (walk.rows + 0.5) * lattice.cell_m
    lonlat = shapely.get_coordinates(to_lonlat(np.asarray(shapely.points(x, y), dtype=object), lattice.srid))
    return lonlat[:, 0], lonlat[:, 1]


def _met(zones: Features, stream: Stream) -> list[Met]:
    """The zones that stream cells below the place lie in, by the nearest of these cells."""
    out = []
    lattice, walk = stream.lattice, stream.walk
    x = lattice.west + (walk.columns + 0.5) * lattice.cell_m
    y = lattice.north - (walk.rows + 0.5) * lattice.cell_m
    for number, shape in enumerate(zones.shapes):
        inside = np.flatnonzero(shapely.intersects_xy(shape, x, y) & np.isfinite(walk.length_m))
        ordered = inside[np.argsort(walk.length_m[inside], kind="stable")]
        below = next(
            (int(cell) for cell in ordered if lies_below(walk, int(cell), stream.height_m, stream.climb_m)), None
        )
        if below is not None:
            out.append(Met(number, float(walk.length_m[below])))
    return sorted(out, key=lambda one: one.length_m)


def _answer(
    asked: FlashFloodParameters,
    place: Point,
    ground: Ground,
    water: Features,
    zones: Features,
    stream: Stream,
    met: list[Met],
    people: People,
) -> Answer:
    rows = [_row(asked, zones, one, people, number) for number, one in enumerate(met)]
    summary: dict[str, Any] = {
        "stream": stream.name,
        "stream_distance_m": round(stream.distance_m, 1),
        "zones": len(rows),
        "first_minutes": rows[0][4] if rows else None,
        "persons": sum(people.persons) if people.persons is not None else None,
        "velocity_m_s": asked.velocity_m_s,
        "cell_m": round(stream.lattice.cell_m, 2),
        "notes": [METHOD, source_note(stream.found), PEOPLE_METHOD],
    }
    places = [_zone_place(zones, one, row, stream) for one, row in zip(met, rows, strict=True)]
    source = Place({"type": "Point", "coordinates": list(place)}, {"kind": "source", "title": "山洪发现点"})
    return Answer(
        summary,
        findings=_findings(zones, people, met, asked),
        tables=[_table(rows)],
        places=[*places, source],
        sources=[zones.edition, water.edition, ground.edition, people.edition],
        statement=STATEMENT,
    )


def _row(asked: FlashFloodParameters, zones: Features, one: Met, people: People, number: int) -> tuple[Any, ...]:
    minutes = one.length_m / asked.velocity_m_s / 60
    columns = zones.columns
    return (
        columns["code"][one.zone],
        columns["name"][one.zone],
        columns["level"][one.zone],
        round(one.length_m, 0),
        round(minutes, 1),
        round(minutes / (1 + VELOCITY_ERROR), 1),
        round(minutes / (1 - VELOCITY_ERROR), 1),
        columns["people"][one.zone],
        None if people.persons is None else people.persons[number],
        None if people.mobility is None else people.mobility[number],
    )


def _zone_place(zones: Features, one: Met, row: tuple[Any, ...], stream: Stream) -> Place:
    shape = to_lonlat(zones.shapes[[one.zone]], stream.lattice.srid)[0]
    facts = {"kind": "flash-flood-zone", "title": str(row[1] or row[0]), "code": row[0], "length_m": row[3]}
    return drawn(shape, {**facts, "minutes": row[4], "earliest_minutes": row[5], "persons": row[8]})


def _findings(zones: Features, people: People, met: list[Met], asked: FlashFloodParameters) -> list[Finding]:
    out = [stated("error", "方法与误差", "Method and error", METHOD)]
    if not zones.present:
        out.append(absent(zones.edition, "不能指出下游的危险区"))
    elif not met:
        text = f"下游 {asked.within_m / 1000:g} 千米河长范围内没有山洪危险区；范围外和未登记的未计"
        out.append(stated("none", "下游没有危险区", "No zone below", text))
    if people.persons is None:
        out.append(absent(people.edition, "危险区内实有人口未知，只有登记的受威胁人口"))
    elif people.partly:
        text = "只计您有权查看的区域内的人口"
        out.append(stated("partly", "人口不全", "Not all people", text, missing=True))
    out += uncovered(people, [int(zones.columns["people"][one.zone] or 0) for one in met])
    return out


def _table(rows: list[tuple[Any, ...]]) -> Table:
    columns = (
        Column("code", Title("编码", "Code")),
        Column("name", Title("危险区", "Zone")),
        Column("level", Title("等级", "Level")),
        Column("length_m", Title("河长", "Length of stream"), "number", "m", 0),
        Column("minutes", Title("到达", "Arrives"), "number", "min", 1),
        Column("earliest_minutes", Title("最早", "Earliest"), "number", "min", 1),
        Column("latest_minutes", Title("最晚", "Latest"), "number", "min", 1),
        Column("registered", Title("登记受威胁", "Registered at risk"), "count", "人"),
        Column("persons", Title("区内人口", "People"), "count", "人"),
        Column("mobility", Title("需协助", "Need help"), "count", "人"),
    )
    return Table("zones", Title("下游危险区", "Zones below"), columns, rows, METHOD)


ANALYSIS: Analysis[FlashFloodParameters] = Analysis(
    id="flash-flood",
    version="1",
    title=Title("山洪下游影响", "Flash flood below"),
    description=Title(
        "沿溪河下游的山洪危险区、洪水到达时间和区内人口。",
        "Flash-flood zones down the stream from a place, when the water may be there, and the people in them.",
    ),
    parameters=FlashFloodParameters,
    run=flash_flood,
)
