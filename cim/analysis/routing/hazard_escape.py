"""Geological hazard points 地灾隐患点避险: who watches each, and the way from it to the nearest safe shelter."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pydantic import Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis, area_field
from cim.analysis.context import Context
from cim.analysis.reaching import area_in
from cim.analysis.routing.asking import Ground, RoutingParameters, ground_for, line_place, point_place
from cim.analysis.routing.graph import Graph, Joined, Way, cut, join, traced
from cim.analysis.routing.hazard_posts import GEOHAZARDS, MOST_POINTS, HazardPoints, hazard_points
from cim.analysis.routing.profiles import ProfileName
from cim.analysis.routing.resources import straight_m
from cim.analysis.routing.shelters import Shelters, shelters_for
from cim.analysis.routing.telling import STATEMENT, method, remark, stating
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title, Verdict
from cim.model.redline import LONLAT_SRID
from cim.model.road_network import Floats
from cim.store.road_network import costs_between, paths_between

METHOD = (
    "路线自隐患点最近的可通行道路起算，到行程最短且离所有所选隐患点不小于避让距离的避难场所；"
    "未判断道路本身是否受滑坡、泥石流影响，受影响的路段请用封闭范围排除"
)


class EscapeParameters(RoutingParameters):
    """Which hazard points, and where people may go."""

    profile: ProfileName = Field(
        "foot", title="出行方式 Profile", description="car 小汽车，fire 消防车，foot 步行（不受单行限制）"
    )
    hazards: list[str] = Field(
        default_factory=list,
        title="隐患点编号 Hazard points",
        description=f"图层 {GEOHAZARDS} 的编号，不填为范围内全部 ids; without them all there are",
        max_length=MOST_POINTS,
    )
    area: Any = area_field(default=None)
    keep_away_m: float = Field(
        200.0,
        title="避让距离 Keep away (m)",
        description="避难场所离各隐患点至少此距离 shelters nearer to a hazard point are not used",
        ge=0,
        le=5_000,
    )
    within_km: float = Field(15.0, title="场所直线范围 Shelters within (km)", gt=0, le=50)

    @model_validator(mode="after")
    def _one_of(self) -> "EscapeParameters":
        if self.hazards and self.area is not None:
            raise ValueError("give hazards or an area, not both")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class _Escapes:
    """For each point the shelter chosen (-1: none), its way, and why there is none."""

    shelter: Sequence[int]
    ways: Sequence[Way | None]
    reasons: Sequence[str]


async def hazard_escape(asked: EscapeParameters, context: Context) -> Answer:
    """Each hazard point with its monitor, its devices, and the way to the nearest safe shelter."""
    async with context.reading() as connection:
        ground = await ground_for(connection, context, asked)
        area = await area_in(context, connection, asked.area, LONLAT_SRID)
        points = await hazard_points(connection, context, asked.hazards, area)
        spots = np.asarray(shapely.points(points.lonlat), dtype=object)
        shelters = await shelters_for(connection, context, ground, spots, asked.within_km, inside=True)
        lonlat = np.vstack([points.lonlat, shelters.lonlat])
        joined = await asyncio.to_thread(join, ground.roads, lonlat, ground.off_road_m)
        graph = await asyncio.to_thread(cut, ground.roads, joined)
        found = await _escapes(connection, asked, points, shelters, joined, graph)
    return _answer(asked, context, ground, points, shelters, found)


async def _escapes(
    connection: AsyncConnection,
    asked: EscapeParameters,
    points: HazardPoints,
    shelters: Shelters,
    joined: Joined,
    graph: Graph,
) -> _Escapes:
    count = len(points.ids)
    safe = _least_m(shelters.lonlat, points.lonlat) >= asked.keep_away_m
    starts = np.flatnonzero(joined.on_road[:count]).tolist()
    ends = np.flatnonzero(safe & joined.on_road[count:]).tolist()
    stops = [graph.stop(count + k) for k in ends]
    costs = await costs_between(connection, graph.edges, [graph.stop(k) for k in starts], stops)
    chosen = [-1] * count
    for k in starts:
        reached = [end for end in ends if (graph.stop(k), graph.stop(count + end)) in costs]
        if reached:
            chosen[k] = min(reached, key=lambda end: costs[graph.stop(k), graph.stop(count + end)])
    pairs = {k: (graph.stop(k), graph.stop(count + end)) for k, end in enumerate(chosen) if end >= 0}
    paths = await paths_between(connection, graph.edges, list(pairs.values()))
    ways = [traced(graph, paths[pairs[k]]) if k in pairs else None for k in range(count)]
    return _Escapes(chosen, ways, [_reason(k, chosen, joined, bool(ends)) for k in range(count)])


def _reason(point: int, chosen: Sequence[int], joined: Joined, any_shelter: bool) -> str:
    if chosen[point] >= 0:
        return ""
    if not joined.on_road[point]:
        return f"离最近的可通行道路 {joined.off_m[point]:.0f} 米，未计算"
    return "无路可达任何避难场所" if any_shelter else "没有满足避让距离的避难场所"


def _least_m(places: Floats, others: Floats) -> Floats:
    """The geodesic distance from each place to the nearest of others."""
    return np.asarray(np.min([straight_m((lon, lat), places) for lon, lat in others.tolist()], axis=0))


def _answer(
    asked: EscapeParameters,
    context: Context,
    ground: Ground,
    points: HazardPoints,
    shelters: Shelters,
    found: _Escapes,
) -> Answer:
    unwatched = None
    if points.monitors is not None:
        unwatched = sum(hazard not in points.monitors for hazard in points.ids)
    threatened = [int(value) for value in points.facts["threatened"] if value is not None]
    summary = {
        "hazard_points": len(points.ids),
        "threatened": sum(threatened) if threatened else None,
        "with_way": sum(way is not None for way in found.ways),
        "without_way": sum(way is None for way in found.ways),
        "without_monitor": unwatched,
        "slowest_min": max((round(way.seconds / 60, 1) for way in found.ways if way is not None), default=None),
        "keep_away_m": asked.keep_away_m,
        "profile": asked.profile,
        "roads_closed": int(ground.closed.edges.sum()),
    }
    told = _told(points, found, unwatched)
    return Answer(
        summary=summary,
        findings=[*ground.remarks, *points.remarks, *shelters.remarks, *told, method(METHOD)],
        tables=[_table(context, points, shelters, found)],
        places=_places(points, shelters, found),
        sources=[ground.edition, *points.sources, shelters.edition],
        statement=STATEMENT,
    )


def _told(points: HazardPoints, found: _Escapes, unwatched: int | None) -> list[Finding]:
    told = []
    edition = points.sources[0]
    without = [points.facts["name"][k] or points.ids[k] for k, way in enumerate(found.ways) if way is None]
    if without:
        names = "、".join(map(str, without[:10])) + ("等" if len(without) > 10 else "")
        verdict = Verdict.NOT if len(without) == len(points.ids) else Verdict.PARTLY
        text = f"{len(without)} 处隐患点没有避险路线：{names}，原因见表"
        told.append(remark("unreachable", text, edition, measured=float(len(without)), verdict=verdict))
    if unwatched:
        text = f"{unwatched} 处隐患点在通讯录中没有监测员"
        told.append(remark("no-monitor", text, edition, measured=float(unwatched), verdict=Verdict.PARTLY))
    return told


def _table(context: Context, points: HazardPoints, shelters: Shelters, found: _Escapes) -> Table:
    columns = (
        Column("id", Title("编号", "Id")),
        Column("name", Title("隐患点", "Hazard point")),
        Column("kind", Title("类型", "Kind")),
        Column("scale", Title("规模", "Scale")),
        Column("threatened", Title("威胁人数", "People threatened"), "count", "人"),
        Column("monitor", Title("监测员", "Monitor")),
        Column("phone", Title("电话", "Telephone")),
        Column("devices", Title("监测设备", "Devices"), "count", "台"),
        Column("online", Title("在线", "Online"), "count", "台"),
        Column("shelter", Title("避难场所", "Shelter")),
        Column("room", Title("可容纳", "Room"), "count", "人"),
        Column("time_min", Title("行程时间", "Travel time"), "number", "min", 1),
        Column("length_m", Title("路程", "By road"), "number", "m", 0),
        Column("reason", Title("说明", "Remark")),
    )
    rows = [_row(context, points, shelters, found, k) for k in range(len(points.ids))]
    note = "监测员和电话为空：通讯录中没有，或无权查看；监测设备为隐患点 150 米内的物联设备"
    return Table("escapes", Title("隐患点避险路线", "Ways to safety"), columns, rows, note)


def _row(context: Context, points: HazardPoints, shelters: Shelters, found: _Escapes, k: int) -> tuple[Any, ...]:
    watching = (points.monitors or {}).get(points.ids[k], ())
    facts = {name: context.shown(GEOHAZARDS, name, values[k]) for name, values in points.facts.items()}
    way, end = found.ways[k], found.shelter[k]
    return (
        points.ids[k],
        facts["name"],
        facts["kind"],
        facts["scale"],
        facts["threatened"],
        "、".join(one.name for one in watching) or None,
        "、".join(one.phone for one in watching if one.phone) or None,
        *points.devices[k],
        shelters.names[end] if end >= 0 else None,
        int(shelters.room[end]) if end >= 0 else None,
        round(way.seconds / 60, 1) if way is not None else None,
        round(way.length_m, 1) if way is not None else None,
        found.reasons[k],
    )


def _places(points: HazardPoints, shelters: Shelters, found: _Escapes) -> list[Place]:
    places = []
    for k, (way, end) in enumerate(zip(found.ways, found.shelter, strict=True)):
        name = str(points.facts["name"][k] or points.ids[k])
        facts = {"fid": int(points.fids[k]), "title": name, "threatened": points.facts["threatened"][k]}
        if way is not None:
            figures = {"time_min": round(way.seconds / 60, 1), "length_m": round(way.length_m, 1)}
            places.append(line_place(way.line, {"kind": "route", "title": f"{name}避险路线", **figures}))
        places.append(point_place(points.lonlat[k], {"kind": "hazard-point", **facts, "reason": found.reasons[k]}))
        if way is not None:
            room = {"room": int(shelters.room[end])}
            places.append(point_place(shelters.lonlat[end], {"kind": "shelter", "name": shelters.names[end], **room}))
    return places


ANALYSIS: Analysis[EscapeParameters] = Analysis(
    id="hazard-escape",
    version="1",
    title=Title("地灾隐患点避险", "Escape from geological hazards"),
    description=Title(
        "地质灾害隐患点的监测员、监测设备，和到最近安全避难场所的避险路线。",
        "Geological hazard points with who watches them, devices there, and the way to the nearest safe shelter.",
    ),
    parameters=EscapeParameters,
    run=stating(hazard_escape),
)
