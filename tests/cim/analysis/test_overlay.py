"""Overlays close on what they are laid over; residues are told; classes equal an independent sum."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from trapezoids import area_m2

from cim.analysis.boxes import MOST_BOXES, boxes_over
from cim.analysis.overlay import Closure, closure, overlay
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import moved

WEST, SOUTH, SIDE = 103.90, 30.95, 0.02
CLOSES = 1e-7
CLASS_M2 = 0.01


def parcels(rng: np.random.Generator, count: int) -> np.ndarray:
    """A coverage of cells in longitude and latitude."""
    frame = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    points = shapely.multipoints(rng.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (count, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame))
    return shapely.coverage_simplify(shapely.get_parts(shapely.intersection(cells, frame)), 0)


def red_line(rng: np.random.Generator, cells: np.ndarray) -> shapely.Geometry:
    """A red line inside the coverage: ragged, with a hole, of several parts, or along the edges of parcels."""
    kind = rng.integers(4)
    if kind == 3:
        start = int(rng.integers(len(cells)))
        near = shapely.STRtree(cells).query(cells[start], predicate="touches")
        return shapely.make_valid(shapely.union_all(cells[[start, *near]]))
    parts = [_ragged(rng) for _ in range(int(rng.integers(2, 4)) if kind == 2 else 1)]
    whole = shapely.union_all(parts)
    if kind == 1:
        whole = shapely.difference(whole, shapely.buffer(shapely.point_on_surface(whole), 0.0004))
    return whole


def _ragged(rng: np.random.Generator) -> shapely.Geometry:
    lon, lat = rng.uniform(WEST + 0.006, WEST + SIDE - 0.006), rng.uniform(SOUTH + 0.006, SOUTH + SIDE - 0.006)
    corners = int(rng.integers(4, 24))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.0008, 0.005, corners)
    ring = np.column_stack([lon + reach * np.cos(angle), lat + reach * np.sin(angle)])
    parts = shapely.get_parts(shapely.make_valid(shapely.Polygon(ring)))
    return shapely.union_all(parts[shapely.get_type_id(parts) == 3])


def closing(area: shapely.Geometry, cells: np.ndarray, srid: int = 4490) -> Closure:
    pieces = overlay(np.array([area], dtype=object), cells, srid)
    return closure(area, pieces.shapes, float(pieces.areas_m2.sum()), srid)


def worst_closure(seed: int, count: int) -> float:
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(count):
        cells = parcels(rng, 400)
        found = closing(red_line(rng, cells), cells)
        worst = max(worst, abs(found.residue_m2) / found.noded_m2)
    return worst


def test_sixty_red_lines_close() -> None:
    assert worst_closure(1, 60) <= CLOSES


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_red_lines_close(figures: Callable[..., None]) -> None:
    worst = worst_closure(2, 1000)
    figures("overlay-closure", red_lines=1000, worst_relative=worst)
    assert worst <= CLOSES


@pytest.mark.parametrize("srid", [4490, 4523, 4544])
def test_each_class_equals_an_independent_overlay(srid: int) -> None:
    rng = np.random.default_rng(11)
    cells = parcels(rng, 300)
    classes = rng.integers(0, 9, len(cells))
    plane = moved(cells, 4490, srid)
    for _ in range(6):
        area = moved(np.array([red_line(rng, cells)], dtype=object), 4490, srid)
        pieces = overlay(area, plane, srid)
        for land in range(9):
            mine = pieces.areas_m2[classes[pieces.feature] == land].sum()
            cut = [area[0].intersection(cell) for cell, of in zip(plane, classes, strict=True) if of == land]
            oracle = sum(area_m2(part) for part in moved(np.array(cut, dtype=object), srid, 4490) if not part.is_empty)
            assert mine == pytest.approx(oracle, abs=CLASS_M2)


def test_seeded_gaps_and_overlaps_are_told_and_not_spread() -> None:
    rng = np.random.default_rng(5)
    cells = parcels(rng, 200)
    area = shapely.box(WEST + 0.004, SOUTH + 0.004, WEST + 0.016, SOUTH + 0.016)
    inside = np.flatnonzero(shapely.contains(area, cells))
    gap, twice = cells[inside[3]], cells[inside[7]]
    faulty = np.append(np.delete(cells, inside[3]), twice)
    clean, found = closing(area, cells), closing(area, faulty)
    gap_m2, twice_m2 = ellipsoidal_areas_m2(np.array([gap, twice], dtype=object))
    assert (clean.gap_m2, clean.overlap_m2) == (pytest.approx(0, abs=0.01), pytest.approx(0, abs=0.01))
    assert found.gap_m2 == pytest.approx(gap_m2, abs=0.01)
    assert found.overlap_m2 == pytest.approx(twice_m2, abs=0.01)
    assert found.residue_m2 == pytest.approx(gap_m2 - twice_m2, abs=0.01)
    assert found.factor == clean.factor


def test_the_whole_is_named_and_differs_from_its_corners_by_the_edges_only() -> None:
    cells = parcels(np.random.default_rng(3), 300)
    long_edges = shapely.Polygon([(103.902, 30.952), (103.917, 30.954), (103.918, 30.967), (103.903, 30.966)])
    found = closing(long_edges, cells)
    assert found.corner_m2 == pytest.approx(area_m2(long_edges), abs=0.001)
    assert 0 < abs(found.noded_m2 / found.corner_m2 - 1) < 1e-5
    assert abs(found.residue_m2) / found.noded_m2 <= CLOSES


def test_contact_alone_is_no_piece() -> None:
    areas = np.array([shapely.box(0, 0, 1, 1)], dtype=object)
    line, corner, apart = shapely.box(1, 0, 2, 1), shapely.box(1, 1, 2, 2), shapely.box(5, 5, 6, 6)
    assert len(overlay(areas, np.array([line, corner, apart], dtype=object), 4490).area) == 0
    assert len(overlay(areas, np.zeros(0, dtype=object), 4490).area) == 0
    assert closing(areas[0], np.array([apart], dtype=object)).gap_m2 == pytest.approx(
        ellipsoidal_areas_m2(areas)[0], rel=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_boxes_cover_the_area(seed: int) -> None:
    rng = np.random.default_rng(seed)
    areas = np.array([_ragged(rng) for _ in range(int(rng.integers(1, 5)))], dtype=object)
    boxes = boxes_over(areas)
    assert len(boxes) <= MOST_BOXES
    covered = shapely.union_all([shapely.box(*box) for box in boxes])
    assert shapely.covers(shapely.buffer(covered, 1e-12), shapely.union_all(areas))


def test_boxes_follow_a_long_narrow_area() -> None:
    road = shapely.buffer(shapely.LineString([(103.8, 30.95), (104.0, 31.15)]), 0.0002)
    boxes = boxes_over(np.array([road], dtype=object))
    assert sum((e - w) * (n - s) for w, s, e, n in boxes) < 0.4 * 0.2 * 0.2


AT_ONCE = """
import threading
import numpy as np
import shapely
from cim.analysis.overlay import overlay

rng = np.random.default_rng(1)
areas = np.array([shapely.Point(103.9 + n / 100, 31).buffer(0.02, quad_segs=64) for n in range(4)], dtype=object)
x, y = rng.uniform(103.88, 103.96, 2_000), rng.uniform(30.98, 31.02, 2_000)
features = shapely.box(x, y, x + 0.001, y + 0.001)
alone = len(overlay(areas, features, 4490).area)
found = []
threads = [
    threading.Thread(target=lambda: found.extend(len(overlay(areas, features, 4490).area) for _ in range(8)))
    for _ in range(6)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert found == [alone] * 48
"""


def test_one_area_is_laid_over_in_many_threads_at_once() -> None:
    """In a process of its own: what goes wrong here ends it."""
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
