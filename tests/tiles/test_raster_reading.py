"""Windows of images: exact places, mosaics, masks, seams, against our own arithmetic."""

import time
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio

from cim.errors import BadRequest, StoreError, StoreUnavailable
from cim.model.raster import RasterImage
from cim.store.files import FileStore
from tiles.raster_files import reading_images
from tiles.raster_grid import CGCS2000_QUAD, PictureArea, tile_area
from tiles.raster_painting import Look, heights_on, paint
from tiles.raster_pixels import Stretch
from tiles.raster_reading import read_heights
from tiles.raster_sheets import grouped

SEAT = (103.9455, 30.9865)
NATURAL = Look("natural", (0, 5000), Stretch(0, 255))
FOREVER = float("inf")


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    (tmp_path / "rasters").mkdir()
    return FileStore(tmp_path)


def image(
    store: FileStore,
    name: str,
    values: np.ndarray,
    *,
    crs: str = "EPSG:4523",
    origin: tuple[float, float] = (35_399_000.0, 3_430_400.0),
    cell: float = 10.0,
    colours: str = "gray",
    cell_m: float | None = None,
    **profile: object,
) -> RasterImage:
    """Keep an image, a COG where it has more than one block."""
    bands = values if values.ndim == 3 else values[None]
    path = store.raster_path(f"{name}.tif")
    size = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": values.dtype}
    transform = rasterio.Affine(cell, 0, origin[0], 0, -cell, origin[1])
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **size, **profile) as dataset:
        dataset.write(bands)
        if min(bands.shape[1:]) >= 256:
            dataset.build_overviews([2, 4], rasterio.enums.Resampling.average)
    return RasterImage(name, path.name, cell_m or cell, bands.shape[0], str(values.dtype), colours, "EPSG:5737")


def area_around(lon: float, lat: float, srid: int = 3857, pixel: float = 5.0, side: int = 128) -> PictureArea:
    x, y = pyproj.Transformer.from_crs(4490, srid, always_xy=True).transform(lon, lat)
    half = pixel * side / 2
    return PictureArea(srid, x - half, y - half, x + half, y + half, side, side)


def bilinear(values: np.ndarray, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Between the centres of cells, by hand."""
    c, r = columns - 0.5, rows - 0.5
    j, i = np.floor(c).astype(int), np.floor(r).astype(int)
    u, v = c - j, r - i
    top = values[i, j] * (1 - u) + values[i, j + 1] * u
    return top * (1 - v) + (values[i + 1, j] * (1 - u) + values[i + 1, j + 1] * u) * v


@pytest.mark.parametrize(("srid", "pixel"), [(3857, 5.0), (4490, 0.00004), (4523, 3.0), (4544, 3.0)])
def test_heights_lie_where_they_are(store: FileStore, srid: int, pixel: float) -> None:
    values = np.random.default_rng(1).normal(800, 15, (400, 400)).astype(np.float32)
    origin = (35_397_500.0, 3_431_800.0)
    kept = image(store, "dem", values, origin=origin)
    area = area_around(*SEAT, srid, pixel)
    found = heights_on(store, [kept], area, FOREVER)
    x = area.west + (np.arange(area.width) + 0.5) * area.pixel_x
    y = area.north - (np.arange(area.height) + 0.5) * area.pixel_y
    to_plane = pyproj.Transformer.from_crs(srid, 4523, always_xy=True)
    plane_x, plane_y = to_plane.transform(*np.meshgrid(x, y))
    expected = bilinear(values, (plane_x - origin[0]) / 10, (origin[1] - plane_y) / 10)
    assert np.abs(found - expected).max() < 0.05


def test_where_sheets_of_one_grid_meet_nothing_shows(store: FileStore) -> None:
    y, x = np.mgrid[0:200, 0:200]
    whole = (700 + 0.4 * x**1.5 + 30 * np.sin(y / 9)).astype(np.float32)
    one = image(store, "whole", whole)
    parts = [
        image(
            store,
            f"part{row}{column}",
            whole[row : row + 100, column : column + 100],
            origin=(35_399_000.0 + column * 10, 3_430_400.0 - row * 10),
        )
        for row in (0, 100)
        for column in (0, 100)
    ]
    area = area_around(*centre(100, 100), pixel=3.0)
    relief = Look("shaded-relief", (600, 1600), Stretch(0, 1))
    assert np.array_equal(paint(store, [one], area, relief, FOREVER), paint(store, parts, area, relief, FOREVER))
    with reading_images():
        assert len(grouped(store, parts)) == 1


def centre(column: float, row: float) -> tuple[float, float]:
    """Longitude and latitude of a corner of cells of an image at the usual origin."""
    way = pyproj.Transformer.from_crs(4523, 4490, always_xy=True)
    lon, lat = way.transform(35_399_000.0 + column * 10, 3_430_400.0 - row * 10)
    return float(lon), float(lat)


def test_tiles_side_by_side_are_one_picture_at_every_zoom(store: FileStore) -> None:
    values = np.random.default_rng(5).normal(0, 4, (500, 500)).cumsum(0).cumsum(1) / 40 + 900
    kept = image(store, "dem", values.astype(np.float32))
    relief = Look("shaded-relief", (600, 1600), Stretch(0, 1))
    for pixel in (2.0, 14.0):
        area = area_around(*centre(250, 250), pixel=pixel, side=256)
        half = area.width // 2
        middle = area.west + half * area.pixel_x
        left = PictureArea(3857, area.west, area.south, middle, area.north, half, 256)
        right = PictureArea(3857, middle, area.south, area.east, area.north, half, 256)
        both = np.concatenate([paint(store, [kept], part, relief, FOREVER) for part in (left, right)], axis=2)
        whole = paint(store, [kept], area, relief, FOREVER)
        assert np.abs(both.astype(int) - whole).max() <= 2, pixel


def test_the_finest_image_is_on_top_and_the_other_fills_its_holes(store: FileStore) -> None:
    fine = np.full((50, 50), 200, np.float32)
    fine[20:30, 20:30] = -9999
    finest = image(store, "fine", fine, origin=(35_399_500.0, 3_429_900.0), cell=10, nodata=-9999)
    coarse = image(store, "coarse", np.full((60, 60), 100, np.float32), cell=37.0, origin=(35_399_000.0, 3_430_400.0))
    found = heights_on(store, [finest, coarse], area_around(*centre(75, 75), pixel=6.0, side=256), FOREVER)
    assert set(np.unique(np.round(found))) == {100, 200}
    assert round(float(found[128, 128])) == 100
    assert round(float(found[128, 160])) == 200
    assert not np.isnan(found).any()


def test_two_zones_meet_without_a_gap(store: FileStore) -> None:
    """Two pictures of equal colour that abut, one in each of two systems."""
    red = np.stack([np.full((300, 300), band, np.uint8) for band in (200, 30, 30)])
    west = image(store, "west", red, colours="rgb", photometric="RGB")
    to_other = pyproj.Transformer.from_crs(4523, 4544, always_xy=True)
    x, y = to_other.transform(35_399_000.0 + 3000, 3_430_400.0)
    east = image(store, "east", red, crs="EPSG:4544", origin=(x, y), colours="rgb", photometric="RGB")
    picture = paint(store, [west, east], area_around(*centre(300, 150), pixel=4.0), NATURAL, FOREVER)
    assert (picture[3] == 255).all()
    assert (np.abs(picture[0].astype(int) - 200) <= 1).all()


def test_masks_and_alpha_leave_the_ground_free(store: FileStore) -> None:
    values = np.stack([np.full((200, 200), band, np.uint8) for band in (10, 200, 30, 255)])
    values[3, :, 100:] = 0
    values[:3, :, 100:] = 0
    kept = image(store, "alpha", values, colours="rgb", photometric="RGB", alpha="YES")
    picture = paint(store, [kept], area_around(*centre(100, 100), pixel=4.0), NATURAL, FOREVER)
    assert set(np.unique(picture[3])) == {0, 255}
    assert 0.4 < (picture[3] == 255).mean() < 0.6
    assert (picture[1][picture[3] == 255] == 200).all(), "the black beside the mask must not bleed in"


def test_sixteen_bits_are_stretched_and_palettes_looked_up(store: FileStore) -> None:
    deep = np.stack([np.full((100, 100), level, np.uint16) for level in (1000, 2000, 3000)])
    kept = image(store, "deep", deep, colours="rgb", photometric="RGB")
    area = area_around(*centre(50, 50), pixel=3.0, side=64)
    picture = paint(store, [kept], area, Look("natural", (0, 1), Stretch(1000, 3000)), FOREVER)
    assert picture[:, 32, 32].tolist() == [0, 127, 255, 255]
    classes = image(store, "classes", np.full((100, 100), 7, np.uint8), colours="palette")
    with rasterio.open(store.raster_path(classes.file), "r+") as dataset:
        dataset.write_colormap(1, {7: (1, 2, 3, 255), 8: (9, 9, 9, 255)})
    assert paint(store, [classes], area, NATURAL, FOREVER)[:, 32, 32].tolist() == [1, 2, 3, 255]


def test_overviews_are_read_where_cells_are_smaller_than_pixels(store: FileStore) -> None:
    """The full cells lie: who shows 50 has read an overview."""
    values = np.full((512, 512), 50, np.float32)
    kept = image(store, "dem", values, tiled=True, blockxsize=256, blockysize=256)
    with rasterio.open(store.raster_path(kept.file), "r+") as dataset:
        dataset.write(np.full((512, 512), 900, np.float32), 1)
    found = heights_on(store, [kept], area_around(*centre(256, 256), pixel=50.0, side=64), FOREVER)
    assert np.allclose(found, 50)
    found = heights_on(store, [kept], area_around(*centre(256, 256), pixel=8.0, side=64), FOREVER)
    assert np.allclose(found, 900)


def test_missing_and_broken_files_are_told_without_their_paths(store: FileStore) -> None:
    kept = image(store, "dem", np.zeros((10, 10), np.float32))
    gone = RasterImage("gone", "gone.tif", 10, 1, "float32", "gray", None)
    outside = RasterImage("outside", "../rasters/dem.tif", 10, 1, "float32", "gray", None)
    store.raster_path("broken.tif").write_bytes(store.raster_path(kept.file).read_bytes()[:150])
    broken = RasterImage("broken", "broken.tif", 10, 1, "float32", "gray", None)
    for one in (gone, outside, broken):
        with pytest.raises(StoreError, match="missing or damaged") as caught:
            heights_on(store, [one], area_around(*centre(5, 5)), FOREVER)
        assert ".tif" not in str(caught.value)
        assert str(store.root) not in str(caught.value)


def test_time_is_bounded(store: FileStore) -> None:
    kept = image(store, "dem", np.zeros((10, 10), np.float32))
    with pytest.raises(StoreUnavailable, match="longer than it may"):
        heights_on(store, [kept], area_around(*centre(5, 5)), time.monotonic() - 1)


def test_an_image_over_the_date_line_is_on_both_sides(store: FileStore) -> None:
    values = np.full((100, 200), 300, np.float32)
    kept = image(store, "line", values, crs="EPSG:4326", origin=(179.0, 10.0), cell=0.01, cell_m=1100.0)
    for lon in (179.5, -179.5):
        area = PictureArea(4490, lon - 0.1, 9.4, lon + 0.1, 9.6, 32, 32)
        with reading_images():
            (group,) = grouped(store, [kept])
            found = read_heights(group, area)
        assert found is not None
        assert np.allclose(found, 300), lon


def test_national_tiles_lie_where_the_grid_says() -> None:
    first = tile_area(CGCS2000_QUAD, 1, 1, 0)
    assert (first.west, first.south, first.east, first.north) == (0, -90, 180, 90)
    for level in (1, 7, 20):
        area = tile_area(CGCS2000_QUAD, level, 0, 0)
        assert area.pixel_x == pytest.approx(0.703125 / 2 ** (level - 1))
        assert (area.west, area.north) == (-180, 90)
    for z, x, y in ((0, 0, 0), (21, 0, 0), (1, 2, 0), (1, 0, 1), (3, -1, 0)):
        with pytest.raises(BadRequest):
            tile_area(CGCS2000_QUAD, z, x, y)
    with pytest.raises(BadRequest, match="matrix set"):
        tile_area("Nonsense", 1, 0, 0)


def test_pixels_are_measured_on_the_ground() -> None:
    for srid, pixel, expected in (
        (3857, 10.0, 10 * np.cos(np.radians(SEAT[1]))),
        (4490, 0.0001, 0.0001 * 111_320 * np.cos(np.radians(SEAT[1]))),
        (4523, 10.0, 10.0),
    ):
        wide, high = area_around(*SEAT, srid, pixel).ground_pixel_m()
        assert wide == pytest.approx(expected, rel=0.005)
        assert high == pytest.approx(expected if srid != 4490 else 0.0001 * 110_850, rel=0.008)
