"""Evacuation 疏散安置: the people of an area to shelters, by their room and the time on the road."""

import asyncio

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.routing.asking import Ground, ground_for
from cim.analysis.routing.assignment import Assignment, assign
from cim.analysis.routing.evacuation_answer import plan_answer
from cim.analysis.routing.evacuation_plan import EvacuationParameters, Origins, Plan
from cim.analysis.routing.graph import Graph, Joined, cut, join, traced
from cim.analysis.routing.people import People, people_in
from cim.analysis.routing.shelters import Shelters, shelters_for
from cim.analysis.routing.telling import NotRouted, stating
from cim.model.analysis import Answer, Title
from cim.model.redline import to_lonlat
from cim.model.road_network import Floats
from cim.store.road_network import costs_between, paths_between


async def evacuation(asked: EvacuationParameters, context: Context) -> Answer:
    """A plan that moves as many as can be moved with the least time on the road altogether."""
    red_line = await red_line_of(context, asked.area)
    areas = to_lonlat(red_line.shapes, red_line.srid)
    async with context.reading() as connection:
        ground = await ground_for(connection, context, asked)
        people = await people_in(connection, context, areas, asked.moment)
        if not people.total:
            known = "；".join(one.message for one in people.remarks)
            raise NotRouted("no-people", f"范围内没有可计算的人口{'：' + known if known else ''}", people.sources[0])
        context.progress(20, "查找避难场所")
        shelters = await shelters_for(connection, context, ground, areas, asked.within_km, inside=asked.inside)
        joined = await asyncio.to_thread(join, ground.roads, shelters.lonlat, ground.off_road_m)
        graph = await asyncio.to_thread(cut, ground.roads, joined)
        origins = await asyncio.to_thread(gathered, ground, people)
        context.progress(40, "计算行程时间")
        cost_s = await _costs(connection, graph, joined, origins, asked.within_min * 60)
        context.progress(60, "分配避难场所")
        found = await asyncio.to_thread(assign, cost_s, origins.persons, shelters.room)
        context.progress(80, "生成路线")
        plan = await _plan(connection, ground, graph, people, shelters, joined, origins, found, cost_s)
    return await asyncio.to_thread(plan_answer, plan, asked, areas)


def gathered(ground: Ground, people: People) -> Origins:
    """The people gathered at the node of their nearest open road that is nearer along it."""
    network = ground.roads.network
    joined = join(ground.roads, people.lonlat, ground.off_road_m)
    here = joined.on_road & (people.persons > 0)
    edge = joined.edge[here]
    node = np.where(joined.share[here] <= 0.5, network.source[edge], network.target[edge])
    nodes, at = np.unique(node, return_inverse=True)
    persons = np.bincount(at, people.persons[here], len(nodes)).astype(np.int64)
    mobility = np.bincount(at, people.mobility[here], len(nodes)).astype(np.int64)
    ends = np.zeros((len(nodes), 2))
    corner = np.where(joined.share[here] <= 0.5, network.first[edge], network.first[edge + 1] - 1)
    ends[at] = network.lonlat[corner]
    far = ~joined.on_road
    return Origins(nodes, persons, mobility, ends, int(people.persons[far].sum()), int(people.mobility[far].sum()))


async def _costs(connection: AsyncConnection, graph: Graph, joined: Joined, origins: Origins, most_s: float) -> Floats:
    """Seconds from each origin to each shelter, infinite where there is no way or it takes too long."""
    cost = np.full((len(origins.nodes), len(joined.edge)), np.inf)
    stops = {graph.stop(int(k)): int(k) for k in np.flatnonzero(joined.on_road)}
    rows = {int(node): k for k, node in enumerate(origins.nodes)}
    found = await costs_between(connection, graph.edges.reversed(), list(stops), list(rows))
    for (stop, node), seconds in found.items():
        cost[rows[node], stops[stop]] = seconds
    cost[cost > most_s] = np.inf
    return cost


async def _plan(
    connection: AsyncConnection,
    ground: Ground,
    graph: Graph,
    people: People,
    shelters: Shelters,
    joined: Joined,
    origins: Origins,
    found: Assignment,
    cost_s: Floats,
) -> Plan:
    pairs = [
        (graph.stop(int(shelter)), int(origins.nodes[origin]))
        for origin, shelter in zip(found.origin, found.destination, strict=True)
    ]
    paths = await paths_between(connection, graph.edges.reversed(), pairs)
    ways = [traced(graph, paths[pair], backwards=True) for pair in pairs]
    return Plan(ground, people, shelters, joined, origins, found, ways, np.asarray(np.isfinite(cost_s).any(axis=1)))


ANALYSIS: Analysis[EvacuationParameters] = Analysis(
    id="evacuation",
    version="1",
    title=Title("疏散安置", "Evacuation"),
    description=Title(
        "把范围内的人口按容纳人数和行程时间分配到避难场所，给出路线、疏散时间和未安置人口。",
        "The people of an area to shelters by room and time on the road: routes, clearance, and who is not placed.",
    ),
    parameters=EvacuationParameters,
    run=stating(evacuation),
)
