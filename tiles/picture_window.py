"""The part of the earth that a picture shows."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pyproj import Transformer
from pyproj.exceptions import ProjError

from cim.errors import BadRequest
from cim.model.collection import BoundingBox

MERCATOR_WORLD_M = 40_075_016.685578488
STYLE_TILE_PIXELS = 512
MERCATOR_LIMIT_M = MERCATOR_WORLD_M / 2
GEOGRAPHIC_LIMITS = (-180.0, -85.06, 180.0, 85.06)


@dataclass(frozen=True)
class Window:
    """Bounds in the units of ``srid``, axes in the order east, north, and the size of the picture in pixels."""

    srid: int
    west: float
    south: float
    east: float
    north: float
    width: int
    height: int

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a pixel in the units of the system."""
        return (self.east - self.west) / self.width, (self.north - self.south) / self.height

    @cached_property
    def zoom(self) -> float:
        """The zoom of MapLibre at which a map has the same number of pixels to the metre at the window's middle."""
        middle = ((self.west + self.east) / 2, (self.south + self.north) / 2)
        aside = (middle[0] + self.cell[0], middle[1])
        try:
            here, there = (self._mercator.transform(*place, errcheck=True) for place in (middle, aside))
        except ProjError:
            raise self._nowhere() from None
        metres = math.dist(here, there)
        if not metres > 0 or not math.isfinite(metres):
            raise self._nowhere()
        return round(math.log2(MERCATOR_WORLD_M / STYLE_TILE_PIXELS / metres), 6)

    def mercator_bounds(self, margin_pixels: float = 0.0) -> BoundingBox:
        """A box of Web Mercator metres that holds the window and a margin around it."""
        wide, high = self.cell[0] * margin_pixels, self.cell[1] * margin_pixels
        bounds = (self.west - wide, self.south - high, self.east + wide, self.north + high)
        if self.srid == 4490:
            bounds = _clamped(bounds, GEOGRAPHIC_LIMITS)
        if not (bounds[0] < bounds[2] and bounds[1] < bounds[3]):
            raise self._nowhere()
        try:
            found = bounds if self.srid == 3857 else self._mercator.transform_bounds(*bounds, densify_pts=21)
        except ProjError:
            raise self._nowhere() from None
        if not all(math.isfinite(value) for value in found):
            raise self._nowhere()
        limit = MERCATOR_LIMIT_M
        return _clamped(found, (-limit, -limit, limit, limit))

    def place(self, column: float, row: float) -> tuple[float, float]:
        """East and north of a position in the picture, counted in pixels from the upper left corner."""
        return self.west + column * self.cell[0], self.north - row * self.cell[1]

    @property
    def _mercator(self) -> Transformer:
        return transformer(self.srid, 3857)

    def _nowhere(self) -> BadRequest:
        return BadRequest(
            f"the box does not lie where EPSG:{self.srid} is used",
            where="bbox",
            remedy="check the axis order and the units of the box",
        )


@lru_cache(maxsize=64)
def transformer(source: int, target: int) -> Transformer:
    """The way between two EPSG systems with the axes in the order east, north."""
    return Transformer.from_crs(source, target, always_xy=True)


def _clamped(bounds: BoundingBox, limits: BoundingBox) -> BoundingBox:
    west, south, east, north = bounds
    return max(west, limits[0]), max(south, limits[1]), min(east, limits[2]), min(north, limits[3])
