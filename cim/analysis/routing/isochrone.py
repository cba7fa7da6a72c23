"""Isochrones 等时圈: what is reached from a place, or from where it is reached, within some minutes."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import shapely
from pydantic import Field, field_validator

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.place import place_field, place_of
from cim.analysis.routing.asking import (
    Ground,
    RoutingParameters,
    ground_for,
    joined_places,
    off_road_places,
    point_place,
)
from cim.analysis.routing.graph import Graph, cut
from cim.analysis.routing.reach import BESIDE_M, areas_beside, bands, lines_of, metres_of, split
from cim.analysis.routing.telling import STATEMENT, method, stating
from cim.model.analysis import Answer, Column, Place, Table, Title
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.road_network import Floats
from cim.store.road_network import reached_within

Direction = Literal["from", "towards"]


class IsochroneParameters(RoutingParameters):
    """The place, the minutes, and in which direction one travels."""

    place: Any = place_field()
    minutes: list[float] = Field(
        [5.0, 10.0, 15.0], title="分钟 Minutes", description="最多 6 档 up to six limits", min_length=1, max_length=6
    )
    direction: Direction = Field(
        "from", title="方向 Direction", description="from 从该处出发，towards 前往该处 away from the place or to it"
    )

    @field_validator("minutes")
    @classmethod
    def _ascending(cls, given: list[float]) -> list[float]:
        if not all(0 < value <= 180 for value in given):
            raise ValueError("minutes are more than 0 and at most 180")
        return sorted(set(given))


async def isochrone(asked: IsochroneParameters, context: Context) -> Answer:
    """The lines reached within each limit, and areas that follow them."""
    place = place_of(asked.place)
    towards = asked.direction == "towards"
    async with context.reading() as connection:
        ground = await ground_for(connection, context, asked)
        joined, remarks = await joined_places(ground, [place], "地点")
        graph = await asyncio.to_thread(cut, ground.roads, joined)
        edges = graph.edges.reversed() if towards else graph.edges
        nodes, spent_s = await reached_within(connection, edges, graph.stop(0), asked.minutes[-1] * 60)
    seconds = np.full(ground.roads.network.nodes + 1, np.inf)
    seconds[nodes] = spent_s
    table, places = await asyncio.to_thread(_bands, asked, graph, seconds, towards)
    more = [point_place(joined.lonlat[0], {"kind": "place"}), *off_road_places(joined)]
    summary = {
        "minutes": asked.minutes,
        "area_km2": [row[1] for row in table.rows],
        "length_km": [row[2] for row in table.rows],
        "nodes": len(nodes),
        "off_road_m": round(float(joined.off_m[0]), 1),
        "direction": asked.direction,
        "profile": asked.profile,
        "roads_closed": int(ground.closed.edges.sum()),
    }
    return Answer(
        summary=summary,
        findings=[*ground.remarks, *remarks, _method(ground)],
        tables=[table],
        places=[*places, *more],
        sources=[ground.edition],
        statement=STATEMENT,
    )


def _method(ground: Ground) -> Any:
    return method(
        f"等时圈为可达道路两侧约 {BESIDE_M:g} 米，按网格生成，边界误差约一格（20 米或范围的五百分之一）；"
        f"出行方式 {ground.profile.title.zh}"
    )


def _bands(asked: IsochroneParameters, graph: Graph, seconds: Floats, towards: bool) -> tuple[Table, list[Place]]:
    network = graph.roads.network
    parts = list(bands(graph, seconds, [limit * 60 for limit in asked.minutes], towards=towards))
    lines = [lines_of(network, band) for band in parts]
    areas = areas_beside(network, lines)
    rows, places, length_m = [], [], 0.0
    for limit, area in zip(reversed(asked.minutes), reversed(areas), strict=True):
        places.append(Place(_rounded(area), {"kind": "area", "title": f"{limit:g} 分钟可达", "minutes": limit}))
    for limit, band, drawn, area in zip(asked.minutes, parts, lines, areas, strict=True):
        length_m += metres_of(network, band)
        area_m2 = float(ellipsoidal_areas_m2(np.array([area], dtype=object))[0])
        rows.append((limit, round(area_m2 / 1e6, 4), round(length_m / 1e3, 3)))
        places.append(Place(_drawn(drawn), {"kind": "line", "title": f"{limit:g} 分钟可达", "minutes": limit}))
    columns = (
        Column("minutes", Title("分钟", "Minutes"), "number", "min", 1),
        Column("area_km2", Title("范围面积", "Area"), "number", "km²", 4),
        Column("length_km", Title("可达道路", "Roads reached"), "number", "km", 3),
    )
    note = "逐档累计；地图上的线只画本档新增部分"
    return Table("reached", Title("可达范围", "Reached"), columns, rows, note), places


def _drawn(lines: Sequence[Floats]) -> dict[str, Any]:
    corners = np.concatenate([np.zeros((0, 2)), *lines]).round(7)
    of = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    return {"type": "MultiLineString", "coordinates": split(corners, of)}


def _rounded(area: shapely.Geometry) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shapely.to_geojson(shapely.transform(area, lambda xy: xy.round(6))))
    return found


ANALYSIS: Analysis[IsochroneParameters] = Analysis(
    id="isochrone",
    version="1",
    title=Title("等时圈", "Isochrone"),
    description=Title(
        "从某处出发（或前往某处）在给定分钟内可达的道路和范围，计单行、封闭和积水。",
        "The roads and areas reached from a place, or from which it is reached, within minutes; with closures.",
    ),
    parameters=IsochroneParameters,
    run=stating(isochrone),
)
