"""Where the tiles of pictures lie: squares of a matrix set in its own system, and the size of pixels on the ground."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

from cim.model.collection import BoundingBox
from tiles.grid import TILE_PIXELS, grid

LONLAT_SRID, MERCATOR_SRID = 4490, 3857
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

    Raises NotFound for a set and BadRequest for a matrix or tile that does not exist.
    """
    found = grid(tile_matrix_set)
    found.check(z, x, y)
    square = found.square(z, x, y)
    return PictureArea(square.srid, square.west, square.south, square.east, square.north, TILE_PIXELS, TILE_PIXELS)


@functools.lru_cache(maxsize=256)
def transformer(from_crs: int | str, to_crs: int | str) -> pyproj.Transformer:
    """The way between two systems, x to the east in both; a system is an EPSG code or WKT."""
    return pyproj.Transformer.from_crs(from_crs, to_crs, always_xy=True)
