"""Giving every cell of a block one class, so that each class keeps its area and lies where it really is."""

import numpy as np
from numpy.typing import NDArray

from tiles.generalise.grid import Floats, Integers

NEIGHBOURS = 0.3
"""Weight of a class's share in the cells around: what hangs together stays together."""
PHASE = 2654435761
"""A multiplicative hash of the block spreads the rounding, so that over many blocks it evens out."""


def quotas(painted: Integers, present: NDArray[np.bool_], cells: int, block: tuple[int, int]) -> Integers:
    """Whole cells of every class: in proportion to ``painted`` samples, at least one for each that is ``present``.

    The rounding starts at a phase that follows from the block; the cells added for rare classes come from the largest.
    """
    total = int(painted.sum())
    phase = (block[0] * PHASE ^ block[1] * 40503) % total
    bounds = (np.cumsum(painted) * cells + phase) // total
    result: Integers = np.diff(bounds, prepend=0).astype(np.int64)
    for index in np.flatnonzero(present & (result == 0)):
        result[index] += 1
        result[np.argmax(result)] -= 1
    return np.asarray(result)


def allocate(shares: Floats, quota: Integers) -> Integers:
    """A class for every cell of a square block, each class as often as its quota says.

    ``shares`` are by cell row, cell column and class. Every cell first takes the class it holds most of, the cells
    around counting a little; then cells of classes that have too many go to those that have too few, where that loses
    least.
    """
    score = (shares + NEIGHBOURS * _around(shares)).reshape(-1, shares.shape[2])
    score[:, quota == 0] = -1
    taken = np.argmax(score, axis=1)
    surplus = np.bincount(taken, minlength=len(quota)) - quota
    for kind in sorted(np.flatnonzero(surplus < 0).tolist(), key=lambda k: (int(quota[k]), k)):
        _fill(kind, score, taken, surplus)
    return np.asarray(taken.astype(np.int64))


def _fill(kind: int, score: Floats, taken: NDArray[np.intp], surplus: Integers) -> None:
    """Give a class the cells it lacks, of classes that have too many."""
    offered = np.flatnonzero(surplus[taken] > 0)
    gain = score[offered, kind] - score[offered, taken[offered]]
    for cell in offered[np.argsort(-gain, kind="stable")].tolist():
        if surplus[kind] == 0:
            return
        if surplus[taken[cell]] > 0:
            surplus[taken[cell]] -= 1
            surplus[kind] += 1
            taken[cell] = kind


def _around(shares: Floats) -> Floats:
    """The mean share of the cells around each, within the block."""
    padded = np.pad(shares, ((1, 1), (1, 1), (0, 0)), mode="edge")
    side = shares.shape[0]
    total = np.zeros_like(shares)
    for down in range(3):
        for right in range(3):
            total += padded[down : down + side, right : right + shares.shape[1]]
    return (total - shares) / 8
