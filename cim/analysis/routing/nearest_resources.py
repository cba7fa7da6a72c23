"""Nearest resources 就近资源: teams, hospitals, stations, shelters and stores by travel time to or from a place."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyproj
import shapely
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.reaching import partial
from cim.analysis.routing.asking import (
    Ground,
    RoutingParameters,
    ground_for,
    joined_places,
    line_place,
    off_road_places,
    place_of,
    point_field,
    point_place,
)
from cim.analysis.routing.graph import Graph, Joined, Way, cut, join, traced
from cim.analysis.routing.telling import STATEMENT, method, remark, stating
from cim.model.analysis import Answer, Column, Finding, Place, SourceEdition, Table, Title, Verdict
from cim.model.redline import LONLAT_SRID
from cim.model.road_network import Floats
from cim.store.road_network import costs_between, paths_between

LAYERS = ("rescue_teams", "fire_stations", "hospitals", "shelters")
MOST_LAYERS, MOST_LOOKED_AT = 12, 400
NAME_FIELDS = ("name", "title", "id")
CONTACT_FIELDS = (
    "contact", "phone", "mobile", "duty_phone", "leader", "address", "kind", "level", "members", "vehicles",
    "equipment", "beds", "emergency", "capacity", "stock",
)  # fmt: skip
_GEOD = pyproj.Geod(ellps="GRS80")


class ResourceParameters(RoutingParameters):
    """The place, what is looked for, and how many of each."""

    place: Any = point_field("地点 Place")
    layers: list[str] = Field(
        list(LAYERS),
        title="资源图层 Layers",
        description="点状图层 layers of points",
        min_length=1,
        max_length=MOST_LAYERS,
    )
    most: int = Field(5, title="每层最多列出 At most of each layer", ge=1, le=50)
    direction: Literal["towards", "from"] = Field(
        "towards", title="方向 Direction", description="towards 前往该处，from 从该处出发 to the place or away from it"
    )
    within_km: float = Field(50.0, title="直线范围 Within (km)", gt=0, le=200)


@dataclass(frozen=True, slots=True)
class Resource:
    """A feature of a layer that somebody may need: where it is, what people read of it, metres in a straight line."""

    layer: str
    fid: int
    name: str
    contact: dict[str, Any]
    lonlat: tuple[float, float]
    straight_m: float


async def nearest_resources(asked: ResourceParameters, context: Context) -> Answer:
    """The nearest features of each layer by travel time, with their ways."""
    place = place_of(asked.place, "place")
    towards = asked.direction == "towards"
    async with context.reading() as connection:
        ground = await ground_for(connection, context, asked)
        here, remarks = await joined_places(ground, [place], "地点")
        found, sources, told = await _resources(connection, context, asked, ground, place)
        lonlat = np.array([place, *(one.lonlat for one in found)], dtype=np.float64)
        joined = await asyncio.to_thread(join, ground.roads, lonlat, ground.off_road_m)
        graph = await asyncio.to_thread(cut, ground.roads, joined)
        chosen, ways, without = await _ways(connection, asked, graph, joined, found, towards)
    told += _left_out(found, joined, without, ground)
    rows = [_row(context, found[k], joined, k + 1, ways[k]) for k in chosen]
    summary = {
        "found": len(chosen),
        "by_layer": {layer: sum(found[k].layer == layer for k in chosen) for layer in asked.layers},
        "off_road": int((~joined.on_road).sum()),
        "unreachable": without,
        "place_off_road_m": round(float(here.off_m[0]), 1),
        "direction": asked.direction,
        "profile": asked.profile,
        "roads_closed": int(ground.closed.edges.sum()),
    }
    return Answer(
        summary=summary,
        findings=[*ground.remarks, *remarks, *told, method(f"出行方式 {ground.profile.title.zh}")],
        tables=[_table(rows)],
        places=[*_places(found, chosen, ways, joined), *off_road_places(here)],
        sources=[ground.edition, *sources],
        statement=STATEMENT,
    )


async def _resources(
    connection: AsyncConnection,
    context: Context,
    asked: ResourceParameters,
    ground: Ground,
    place: tuple[float, float],
) -> tuple[list[Resource], list[SourceEdition], list[Finding]]:
    """The features of each layer nearest in a straight line, with remarks on layers that have none."""
    here = np.array([shapely.Point(place)], dtype=object)
    found: list[Resource] = []
    sources, told = [], []
    for layer in dict.fromkeys(asked.layers):
        wanted = (*NAME_FIELDS, *CONTACT_FIELDS)
        features = await context.features(
            connection, layer, wanted, here, LONLAT_SRID, scenario=ground.scenarios.get(layer),
            within_m=asked.within_km * 1000,
        )  # fmt: skip
        sources.append(features.edition)
        if not features.present:
            told.append(
                remark(
                    "layer-missing", features.edition.note, features.edition, layer=layer, verdict=Verdict.NOT_ASSESSED
                )
            )
            continue
        if partial(context, layer):
            told.append(remark("layer-partial", "只包括您有权查看的地区", features.edition, layer=layer))
        lonlat = shapely.get_coordinates(shapely.point_on_surface(features.shapes)).reshape(-1, 2)
        straight_m = _straight_m(place, lonlat)
        order = np.argsort(straight_m, kind="stable")
        order = order[straight_m[order] <= asked.within_km * 1000][:MOST_LOOKED_AT]
        if not len(order):
            text = f"直线 {asked.within_km:g} 公里内没有“{features.edition.title}”"
            told.append(remark("no-resources", text, features.edition, layer=layer, measured=0.0))
        for k in order.tolist():
            values = {name: features.columns[name][k] for name in wanted}
            name = next((str(values[field]) for field in NAME_FIELDS if values[field]), features.keys[k])
            contact = {field: values[field] for field in CONTACT_FIELDS if values[field] not in (None, "")}
            found.append(
                Resource(
                    layer, int(features.fids[k]), name, contact, (lonlat[k, 0], lonlat[k, 1]), float(straight_m[k])
                )
            )
    return found, sources, told


def _straight_m(place: tuple[float, float], lonlat: Floats) -> Floats:
    if not len(lonlat):
        return np.zeros(0)
    size = len(lonlat)
    return np.asarray(_GEOD.inv(np.full(size, place[0]), np.full(size, place[1]), lonlat[:, 0], lonlat[:, 1])[2])


async def _ways(
    connection: AsyncConnection,
    asked: ResourceParameters,
    graph: Graph,
    joined: Joined,
    found: Sequence[Resource],
    towards: bool,
) -> tuple[list[int], dict[int, Way], int]:
    """The resources chosen, layer by layer and the quickest first, their ways, and how many have none."""
    edges = graph.edges.reversed() if towards else graph.edges
    here = graph.stop(0)
    reachable = [k for k in range(len(found)) if joined.on_road[k + 1]]
    costs = await costs_between(connection, edges, [here], [graph.stop(k + 1) for k in reachable])
    spent = {k: costs[here, graph.stop(k + 1)] for k in reachable if (here, graph.stop(k + 1)) in costs}
    chosen: list[int] = []
    for layer in dict.fromkeys(asked.layers):
        of_layer = [k for k in spent if found[k].layer == layer]
        chosen += sorted(of_layer, key=lambda k: (spent[k], found[k].straight_m))[: asked.most]
    paths = await paths_between(connection, edges, [(here, graph.stop(k + 1)) for k in chosen])
    ways = {k: traced(graph, paths[here, graph.stop(k + 1)], backwards=towards) for k in chosen}
    return chosen, ways, len(reachable) - len(spent)


def _left_out(found: Sequence[Resource], joined: Joined, without: int, ground: Ground) -> list[Finding]:
    far = int((~joined.on_road[1:]).sum())
    told = []
    if far:
        text = f"{far} 个资源点离最近的可通行道路超过 {ground.off_road_m:g} 米，未计算"
        told.append(
            remark(
                "off-road", text, ground.edition, measured=float(far), limit=ground.off_road_m, verdict=Verdict.PARTLY
            )
        )
    if without:
        closed = "（部分道路已封闭）" if ground.closed.any else ""
        reached = "全部" if without == len(found) - far else f"{without} 个"
        told.append(
            remark(
                "unreachable",
                f"{reached}资源点与该处之间无路可通{closed}",
                ground.edition,
                measured=float(without),
                verdict=Verdict.NOT if reached == "全部" else Verdict.PARTLY,
            )
        )
    return told


def _row(context: Context, one: Resource, joined: Joined, stop: int, way: Way) -> tuple[Any, ...]:
    shown = {
        context.field_titles.get(one.layer, {}).get(field, field): context.shown(one.layer, field, value)
        for field, value in one.contact.items()
    }
    return (
        one.layer,
        context.titles.get(one.layer, one.layer),
        one.name,
        round(way.seconds / 60, 2),
        round(way.length_m, 1),
        round(one.straight_m, 1),
        round(float(joined.off_m[stop]), 1),
        "；".join(f"{title} {value}" for title, value in shown.items()),
        one.fid,
    )


def _table(rows: Sequence[tuple[Any, ...]]) -> Table:
    columns = (
        Column("layer", Title("图层", "Layer")),
        Column("layer_title", Title("类别", "Kind")),
        Column("name", Title("名称", "Name")),
        Column("time_min", Title("行程时间", "Travel time"), "number", "min", 1),
        Column("length_m", Title("路程", "By road"), "number", "m", 0),
        Column("straight_m", Title("直线距离", "Straight"), "number", "m", 0),
        Column("off_road_m", Title("离路", "Off the road"), "number", "m", 0),
        Column("contact", Title("联系与力量", "Contact and means")),
        Column("fid", Title("要素号", "Feature"), "count"),
    )
    return Table("resources", Title("就近资源", "Nearest resources"), columns, rows, "每个图层内按行程时间排列")


def _places(found: Sequence[Resource], chosen: Sequence[int], ways: dict[int, Way], joined: Joined) -> list[Place]:
    places = [point_place(joined.lonlat[0], {"kind": "place"})]
    for k in chosen:
        one, way = found[k], ways[k]
        facts = {
            "layer": one.layer,
            "name": one.name,
            "fid": one.fid,
            "time_min": round(way.seconds / 60, 2),
            "length_m": round(way.length_m, 1),
            "straight_m": round(one.straight_m, 1),
            **one.contact,
        }
        places.append(line_place(way.line, {**facts, "kind": "route"}))
        places.append(point_place(joined.lonlat[k + 1], {**facts, "kind": "resource"}))
    return places


ANALYSIS: Analysis[ResourceParameters] = Analysis(
    id="nearest-resources",
    version="1",
    title=Title("就近资源", "Nearest resources"),
    description=Title(
        "按行程时间排列的最近救援队伍、消防站、医院、避难场所等，附路线和联系信息，计单行、封闭和积水。",
        "The nearest teams, stations, hospitals, shelters by travel time, with ways and contacts.",
    ),
    parameters=ResourceParameters,
    run=stating(nearest_resources),
)
