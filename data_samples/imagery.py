"""Pictures from the air, painted rather than taken: ground, fields, water, roads, roofs and trees of the seat.

The picture stands where an orthophoto would, so that everything that works with one can be tried; it is named synthetic
in its tags. Heights of the same area come with it at five metres.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely.affinity import affine_transform

from data_samples.buildings import Buildings
from data_samples.place import SYNTHETIC
from data_samples.plane import PLANE_CRS, Geometries, to_plane
from data_samples.roads import Roads
from data_samples.terrain import Terrain

CENTRE_DEG = (103.9455, 30.9865)
SIDE_M = 2_560.0
PICTURE_CELL_M, HEIGHT_CELL_M = 2.0, 5.0
GROUND, WATER, PAVED, LANE = (138, 142, 110), (74, 96, 98), (128, 128, 126), (168, 158, 140)
ROOFS = ((176, 172, 166), (150, 84, 66), (112, 124, 140), (198, 196, 190), (96, 92, 90))
FIELDS = ((112, 132, 78), (146, 150, 88), (96, 122, 70), (164, 150, 104))
TREE = (62, 88, 52)
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Window:
    """A square of the plane, its cells counted from the north-west."""

    west: float
    north: float
    cell_m: float
    cells: int

    @property
    def transform(self) -> rasterio.Affine:
        """Cell to plane."""
        return rasterio.Affine(self.cell_m, 0, self.west, 0, -self.cell_m, self.north)

    @property
    def area(self) -> shapely.Polygon:
        """The square."""
        side = self.cell_m * self.cells
        return shapely.box(self.west, self.north - side, self.west + side, self.north)

    def centres(self) -> NDArray[np.float64]:
        """Centres of all cells, row by row."""
        steps = (np.arange(self.cells) + 0.5) * self.cell_m
        x, y = np.meshgrid(self.west + steps, self.north - steps)
        return np.column_stack([x.ravel(), y.ravel()])


def seat(cell_m: float) -> Window:
    """The square around the seat."""
    x, y = np.round(to_plane(np.array([CENTRE_DEG]))[0] - SIDE_M / 2)
    return Window(float(x), float(y + SIDE_M), cell_m, round(SIDE_M / cell_m))


def orthophoto(path: Path, water: Geometries, network: Roads, houses: Buildings, fields: Geometries, seed: int) -> str:
    """Paint the seat and write it as JPEG-compressed GeoTIFF in EPSG:4523; returns the hash of its pixels."""
    window = seat(PICTURE_CELL_M)
    picture = painted(window, water, network, houses, fields, seed)
    profile = {"count": 3, "dtype": "uint8", "photometric": "YCBCR", "compress": "jpeg", "jpeg_quality": 80}
    with rasterio.open(path, "w", **_grid(window), **profile) as dataset:
        dataset.write(picture)
        dataset.update_tags(data_source=SYNTHETIC, TIFFTAG_DATETIME="2024:05:01 10:00:00")
    return hashlib.sha256(picture.tobytes()).hexdigest()


def heights(path: Path, terrain: Terrain) -> str:
    """Write heights of the seat to the decimetre, five metres a cell; returns the hash of its cells."""
    window = seat(HEIGHT_CELL_M)
    cells = np.round(terrain.height(window.centres()), 1).astype(np.float32).reshape(window.cells, window.cells)
    profile = {"count": 1, "dtype": "float32", "nodata": -9999.0, "compress": "deflate", "predictor": 3}
    with rasterio.open(path, "w", **_grid(window), **profile) as dataset:
        dataset.write(cells, 1)
        dataset.update_tags(data_source=SYNTHETIC, vertical_datum="EPSG:5737")
    return hashlib.sha256(cells.tobytes()).hexdigest()


def painted(
    window: Window, water: Geometries, network: Roads, houses: Buildings, fields: Geometries, seed: int
) -> Picture:
    """Bands, rows, columns: fields below, then trees, water, roads and roofs with their shadows."""
    rng = np.random.default_rng(seed)
    picture = np.broadcast_to(np.array(GROUND, np.float64)[:, None, None], (3, window.cells, window.cells)).copy()
    _fill(picture, window, _of(window, fields), FIELDS, rng)
    trees = shapely.buffer(shapely.points(_scattered(window, 9_000, rng)), rng.uniform(1.5, 4.0, 9_000))
    _fill(picture, window, trees, (TREE,), rng)
    _fill(picture, window, _of(window, water), (WATER,), rng)
    streets = shapely.buffer(network.lines, network.widths() / 2, cap_style="flat")
    narrow = network.widths() < 7
    _fill(picture, window, _of(window, streets[narrow]), (LANE,), rng)
    _fill(picture, window, _of(window, streets[~narrow]), (PAVED,), rng)
    near = shapely.intersects(houses.shapes, window.area)
    shapes, height = houses.shapes[near], houses.height[near]
    shift = np.minimum(height, 40) * 0.35
    shadows = [affine_transform(s, (1, 0, 0, 1, -d, d)) for s, d in zip(shapes, shift, strict=True)]
    dark = _mask(window, np.array(shadows, dtype=object))
    picture[:, dark] *= 0.55
    _fill(picture, window, shapes, ROOFS, rng)
    grain = rng.normal(0, 4, (window.cells, window.cells))
    return np.clip(picture + grain, 1, 255).astype(np.uint8)


def _fill(
    picture: NDArray[np.float64],
    window: Window,
    shapes: Geometries,
    colours: tuple[tuple[int, int, int], ...],
    rng: np.random.Generator,
) -> None:
    """Paint shapes, each in one of the colours, a little lighter or darker."""
    if not len(shapes):
        return
    shades = np.array(colours, np.float64)[rng.integers(0, len(colours), len(shapes))]
    shades *= rng.uniform(0.88, 1.12, (len(shapes), 1))
    number = rasterize(
        zip(shapes, range(1, len(shapes) + 1), strict=True),
        (window.cells, window.cells),
        transform=window.transform,
        dtype="int32",
    )
    hit = number > 0
    picture[:, hit] = shades[number[hit] - 1].T


def _mask(window: Window, shapes: Geometries) -> NDArray[np.bool_]:
    if not len(shapes):
        return np.zeros((window.cells, window.cells), np.bool_)
    burnt = rasterize(((s, 1) for s in shapes), (window.cells, window.cells), transform=window.transform, dtype="uint8")
    return np.asarray(burnt > 0)


def _of(window: Window, shapes: Geometries) -> Geometries:
    return np.asarray(shapes[shapely.intersects(shapes, window.area)])


def _scattered(window: Window, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    side = window.cell_m * window.cells
    return np.array([window.west, window.north - side]) + rng.uniform(0, side, (count, 2))


def _grid(window: Window) -> dict[str, object]:
    return {
        "driver": "GTiff",
        "width": window.cells,
        "height": window.cells,
        "crs": PLANE_CRS,
        "transform": window.transform,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
    }
