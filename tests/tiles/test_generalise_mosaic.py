"""Mosaics of classes: areas kept by class, no gap and no overlap, the same whatever is built with a block."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.model.general import GeneralPlan, GeneralRow
from tiles.generalise.classes import Areas, mosaic
from tiles.generalise.grid import BLOCK_UNITS, shapes_from_units, unit_m
from tiles.generalise.mosaic import PARTS, allocate, quotas
from tiles.generalise.sampling import PART_UNITS
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
    return Areas(kinds, inner[:, 0], inner[:, 1], sums, shapes), blocks


def finer(rows: list[GeneralRow]) -> Areas:
    """The rows of a zoom as what the next coarser one is made from."""
    home = np.array([row.home for row in rows])
    sums, cells = np.array([row.sums for row in rows]), [row.cells or b"" for row in rows]
    return Areas([next(iter(row.parts or {})) for row in rows], home[:, 0], home[:, 1], sums, cells=cells)


def shapes_of(rows: list[GeneralRow]) -> np.ndarray:
    return np.array(shapely.from_wkb([row.shape[0] for row in rows if row.shape]))


def area_by_kind(areas: Areas) -> dict[str, float]:
    sizes = shapely.area(areas.shapes)
    return {kind: float(sizes[np.array(areas.kinds) == kind].sum()) for kind in set(areas.kinds)}


def test_class_areas_are_kept_over_all_zooms_without_gap_or_overlap() -> None:
    areas, blocks = parcels(1, 8)
    truth = area_by_kind(areas)
    total = sum(truth.values())
    rows = mosaic(areas, 13, blocks, PLAN)
    for zoom in (13, 12, 11, 10):
        if zoom < 13:
            blocks = sorted({(x >> 1, y >> 1) for x, y in blocks})
            rows = mosaic(finer(rows), zoom, blocks, PLAN)
        drawn, shapes = finer(rows), shapes_of(rows)
        assert shapely.is_valid(shapes).all()
        assert shapely.area(shapes).sum() == pytest.approx(total, rel=1e-6)
        assert shapely.union_all(shapes).area == pytest.approx(total, rel=1e-6)
        for kind, area in truth.items():
            mine = float(shapely.area(shapes[np.array(drawn.kinds) == kind]).sum())
            assert abs(mine - area) <= 0.01 * total, (zoom, kind)
            assert abs(mine - area) <= 0.01 * area + 64 * (PART_UNITS * unit_m(zoom)) ** 2
        assert np.array_equal(drawn.sums[:, :2].sum(axis=0), areas.sums[:, :2].sum(axis=0))


def test_a_block_is_the_same_alone_and_among_others() -> None:
    areas, blocks = parcels(2, 2)
    rows = mosaic(areas, 13, blocks, PLAN)
    assert areas.shapes is not None
    frame = shapely.box(*shapely.total_bounds(shapes_of([r for r in rows if r.block == blocks[1]])))
    near = np.flatnonzero(shapely.intersects(areas.shapes, frame))
    kinds = [areas.kinds[n] for n in near]
    some = Areas(kinds, areas.x[near], areas.y[near], areas.sums[near], areas.shapes[near])
    assert mosaic(some, 13, [blocks[1]], PLAN) == [r for r in rows if r.block == blocks[1]]


def test_classes_are_named() -> None:
    areas, blocks = parcels(3, 1)
    named = {row.attributes["kind"]: row.attributes.get("name") for row in mosaic(areas, 13, blocks, PLAN)}
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
    painted = (shares.sum(axis=(0, 1)) ** 3 * 1000).astype(int) + 1
    quota = quotas(painted, np.ones(kinds, dtype=bool), (8 * PARTS) ** 2, (seed, 1))
    taken = allocate(shares, quota)
    assert taken.shape == (8 * PARTS, 8 * PARTS)
    assert np.array_equal(np.bincount(taken.ravel(), minlength=kinds), quota)


def test_cells_go_where_the_class_lies() -> None:
    shares = np.zeros((8, 8, 3))
    shares[:, :4, 0] = shares[:, 4:, 1] = 1
    shares[2, 2] = (0.8, 0, 0.2)
    taken = allocate(shares, np.array([509, 512, 3]))
    assert (taken[:, :16] != 1).all()
    assert (taken[:, 16:] == 1).all()
    assert {(row // PARTS, column // PARTS) for row, column in np.argwhere(taken == 2)} == {(2, 2)}
