"""Control points whose place in a picture is known in every reference system of the house, and the check to a pixel."""

import math

import numpy as np
from pyproj import Transformer

Bounds = tuple[float, float, float, float]
CORNERS = [(lon, lat) for lon in (103.96, 103.961) for lat in (30.98, 30.981)]
"""Of the first square."""
SYSTEMS = {"EPSG:3857": 3857, "EPSG:4490": 4490, "EPSG:4523": 4523, "EPSG:4544": 4544}
MARGIN_PIXELS = 20
SIDE_PIXELS = 200


def window(srid: int, cell: float | None = None) -> tuple[Bounds, float]:
    """A box east, north about the first square, and the side of its pixels.

    Unless given, that side is a power of two and the box lies on whole pixels, so that no rounding of a client, which
    may ask for one pixel more than the box holds, moves anything in its picture.
    """
    way = Transformer.from_crs(4490, srid, always_xy=True)
    places = [way.transform(*corner) for corner in CORNERS]
    west, south = min(x for x, _ in places), min(y for _, y in places)
    if cell is None:
        size = max(max(x for x, _ in places) - west, max(y for _, y in places) - south)
        cell = 2.0 ** math.ceil(math.log2(size / (SIDE_PIXELS - 2 * MARGIN_PIXELS)))
        west, south = math.floor(west / cell) * cell, math.floor(south / cell) * cell
    west, south = west - MARGIN_PIXELS * cell, south - MARGIN_PIXELS * cell
    return (west, south, west + SIDE_PIXELS * cell, south + SIDE_PIXELS * cell), cell


def check_place(coloured: np.ndarray, srid: int, bounds: Bounds, cell: float) -> None:
    """The coloured pixels span the square to a pixel; its outline is drawn half a pixel wide beyond."""
    way = Transformer.from_crs(4490, srid, always_xy=True)
    places = [way.transform(*corner) for corner in CORNERS]
    columns, rows = np.flatnonzero(coloured.any(axis=0)), np.flatnonzero(coloured.any(axis=1))
    found = (columns[0], columns[-1] + 1, rows[0], rows[-1] + 1)
    wanted = (
        min((x - bounds[0]) / cell for x, _ in places),
        max((x - bounds[0]) / cell for x, _ in places),
        min((bounds[3] - y) / cell for _, y in places),
        max((bounds[3] - y) / cell for _, y in places),
    )
    assert all(abs(a - b) <= 1.5 for a, b in zip(found, wanted, strict=True)), (found, wanted)
