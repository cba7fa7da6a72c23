"""Tile matrix sets: which tiles exist, and where they lie.

Two grids are offered. ``WebMercatorQuad`` is that of web maps. ``CGCS2000Quad`` is the national geographic grid:
EPSG:4490, 256 pixels, origin 180W 90N, matrices "1" to "20", 0.703125 degree a pixel in matrix "1". A tile is named
z, x, y everywhere in the code, x the column from the west and y the row from the north.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import morecantile

from cim.errors import BadRequest, NotFound
from cim.model.collection import BoundingBox
from cim.model.grid import GridSrid, TileSquare

WEB_MERCATOR_QUAD = "WebMercatorQuad"
CGCS2000_QUAD = "CGCS2000Quad"
MAX_ZOOM = 22
TILE_PIXELS = 256
PIXEL_M = 0.00028
"""The standard pixel of OGC scale denominators."""
METRES_PER_DEGREE = math.pi * 6_378_137 / 180
"""A degree along the equator of CGCS2000 and of WGS 84, whose semi-major axes are equal."""
MERCATOR_LIMIT_DEG = 85.0511287798
_NATIONAL_DEGREES_PER_PIXEL = 0.703125


@dataclass(frozen=True)
class MatrixLimits:
    """The rows and columns of one matrix that an extent touches, both ends included."""

    z: int
    min_row: int
    max_row: int
    min_column: int
    max_column: int


@dataclass(frozen=True)
class Grid:
    """One tile matrix set with the zooms offered of it; the matrix of zoom z has the identifier ``str(z)``."""

    id: str
    title: str
    srid: GridSrid
    crs: str
    minzoom: int
    maxzoom: int
    matrices: morecantile.TileMatrixSet

    def check(self, z: int, x: int, y: int) -> None:
        """Refuse a tile outside the matrix, before any work is done for it."""
        if not self.minzoom <= z <= self.maxzoom:
            raise BadRequest(
                f"there is no zoom {z}", where="z", remedy=f"zooms are {self.minzoom} to {self.maxzoom} in {self.id}"
            )
        for name, value, side in (("x", x, self.columns(z)), ("y", y, self.rows(z))):
            if not 0 <= value < side:
                raise BadRequest(
                    f"tile {name} {value} does not exist", where=name, remedy=f"at zoom {z} it is 0 to {side - 1}"
                )

    def columns(self, z: int) -> int:
        """How many tiles lie side by side."""
        return self._matrix(z).matrixWidth

    def rows(self, z: int) -> int:
        """How many tiles lie above each other."""
        return self._matrix(z).matrixHeight

    def cell_size(self, z: int) -> float:
        """The side of a pixel in metres of Web Mercator or degrees."""
        return self._matrix(z).cellSize

    def scale_denominator(self, z: int) -> float:
        """The OGC scale denominator of a matrix, degrees counted along the equator."""
        return self.cell_size(z) * (METRES_PER_DEGREE if self.srid == 4490 else 1.0) / PIXEL_M

    def square(self, z: int, x: int, y: int) -> TileSquare:
        """The bounds of a tile in the grid's own units, the axes in the order east, north."""
        span = self.cell_size(z) * TILE_PIXELS
        left, top = self._origin
        return TileSquare(self.srid, left + x * span, top - (y + 1) * span, left + (x + 1) * span, top - y * span)

    def bbox(self, z: int, x: int, y: int) -> BoundingBox:
        """West, south, east, north of a tile in degrees."""
        bounds = self.matrices.bounds(morecantile.Tile(x=x, y=y, z=z))
        return (bounds.left, bounds.bottom, bounds.right, bounds.top)

    def limits(self, extent: BoundingBox, minzoom: int, maxzoom: int) -> list[MatrixLimits]:
        """Rows and columns that an extent in degrees touches, for the zooms that the grid has of those asked for."""
        west, south, east, north = (
            extent[0],
            max(extent[1], -MERCATOR_LIMIT_DEG),
            extent[2],
            min(extent[3], MERCATOR_LIMIT_DEG),
        )
        if west > east:
            west, east = -180.0, 180.0
        left, top = self._own(west, north)
        right, bottom = self._own(east, south)
        return [
            MatrixLimits(
                z,
                self._place(self._origin[1] - top, z, self.rows(z)),
                self._place(self._origin[1] - bottom, z, self.rows(z)),
                self._place(left - self._origin[0], z, self.columns(z)),
                self._place(right - self._origin[0], z, self.columns(z)),
            )
            for z in range(max(minzoom, self.minzoom), min(maxzoom, self.maxzoom) + 1)
        ]

    def _own(self, lon: float, lat: float) -> tuple[float, float]:
        """A position in the grid's own units."""
        if self.srid == 4490:
            return lon, lat
        position = self.matrices.xy(lon, lat)
        return position.x, position.y

    def _place(self, distance: float, z: int, side: int) -> int:
        """The row or column at a distance from the origin."""
        return min(max(math.floor(distance / (self.cell_size(z) * TILE_PIXELS)), 0), side - 1)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The tile matrix set as OGC JSON, cut to the zooms offered."""
        document: dict[str, Any] = self.matrices.model_dump(mode="json", exclude_none=True)
        document["crs"] = self.crs
        document["title"] = self.title
        kept = [m for m in document["tileMatrices"] if self.minzoom <= int(m["id"]) <= self.maxzoom]
        document["tileMatrices"] = kept
        return document

    def _matrix(self, z: int) -> morecantile.models.TileMatrix:
        return self._by_zoom[z]

    @cached_property
    def _by_zoom(self) -> dict[int, morecantile.models.TileMatrix]:
        return {z: self.matrices.matrix(z) for z in range(self.minzoom, self.maxzoom + 1)}

    @cached_property
    def _origin(self) -> tuple[float, float]:
        """The upper left corner as east, north."""
        first, second = self._by_zoom[self.minzoom].pointOfOrigin
        return (second, first) if self.srid == 4490 else (first, second)


def _national() -> morecantile.TileMatrixSet:
    matrices = [
        {
            "id": str(level),
            "scaleDenominator": _NATIONAL_DEGREES_PER_PIXEL / 2 ** (level - 1) * METRES_PER_DEGREE / PIXEL_M,
            "cellSize": _NATIONAL_DEGREES_PER_PIXEL / 2 ** (level - 1),
            "cornerOfOrigin": "topLeft",
            "pointOfOrigin": [90.0, -180.0],
            "tileWidth": TILE_PIXELS,
            "tileHeight": TILE_PIXELS,
            "matrixWidth": 2**level,
            "matrixHeight": 2 ** (level - 1),
        }
        for level in range(1, 21)
    ]
    return morecantile.TileMatrixSet.model_validate(
        {
            "id": CGCS2000_QUAD,
            "crs": "http://www.opengis.net/def/crs/EPSG/0/4490",
            "orderedAxes": ["Lat", "Lon"],
            "tileMatrices": matrices,
        }
    )


_MERCATOR = Grid(
    WEB_MERCATOR_QUAD,
    "Web Mercator 网络墨卡托",
    3857,
    "http://www.opengis.net/def/crs/EPSG/0/3857",
    0,
    MAX_ZOOM,
    morecantile.tms.get(WEB_MERCATOR_QUAD),
)
GRIDS: Mapping[str, Grid] = {
    WEB_MERCATOR_QUAD: _MERCATOR,
    CGCS2000_QUAD: Grid(
        CGCS2000_QUAD,
        "National geographic grid of CGCS2000 国家经纬度网格",
        4490,
        "http://www.opengis.net/def/crs/EPSG/0/4490",
        1,
        20,
        _national(),
    ),
}


def grid(name: str) -> Grid:
    """The grid of a tile matrix set's id; NotFound lists those there are."""
    found = GRIDS.get(name)
    if found is None:
        raise NotFound(
            f"there is no tile matrix set {name[:60]!r}", where="tileMatrixSet", remedy=f"use {' or '.join(GRIDS)}"
        )
    return found


def check_tile(z: int, x: int, y: int) -> None:
    """Refuse a tile outside the Web Mercator matrices, before any work is done for it."""
    _MERCATOR.check(z, x, y)


def tile_bbox(z: int, x: int, y: int) -> BoundingBox:
    """West, south, east, north of a Web Mercator tile in degrees."""
    return _MERCATOR.bbox(z, x, y)


def tile_square(z: int, x: int, y: int) -> TileSquare:
    """The bounds of a Web Mercator tile in metres."""
    return _MERCATOR.square(z, x, y)
