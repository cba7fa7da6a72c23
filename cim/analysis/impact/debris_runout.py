"""Debris run-out 崩滑流影响范围: how far a slide, fall or debris flow may get, by the angle of reach."""

import asyncio
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters
from cim.analysis.context import Context
from cim.analysis.impact.people import METHOD as PEOPLE_METHOD
from cim.analysis.impact.people import People, people_in, uncovered
from cim.analysis.impact.runout import Fan, downslope_deg, fan, run_outs
from cim.analysis.impact.shapes import Point, absent, area_m2, drawn, reached, stated
from cim.analysis.overlay import Floats
from cim.analysis.place import place_field, place_of
from cim.analysis.reaching import EVERYWHERE
from cim.analysis.terrain.ground import Ground, ground_of, heights_told, layer_field, source_note
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Answer, Column, Finding, Place, SourceEdition, Table, Title
from cim.model.heights import PointHeights
from cim.model.redline import LONLAT_SRID

GEOHAZARDS = "geohazards"
FIELDS = ("id", "name", "kind", "scale", "threatened")
ANGLES_DEG = {"collapse": 32.0, "landslide": 22.0, "debris_flow": 11.0}
"""Usual angles of reach of rock falls, slides and debris flows; second-hand, single events differ by ±5 degrees."""
KIND_NAMES = {"collapse": "崩塌", "landslide": "滑坡", "debris_flow": "泥石流"}
OTHER_DEG = 22.0
ANGLE_ERROR_DEG = 3.0
AROUND, LEAST_SLOPE_DEG = 36, 1.0
LEAST_STEP_M = 2.0
METHOD = "到达角法（Fahrböschung）：自源点沿下坡方向左右扩散角内各射线，能量线高于地面处为可达；直线射线，不随沟道转弯"
STATEMENT = "本结果按经验角度推算，用于划定预警范围，不代替勘查和动力学模拟。"


class RunoutParameters(Parameters):
    """The source, by its id or its place, the angle of reach, and how far it spreads."""

    hazard: str | None = Field(None, title="隐患点编号 Hazard id", max_length=60)
    place: Any = place_field(default=None)
    angle_deg: float | None = Field(
        None, title="到达角 Angle of reach (°)", ge=3, le=60, description="不填按灾害类型 by its kind when left out"
    )
    spread_deg: float = Field(30.0, title="扩散角（单侧） Spread (°)", ge=2, le=90)
    direction_deg: float | None = Field(
        None, title="运动方向 Direction (°)", ge=0, le=360, description="不填取源点处最陡下坡 steepest when left out"
    )
    most_m: float = Field(3_000.0, title="最远 Farthest (m)", ge=50, le=10_000)
    layer: str = layer_field()


@dataclass(frozen=True, slots=True)
class _Source:
    place: Point
    name: str
    kind: str
    threatened: int | None
    edition: SourceEdition | None


@dataclass(frozen=True, slots=True)
class _Ran:
    """What was computed: rays, how far each ran at the angle and at those of its error, heights, direction."""

    rays: Fan
    runs_m: Floats
    wider_m: Floats
    narrower_m: Floats
    height_m: Floats
    source_m: float
    bearing_deg: float
    slope_deg: float | None
    found: PointHeights


async def debris_runout(asked: RunoutParameters, context: Context) -> Answer:
    """The area that may be reached, its greatest reach, and the people in it."""
    source = await _source(asked, context)
    ground = await ground_of(context, asked.layer)
    angle = asked.angle_deg or ANGLES_DEG.get(source.kind, OTHER_DEG)
    ran = await _ran(asked, source.place, ground, angle)
    shape = await asyncio.to_thread(_shape, source.place, ran.rays, ran.runs_m)
    people = await people_in(context, np.array([shape], dtype=object))
    return _answer(asked, source, ground, angle, ran, shape, people)


async def _source(asked: RunoutParameters, context: Context) -> _Source:
    if asked.hazard is None:
        return _Source(place_of(asked.place), "给定源点", "", None, None)
    context.collection(GEOHAZARDS)
    none = np.zeros(0, dtype=object)
    async with context.reading() as connection:
        found = await context.features(connection, GEOHAZARDS, FIELDS, none, LONLAT_SRID, boxes=EVERYWHERE)
    for number, code in enumerate(found.columns["id"]):
        if str(code) == asked.hazard:
            point = shapely.centroid(found.shapes[number])
            name, kind = str(found.columns["name"][number] or code), str(found.columns["kind"][number] or "")
            return _Source((point.x, point.y), name, kind, found.columns["threatened"][number], found.edition)
    raise NotFound(
        f"there is no geological hazard {asked.hazard[:40]!r} that you may see",
        where="hazard",
        remedy=f"GET /collections/{GEOHAZARDS}/items lists them, or give a place",
    )


async def _ran(asked: RunoutParameters, place: Point, ground: Ground, angle: float) -> _Ran:
    at = await ground.heights(np.array([place[0]]), np.array([place[1]]))
    if not at.known.any():
        raise BadRequest(
            "the source lies outside of the heights",
            where="place",
            remedy=f"GET /rasters/{asked.layer}.json tells where",
        )
    source_m, cell_m = float(at.height_m[0]), float(at.cell_m[0])
    bearing, slope = (asked.direction_deg, None)
    if bearing is None:
        bearing, slope = await _downslope(place, ground, cell_m)
    rays = fan(bearing, asked.spread_deg, asked.most_m, max(cell_m / 2, LEAST_STEP_M))
    bearings = np.repeat(rays.bearing_deg, len(rays.distance_m))
    points = reached(place, bearings, np.tile(rays.distance_m, len(rays.bearing_deg)))
    found = await ground.heights(points[:, 0], points[:, 1])
    height_m = found.height_m.reshape(len(rays.bearing_deg), len(rays.distance_m))

    def runs(degrees: float) -> Floats:
        return run_outs(source_m, height_m, rays.distance_m, degrees)

    wider, narrower = runs(max(angle - ANGLE_ERROR_DEG, 1.0)), runs(angle + ANGLE_ERROR_DEG)
    return _Ran(rays, runs(angle), wider, narrower, height_m, source_m, bearing, slope, found)


async def _downslope(place: Point, ground: Ground, cell_m: float) -> tuple[float, float]:
    """Where the ground falls around a source; BadRequest where it is level."""
    turn = np.linspace(0, 360, AROUND, endpoint=False)
    radius = max(1.5 * cell_m, 10.0)
    points = reached(place, turn, np.full(AROUND, radius))
    found = await ground.heights(points[:, 0], points[:, 1])
    if found.known.sum() >= AROUND // 2:
        radians = np.radians(turn)
        bearing, slope = downslope_deg(radius * np.sin(radians), radius * np.cos(radians), found.height_m)
        if slope >= LEAST_SLOPE_DEG:
            return bearing, slope
    raise BadRequest(
        "the ground at the source is level or not known around it",
        where="place",
        remedy="choose a source on the slope, or give direction_deg",
    )


def _shape(place: Point, rays: Fan, runs_m: Floats) -> shapely.Geometry:
    """The area in reach; empty where no ray starts."""
    if not (runs_m > 0).any():
        return shapely.Polygon()
    ring = np.vstack([place, reached(place, rays.bearing_deg, runs_m)])
    whole: shapely.Geometry = shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False)
    return whole


def _answer(
    asked: RunoutParameters,
    source: _Source,
    ground: Ground,
    angle: float,
    ran: _Ran,
    shape: shapely.Geometry,
    people: People,
) -> Answer:
    farthest = int(np.argmax(ran.runs_m))
    reach_m = float(ran.runs_m[farthest])
    summary: dict[str, Any] = {
        "source": source.name,
        "kind": source.kind or None,
        "angle_deg": angle,
        "spread_deg": asked.spread_deg,
        "direction_deg": round(ran.bearing_deg, 1),
        "slope_deg": None if ran.slope_deg is None else round(ran.slope_deg, 1),
        "source_m": round(ran.source_m, 1),
        "reach_m": round(reach_m, 1),
        "reach_wider_m": round(float(ran.wider_m.max()), 1),
        "reach_narrower_m": round(float(ran.narrower_m.max()), 1),
        "drop_m": round(reach_m * math.tan(math.radians(angle)), 1),
        "area_m2": round(area_m2(shape), 2),
        "persons": people.persons[0] if people.persons else None,
        "threatened": source.threatened,
        **heights_told(ran.found),
        "notes": [METHOD, source_note(ran.found), PEOPLE_METHOD],
    }
    point = Place({"type": "Point", "coordinates": list(source.place)}, {"kind": "source", "title": source.name})
    places = [point]
    if not shapely.is_empty(shape):
        places.insert(0, drawn(shape, {"kind": "runout", "title": "可能到达范围", "reach_m": round(reach_m, 1)}))
    sources = [ground.edition, people.edition, *([source.edition] if source.edition else [])]
    return Answer(
        summary,
        _findings(asked, angle, ran, people, reach_m, source.threatened or 0),
        [_table(summary)],
        places,
        sources,
        statement=STATEMENT,
    )


def _findings(
    asked: RunoutParameters, angle: float, ran: _Ran, people: People, reach_m: float, threatened: int
) -> list[Finding]:
    text = (
        f"角度相差 ±{ANGLE_ERROR_DEG:g}° 时最远为 {ran.narrower_m.max():.0f} 至 {ran.wider_m.max():.0f} 米；"
        "角度为经验值（二手数据）"
    )
    out = [stated("error", "误差", "Error", text)]
    if people.persons is None:
        out.append(absent(people.edition, "范围内人数未知"))
    if reach_m == 0:
        text = (
            f"源点下方的坡缓于到达角 {angle:g}°，没有可达范围，这不表示安全；"
            f"高程格网 {ran.found.cell_m[0]:.0f} 米会抹平陡坡，请核对源点位置或取较小的角度"
        )
        out.append(stated("gentle", "坡度不足", "Too gentle", text))
    elif threatened:
        out += uncovered(people, [threatened])
    if reach_m >= asked.most_m:
        text = f"到 {asked.most_m:g} 米处仍未停下，范围不完整"
        out.append(stated("open", "范围不完整", "Goes on", text, missing=True))
    step = np.minimum((ran.runs_m / ran.rays.distance_m[0]).astype(np.int64), ran.height_m.shape[1] - 1)
    if (~np.isfinite(ran.height_m[np.arange(len(step)), step])).any():
        text = "部分方向到达高程数据边缘即止，实际可能更远"
        out.append(stated("gaps", "缺少高程", "Gaps in the heights", text, missing=True))
    return out


_ROWS = (
    ("source_m", "源点高程", "m"),
    ("direction_deg", "运动方向", "°"),
    ("angle_deg", "到达角", "°"),
    ("reach_m", "最远到达（水平）", "m"),
    ("reach_narrower_m", "最远，角度大 3°", "m"),
    ("reach_wider_m", "最远，角度小 3°", "m"),
    ("drop_m", "落差", "m"),
    ("area_m2", "面积", "m2"),
    ("persons", "范围内人口", "人"),
)


def _table(summary: dict[str, Any]) -> Table:
    columns = (
        Column("fact", Title("项目", "Fact")),
        Column("value", Title("数值", "Value"), "number"),
        Column("unit", Title("单位", "Unit")),
    )
    rows = [(title, summary[name], unit) for name, title, unit in _ROWS]
    return Table("runout", Title("影响范围", "Run-out"), columns, rows, METHOD)


ANALYSIS: Analysis[RunoutParameters] = Analysis(
    id="debris-runout",
    version="1",
    title=Title("崩滑流影响范围", "Debris run-out"),
    description=Title(
        "崩塌、滑坡、泥石流按到达角在高程上的可能到达范围、最远距离和人口。",
        "How far a fall, slide or debris flow may get over the heights by its angle of reach, and who is there.",
    ),
    parameters=RunoutParameters,
    run=debris_runout,
)
