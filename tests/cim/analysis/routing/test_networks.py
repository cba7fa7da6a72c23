"""Networks of made roads: nodes by number and by place, directions, cuts; and a database without pgRouting."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from made_city import view_of

from cim.analysis.registry import ANALYSES
from cim.analysis.routing.graph import Roads, cut, join
from cim.analysis.routing.profiles import seconds, speeds_kmh, the_profile
from cim.analysis.routing.reach import bands, lines_of, metres_of
from cim.model.redline import LONLAT_SRID, moved
from cim.model.road_network import RoadAttributes, RoadNetwork, road_network
from cim.store.cluster_logins import Logins, prepare_database
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.examining import examine

EAST_M, NORTH_M, SRID = 400_000.0, 3_429_000.0, 4544
Numbers = list[tuple[int | None, int | None]]


def made(lines: list[list[tuple[float, float]]], nodes: Numbers | None = None, **more: Any) -> RoadNetwork:
    """A network of lines in metres."""
    shapes = np.array([shapely.LineString([(EAST_M + x, NORTH_M + y) for x, y in line]) for line in lines])
    size = len(lines)
    attributes = RoadAttributes(
        more.get("names", [""] * size),
        more.get("classes", ["street"] * size),
        np.array(more.get("oneway", [0] * size)),
        np.array(more.get("speed_kmh", [36.0] * size)),
        np.ones(size, dtype=np.int64),
        nodes or [(None, None)] * size,
    )
    return road_network(shapes, moved(shapes, SRID, LONLAT_SRID), SRID, attributes)


def roads_of(network: RoadNetwork, profile: Any = "car") -> Roads:
    along, against = seconds(network, the_profile(profile))
    return Roads(network, along, against, (along >= 0) | (against >= 0))


def test_ends_that_lie_together_are_one_node() -> None:
    network = made([[(0, 0), (100, 0)], [(100.6, 0.5), (200, 0)], [(100, -0.4), (100, -90)], [(102, 0), (150, 50)]])
    assert network.target[0] == network.source[1] == network.source[2]
    assert network.source[3] != network.target[0]
    assert network.nodes == 6


def test_numbered_nodes_hold_though_ends_lie_together() -> None:
    crossing = [[(0, 0), (100, 0)], [(100, 0), (200, 0)], [(100, 90), (100, 0)], [(100, 0), (100, -90)]]
    bridge = made(crossing, [(1, 2), (2, 3), (7, 8), (8, 9)])
    assert bridge.target[0] == bridge.source[1] != bridge.target[2] == bridge.source[3]
    loose = made([*crossing, [(100.5, 0), (300, 300)]], [(1, 2), (2, 3), (7, 8), (8, 9), (None, None)])
    assert loose.source[4] == loose.target[0]


def test_speeds_follow_the_class_where_a_road_has_none() -> None:
    lines = [[(0, y), (1000, y)] for y in range(4)]
    network = made(lines, classes=["motorway", "", "street", "rural"], speed_kmh=[0, 0, 45, 0])
    assert speeds_kmh(network.attributes).tolist() == [100, 20, 45, 20]
    along, against = seconds(network, the_profile("foot"))
    assert (along[0], against[0]) == (-1, -1)
    assert along[1] == pytest.approx(1000 / (4.3 / 3.6), rel=1e-3)


def test_a_road_with_oneway_minus_one_runs_against_its_line() -> None:
    network = made([[(0, 0), (500, 0)]] * 3, oneway=[1, -1, 0])
    along, against = seconds(network, the_profile("car"))
    assert [(a > 0, b > 0) for a, b in zip(along, against, strict=True)] == [(True, False), (False, True), (True, True)]


@given(st.lists(st.floats(0, 900), max_size=6), st.floats(1, 200), st.booleans())
def test_cut_roads_are_as_long_as_whole_ones(stops: list[float], within_s: float, towards: bool) -> None:
    network = made([[(0, 0), (400, 0), (900, 0)], [(900, 0), (900, 300)]], oneway=[0, 1])
    roads = roads_of(network)
    places = moved(shapely.points([(EAST_M + x, NORTH_M - 3) for x in [*stops, 200.0]]), SRID, LONLAT_SRID)
    joined = join(roads, shapely.get_coordinates(places), 100)
    assert joined.on_road.all()
    assert joined.off_m == pytest.approx(3, abs=0.01)
    graph = cut(roads, joined)
    assert graph.edges.cost_s.clip(0).sum() == pytest.approx(roads.along_s.sum())
    assert (graph.end >= graph.begin).all()
    times = np.full(network.nodes + len(places), np.inf)
    times[graph.stop(len(places) - 1)] = 0.0
    for _ in range(12):
        for source, target, along, against in zip(
            graph.edges.source, graph.edges.target, graph.edges.cost_s, graph.edges.reverse_cost_s, strict=True
        ):
            for one, other, cost in ((source, target, along), (target, source, against)):
                begin, end = (other, one) if towards else (one, other)
                if cost >= 0:
                    times[end] = min(times[end], times[begin] + cost)
    (parts, later) = bands(graph, times, [within_s, within_s * 2], towards=towards)
    speed = 10.0
    onward = 0.0 if towards else float(np.clip(within_s * speed - 700, 0, 300))
    expected = min(within_s * speed, 200) + min(within_s * speed, 700) + onward
    assert metres_of(network, parts) == pytest.approx(expected, rel=2e-3, abs=0.5)
    assert metres_of(network, parts) + metres_of(network, later) <= network.length_m.sum() * (1 + 1e-9)
    assert all(len(line) > 1 for line in lines_of(network, parts))


async def test_a_database_without_pgrouting_says_so_and_gets_it_back(
    logins: Logins, urls: DatabaseUrls, database: Database
) -> None:
    assert next(item for item in examine(urls) if item.name == "pgRouting").well
    with logins.connect_admin() as admin:
        admin.execute("DROP EXTENSION pgrouting")
    told = next(item for item in examine(urls) if item.name == "pgRouting")
    assert (told.well, told.sql) == (False, "CREATE EXTENSION pgrouting;")
    place = {"type": "Point", "coordinates": [103.958, 30.985]}
    answer = await ANALYSES["isochrone"].answer({"place": place}, await view_of(database))
    assert answer.summary["reason"] == "pgrouting-missing"
    assert "CREATE EXTENSION pgrouting" in answer.findings[0].message
    with logins.connect_admin() as admin:
        prepare_database(admin)
    again = await ANALYSES["isochrone"].answer({"place": place}, await view_of(database))
    assert again.summary["reason"] == "layer-missing"
