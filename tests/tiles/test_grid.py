"""The two grids against morecantile and against the figures of the national standard."""

import math

import morecantile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest, NotFound
from tiles.grid import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, grid

MERCATOR, NATIONAL = GRIDS[WEB_MERCATOR_QUAD], GRIDS[CGCS2000_QUAD]


@given(st.sampled_from(list(GRIDS.values())), st.data())
def test_squares_are_those_of_morecantile(one: object, data: st.DataObject) -> None:
    one = GRIDS[one.id]  # type: ignore[attr-defined]
    z = data.draw(st.integers(one.minzoom, one.maxzoom))
    x = data.draw(st.integers(0, one.columns(z) - 1))
    y = data.draw(st.integers(0, one.rows(z) - 1))
    one.check(z, x, y)
    square, known = one.square(z, x, y), one.matrices.xy_bounds(morecantile.Tile(x=x, y=y, z=z))
    for found, wanted in zip((square.west, square.south, square.east, square.north), known, strict=True):
        assert math.isclose(found, wanted, rel_tol=1e-12, abs_tol=1e-7)


def test_the_national_grid_has_the_figures_of_the_standard() -> None:
    assert (NATIONAL.minzoom, NATIONAL.maxzoom, NATIONAL.srid) == (1, 20, 4490)
    for level in range(1, 21):
        assert NATIONAL.cell_size(level) == 0.703125 / 2 ** (level - 1)
        assert (NATIONAL.columns(level), NATIONAL.rows(level)) == (2**level, 2 ** (level - 1))
    first = NATIONAL.square(1, 0, 0)
    assert (first.west, first.south, first.east, first.north) == (-180, -90, 0, 90)
    seat = NATIONAL.bbox(14, 12922, 2686)
    assert seat[0] <= 103.95 < seat[2]
    assert seat[1] < 30.98 <= seat[3]
    assert NATIONAL.document["tileMatrices"][0]["pointOfOrigin"] == [90.0, -180.0]
    # 0.703125 degree along the equator of 6 378 137 m, in pixels of 0.28 mm
    assert NATIONAL.scale_denominator(1) == pytest.approx(279_541_132.0143588, rel=1e-12)
    assert MERCATOR.scale_denominator(0) == pytest.approx(559_082_264.0287178, rel=1e-12)


@pytest.mark.parametrize(("name", "tile"), [(WEB_MERCATOR_QUAD, (3, 8, 0)), (CGCS2000_QUAD, (3, 0, 4))])
def test_tiles_outside_are_refused(name: str, tile: tuple[int, int, int]) -> None:
    for bad in (tile, (-1, 0, 0), (99, 0, 0), (3, -1, 0), (3, 0, -1)):
        with pytest.raises(BadRequest):
            grid(name).check(*bad)
    with pytest.raises(BadRequest):
        NATIONAL.check(0, 0, 0)
    with pytest.raises(NotFound):
        grid("WorldMercator")


def test_limits_hold_the_tiles_of_the_corners_and_nothing_more() -> None:
    extent = (103.7, 30.9, 104.2, 31.4)
    for one in GRIDS.values():
        for limits in one.limits(extent, 0, 30):
            first = one.bbox(limits.z, limits.min_column, limits.min_row)
            last = one.bbox(limits.z, limits.max_column, limits.max_row)
            assert first[0] <= extent[0] < first[2]
            assert first[1] < extent[3] <= first[3]
            assert last[0] <= extent[2] < last[2]
            assert last[1] < extent[1] <= last[3]
    assert [limits.z for limits in NATIONAL.limits((-180, -90, 180, 90), 0, 2)] == [1, 2]
    world = NATIONAL.limits((170, -90, -170, 90), 1, 1)[0]
    assert (world.min_column, world.max_column, world.min_row, world.max_row) == (0, 1, 0, 0)
