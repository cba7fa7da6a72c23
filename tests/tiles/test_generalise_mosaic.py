"""Mosaics of classes: areas kept by class, no gap and no overlap, the same whatever is built with a block."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.model.general import GeneralPlan, GeneralRow
from tiles.generalise.classes import CELL_UNITS, Areas, mosaic
from tiles.generalise.grid import BLOCK_UNITS, shapes_from_units, unit_m
from tiles.generalise.mosaic import allocate, quotas
from tiles.generalise.sums import Sums

PLAN = GeneralPlan("classes", 14, class_field="kind", class_name_field="name", class_names={"01": "田"})
CORNER = (51_712, 26_880)
"""A block of zoom 13 that is the first of its tile at all zooms from 10."""


def parcels(seed: int, side: int, zoom: int = 13) -> tuple[Areas, list[tuple[int, int]]]:
    """Voronoi parcels that tile ``side`` by ``side`` blocks."""
    random = np.random.default_rng(seed)
    width = side * BLOCK_UNITS
    left, top = CORNER[0] * BLOCK_UNITS, CORNER[1] * BLOCK_UNITS
    frame = shapely.box(left, top, left + width, top + width)
    points = shapely.multipoints(random.uniform(0, width, (60 * side * side, 2)) + np.array([left, top]))
    cut = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame)), frame)
    shapes = shapes_from_units(cut[shapely.area(cut) > 0], zoom)
    kinds = random.choice(["01", "02", "03", "04", "05"], len(shapes), p=[0.5, 0.3, 0.15, 0.04, 0.01]).tolist()
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes))
    sums = Sums(PLAN).base(shapely.area(shapes), [])
    blocks = [(CORNER[0] + x, CORNER[1] + y) for x in range(side) for y in range(side)]
    return Areas(shapes, kinds, inner[:, 0], inner[:, 1], sums), blocks


def as_areas(rows: list[GeneralRow]) -> Areas:
    shapes = shapely.from_wkb([row.shape[0] for row in rows if row.shape])
    home = np.array([row.home for row in rows])
    return Areas(
        shapes, [next(iter(row.parts or {})) for row in rows], home[:, 0], home[:, 1], np.array([r.sums for r in rows])
    )


def test_class_areas_are_kept_over_all_zooms_without_gap_or_overlap() -> None:
    areas, blocks = parcels(1, 8)
    total = float(shapely.area(areas.shapes).sum())
    truth = {k: float(shapely.area(areas.shapes[np.array(areas.kinds) == k]).sum()) for k in set(areas.kinds)}
    rows = mosaic(areas, 13, blocks, PLAN, fine=True)
    for zoom in (13, 12, 11, 10):
        if zoom < 13:
            blocks = sorted({(x >> 1, y >> 1) for x, y in blocks})
            rows = mosaic(as_areas(rows), zoom, blocks, PLAN, fine=False)
        drawn = as_areas(rows)
        assert shapely.is_valid(drawn.shapes).all()
        assert shapely.area(drawn.shapes).sum() == pytest.approx(total, rel=1e-6)
        assert shapely.union_all(drawn.shapes).area == pytest.approx(total, rel=1e-6)
        for kind, area in truth.items():
            mine = float(shapely.area(drawn.shapes[np.array(drawn.kinds) == kind]).sum())
            assert abs(mine - area) <= 0.01 * total, (zoom, kind)
            assert abs(mine - area) <= 0.01 * area + 64 * (CELL_UNITS * unit_m(zoom)) ** 2
        assert np.array_equal(drawn.sums[:, :2].sum(axis=0), areas.sums[:, :2].sum(axis=0))


def test_a_block_is_the_same_alone_and_among_others() -> None:
    areas, blocks = parcels(2, 2)
    rows = mosaic(areas, 13, blocks, PLAN, fine=True)
    west, south, east, north = shapely.total_bounds(as_areas([r for r in rows if r.block == blocks[1]]).shapes)
    near = np.flatnonzero(shapely.intersects(areas.shapes, shapely.box(west, south, east, north)))
    some = Areas(areas.shapes[near], [areas.kinds[n] for n in near], areas.x[near], areas.y[near], areas.sums[near])
    assert mosaic(some, 13, [blocks[1]], PLAN, fine=True) == [r for r in rows if r.block == blocks[1]]


def test_classes_are_named() -> None:
    areas, blocks = parcels(3, 1)
    named = {row.attributes["kind"]: row.attributes.get("name") for row in mosaic(areas, 13, blocks, PLAN, fine=True)}
    assert named["01"] == "田"
    assert named["02"] is None


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=12).filter(lambda p: sum(p) > 0),
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
)
@settings(max_examples=200, deadline=None)
def test_quotas_fill_the_block_and_forget_no_class(painted: list[int], block: tuple[int, int]) -> None:
    counts = np.array(painted)
    quota = quotas(counts, counts > 0, 1024, block)
    assert quota.sum() == 1024
    assert (quota[counts > 0] > 0).all()
    exact = counts / counts.sum() * 1024
    assert (np.abs(quota - exact) < 1 + (counts > 0).sum()).all()


@given(st.integers(0, 10**6), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_every_class_gets_its_quota(seed: int, kinds: int) -> None:
    shares = np.random.default_rng(seed).dirichlet(np.ones(kinds), (8, 8))
    quota = quotas((shares.sum(axis=(0, 1)) * 1000).astype(int), np.ones(kinds, dtype=bool), 64, (seed, 1))
    assert np.array_equal(np.bincount(allocate(shares, quota), minlength=kinds), quota)


def test_cells_go_where_the_class_lies() -> None:
    shares = np.zeros((8, 8, 2))
    shares[:, :4, 0] = shares[:, 4:, 1] = 1
    taken = allocate(shares, np.array([32, 32])).reshape(8, 8)
    assert (taken[:, :4] == 0).all()
    assert (taken[:, 4:] == 1).all()
