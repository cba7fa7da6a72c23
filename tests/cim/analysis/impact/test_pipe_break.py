"""Broken pipes: zones and supply by hand on a small network, and over imported layers."""

from typing import Any

import numpy as np
import pytest
import shapely
from made_city import lonlat

from cim.analysis.impact.pipe_network import Outage, Spot, Valve, joined_ends, outage
from cim.errors import BadRequest, NotFound

A, B, C, D, LOOP = (
    [(0, 0), (100, 0)],
    [(100, 0), (200, 0)],
    [(200, 0), (300, 0)],
    [(100, 0), (100, 100)],
    [(300, 0), (100, 100)],
)


def network(*lines: Any) -> Any:
    return np.array([shapely.LineString(line) for line in lines], dtype=object)


VALVES = [
    Valve("a", Spot(1, 10.0)),
    Valve("b", Spot(1, 90.0)),
    Valve("c", Spot(2, 50.0)),
    Valve("d", Spot(3, 0.0)),
]
SOURCE = [Spot(0, 0.0)]


def lengths(found: Outage) -> tuple[list[str], float, float]:
    names = [VALVES[number].code for number in found.valves]
    return names, float(shapely.length(found.drained).sum()), float(shapely.length(found.dry).sum())


def test_a_break_between_two_valves() -> None:
    found = outage(network(A, B, C, D), VALVES, SOURCE, Spot(1, 50.0))
    assert lengths(found) == (["a", "b"], 80.0, 110.0)
    assert (found.drained_of.tolist(), sorted(set(found.dry_of.tolist()))) == ([1], [1, 2])
    assert (found.supplied, found.source_inside) == (True, False)


def test_a_loop_keeps_the_far_side_supplied() -> None:
    found = outage(network(A, B, C, D, LOOP), VALVES, SOURCE, Spot(1, 50.0))
    assert lengths(found) == (["a", "b"], 80.0, 0.0)


def test_a_break_at_the_source_leaves_all_dry() -> None:
    found = outage(network(A, B, C, D), VALVES, SOURCE, Spot(0, 50.0))
    assert lengths(found) == (["a", "d"], 110.0, 80 + 10 + 100 + 100)
    assert found.source_inside


def test_without_source_or_valves() -> None:
    unfed = outage(network(A, B, C, D), VALVES, [], Spot(1, 50.0))
    assert lengths(unfed) == (["a", "b"], 80.0, 0.0)
    assert not unfed.supplied
    whole = outage(network(A, B, C, D), [], SOURCE, Spot(1, 50.0))
    assert (whole.valves, float(shapely.length(whole.drained).sum())) == ([], 400.0)
    other = outage(network(A, [(500, 0), (600, 0)]), [], SOURCE, Spot(1, 1.0))
    assert float(shapely.length(other.drained).sum()) == 100.0
    assert not other.supplied


def test_a_closed_valve_is_a_wall_already() -> None:
    valves = [Valve("a", Spot(1, 10.0), closed=True), *VALVES[1:]]
    found = outage(network(A, B, C, D), valves, SOURCE, Spot(1, 50.0))
    assert found.valves == [1]
    assert not found.supplied


def test_ends_meet_within_a_tolerance() -> None:
    apart = network([(0, 0), (100, 0)], [(100.4, 0), (200, 0)], [(201, 0), (300, 0)])
    ends = joined_ends(apart, 0.5)
    assert ends[0, 1] == ends[1, 0]
    assert ends[1, 1] != ends[2, 0]


def at(x_m: float, y_m: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": lonlat([(x_m, y_m)])[0]}


async def test_a_broken_pipe_of_the_layer(ask: Any) -> None:
    middle = await ask("pipe-break", pipe="B")
    assert middle.summary["valves_to_close"] == ["V1", "V2"]
    assert middle.summary["drained_m"] == pytest.approx(80, abs=0.1)
    assert middle.summary["cut_off_m"] == pytest.approx(110, abs=0.1)
    assert (middle.summary["buildings"], middle.summary["persons"]) == (0, 0)
    first = await ask("pipe-break", place=at(3480, 512))
    assert (first.summary["pipe"], first.summary["valves_to_close"]) == ("A", ["V1"])
    assert (first.summary["buildings"], first.summary["persons"]) == (1, 9)
    kinds = [place.properties["kind"] for place in first.places]
    assert kinds == ["cut-off", "drained", "valve", "break"]
    gas = await ask("pipe-break", place=at(3480, 512), pipe_class="gas")
    assert gas.summary["pipe"] == "G"
    assert {"no-valve", "no-source", "gas"} == {one.rule for one in gas.findings}
    bare = await ask("pipe-break", pipe="B", absent=["valves", "population"])
    assert [one.layer for one in bare.findings if one.rule == "missing-layer"] == ["valves", "population"]
    assert bare.summary["drained_m"] == pytest.approx(300, abs=0.2)
    assert (bare.summary["persons"], bare.summary["cut_off_m"]) == (None, None)


@pytest.mark.parametrize(
    ("inputs", "error", "where"),
    [
        ({"pipe": "Z' OR '1'='1"}, NotFound, "pipe"),
        ({"place": at(100, 100)}, BadRequest, "place"),
        ({"place": at(3480, 512), "pipe_class": "sewage"}, BadRequest, "place"),
        ({}, BadRequest, "place"),
        ({"pipe": "B", "snap_m": 0}, BadRequest, "inputs.snap_m"),
        ({"pipe": "B", "role": "anonymous"}, BadRequest, "layer"),
    ],
)
async def test_a_break_that_cannot_be_is_told(ask: Any, inputs: dict[str, Any], error: Any, where: str) -> None:
    with pytest.raises(error) as caught:
        await ask("pipe-break", **inputs)
    assert caught.value.where == where
    assert caught.value.remedy
