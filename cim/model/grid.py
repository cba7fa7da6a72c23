"""Where one tile lies, whatever the grid."""

from dataclasses import dataclass
from typing import Literal

GridSrid = Literal[3857, 4490]
"""The two systems that every feature's geometry is stored in, so that no tile query transforms."""


@dataclass(frozen=True, slots=True)
class TileSquare:
    """The bounds of one tile in the units of its grid: metres of Web Mercator or degrees of CGCS2000."""

    srid: GridSrid
    west: float
    south: float
    east: float
    north: float
