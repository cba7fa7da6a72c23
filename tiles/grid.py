"""Tile matrix sets: which tiles exist, and where they lie."""

import morecantile

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from cim.model.grid import TileSquare

WEB_MERCATOR_QUAD = "WebMercatorQuad"
MAX_ZOOM = 22
_MERCATOR = morecantile.tms.get(WEB_MERCATOR_QUAD)


def check_tile(z: int, x: int, y: int) -> None:
    """Refuse a tile outside the matrix, before any work is done for it."""
    if not 0 <= z <= MAX_ZOOM:
        raise BadRequest(f"there is no zoom {z}", where="z", remedy=f"zooms are 0 to {MAX_ZOOM}")
    side = 1 << z
    for name, value in (("x", x), ("y", y)):
        if not 0 <= value < side:
            raise BadRequest(
                f"tile {name} {value} does not exist", where=name, remedy=f"at zoom {z} it is 0 to {side - 1}"
            )


def tile_bbox(z: int, x: int, y: int) -> BoundingBox:
    """West, south, east, north of a Web Mercator tile in degrees."""
    bounds = _MERCATOR.bounds(morecantile.Tile(x=x, y=y, z=z))
    return (bounds.left, bounds.bottom, bounds.right, bounds.top)


def tile_square(z: int, x: int, y: int) -> TileSquare:
    """The bounds of a Web Mercator tile in metres."""
    bounds = _MERCATOR.xy_bounds(morecantile.Tile(x=x, y=y, z=z))
    return TileSquare(3857, bounds.left, bounds.bottom, bounds.right, bounds.top)
