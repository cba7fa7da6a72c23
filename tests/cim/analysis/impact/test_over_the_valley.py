"""Floods, flash floods, run-outs, grades over a valley whose figures are worked out by hand or filled cell by cell."""

import math
from collections import deque
from itertools import pairwise
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from made_city import EASTING_M, NORTHING_M, area_of, lonlat

from cim.analysis.impact.hazard_rules import alpha_of, grade_of
from cim.analysis.impact.runout import run_outs
from cim.analysis.impact.streams import lies_below, walked
from cim.analysis.registry import ANALYSES
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Answer, Verdict

UP = pyproj.Transformer.from_crs(4490, 4544, always_xy=True)


def at(x_m: float, y_m: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": lonlat([(x_m, y_m)])[0]}


def valley(x: float, y: float) -> float:
    above = -1.0 if x < 400 else 4.0 if x < 410 else 1.0 if x < 480 else 0.0 if x < 520 else 0.2 * (x - 520)
    return 500 + 0.02 * y + above


def cells(answer: Answer) -> set[tuple[int, int]]:
    """The flooded cells, as metres of their middles from the corner."""
    raster = answer.raster
    assert raster is not None
    assert raster.cell_m == pytest.approx(5, abs=0.02)
    rows, columns = np.nonzero(np.isfinite(raster.values))
    x = raster.west - EASTING_M + (columns + 0.5) * raster.cell_m
    y = raster.north - NORTHING_M - (rows + 0.5) * raster.cell_m
    return {(round(a), round(b)) for a, b in zip(x, y, strict=True)}


def rules(answer: Answer) -> set[str]:
    return {one.rule for one in answer.findings}


async def test_a_rise_floods_the_plain_and_the_dike_keeps_the_hollow_dry(ask: Any) -> None:
    window = area_of(100.0, 200.0, 700.0, 400.0)
    low = await ask("flood", area=window, place=at(500, 400), rise_m=2.0)
    assert low.summary["flooded_m2"] == pytest.approx(120 * 400, rel=0.02)
    assert low.summary["beyond_river_m2"] == pytest.approx(80 * 400, rel=0.03)
    assert low.summary["volume_m3"] == pytest.approx((40 * 2 + 70 * 1 + 5 * 1.5 + 5 * 0.5) * 400, rel=0.02)
    assert low.summary["river_m"] == pytest.approx(508, abs=0.15)
    assert low.summary["deepest_m"] == pytest.approx(2, abs=0.01)
    assert {"open", "river-surface"} <= rules(low)
    assert [row[0] for row in low.tables[0].rows if row[1] > 0] == ["0–0.5 米", "0.5–1 米", "1–2 米"]
    high = await ask("flood", area=window, place=at(500, 400), rise_m=5.0)
    assert high.summary["flooded_m2"] > 400 * (300 + 110 + 25)
    assert max(place.properties["depth_class"] for place in high.places) == 5
    total = sum(row[1] for row in high.tables[0].rows)
    assert total == pytest.approx(high.summary["flooded_m2"], rel=1e-6)
    assert sum(place.properties["area_m2"] for place in high.places) == pytest.approx(total, rel=1e-5)


async def test_a_level_floods_what_a_fill_from_the_river_finds(ask: Any) -> None:
    answer = await ask("flood", area=area_of(100.0, 100.0, 700.0, 400.0), place=at(500, 150), level_m=506.0)
    found = cells(answer)
    xs, ys = sorted({x for x, _ in found}), sorted({y for _, y in found})
    assert min(xs) > 480 - 80
    start = [(x, y) for x, y in found if 480 < x < 520]
    queue, wet = deque(start), set(start)
    step = 5
    known = {(x, y) for x in range(min(xs) - 300, max(xs) + 300) for y in range(min(ys), max(ys) + 1)}
    while queue:
        x, y = queue.popleft()
        for near in ((x + step, y), (x - step, y), (x, y + step), (x, y - step)):
            if near in known and near not in wet and valley(near[0] + 0.0, near[1]) < 506.0:
                wet.add(near)
                queue.append(near)
    assert len(wet ^ found) <= 0.02 * len(found)
    assert "horizontal" in rules(answer)
    assert answer.summary["surface"] == "level"


async def test_steps_grow_each_from_the_one_before(ask: Any) -> None:
    window = area_of(100.0, 200.0, 700.0, 400.0)
    answer = await ask("flood", area=window, place=at(500, 400), rise_m=1.0, rate_m_h=1.5, hours=3)
    rows = answer.tables[1].rows
    assert [row[1] for row in rows] == [0, 1, 2, 3]
    assert [row[3] for row in rows] == [1.0, 2.5, 4.0, 5.5]
    assert [row[4] for row in rows] == sorted(row[4] for row in rows)
    assert [row[6] for row in rows] == sorted(row[6] for row in rows)
    steps = [place for place in answer.places if place.properties["kind"] == "step"]
    assert len(steps) == 3
    levels = await ask("flood", area=window, levels_m=[505.0, 507.0], water="W1")
    assert [row[2] for row in levels.tables[1].rows] == [505.0, 507.0]


async def test_water_from_a_seed_behind_the_dike_stays_there(ask: Any) -> None:
    window = area_of(100.0, 200.0, 700.0, 300.0)
    answer = await ask("flood", area=window, level_m=507.0, seeds=at(300, 250))
    assert answer.summary["river"] is None
    assert max(x for x, _ in cells(answer)) < 412


@pytest.mark.parametrize(
    ("inputs", "where", "told"),
    [
        ({"place": at(500, 400)}, "level_m", "0 water levels"),
        ({"place": at(500, 400), "level_m": 505, "rise_m": 1}, "level_m", "2 water levels"),
        ({"level_m": 505}, "place", "neither"),
        ({"place": at(500, 400), "radius_m": 300, "level_m": 400}, "level_m", "floods nothing"),
        ({"place": at(500, 400), "level_m": 1e9}, "inputs.level_m", ""),
        ({"place": at(500, 400), "rise_m": -1}, "inputs.rise_m", ""),
        ({"place": at(500, 400), "levels_m": [506, 505]}, "levels_m", "fall"),
        ({"place": at(500, 400), "rise_m": 1, "rate_m_h": 1}, "hours", "rate"),
        ({"place": at(500, 400), "rise_m": 1, "water": "长江"}, "water", "主河"),
        ({"place": at(3900, 500), "radius_m": 500, "rise_m": 1}, "water", "wider window"),
        ({"place": at(60_000, 500), "radius_m": 500, "level_m": 505, "seeds": at(60_000, 500)}, "area", "no heights"),
        ({"place": at(500, 400), "level_m": 505, "seeds": at(5_000, 500)}, "seeds", "outside"),
        ({"place": at(500, 400), "level_m": 505, "seeds": {"type": "Polygon"}}, "seeds", "points"),
        ({"place": at(500, 400), "rise_m": 1, "absent": ["water"]}, "water", "no layer water"),
        ({"place": at(500, 400), "rise_m": 1, "role": "anonymous"}, "layer", "no layer"),
        ({"place": at(500, 400), "rise_m": 1, "layer": "orthophoto"}, "layer", ""),
    ],
)
async def test_a_flood_that_cannot_be_is_told(ask: Any, inputs: dict[str, Any], where: str, told: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await ask("flood", **inputs)
    assert caught.value.where == where
    assert told in f"{caught.value.what} {caught.value.remedy}"
    assert caught.value.remedy


async def test_a_grid_above_a_threshold_is_an_area(ask: Any) -> None:
    answer = await ask(
        "impact-area", shape="grid", layer="dem", threshold=520.0, area=area_of(530.0, 100.0, 300.0, 300.0)
    )
    wanted = sum(valley(530 + 5 * i + 2.5, 100 + 5 * j + 2.5) >= 520 for i in range(60) for j in range(60)) * 25
    assert answer.summary["area_m2"] == pytest.approx(wanted, rel=0.02)
    none = await ask("impact-area", shape="grid", layer="dem", threshold=9000, area=area_of(530.0, 100.0, 300.0, 300.0))
    assert (none.summary["areas"], rules(none)) == (0, {"nothing"})


async def test_zones_down_the_stream_in_order(ask: Any) -> None:
    answer = await ask("flash-flood", place=at(500, 500), velocity_m_s=2.0, within_m=900)
    assert [row[0] for row in answer.tables[0].rows] == ["F4", "F1"]
    near, far = answer.tables[0].rows
    assert near[3] == pytest.approx(80, abs=20)
    assert far[3] == pytest.approx(350, abs=30)
    assert far[4] == pytest.approx(far[3] / 120, abs=0.06)
    assert far[5] < far[4] < far[6]
    assert (far[7], far[8], far[9]) == (12, 7, 2)
    assert answer.summary["persons"] == 7
    assert "1 处登记受威胁 1 人" in next(one.message for one in answer.findings if one.rule == "no-people")
    closed = await ask("flash-flood", place=at(500, 500), within_m=900, absent=["population", "flash_flood_zones"])
    assert [one.layer for one in closed.findings if one.rule == "missing-layer"] == ["flash_flood_zones", "population"]
    assert closed.summary["persons"] is None
    for inputs, where in (
        ({"place": at(500, 500), "absent": ["water"]}, "water"),
        ({"place": at(9_000, 500)}, "place"),
        ({"place": at(500, 500), "absent": ["dem"], "layer": "dem2"}, "layer"),
    ):
        with pytest.raises(BadRequest) as caught:
            await ask("flash-flood", within_m=900, **inputs)
        assert caught.value.where == where


def test_a_way_that_climbs_again_leads_not_down() -> None:
    water = np.zeros((3, 6), dtype=bool)
    water[1] = True
    walk = walked(water, (1, 0), 10.0)
    assert walk.length_m.tolist() == [0, 10, 20, 30, 40, 50]
    heights = np.array([100.0, 90, 80, 95, np.nan, 70])
    assert lies_below(walk, 2, heights, 5.0)
    assert not lies_below(walk, 3, heights, 5.0)
    assert lies_below(walk, 3, heights, 20.0)
    assert not lies_below(walk, 3, np.array([90.0, 90, 90, 95, 0, 0]), 20.0)
    corner = walked(np.eye(4, dtype=bool), (0, 0), 10.0)
    assert corner.length_m[-1] == pytest.approx(30 * math.sqrt(2))


async def test_a_slide_stops_where_the_line_of_energy_meets_the_ground(ask: Any) -> None:
    answer = await ask("debris-runout", hazard="G1", angle_deg=20.0, spread_deg=20.0)
    drop_m = math.tan(math.radians(35)) * 350
    assert answer.summary["direction_deg"] == pytest.approx(90, abs=2)
    assert answer.summary["slope_deg"] == pytest.approx(35, abs=0.5)
    assert answer.summary["reach_m"] == pytest.approx(drop_m / math.tan(math.radians(20)), abs=4)
    wanted = math.radians(40) / 2 * answer.summary["reach_m"] ** 2
    assert answer.summary["area_m2"] == pytest.approx(wanted, rel=0.02)
    assert (answer.summary["persons"], answer.summary["threatened"]) == (9, 11)
    assert answer.summary["reach_narrower_m"] < answer.summary["reach_m"] < answer.summary["reach_wider_m"]
    usual = await ask("debris-runout", hazard="G1")
    assert usual.summary["angle_deg"] == 22
    gentle = await ask("debris-runout", place=at(3050, 500), angle_deg=40.0)
    assert (gentle.summary["reach_m"], gentle.summary["area_m2"]) == (0, 0)
    assert "gentle" in rules(gentle)
    aside = await ask("debris-runout", hazard="G1", direction_deg=45, spread_deg=5)
    assert (aside.summary["persons"], "no-people" in rules(aside)) == (0, True)
    open_ = await ask("debris-runout", place=at(3050, 500), angle_deg=10.0, most_m=600)
    assert "open" in rules(open_)


def test_a_run_ends_between_steps_and_at_gaps() -> None:
    distance = np.array([10.0, 20.0, 30.0])
    heights = np.array([[80.0, 80, 80], [80.0, np.nan, 0], [95.0, 0, 0], [0.0, 0, 0]])
    assert run_outs(100.0, heights, distance, 45.0).tolist() == pytest.approx([20.0, 10.0, 0.0, 30.0])


@pytest.mark.parametrize(
    ("inputs", "error", "where"),
    [
        ({"hazard": "G9"}, NotFound, "hazard"),
        ({"place": at(60_000, 0)}, BadRequest, "place"),
        ({"place": at(3800, 500)}, BadRequest, "place"),
        ({}, BadRequest, "place"),
        ({"place": at(3050, 500), "angle_deg": 0}, BadRequest, "inputs.angle_deg"),
    ],
)
async def test_a_slide_that_cannot_be_is_told(ask: Any, inputs: dict[str, Any], error: Any, where: str) -> None:
    with pytest.raises(error) as caught:
        await ask("debris-runout", **inputs)
    assert caught.value.where == where


async def test_the_grade_of_a_hazard_by_hand(ask: Any) -> None:
    answer = await ask("hazard-grade", hazard="H1")
    assert (answer.summary["residents"], answer.summary["alpha"], answer.summary["sum"]) == (47, 1.2, 4.0)
    assert (answer.summary["r"], answer.summary["grade"]) == (4.8, "四级")
    (row,) = answer.tables[0].rows
    assert (row[8], row[9], row[10]) == (118, "一级", "不一致")
    assert {"boundary", "beta"} <= rules(answer)
    small = await ask("hazard-grade", hazard="H1", boundary_m=0)
    assert (small.summary["residents"], small.summary["alpha"]) == (117, 2.0)
    plant = await ask("hazard-grade", hazard="H1", area=area_of(250.0, 250.0, 100.0, 400.0))
    assert "boundary" not in rules(plant)
    assert plant.summary["residents"] == 17
    everything = await ask("hazard-grade")
    assert (everything.summary["hazards"], everything.summary["graded"]) == (2, 1)
    assert "H2" in next(one.message for one in everything.findings if one.rule == "lacking")
    stock = [{"substance": "氯", "quantity_t": 10}, {"substance": "汽油", "quantity_t": 100}]
    own = await ask("hazard-grade", place=at(300, 300), inventory=stock)
    assert own.summary["r"] == pytest.approx(1.2 * (4 * 10 / 5 + 1 * 100 / 200))
    unknown = await ask("hazard-grade", hazard="H1", absent=["population"])
    assert unknown.summary["graded"] == 0
    assert Verdict.NOT_ASSESSED in {one.verdict for one in unknown.findings if one.rule == "missing-layer"}


def test_bounds_of_alpha_and_grades() -> None:
    counts = (0, 1, 29, 30, 49, 50, 99, 100)
    assert [alpha_of(count) for count in counts] == [0.5, 1.0, 1.0, 1.2, 1.2, 1.5, 1.5, 2.0]
    assert [grade_of(r) for r in (100, 99.99, 50, 49.99, 10, 9.99, 0)] == [1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("inputs", "error", "where"),
    [
        ({"hazard": "H9"}, NotFound, "hazard"),
        ({"area": area_of(0.0, 0.0, 10.0, 10.0)}, BadRequest, "area"),
        ({"inventory": [{"substance": "氯", "quantity_t": 1}]}, BadRequest, "place"),
        ({"place": at(0, 0), "inventory": [{"substance": "水", "quantity_t": 1}]}, BadRequest, "inventory"),
        (
            {"place": at(0, 0), "inventory": [{"substance": "氯", "quantity_t": -1}]},
            BadRequest,
            "inputs.inventory.0.quantity_t",
        ),
        ({"role": "anonymous"}, BadRequest, "layer"),
    ],
)
async def test_a_grade_that_cannot_be_is_told(ask: Any, inputs: dict[str, Any], error: Any, where: str) -> None:
    with pytest.raises(error) as caught:
        await ask("hazard-grade", **inputs)
    assert caught.value.where == where


async def test_ellipses_have_the_axes_of_the_relation() -> None:
    geod = pyproj.Geod(ellps="GRS80")
    place = {"type": "Point", "coordinates": [103.9, 31.1]}
    answer = await ANALYSES["intensity"].answer({"place": place, "magnitude": 7.0, "strike_deg": 45}, None)
    rows = {row[1]: row for row in answer.tables[0].rows}
    assert sorted(rows) == [6, 7, 8, 9]
    for degree, row in rows.items():
        long_km = 10 ** ((6.4580 + 1.2746 * 7 - degree) / 4.4709) - 25
        short_km = 10 ** ((3.3682 + 1.2746 * 7 - degree) / 3.3119) - 9
        assert (row[2], row[3]) == (pytest.approx(long_km * 1000, abs=1), pytest.approx(short_km * 1000, abs=1))
        assert row[4] == pytest.approx(math.pi * long_km * short_km * 1e6, rel=2e-3)
    shapes = [shapely.geometry.shape(one.geometry) for one in answer.places[:-1]]
    assert all(outer.contains(inner) for outer, inner in pairwise(shapes))
    corners = np.array(shapes[0].exterior.coords)
    bearing, _, away = geod.inv(np.full(len(corners), 103.9), np.full(len(corners), 31.1), *corners.T)
    assert bearing[np.argmax(away)] % 180 == pytest.approx(45, abs=0.5)
    assert bearing[np.argmin(away)] % 180 == pytest.approx(135, abs=0.5)
    assert {"second-hand", "point-source"} <= rules(answer)
    weak = await ANALYSES["intensity"].answer({"place": place, "magnitude": 4.0, "least": 9}, None)
    assert weak.summary["highest"] is None
    assert "nowhere" in rules(weak)
    for wrong, where in (({"magnitude": 12}, "inputs.magnitude"), ({"magnitude": 6, "relation": "mars"}, "relation")):
        with pytest.raises(BadRequest) as caught:
            await ANALYSES["intensity"].answer({"place": place, **wrong}, None)
        assert caught.value.where == where
