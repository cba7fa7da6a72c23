"""Slopes, shade, colours and the terrain encoding against what is known beforehand."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from layers.raster_styles import RELIEF, SLOPE_CLASSES
from tiles.raster_shading import hillshade_rgba, relief_rgba, shade, shaded, slope_rgba, slopes, value_rgba
from tiles.terrain_rgb import decode_heights, encode_heights


def plane(rows: int, columns: int, east: float, north: float, pixel_m: float = 1.0) -> np.ndarray:
    y, x = np.mgrid[0:rows, 0:columns] * pixel_m
    return 1000 + east * x - north * y


def sides(rows: int, pixel_m: float = 1.0) -> np.ndarray:
    return np.full(rows, pixel_m)


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(1, 5), st.floats(0.2, 200))
def test_a_plane_has_its_own_slope_whatever_the_step_and_pixel(
    east: float, north: float, step: int, pixel_m: float
) -> None:
    heights = plane(8 + 2 * step, 9 + 2 * step, east, north, pixel_m)
    found = slopes(heights, step, sides(8, pixel_m), sides(8, pixel_m))
    assert found.whole.all()
    assert np.allclose(found.degrees, np.degrees(np.arctan(np.hypot(east, north))), atol=1e-6)


def test_slopes_take_the_size_of_pixels_row_by_row() -> None:
    heights = plane(6, 6, 1.0, 0.0)
    found = slopes(heights, 1, np.array([1.0, 2.0, 4.0, 8.0]), sides(4))
    assert np.allclose(found.east[:, 0], [1, 0.5, 0.25, 0.125])


def test_light_comes_from_the_north_west() -> None:
    bright = {
        (east, north): float(shade(slopes(plane(3, 3, east, north), 1, sides(1), sides(1)))[0, 0])
        for east, north in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))
    }
    assert bright[0, 0] == pytest.approx(np.sin(np.radians(45)))
    assert bright[1, -1] == max(bright.values())
    assert bright[-1, 1] == min(bright.values())
    assert bright[1, 0] == pytest.approx(bright[0, -1])


def test_what_is_unknown_is_transparent_and_its_neighbours_are_not_whole() -> None:
    heights = plane(7, 7, 0.1, 0.1)
    heights[3, 3] = np.nan
    found = slopes(heights, 1, sides(5), sides(5))
    assert found.whole.sum() == 25 - 9
    known = np.isfinite(heights[1:-1, 1:-1])
    for picture in (
        hillshade_rgba(found, known),
        slope_rgba(found, known),
        relief_rgba(heights[1:-1, 1:-1], (0, 2000)),
        shaded(relief_rgba(heights[1:-1, 1:-1], (0, 2000)), found),
        value_rgba(heights[1:-1, 1:-1], 900, 1100),
    ):
        assert picture.dtype == np.uint8
        assert picture[3, 2, 2] == 0
        assert (picture[3] == 255).sum() == 24


@pytest.mark.parametrize(("degrees", "number"), [(0, 0), (1.9, 0), (2.1, 1), (5.9, 1), (14.9, 2), (24.9, 3), (25.1, 4)])
def test_slopes_are_classed_with_the_line_of_25_degrees(degrees: float, number: int) -> None:
    found = slopes(plane(3, 3, float(np.tan(np.radians(degrees))), 0), 1, sides(1), sides(1))
    picture = slope_rgba(found, np.ones((1, 1), bool))
    assert tuple(picture[:3, 0, 0]) == SLOPE_CLASSES[number].colour


def test_hypsometric_colours_reach_from_the_lowest_to_the_highest() -> None:
    picture = relief_rgba(np.array([[400.0, 450.0, 5000.0, 6000.0]]), (450, 5000))
    assert [tuple(picture[:3, 0, column]) for column in range(4)] == [RELIEF[0][1]] * 2 + [RELIEF[-1][1]] * 2


@given(arrays(np.float64, (3, 4), elements=st.floats(-9000, 9000)))
def test_terrain_is_told_to_five_centimetres(heights: np.ndarray) -> None:
    assert np.abs(decode_heights(encode_heights(heights)) - heights).max() <= 0.0501


def test_unknown_terrain_is_zero() -> None:
    assert np.allclose(decode_heights(encode_heights(np.array([[np.nan, 1234.56]]))), [[0, 1234.6]])


@pytest.mark.skipif(shutil.which("gdaldem") is None, reason="gdaldem is not installed: ./run bench installs it")
def test_slope_and_shade_are_those_of_gdaldem(tmp_path: Path) -> None:
    heights = (600 + np.random.default_rng(3).normal(0, 2, (60, 70)).cumsum(0).cumsum(1)).astype(np.float32)
    source = tmp_path / "dem.tif"
    profile = {"driver": "GTiff", "width": 70, "height": 60, "count": 1, "dtype": "float32", "crs": "EPSG:4544"}
    with rasterio.open(source, "w", transform=rasterio.Affine(5, 0, 4e5, 0, -5, 3.4e6), **profile) as dataset:
        dataset.write(heights, 1)
    found = slopes(heights, 1, sides(58, 5), sides(58, 5))
    for kind, ours, near in (("slope", found.degrees, 1e-3), ("hillshade", 1 + 254 * shade(found), 1.01)):
        subprocess.run(["gdaldem", kind, source, tmp_path / f"{kind}.tif", "-q"], check=True)
        with rasterio.open(tmp_path / f"{kind}.tif") as dataset:
            theirs = dataset.read(1)[1:-1, 1:-1]
        assert np.abs(ours - theirs).max() <= near, json.dumps([kind, float(np.abs(ours - theirs).max())])
