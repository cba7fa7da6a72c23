"""The point that a map conversion places where that is not the model's origin: a world coordinate system.

A map conversion takes coordinates relative to that point to the map; a placement takes those of the model.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Placement

_LEVEL = 1e-6


def is_level(reference: NDArray[np.float64]) -> bool:
    """Whether a reference, shape (4, 4), is turned in the plan only."""
    return float(reference[2, 2]) > 1 - _LEVEL


def relative(reference: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of the model, shape (n, 3), as seen from the reference."""
    seen: NDArray[np.float64] = (points - reference[:3, 3]) @ reference[:3, :3]
    return seen


def from_reference(placement: Placement, reference: NDArray[np.float64]) -> Placement:
    """The placement of the model, of one that places coordinates relative to a level reference."""
    turn = complex(placement.abscissa, placement.ordinate) * complex(reference[0, 0], -reference[1, 0])
    turn /= abs(turn)
    shift = placement.scale * turn * complex(reference[0, 3], reference[1, 3])
    return replace(
        placement,
        east_m=placement.east_m - shift.real,
        north_m=placement.north_m - shift.imag,
        height_m=placement.height_m - float(reference[2, 3]),
        abscissa=turn.real,
        ordinate=turn.imag,
    )
