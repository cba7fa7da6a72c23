"""The grids that generalised content lies on, all aligned with the tiles of the zoom it is made for.

A tile is 4096 units wide. A block, the unit of rebuilding, is the tile three zooms deeper: an eighth of a tile each
way. Cells divide blocks evenly. Numbers of blocks and cells count from the north-west corner of the world.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

EXTENT = 4096
BLOCK_LEVELS = 3
BLOCK_UNITS = EXTENT >> BLOCK_LEVELS
EARTH_RADIUS_M = 6_378_137.0
ECCENTRICITY_2 = 0.006694380022900788
"""Of the CGCS2000 ellipsoid, squared."""
HALF_WORLD_M = np.pi * EARTH_RADIUS_M
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shapes = NDArray[Any] | shapely.Geometry
"""An array of shapes; shapely declares that it may give a single one."""
Box = tuple[float, float, float, float]
"""West, south, east, north in Web Mercator metres."""


def unit_m(zoom: int) -> float:
    """Web Mercator metres of one unit."""
    return float(2 * HALF_WORLD_M / 2**zoom / EXTENT)


def to_units(x: Floats, y: Floats, zoom: int) -> tuple[Floats, Floats]:
    """Units east and south of the world's north-west corner, from Web Mercator metres."""
    unit = unit_m(zoom)
    return (x + HALF_WORLD_M) / unit, (HALF_WORLD_M - y) / unit


def shapes_from_units(shapes: Shapes, zoom: int) -> NDArray[Any]:
    """Shapes in Web Mercator metres, from units."""
    unit = unit_m(zoom)
    scale = np.array([unit, -unit])
    corner = np.array([-HALF_WORLD_M, HALF_WORLD_M])
    return np.asarray(shapely.transform(shapes, lambda xy: xy * scale + corner))


def tile_box(zoom: int, x: int, y: int) -> Box:
    """Web Mercator bounds of a tile, or of a block under the zoom three deeper."""
    side = 2 * HALF_WORLD_M / 2**zoom
    west, north = x * side - HALF_WORLD_M, HALF_WORLD_M - y * side
    return (west, north - side, west + side, north)


def latitude(y: Floats) -> Floats:
    """Latitude in radians of Web Mercator northings."""
    return np.asarray(2 * np.arctan(np.exp(y / EARTH_RADIUS_M)) - np.pi / 2)


def ground_area_share(y: Floats) -> Floats:
    """Ellipsoidal m2 on the ground of one planar Web Mercator m2 at a northing."""
    phi = latitude(y)
    w2 = 1 - ECCENTRICITY_2 * np.sin(phi) ** 2
    return np.asarray(np.cos(phi) ** 2 * (1 - ECCENTRICITY_2) / w2**2)


def ground_length_share(y: Floats) -> Floats:
    """Metres on the ground of one Web Mercator metre at a northing, the mean of both axes."""
    return np.asarray(np.sqrt(ground_area_share(y)))


def encoded(shapes: Shapes) -> list[tuple[str, str]]:
    """Shapes in Web Mercator metres as hexadecimal EWKB in EPSG:3857 and EPSG:4490."""

    def degrees(xy: Floats) -> Floats:
        return np.column_stack([np.degrees(xy[:, 0] / EARTH_RADIUS_M), np.degrees(latitude(xy[:, 1]))])

    mercator = shapely.to_wkb(shapely.set_srid(shapes, 3857), hex=True, include_srid=True)
    lonlat = shapely.to_wkb(shapely.set_srid(shapely.transform(shapes, degrees), 4490), hex=True, include_srid=True)
    return list(zip(np.asarray(mercator).tolist(), np.asarray(lonlat).tolist(), strict=True))
