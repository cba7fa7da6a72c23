"""Route 路线: the quickest way through places in their order, with its turns."""

import asyncio
from typing import Any

from cim.analysis.analysis import Analysis, line_field
from cim.analysis.area import position
from cim.analysis.context import Context
from cim.analysis.routing.asking import (
    RoutingParameters,
    ground_for,
    joined_places,
    line_place,
    off_road_places,
    point_place,
)
from cim.analysis.routing.closures import shapes_in
from cim.analysis.routing.graph import Way, cut, traced
from cim.analysis.routing.telling import STATEMENT, NotRouted, method, stating
from cim.analysis.routing.turns import steps_of
from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Table, Title
from cim.model.road_network import RoadNetwork
from cim.store.road_network import paths_between

MOST_STOPS = 25


class RouteParameters(RoutingParameters):
    """The places to go through."""

    stops: Any = line_field()


async def route(asked: RouteParameters, context: Context) -> Answer:
    """The quickest way from the first place to the last through all between."""
    stops = stops_of(asked.stops)
    async with context.reading() as connection:
        ground = await ground_for(connection, context, asked)
        joined, remarks = await joined_places(ground, stops, "途经点")
        graph = await asyncio.to_thread(cut, ground.roads, joined)
        legs = [(graph.stop(k), graph.stop(k + 1)) for k in range(len(stops) - 1)]
        paths = await paths_between(connection, graph.edges, legs)
    for number, leg in enumerate(legs, 1):
        if leg not in paths:
            closed = "（部分道路已封闭）" if ground.closed.any else ""
            raise NotRouted(
                "unreachable", f"第 {number} 个地点到第 {number + 1} 个地点无路可通{closed}", ground.edition
            )
    ways = [traced(graph, paths[leg]) for leg in legs]
    length_m, seconds = sum(way.length_m for way in ways), sum(way.seconds for way in ways)
    summary = {
        "found": True,
        "length_m": round(length_m, 1),
        "time_min": round(seconds / 60, 2),
        "legs": [{"length_m": round(way.length_m, 1), "time_min": round(way.seconds / 60, 2)} for way in ways],
        "off_road_m": joined.off_m.round(1).tolist(),
        "profile": asked.profile,
        "roads_closed": int(ground.closed.edges.sum()),
    }
    lines = [
        line_place(
            way.line,
            {"kind": "route", "leg": k, "length_m": round(way.length_m, 1), "time_min": round(way.seconds / 60, 2)},
        )
        for k, way in enumerate(ways, 1)
    ]
    points = [point_place(joined.lonlat[k], {"kind": "stop", "number": k + 1}) for k in range(len(stops))]
    return Answer(
        summary=summary,
        findings=[*ground.remarks, *remarks, method(f"出行方式 {ground.profile.title.zh}")],
        tables=[_turn_table(ground.roads.network, ways)],
        places=[*lines, *points, *off_road_places(joined)],
        sources=[ground.edition],
        statement=STATEMENT,
    )


def stops_of(value: Any) -> list[tuple[float, float]]:
    """The places of a LineString or MultiPoint, in its order."""
    found = list(shapes_in(value, "stops", ("LineString", "MultiPoint")))
    if len(found) != 1:
        raise BadRequest(
            "it is not one LineString or MultiPoint", where="stops", remedy="give the places of one route, in order"
        )
    geometry = value.get("geometry") or value if value.get("type") != "FeatureCollection" else None
    given = geometry if geometry is not None else value["features"][0]["geometry"]
    stops = [
        position(point, "stops", f"point {number} of the route") for number, point in enumerate(given["coordinates"], 1)
    ]
    if not 2 <= len(stops) <= MOST_STOPS:
        raise BadRequest(
            f"a route has 2 to {MOST_STOPS} places, not {len(stops)}", where="stops", remedy="leave some out"
        )
    return stops


def _turn_table(network: RoadNetwork, ways: list[Way]) -> Table:
    columns = (
        Column("leg", Title("路段", "Leg"), "count"),
        Column("turn", Title("转向", "Turn")),
        Column("road", Title("道路", "Road")),
        Column("length_m", Title("长度", "Length"), "number", "m", 0),
        Column("time_min", Title("时间", "Time"), "number", "min", 1),
        Column("bearing_deg", Title("方位", "Bearing"), "number", "°", 0),
    )
    rows = [
        (leg, step.turn, step.road, round(step.length_m, 1), round(step.seconds / 60, 2), round(step.bearing_deg, 1))
        for leg, way in enumerate(ways, 1)
        for step in steps_of(network, way)
    ]
    return Table("turns", Title("行驶路线", "Turns"), columns, rows)


ANALYSIS: Analysis[RouteParameters] = Analysis(
    id="route",
    version="1",
    title=Title("路线", "Route"),
    description=Title(
        "按给定顺序经过各点的最快路线和转向说明，计单行、封闭和积水。",
        "The quickest way through places in their order, with its turns; one-ways and closures are kept.",
    ),
    parameters=RouteParameters,
    run=stating(route),
)
