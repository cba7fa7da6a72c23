"""Where the tiles of pictures lie: squares of a matrix set in its own system, and the size of pixels on the ground."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from tiles.grid import WEB_MERCATOR_QUAD, check_tile

CGCS2000_QUAD = "CGCS2000Quad"
TILE_PIXELS = 256
LONLAT_SRID, MERCATOR_SRID = 4490, 3857
CGCS2000_LAST = 20
_MERCATOR_HALF_M = 20_037_508.342789244
_GEOD = pyproj.Geod(ellps="GRS80")


@dataclass(frozen=True, slots=True)
class PictureArea:
    """A box of pixels: its bounds in a system with x to the east, and how many pixels it has.

    Bounds are in metres or degrees as the system ``srid`` counts.
    """

    srid: int
    west: float
    south: float
    east: float
    north: float
    width: int
    height: int

    @property
    def pixel_x(self) -> float:
        """Width of a pixel in units of the system."""
        return (self.east - self.west) / self.width

    @property
    def pixel_y(self) -> float:
        """Height of a pixel in units of the system."""
        return (self.north - self.south) / self.height

    def widened(self, pixels: int) -> "PictureArea":
        """The area with some more pixels on every side."""
        dx, dy = pixels * self.pixel_x, pixels * self.pixel_y
        sides = (self.west - dx, self.south - dy, self.east + dx, self.north + dy)
        return PictureArea(self.srid, *sides, self.width + 2 * pixels, self.height + 2 * pixels)

    def lonlat_bbox(self) -> BoundingBox:
        """The box in longitude and latitude that holds the area, cut to the world."""
        way = transformer(self.srid, LONLAT_SRID)
        sides = way.transform_bounds(self.west, self.south, self.east, self.north, densify_pts=21)
        west, south, east, north = (side if math.isfinite(side) else None for side in sides)
        if west is None or south is None or east is None or north is None:
            return (-180.0, -90.0, 180.0, 90.0)
        return (max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0))

    def ground_pixel_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Width and height of pixels on the ground in metres, row by row, along the middle of the area."""
        middle = (self.west + self.east) / 2
        ys = self.north - (np.arange(self.height) + 0.5) * self.pixel_y
        way = transformer(self.srid, LONLAT_SRID)
        sides = [(middle + dx * self.pixel_x, ys + dy * self.pixel_y) for dx, dy in _HALF_STEPS]
        west, east, south, north = (way.transform(np.broadcast_to(x, ys.shape), y) for x, y in sides)
        _, _, wide = _GEOD.inv(*west, *east)
        _, _, high = _GEOD.inv(*south, *north)
        return np.maximum(wide, 1e-6), np.maximum(high, 1e-6)


_HALF_STEPS = ((-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5))


def tile_area(tile_matrix_set: str, z: int, x: int, y: int) -> PictureArea:
    """The area of a tile of WebMercatorQuad or CGCS2000Quad; ``x`` counts columns, ``y`` rows from the north.

    Raises BadRequest for a set, matrix or tile that does not exist.
    """
    if tile_matrix_set == WEB_MERCATOR_QUAD:
        check_tile(z, x, y)
        side = 2 * _MERCATOR_HALF_M / 2**z
        return _square(MERCATOR_SRID, -_MERCATOR_HALF_M, _MERCATOR_HALF_M, side, x, y)
    if tile_matrix_set == CGCS2000_QUAD:
        _check_national_tile(z, x, y)
        return _square(LONLAT_SRID, -180.0, 90.0, 180.0 / 2 ** (z - 1), x, y)
    raise BadRequest(
        f"there is no tile matrix set {tile_matrix_set[:40]!r}",
        where="tileMatrixSet",
        remedy=f"use {WEB_MERCATOR_QUAD} or {CGCS2000_QUAD}",
    )


def _square(srid: int, left: float, top: float, side: float, x: int, y: int) -> PictureArea:
    west, north = left + x * side, top - y * side
    return PictureArea(srid, west, north - side, west + side, north, TILE_PIXELS, TILE_PIXELS)


def _check_national_tile(z: int, x: int, y: int) -> None:
    if not 1 <= z <= CGCS2000_LAST:
        raise BadRequest(f"there is no matrix {z}", where="z", remedy=f"matrices are 1 to {CGCS2000_LAST}")
    rows = 1 << (z - 1)
    for name, value, count in (("column", x, 2 * rows), ("row", y, rows)):
        if not 0 <= value < count:
            raise BadRequest(
                f"tile {name} {value} does not exist", where=name, remedy=f"in matrix {z} it is 0 to {count - 1}"
            )


@functools.lru_cache(maxsize=256)
def transformer(from_crs: int | str, to_crs: int | str) -> pyproj.Transformer:
    """The way between two systems, x to the east in both; a system is an EPSG code or WKT."""
    return pyproj.Transformer.from_crs(from_crs, to_crs, always_xy=True)
