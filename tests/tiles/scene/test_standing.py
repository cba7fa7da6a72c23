"""Where features stand, and what is said of those that cannot."""

from typing import Any

import numpy as np
import pytest
import shapely

from cim.model.ecef import LocalFrame, geocentric
from cim.model.undulation import Undulation
from cim.store.scene_rows import SceneRows
from tiles.scene.standing import corners_of, standing
from tiles.scene.tubes import SIDES, tubes

DEG_M = 1 / 111_000
UNDULATION = Undulation.constant(-39.5)


def box(x_m: float = 0.0, size_m: float = 20.0) -> shapely.Polygon:
    west, south = 103.9 + x_m * DEG_M, 31.0
    return shapely.box(west, south, west + size_m * DEG_M, south + size_m * DEG_M)


NUMBERS = ("height_m", "ground_m", "diameter_mm", "depth_start_m", "depth_end_m")
Row = tuple[Any, ...]


def row(fid: int, shape: shapely.Geometry, **numbers: float) -> Row:
    return (15, 0, fid, f"k{fid}", shapely.to_wkb(shape), *(numbers.get(name) for name in NUMBERS))


def rows_of(*rows: Row) -> SceneRows:
    return SceneRows.of(rows, 0)


def test_blocks_go_down_to_the_lowest_terrain_and_up_from_their_ground() -> None:
    rows = rows_of(row(1, box(), height_m=30.0, ground_m=502.0), row(2, box(50), height_m=12.0))
    corners = corners_of(rows)
    terrain_m = 500.0 + np.arange(len(corners.lon)) % 5
    found = standing(rows, corners, terrain_m, UNDULATION)
    assert found.bottom_m == pytest.approx([460.5, 460.5])
    assert found.top_m == pytest.approx([502.0 + 30 - 39.5, terrain_m[5:].mean() + 12 - 39.5])
    assert list(found.rows.fid) == [1, 2]
    assert found.findings == ()


def test_what_cannot_stand_is_named_with_its_number_and_the_rest_stands() -> None:
    bow = shapely.Polygon([(103.9, 31), (103.901, 31.001), (103.901, 31), (103.9, 31.001)])
    cases: list[tuple[str, Row, float | None]] = [
        ("no-height", row(1, box(), ground_m=500.0), None),
        ("no-height", row(2, box(), ground_m=500.0, height_m=0.0), 0.0),
        ("no-height", row(3, box(), ground_m=500.0, height_m=float("nan")), None),
        ("absurd-height", row(4, box(), ground_m=500.0, height_m=12_000.0), 12_000.0),
        ("crossing-rings", row(5, bow, ground_m=500.0, height_m=9.0), pytest.approx(0.0)),  # type: ignore[list-item]
        ("sliver", row(6, box(size_m=0.3), ground_m=500.0, height_m=9.0), pytest.approx(0.09, rel=0.2)),  # type: ignore[list-item]
        ("below-terrain", row(7, box(), ground_m=300.0, height_m=9.0), pytest.approx(-191.0)),  # type: ignore[list-item]
        ("no-shape", row(8, shapely.Polygon(), ground_m=500.0, height_m=9.0), 9.0),
    ]
    rows = rows_of(row(0, box(), ground_m=500.0, height_m=9.0), *(case[1] for case in cases))
    corners = corners_of(rows)
    found = standing(rows, corners, np.full(len(corners.lon), 500.0), UNDULATION)
    assert list(found.rows.fid) == [0]
    told = {one.fid: (one.code, one.value) for one in found.findings}
    assert told == {one[2]: (code, value) for code, one, value in cases}


def test_without_ground_and_terrain_nothing_stands() -> None:
    rows = rows_of(row(1, box(), height_m=9.0), row(2, box(30), height_m=9.0, ground_m=510.0))
    found = standing(rows, corners_of(rows), None, UNDULATION)
    assert [(one.fid, one.code) for one in found.findings] == [(1, "no-ground")]
    assert found.bottom_m == pytest.approx([470.5])


def test_tubes_lie_below_the_terrain_as_deep_as_their_ends_say() -> None:
    line = shapely.LineString([(103.9, 31.0), (103.9005, 31.0), (103.901, 31.0)])
    rows = rows_of(
        row(1, line, diameter_mm=600.0, depth_start_m=1.0, depth_end_m=3.0),
        row(2, shapely.MultiLineString([line, shapely.transform(line, lambda p: p + 0.001)]), diameter_mm=200.0),
        row(3, line, diameter_mm=-5.0),
        row(4, shapely.LineString([(104, 31), (104, 31)]), diameter_mm=100.0),
    )
    corners = corners_of(rows)
    terrain_m = np.full(len(corners.lon), 500.0)
    frame = LocalFrame.at(103.9005, 31.0, 0.0)
    found = tubes(rows, corners, terrain_m, UNDULATION, frame)
    assert list(found.rows.fid) == [1, 2]
    assert {(one.fid, one.code) for one in found.findings} == {(3, "absurd-height"), (4, "no-shape")}
    rings = found.block.positions.reshape(-1, SIDES, 3)
    middles = rings.mean(axis=1)
    expected = [500 - depth - 0.3 - 39.5 for depth in (1.0, 2.0, 3.0)]
    where = frame.local(geocentric(corners.lon[:3], corners.lat[:3], np.array(expected)))
    assert middles[:3] == pytest.approx(where, abs=1e-3)
    assert np.linalg.norm(rings[:3] - middles[:3, None], axis=2) == pytest.approx(np.full((3, SIDES), 0.3), abs=1e-6)
    assert len(found.block.triangles) == (2 + 4) * SIDES * 2
    a, b, c = (found.block.positions[found.block.triangles[:, corner]] for corner in range(3))
    normals = found.block.normals[found.block.triangles].mean(axis=1)
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), normals) > 0).all()


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (0, 0), (30, 0), (30, 0), (30, 20), (30, 20)],
        [(0, 0), (30, 0), (0, 0), (10, 5)],
        [(0, 0), (0, 1e-5), (0, 40)],
    ],
)
def test_tubes_of_lines_that_stand_still_or_turn_back_have_normals_everywhere(
    corners: list[tuple[float, float]],
) -> None:
    line = shapely.LineString([(103.9 + x * DEG_M, 31.0 + y * DEG_M) for x, y in corners])
    rows = rows_of(row(1, line, diameter_mm=300.0))
    held = corners_of(rows)
    frame = LocalFrame.at(103.9, 31.0, 0.0)
    block = tubes(rows, held, np.full(len(held.lon), 500.0), UNDULATION, frame).block
    assert np.linalg.norm(block.normals, axis=1) == pytest.approx(np.ones(len(block.normals)), abs=1e-9)
