"""Built-up cells and thinned points: sums exact, area true, every aggregate in its own block."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.model.general import GeneralPlan, GeneralRow, GeneralSum
from tiles.generalise.cells import LEAST_UNITS2, built_up, own_area_m2
from tiles.generalise.grid import BLOCK_UNITS, ground_area_share, to_units, unit_m
from tiles.generalise.items import Items
from tiles.generalise.points import thin
from tiles.generalise.sums import Sums

CELLS = GeneralPlan(
    "cells",
    14,
    class_field="use",
    sums=(GeneralSum("floor_area_m2", "floors", "area-times-field"),),
    means=("height_m",),
)
POINTS = GeneralPlan("points", 14, sums=(GeneralSum("persons", "persons"),))
EAST, NORTH = 11_570_000.0, 3_640_000.0


def buildings(count: int, seed: int, spread_m: float = 20_000, largest_m2: float = 400) -> Items:
    """Buildings strewn over a square."""
    random = np.random.default_rng(seed)
    x, y = EAST + random.uniform(0, spread_m, count), NORTH + random.uniform(0, spread_m, count)
    area = random.uniform(5, largest_m2, count)
    floors, height = random.integers(1, 30, count).astype(float), random.uniform(3, 90, count)
    sums = Sums(CELLS).base(area, [floors, height])
    parts = [{use: int(s)} for use, s in zip(random.choice(["a", "b"], count).tolist(), sums[:, 1], strict=True)]
    return Items(np.arange(count), x, y, sums, parts)


def finer(rows: list[GeneralRow]) -> Items:
    """The rows of a zoom as what the next coarser one is made from."""
    return Items(
        np.array([-1 if row.fid is None else row.fid for row in rows]),
        np.array([row.home[0] for row in rows]),
        np.array([row.home[1] for row in rows]),
        np.array([row.sums for row in rows]),
        [row.parts or {} for row in rows],
    )


def drawn_m2(rows: list[GeneralRow]) -> float:
    """The planar Web Mercator area of the aggregates."""
    return float(shapely.area(shapely.from_wkb([row.shape[0] for row in rows if row.shape])).sum())


@pytest.mark.parametrize("zoom", [13, 12, 11, 10, 9])
def test_the_drawn_area_follows_the_true_one_and_the_sums_are_exact(zoom: int) -> None:
    items = buildings(20_000, 1)
    rows = built_up(items, zoom, CELLS)
    assert np.array_equal(np.sum([row.sums for row in rows], axis=0), items.sums.sum(axis=0))
    planar = float((items.sums[:, 1] / 10 / ground_area_share(items.y)).sum())
    assert drawn_m2(rows) == pytest.approx(planar, rel=0.02)
    assert sum(sum((row.parts or {}).values()) for row in rows) == items.sums[:, 1].sum()


@given(st.integers(1, 300), st.integers(0, 10_000), st.integers(3, 13))
@settings(max_examples=60, deadline=None)
def test_every_shape_lies_in_its_block_in_whole_units(count: int, seed: int, zoom: int) -> None:
    for row in built_up(buildings(count, seed), zoom, CELLS):
        assert row.shape
        shape = shapely.from_wkb(row.shape[0])
        xy = shapely.get_coordinates(shape)
        units = np.column_stack(to_units(xy[:, 0], xy[:, 1], zoom))
        assert np.abs(units - np.rint(units)).max() < 1e-5
        for axis in (0, 1):
            assert units[:, axis].min() >= row.block[axis] * BLOCK_UNITS - 1e-5
            assert units[:, axis].max() <= (row.block[axis] + 1) * BLOCK_UNITS + 1e-5
        home = np.floor(np.ravel(to_units(*(np.array([v]) for v in row.home), zoom)) / BLOCK_UNITS)
        assert tuple(home) == row.block
        assert shape.is_valid
        assert shape.area / unit_m(zoom) ** 2 >= 1 - 1e-6


@given(st.integers(0, 10_000), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_a_block_follows_from_what_lies_in_it_alone(seed: int, zoom: int) -> None:
    items = buildings(300, seed, spread_m=40_000)
    rows = built_up(items, zoom, CELLS)
    shuffled = items.take(np.random.default_rng(seed).permutation(len(items)))
    assert built_up(shuffled, zoom, CELLS) == rows
    block = rows[0].block
    columns, lines = (np.floor(v / BLOCK_UNITS) for v in to_units(items.x, items.y, zoom))
    inside = np.flatnonzero((columns == block[0]) & (lines == block[1]))
    assert built_up(items.take(inside), zoom, CELLS) == [row for row in rows if row.block == block]


def test_large_features_stay_themselves_and_join_a_cell_where_they_are_small() -> None:
    items = buildings(50, 3, largest_m2=6000)
    sizes = items.sums[:, 1] / 10 / ground_area_share(items.y)
    for zoom in (13, 12, 11):
        own = {row.fid for row in built_up(items, zoom, CELLS) if row.fid is not None}
        assert own == set(np.flatnonzero(sizes >= own_area_m2(zoom)).tolist())


def test_aggregates_of_aggregates_keep_all_sums() -> None:
    items = buildings(5_000, 4, largest_m2=3000)
    truth, rows = items.sums.sum(axis=0), built_up(items, 13, CELLS)
    for zoom in range(12, -1, -1):
        rows = built_up(finer(rows), zoom, CELLS)
        assert rows
        assert np.array_equal(np.sum([row.sums for row in rows], axis=0), truth)


def test_small_ones_are_joined_until_they_can_be_drawn() -> None:
    rows = built_up(buildings(20_000, 5), 9, CELLS)
    sizes = shapely.area(shapely.from_wkb([row.shape[0] for row in rows if row.shape])) / unit_m(9) ** 2
    assert np.median(sizes) >= LEAST_UNITS2 / 2


def test_the_shown_figures_are_those_of_the_features() -> None:
    sums = Sums(CELLS).base(np.array([100.0, 50.0]), [np.array([2.0, np.nan]), np.array([9.0, np.nan])])
    items = Items(np.array([7, 8]), np.array([EAST, EAST + 1]), np.array([NORTH] * 2), sums, [{"a": 1000}, {"b": 500}])
    (row,) = built_up(items, 12, CELLS)
    assert row.attributes == {"use": "a", "count": 2, "area_m2": 150, "floor_area_m2": 200, "height_m": 9}


def test_points_are_counted_and_a_point_alone_stays_itself() -> None:
    random = np.random.default_rng(6)
    x, y = (middle + random.uniform(0, 30_000, 3_000) for middle in (EAST, NORTH))
    persons = random.integers(0, 9, 3_000).astype(float)
    sums = Sums(POINTS).base(np.zeros(3_000), [persons])
    rows = thin(Items(np.arange(3_000), x, y, sums, [{}] * 3_000), 12, POINTS)
    assert sum(int(str(row.attributes["point_count"])) for row in rows) == 3_000
    assert sum(float(str(row.attributes["persons"])) for row in rows) == persons.sum()
    alone = [row for row in rows if row.sums[0] == 1]
    assert alone
    assert all(row.fid is not None and row.shape is None for row in alone)
    again = thin(finer(rows), 11, POINTS)
    assert {row.fid for row in again if row.fid is not None} <= {row.fid for row in alone}
