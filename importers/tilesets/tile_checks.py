"""What must hold between a tile, its parent and its content: transforms, errors, and volumes inside volumes."""

import numpy as np
from numpy.typing import NDArray

from importers.tilesets.documents import Tile
from importers.tilesets.faults import Faults
from importers.tilesets.volumes import Volume, apart, sticks_out, volume_of

Floats = NDArray[np.float64]
STICKS_OUT = 0.01
"""A volume may reach out of another by this share of the other's radius."""


def matrix_of(numbers: list[float] | None) -> Floats:
    """A transform of the specification, written column by column, as a matrix for columns."""
    return np.eye(4) if numbers is None else np.array(numbers, np.float64).reshape(4, 4).T


def check_tile(where: str, tile: Tile, parent_error_m: float, within: Volume | None, faults: Faults) -> None:
    """What a tile alone and its parent say of each other; ``within`` is the parent's volume."""
    if tile.transform is not None:
        matrix = matrix_of(tile.transform)
        if np.abs(matrix[3] - [0, 0, 0, 1]).max() > 1e-6:
            faults.add("tileset-transform", f"{where}.transform", "it is not affine: the last row is not 0 0 0 1")
        elif abs(np.linalg.det(matrix[:3, :3])) < 1e-15:
            faults.add("tileset-transform", f"{where}.transform", "it cannot be turned round: it has no volume")
    if tile.geometricError > parent_error_m * (1 + 1e-9):
        told = f"{tile.geometricError:g} is greater than {parent_error_m:g}, that of its parent"
        faults.add("tileset-error", f"{where}.geometricError", told)


def check_volumes(
    where: str, tile: Tile, transform: Floats, volume: Volume | None, within: Volume | None, faults: Faults
) -> None:
    """Whether a tile lies in its parent, and its contents in it."""
    if volume is None:
        return
    if within is not None and apart(volume, within):
        faults.add("tileset-volume", f"{where}.boundingVolume", "it lies wholly outside of its parent's")
    elif within is not None and (out := sticks_out(volume, within)) > STICKS_OUT:
        told = f"it reaches out of its parent's by {out:.0%} of that one's radius"
        faults.note("tileset-volume-note", f"{where}.boundingVolume", told)
    for content in tile.drawn:
        if content.boundingVolume is None:
            continue
        own = volume_of(content.boundingVolume, transform)
        if own is not None and (out := sticks_out(own, volume)) > STICKS_OUT:
            told = f"it reaches out of its tile's by {out:.0%} of that one's radius"
            faults.add("tileset-volume", f"{where}.content.boundingVolume", told)
