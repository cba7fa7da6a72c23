"""The plan of who goes where against an independent optimum, and rules every plan keeps."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.analysis.routing.assignment import assign
from cim.analysis.routing.clearance import gate_minutes


@st.composite
def towns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs with some pairs without a way, people, and room that may or may not suffice."""
    origins, shelters = draw(st.integers(1, 9)), draw(st.integers(1, 12))
    cell = st.one_of(st.none(), st.integers(0, 3000))
    cost = [[draw(cell) for _ in range(shelters)] for _ in range(origins)]
    people = [draw(st.integers(0, 60)) for _ in range(origins)]
    room = [draw(st.integers(0, 80)) for _ in range(shelters)]
    infinite = [[np.inf if value is None else float(value) for value in row] for row in cost]
    return np.array(infinite), np.array(people, dtype=np.int64), np.array(room, dtype=np.int64)


def optimum(cost: np.ndarray, people: np.ndarray, room: np.ndarray) -> tuple[int, int]:
    """The most that can be moved and the least cost of moving so many, by the network simplex method of networkx."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["begin", "end"])
    for k, number in enumerate(people.tolist()):
        graph.add_edge("begin", f"o{k}", capacity=number, weight=0)
    for k, number in enumerate(room.tolist()):
        graph.add_edge(f"s{k}", "end", capacity=number, weight=0)
    for one, other in np.argwhere(np.isfinite(cost)).tolist():
        graph.add_edge(f"o{one}", f"s{other}", weight=int(cost[one, other]))
    flow = nx.max_flow_min_cost(graph, "begin", "end")
    return sum(flow["begin"].values()), nx.cost_of_flow(graph, flow)


@settings(max_examples=120)
@given(towns())
def test_as_many_as_can_be_moved_are_moved_at_the_least_cost(town: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    cost, people, room = town
    found = assign(cost, people, room)
    out = np.bincount(found.origin, found.persons, len(people))
    into = np.bincount(found.destination, found.persons, len(room))
    assert (out + found.unserved == people).all()
    assert (into <= room).all()
    assert (found.persons > 0).all()
    served, least = optimum(cost, people, room)
    assert found.persons.sum() == served
    spent = float((cost[found.origin, found.destination] * found.persons).sum())
    assert spent == pytest.approx(least, rel=1e-6, abs=1e-6)


def test_a_large_plan_equals_the_optimum_though_few_pairs_are_offered_first() -> None:
    rng = np.random.default_rng(5)
    cost = np.rint(np.hypot(*(rng.uniform(0, 6000, (2, 120, 1)) - rng.uniform(0, 6000, (2, 1, 40)))))
    people, room = rng.integers(1, 60, 120), rng.integers(0, 110, 40)
    found = assign(cost, people, room)
    served, least = optimum(cost, people, room)
    assert found.persons.sum() == served
    assert (cost[found.origin, found.destination] * found.persons).sum() == pytest.approx(least, rel=1e-9)


def test_a_gate_lets_groups_in_one_after_another() -> None:
    finish, wait = gate_minutes(np.array([10.0, 30.0, 11.0]), np.array([120, 60, 60]), 60.0)
    assert (finish, wait) == (31.0, 2.0)
    assert gate_minutes(np.array([5.0, 5.0]), np.array([600, 600]), 60.0) == (25.0, 20.0)
