"""Pipe break 爆管: which valves close a broken pipe, what drains, what is left without supply, and who."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context, Features
from cim.analysis.impact.people import POPULATION
from cim.analysis.impact.pipe_network import Outage, Spot, outage
from cim.analysis.impact.pipe_reading import FIELDS, BreakParameters, Network, network_of
from cim.analysis.impact.shapes import absent, drawn, stated
from cim.analysis.overlay import Shapes
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title
from cim.model.redline import to_lonlat

METHOD = "管段端点相距不超过容差即相连，阀门把管网分区；关闭破损区边界的阀门，失去全部水（气）源的区为断供"
USERS = "用户按离建筑最近的同类管段归属，超过服务距离的不计；没有户表归属资料，误差可达相邻几栋"
STATEMENT = "本结果按图上管网连通关系推算，关阀须由权属单位按现场实际确认。"


@dataclass(frozen=True, slots=True)
class Users:
    """Buildings with people, and persons, on some pipes; None where people cannot be read."""

    found: Features
    buildings: int | None
    persons: int | None


async def pipe_break(asked: BreakParameters, context: Context) -> Answer:
    """Valves to close, sections that drain and that are cut off, users without supply."""
    network = await network_of(asked, context)
    broke = await asyncio.to_thread(
        outage, network.pipes.shapes, network.valves, network.sources, network.broken, within_m=asked.snap_m
    )
    users = await _users(asked, context, network, broke)
    return _answer(network, broke, users)


async def _users(asked: BreakParameters, context: Context, network: Network, broke: Outage) -> Users:
    lines = np.concatenate([broke.drained, broke.dry])
    async with context.reading() as connection:
        found = await context.features(
            connection, POPULATION, ("persons",), lines, network.srid, within_m=asked.served_m
        )
    if not found.present:
        return Users(found, None, None)
    if not len(found.shapes):
        return Users(found, 0, 0)
    pipes = network.pipes.shapes
    building, nearest = shapely.STRtree(pipes).query_nearest(
        np.asarray(shapely.centroid(found.shapes), dtype=object), max_distance=asked.served_m, all_matches=False
    )
    affected = np.isin(nearest, np.concatenate([broke.drained_of, broke.dry_of]))
    persons = sum(int(found.columns["persons"][number] or 0) for number in building[affected])
    return Users(found, int(affected.sum()), persons)


def _answer(network: Network, broke: Outage, users: Users) -> Answer:
    pipes, broken = network.pipes, network.broken
    record = {name: pipes.columns[name][broken.pipe] for name in FIELDS}
    summary: dict[str, Any] = {
        "pipe": str(record["pipe_id"]),
        "class": record["class"],
        "diam_mm": record["diam_mm"],
        "valves_to_close": [network.valves[number].code for number in broke.valves],
        "valves_known": len(network.valves),
        "sources_known": len(network.sources),
        "drained_pipes": len(set(broke.drained_of.tolist())),
        "drained_m": round(float(shapely.length(broke.drained).sum()), 1),
        "cut_off_pipes": len(set(broke.dry_of.tolist())) if broke.supplied else None,
        "cut_off_m": round(float(shapely.length(broke.dry).sum()), 1) if broke.supplied else None,
        "buildings": users.buildings,
        "persons": users.persons,
        "notes": [METHOD, USERS],
    }
    return Answer(
        summary,
        findings=_findings(network, broke, users),
        tables=[_valve_table(network, broke), _pipe_table(pipes, broke)],
        places=_places(network, broke),
        sources=[pipes.edition, network.valve_layer.edition, users.found.edition],
        statement=STATEMENT,
    )


def _findings(network: Network, broke: Outage, users: Users) -> list[Finding]:
    out = []
    if not network.valve_layer.present:
        out.append(absent(network.valve_layer.edition, "没有阀门资料，不能给出应关的阀，整个连通管网按受影响计"))
    elif not broke.valves:
        text = "破损管段所在管网没有可关的阀门，整个连通管网按受影响计"
        out.append(stated("no-valve", "没有可关的阀", "No valve to close", text, missing=True))
    if not broke.supplied:
        text = "该管网没有登记的水（气）源，不能判断关阀后哪些管段断供，只给出破损分区"
        out.append(stated("no-source", "没有源", "No source known", text, missing=True))
    if broke.source_inside:
        out.append(stated("source", "源在破损区", "A source drains", "破损区内有源，须在源头关断"))
    if users.buildings is None:
        out.append(absent(users.found.edition, "断供人数未知"))
    if network.pipes.columns["class"][network.broken.pipe] == "gas":
        text = "燃气泄漏扩散和爆炸范围请另用“气体扩散”和“影响范围”"
        out.append(stated("gas", "燃气", "Gas", text))
    return out


def _places(network: Network, broke: Outage) -> list[Place]:
    def lines(kind: str, title: str, shapes: Shapes) -> list[Place]:
        if not len(shapes):
            return []
        whole = np.array([shapely.MultiLineString(list(shapes))], dtype=object)
        return [drawn(to_lonlat(whole, network.srid)[0], {"kind": kind, "title": title})]

    def dot(spot: Spot, facts: dict[str, Any]) -> Place:
        at = shapely.line_interpolate_point(network.pipes.shapes[spot.pipe], spot.along_m)
        return drawn(to_lonlat(np.array([at], dtype=object), network.srid)[0], facts)

    return [
        *lines("cut-off", "断供管段", broke.dry),
        *lines("drained", "破损区管段", broke.drained),
        *(
            dot(
                network.valves[k].spot,
                {"kind": "valve", "title": f"关闭 {network.valves[k].code}", "code": network.valves[k].code},
            )
            for k in broke.valves
        ),
        dot(network.broken, {"kind": "break", "title": "破损点"}),
    ]


def _valve_table(network: Network, broke: Outage) -> Table:
    columns = (
        Column("valve_id", Title("阀门", "Valve")),
        Column("pipe_id", Title("所在管线", "On pipe")),
        Column("along_m", Title("距起点", "From its start"), "number", "m", 1),
    )
    rows = [
        (one.code, network.pipes.columns["pipe_id"][one.spot.pipe], round(one.spot.along_m, 1))
        for one in (network.valves[number] for number in broke.valves)
    ]
    return Table("valves", Title("应关阀门", "Valves to close"), columns, rows, METHOD)


def _pipe_table(pipes: Features, broke: Outage) -> Table:
    columns = (
        Column("pipe_id", Title("管线", "Pipe")),
        Column("state", Title("状态", "State")),
        Column("length_m", Title("受影响长度", "Length"), "number", "m", 1),
        Column("diam_mm", Title("管径", "Diameter"), "number", "mm", 0),
        Column("material", Title("材质", "Material")),
    )
    rows = [
        *_rows(pipes, "破损区", broke.drained, broke.drained_of.tolist()),
        *_rows(pipes, "断供", broke.dry, broke.dry_of.tolist()),
    ]
    return Table("pipes", Title("受影响管段", "Pipes affected"), columns, rows, USERS)


def _rows(pipes: Features, state: str, lines: Shapes, of: Sequence[int]) -> list[tuple[Any, ...]]:
    return [
        (
            pipes.columns["pipe_id"][number],
            state,
            round(float(shapely.length(line)), 1),
            pipes.columns["diam_mm"][number],
            pipes.columns["material"][number],
        )
        for line, number in zip(lines, of, strict=True)
    ]


ANALYSIS: Analysis[BreakParameters] = Analysis(
    id="pipe-break",
    version="1",
    title=Title("爆管关阀", "Pipe break"),
    description=Title(
        "破损管线应关的阀门、破损区和断供的管段、受影响的建筑和人口。",
        "Which valves close a broken pipe, what drains and what is cut off, and the buildings and people on it.",
    ),
    parameters=BreakParameters,
    run=pipe_break,
)
