"""Routes, isochrones and nearest resources of the sample against networkx, and what cannot be answered."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas
import networkx as nx
import numpy as np
import pytest
import shapely
from made_city import area_of

from cim.analysis.routing.nearest_resources import LAYERS
from cim.errors import BadRequest

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
Roads = geopandas.GeoDataFrame
EAST = np.array([np.cos(np.radians(31)), 1.0])
SEAT = (103.958, 30.985)
MILE = {"type": "Point", "coordinates": list(SEAT)}


def rules(answer: Any) -> list[str]:
    return [finding.rule for finding in answer.findings]


def ends(roads: Roads) -> dict[int, tuple[float, float]]:
    """Where the nodes are."""
    found = {}
    for row in roads.itertuples():
        found[row.from_node], found[row.to_node] = row.geometry.coords[0], row.geometry.coords[-1]
    return found


def connected(streets: nx.MultiDiGraph) -> list[int]:
    return sorted(max(nx.strongly_connected_components(streets), key=len))


async def test_routes_take_as_long_as_networkx_says(ask: Any, roads: Roads, streets: nx.MultiDiGraph) -> None:
    rng, places = np.random.default_rng(3), ends(roads)
    nodes = rng.choice(connected(streets), 10, replace=False).tolist()
    line = {"type": "LineString", "coordinates": [places[node] for node in nodes]}
    answer = await ask("route", stops=line)
    assert max(answer.summary["off_road_m"]) < 0.1
    for leg, (one, other) in zip(answer.summary["legs"], pairwise(nodes), strict=True):
        seconds = nx.shortest_path_length(streets, one, other, weight="seconds")
        assert leg["time_min"] * 60 == pytest.approx(seconds, rel=2e-3, abs=0.5)
    lines = [shapely.geometry.shape(place.geometry) for place in answer.places if place.properties["kind"] == "route"]
    network = shapely.buffer(shapely.union_all(roads.geometry.to_numpy()), 1e-6)
    assert shapely.contains(network, lines[0])
    turns = answer.tables[0]
    assert sum(row[3] for row in turns.rows) == pytest.approx(answer.summary["length_m"], abs=len(turns.rows))
    assert turns.rows[0][1] == "出发"


async def test_a_point_in_the_middle_of_a_road_is_joined_there(ask: Any, roads: Roads) -> None:
    long = roads[(roads.oneway == 0) & (roads.length_m > 2000)].iloc[0]
    part = [shapely.line_interpolate_point(long.geometry, at, normalized=True).coords[0] for at in (0.3, 0.4)]
    answer = await ask("route", stops={"type": "LineString", "coordinates": part})
    assert answer.summary["length_m"] == pytest.approx(long.length_m * 0.1, rel=0.05)
    assert answer.summary["time_min"] * 60 == pytest.approx(
        answer.summary["length_m"] / long.speed_kmh * 3.6, rel=0.01, abs=0.4
    )


async def test_oneways_hold_for_cars_and_not_on_foot(ask: Any, roads: Roads) -> None:
    street = roads[(roads.oneway == 1) & (roads["class"] == "street")].iloc[0]
    against = [shapely.line_interpolate_point(street.geometry, at, normalized=True).coords[0] for at in (0.8, 0.2)]
    line = {"type": "LineString", "coordinates": against}
    straight = street.length_m * 0.6
    on_foot = await ask("route", stops=line, profile="foot")
    assert on_foot.summary["length_m"] == pytest.approx(straight, rel=0.05)
    by_car = await ask("route", stops=line)
    assert by_car.summary["found"] is None or by_car.summary["length_m"] > straight * 1.2


@pytest.mark.parametrize("direction", ["from", "towards"])
async def test_isochrones_reach_what_networkx_reaches(
    ask: Any, roads: Roads, streets: nx.MultiDiGraph, direction: str
) -> None:
    node, places = connected(streets)[700], ends(roads)
    point = {"type": "Point", "coordinates": places[node]}
    answer = await ask("isochrone", place=point, minutes=[4, 9], direction=direction)
    graph = streets if direction == "from" else streets.reverse()
    seconds = nx.single_source_dijkstra_path_length(graph, node, weight="seconds")
    for limit, length_km in zip((4, 9), answer.summary["length_km"], strict=True):
        assert length_km * 1000 == pytest.approx(covered_m(graph, roads, seconds, limit * 60), rel=3e-3)
    within = sum(value <= 9 * 60 - 1 for value in seconds.values())
    assert within <= answer.summary["nodes"] - 1 <= sum(value <= 9 * 60 + 1 for value in seconds.values())
    areas = {p.properties["minutes"]: shapely.geometry.shape(p.geometry) for p in answer.places if _is(p, "area")}
    assert shapely.contains(shapely.buffer(areas[9], 3e-4), areas[4])
    outside = [n for n, at in places.items() if seconds.get(n, 1e9) > 15 * 60 and areas[9].contains(shapely.Point(at))]
    inside = [n for n, s in seconds.items() if s < 9 * 60 - 5 and not areas[9].contains(shapely.Point(places[n]))]
    assert len(inside) == 0
    assert len(outside) <= 0.03 * len(seconds)


def _is(place: Any, kind: str) -> bool:
    return bool(place.properties["kind"] == kind)


def covered_m(graph: nx.MultiDiGraph, roads: Roads, seconds: dict[int, float], within_s: float) -> float:
    """Metres of road reached within some seconds: of each road the parts reached from both of its ends, once."""
    shares: dict[int, dict[int, float]] = {}
    for one, _, facts in graph.edges(data=True):
        left = within_s - seconds.get(one, 1e9)
        if left > 0:
            shares.setdefault(facts["row"], {})[one] = min(1.0, left / facts["seconds"])
    return float(sum(min(1.0, sum(of.values())) * roads.length_m[row] for row, of in shares.items()))


async def test_the_nearest_are_those_that_networkx_finds(ask: Any, roads: Roads, streets: nx.MultiDiGraph) -> None:
    node, places = connected(streets)[900], ends(roads)
    answer = await ask("nearest-resources", place={"type": "Point", "coordinates": places[node]}, most=4)
    table = answer.tables[0]
    assert answer.summary["by_layer"] == dict.fromkeys(LAYERS, 4)
    hospitals = geopandas.read_file(SAMPLES / "hospitals.geojson")
    to_here = nx.single_source_dijkstra_path_length(streets.reverse(), node, weight="seconds")
    named = zip(hospitals.geometry, hospitals.name, strict=True)
    oracle = sorted((seconds_from(roads, to_here, point), name) for point, name in named)
    told = [(row[2] * 60, row[1]) for row in table.rows if row[7] == "hospitals"]
    for (seconds, name), (expected, other) in zip(told, oracle, strict=False):
        assert seconds == pytest.approx(expected, rel=5e-3, abs=2)
        assert name == other or seconds == pytest.approx(expected, abs=1)
    assert all(row[3] >= row[4] - 2 * row[5] - 60 for row in table.rows), "by road is no shorter than straight"
    assert "床位" in next(row[6] for row in table.rows if row[7] == "hospitals")


def seconds_from(roads: Roads, to_here: dict[int, float], point: shapely.Point) -> float:
    """Seconds from a place beside a road to where others are measured to, by the road's ends."""
    flat = shapely.transform(roads.geometry.to_numpy(), lambda xy: xy * EAST)
    here = shapely.Point(point.x * EAST[0], point.y)
    row = int(shapely.distance(flat, here).argmin())
    share = shapely.line_locate_point(flat[row], here, normalized=True)
    one = roads.iloc[row]
    whole = one.length_m / (one.speed_kmh / 3.6)
    onward = to_here.get(one.to_node, 1e9) + (1 - share) * whole if one.oneway >= 0 else 1e9
    back = to_here.get(one.from_node, 1e9) + share * whole if one.oneway <= 0 else 1e9
    return float(min(onward, back))


def ring_around(point: tuple[float, float], inner: float, outer: float) -> dict[str, Any]:
    shape = shapely.difference(shapely.Point(point).buffer(outer), shapely.Point(point).buffer(inner))
    found: dict[str, Any] = shapely.geometry.mapping(shape)
    return found


async def test_a_closed_ring_lets_nobody_in_and_says_so(ask: Any) -> None:
    ring = ring_around(SEAT, 0.006, 0.008)
    shut = await ask("nearest-resources", place=MILE, closures=ring, layers=["hospitals"], within_km=60)
    inside = shut.summary["found"]
    assert "roads-closed" in rules(shut)
    assert "unreachable" in rules(shut)
    assert shut.summary["unreachable"] + inside + shut.summary["off_road"] == 32
    out = {"type": "LineString", "coordinates": [list(SEAT), [103.99, 30.99]]}
    way = await ask("route", stops=out, closures=ring)
    assert way.summary["found"] is None
    assert rules(way) == ["unreachable"]
    assert "封闭" in way.findings[0].message
    reached = await ask("isochrone", place=MILE, closures=ring, minutes=[30])
    lines = next(shapely.geometry.shape(p.geometry) for p in reached.places if _is(p, "line"))
    assert shapely.Point(SEAT).buffer(0.0062).contains(lines)


async def test_water_stops_by_its_depth(ask: Any) -> None:
    area = ring_around(SEAT, 0.006, 0.008)
    out = {"type": "LineString", "coordinates": [list(SEAT), [103.99, 30.99]]}

    def deep(depth: float | None) -> dict[str, Any]:
        return {"type": "Feature", "geometry": area, "properties": {} if depth is None else {"depth_m": depth}}

    shallow = await ask("route", stops=out, water=deep(0.2))
    assert shallow.summary["found"]
    assert "roads-passed" in rules(shallow)
    assert (await ask("route", stops=out, water=deep(0.4))).summary["found"] is None
    assert (await ask("route", stops=out, water=deep(0.4), profile="fire")).summary["found"]
    assert (await ask("route", stops=out, water=deep(None), profile="fire")).summary["found"] is None
    assert (await ask("route", stops=out, water=deep(0.4), water_m=0.5)).summary["found"]


async def test_what_cannot_be_answered_is_stated(ask: Any) -> None:
    far = {"type": "Point", "coordinates": [103.70, 31.60]}
    off = await ask("isochrone", place=far)
    assert (off.summary["found"], rules(off)) == (None, ["off-road"])
    assert off.findings[0].measured > 500
    everything = area_of(-400_000.0, -400_000.0, 900_000.0, 900_000.0)
    assert rules(await ask("isochrone", place=MILE, closures=everything)) == ["all-closed"]
    assert rules(await ask("isochrone", place=MILE, data_versions={"roads": 0})) == ["layer-missing"]
    none = await ask("nearest-resources", place=MILE, layers=["hospitals", "no_such_layer"])
    assert "layer-missing" in rules(none)
    assert none.summary["by_layer"] == {"hospitals": 5, "no_such_layer": 0}
    beside = await ask("nearest-resources", place=MILE, layers=["hospitals"], within_km=0.01)
    assert "no-resources" in rules(beside)
    hidden = await ask("nearest-resources", role="anonymous", place=MILE)
    assert "layer-missing" in rules(hidden)
    assert all(row[7] != "rescue_teams" for row in hidden.tables[0].rows)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"place": {"type": "LineString", "coordinates": [[103.9, 30.9], [104, 31]]}}, "Point"),
        ({"place": {"type": "Point", "coordinates": [30.985, 103.958]}}, "latitude first"),
        ({"place": MILE, "closures": {"type": "Point", "coordinates": [103.9, 30.9]}}, "Point"),
        ({"place": MILE, "closures": {"type": "Polygon", "coordinates": [[[103.9, 30.9]]]}}, "cannot be read"),
        ({"place": MILE, "closures": {"type": "LineString", "coordinates": [[1e6, 3e6], [1e6, 4e6]]}}, "China"),
        ({"place": MILE, "closures": "everything"}, "GeoJSON"),
        ({"place": MILE, "water": {"type": "FeatureCollection", "features": []}}, "no polygon"),
        ({"place": MILE, "minutes": [0]}, "minutes"),
        ({"place": MILE, "minutes": []}, "at least 1"),
        ({"place": MILE, "profile": "boat"}, "car"),
        ({"place": MILE, "off_road_m": -1}, "greater"),
    ],
)
async def test_bad_input_is_named(ask: Any, inputs: dict[str, Any], word: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await ask("isochrone", **inputs)
    assert word in str(caught.value)


async def test_a_route_needs_two_places(ask: Any) -> None:
    with pytest.raises(BadRequest, match="2 to 25"):
        await ask("route", stops={"type": "MultiPoint", "coordinates": [list(SEAT)]})
