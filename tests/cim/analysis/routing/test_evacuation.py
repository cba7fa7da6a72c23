"""Evacuations of the sample city: sums that must hold, the optimum by another method, and what cannot be placed."""

from pathlib import Path
from typing import Any

import geopandas
import networkx as nx
import pytest
import shapely

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
SEAT = (103.958, 30.985)
ROUND = shapely.geometry.mapping(shapely.Point(SEAT).buffer(0.006))


def rules(answer: Any) -> list[str]:
    return [finding.rule for finding in answer.findings]


def recorded() -> geopandas.GeoDataFrame:
    people = geopandas.read_parquet(SAMPLES / "population.parquet")
    return people[shapely.intersects(people.geometry.to_numpy(), shapely.geometry.shape(ROUND))]


async def test_everybody_is_counted_once(ask: Any) -> None:
    answer = await ask("evacuation", area=ROUND)
    told, people = answer.summary, recorded()
    assert told["people"] - told["people_estimated"] == people.persons.sum() > 5000
    assert told["people"] == told["served"] + told["unserved"]
    assert told["unserved"] == told["unserved_off_road"] + told["unserved_no_way"] + told["unserved_no_room"]
    assert people.mobility.sum() <= told["mobility"] <= people.mobility.sum() + told["people_estimated"]
    shelters, flows, roads = answer.tables
    assert sum(row[2] for row in shelters.rows) == sum(row[3] for row in flows.rows) == told["served"]
    assert all(row[2] <= row[1] for row in shelters.rows)
    assert told["clearance_min"] >= max(row[6] for row in flows.rows)
    assert roads.rows[0][2] >= roads.rows[-1][2]
    lines = [place for place in answer.places if place.properties["kind"] == "route"]
    assert sum(place.properties["persons"] for place in lines) >= 0.9 * told["served"]
    by_day = (await ask("evacuation", area=ROUND, moment="day")).summary
    assert by_day["people"] - by_day["people_estimated"] == people.day_persons.sum()


async def test_the_plan_costs_what_networkx_pays(ask: Any, roads: Any, streets: nx.MultiDiGraph) -> None:
    answer = await ask("evacuation", area=ROUND, off_road_m=5000, inside=True)
    told, flows = answer.summary, answer.tables[1]
    assert told["unserved"] == 0
    shelters = geopandas.read_file(SAMPLES / "shelters.geojson").set_index("name")
    streets, places = streets.copy(), {}
    for row in roads.itertuples():
        places[row.geometry.coords[0]], places[row.geometry.coords[-1]] = row.from_node, row.to_node
    near = {(round(x, 7), round(y, 7)): node for (x, y), node in places.items()}
    for name, shelter in shelters.iterrows():
        join_shelter(streets, roads, name, shelter.geometry)
    persons: dict[int, int] = {}
    for row in flows.rows:
        node = near[row[1], row[2]]
        persons[node] = persons.get(node, 0) + row[3]
    graph = nx.DiGraph()
    for node, number in persons.items():
        graph.add_edge("begin", node, capacity=number, weight=0)
        seconds = nx.single_source_dijkstra_path_length(streets, node, weight="seconds")
        for name, shelter in shelters.iterrows():
            graph.add_edge(node, name, weight=round(seconds[name] * 10))
            graph.add_edge(name, "end", capacity=int(shelter.capacity), weight=0)
    best = nx.cost_of_flow(graph, nx.max_flow_min_cost(graph, "begin", "end")) / 600
    assert told["person_minutes"] == pytest.approx(best, rel=0.01)


def join_shelter(streets: nx.MultiDiGraph, roads: Any, name: str, point: shapely.Point) -> None:
    """Add a node for a place beside a road, reached from the road's ends."""
    squeeze = lambda xy: xy * (0.857167, 1.0)  # noqa: E731 - one formula
    flat, here = shapely.transform(roads.geometry.to_numpy(), squeeze), shapely.transform(point, squeeze)
    row = int(shapely.distance(flat, here).argmin())
    one, share = roads.iloc[row], shapely.line_locate_point(flat[row], here, normalized=True)
    whole = one.length_m / (one.speed_kmh / 3.6)
    if one.oneway >= 0:
        streets.add_edge(one.from_node, name, seconds=share * whole)
    if one.oneway <= 0:
        streets.add_edge(one.to_node, name, seconds=(1 - share) * whole)


async def test_houses_without_a_record_count_by_their_floors(ask: Any) -> None:
    told = await ask("evacuation", area=ROUND, data_versions={"population": 0})
    whole = recorded().persons.sum()
    assert {"layer-missing", "people-estimated"} <= set(rules(told))
    assert told.summary["people"] == told.summary["people_estimated"]
    assert 0.5 * whole < told.summary["people"] < 2 * whole


async def test_who_cannot_be_placed_is_stated(ask: Any) -> None:
    ring = shapely.difference(shapely.Point(SEAT).buffer(0.0085), shapely.Point(SEAT).buffer(0.0075))
    shut = await ask("evacuation", area=ROUND, closures=shapely.geometry.mapping(ring))
    assert "roads-closed" in rules(shut)
    assert "no-shelter" in rules(shut) or shut.summary["shelters_used"] > 0
    assert shut.summary["unserved"] > 0
    assert shut.summary["people"] == shut.summary["served"] + shut.summary["unserved"]
    soon = await ask("evacuation", area=ROUND, within_min=0.01)
    assert soon.summary["served"] == 0
    assert soon.summary["clearance_min"] is None
    assert "no-shelter" in rules(soon)
    assert any(place.properties["kind"] == "unserved" for place in soon.places)


async def test_missing_layers_and_empty_areas_are_stated(ask: Any) -> None:
    none = await ask("evacuation", area=ROUND, data_versions={"shelters": 0})
    assert (none.summary["found"], rules(none)) == (None, ["layer-missing"])
    far = await ask("evacuation", area=ROUND, within_km=0.0001)
    assert rules(far) == ["no-shelter"]
    nobody = await ask("evacuation", area=shapely.geometry.mapping(shapely.Point(103.70, 31.50).buffer(0.001)))
    assert rules(nobody) == ["no-people"]
    assert rules(await ask("evacuation", area=ROUND, data_versions={"roads": 0})) == ["layer-missing"]


async def test_who_may_not_read_the_population_gets_an_estimate_and_no_record(ask: Any) -> None:
    told = await ask("evacuation", role="anonymous", area=ROUND)
    assert "layer-missing" in rules(told)
    assert told.summary["people"] == told.summary["people_estimated"]
