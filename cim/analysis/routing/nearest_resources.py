"""Nearest resources 就近资源: teams, hospitals, stations, shelters and stores by travel time to or from a place."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.place import place_field, place_of
from cim.analysis.routing.asking import (
    Ground,
    RoutingParameters,
    ground_for,
    joined_places,
    off_road_places,
)
from cim.analysis.routing.graph import Graph, Joined, Way, cut, join, traced
from cim.analysis.routing.resources import (
    Resource,
    resource_places,
    resource_row,
    resource_table,
    resources_near,
)
from cim.analysis.routing.telling import STATEMENT, method, remark, stating
from cim.model.analysis import Answer, Finding, Title, Verdict
from cim.store.road_network import costs_between, paths_between

LAYERS = ("rescue_teams", "fire_stations", "hospitals", "shelters", "supply_stores")
MOST_LAYERS = 12


class ResourceParameters(RoutingParameters):
    """The place, what is looked for, and how many of each."""

    place: Any = place_field()
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


async def nearest_resources(asked: ResourceParameters, context: Context) -> Answer:
    """The nearest features of each layer by travel time, with their ways."""
    place = place_of(asked.place)
    towards = asked.direction == "towards"
    async with context.reading() as connection:
        ground = await ground_for(connection, context, asked)
        here, remarks = await joined_places(ground, [place], "地点")
        found, sources, told = await resources_near(
            connection, context, asked.layers, place, asked.within_km, ground.scenarios
        )
        lonlat = np.array([place, *(one.lonlat for one in found)], dtype=np.float64)
        joined = await asyncio.to_thread(join, ground.roads, lonlat, ground.off_road_m)
        graph = await asyncio.to_thread(cut, ground.roads, joined)
        chosen, ways, without = await _ways(connection, asked, graph, joined, found, towards)
    told += _left_out(found, joined, without, ground)
    rows = [resource_row(context, found[k], joined, k + 1, ways[k]) for k in chosen]
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
        tables=[resource_table(rows)],
        places=[*resource_places(found, chosen, ways, joined), *off_road_places(here)],
        sources=[ground.edition, *sources],
        statement=STATEMENT,
    )


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
