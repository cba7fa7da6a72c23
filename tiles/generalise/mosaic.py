"""Giving the cells of a block to classes, so that each class keeps its area and lies where it really is.

Most cells go to a class as a whole. What a class is due beyond whole cells it gets in parts, sixteenths of a cell, of
cells that several classes share.
"""

import numpy as np
from numpy.typing import NDArray

from tiles.generalise.grid import Floats, Integers

PARTS = 4
"""Parts of a cell each way."""
NEIGHBOURS = 0.3
"""Weight of a class's share in the cells around: what hangs together stays together."""
MIXED = 0.5
RARE = 2.0
"""What makes a cell one to share: that no class fills it, and that it holds a class that is due no whole cell."""
PHASE = 2654435761
"""A multiplicative hash of the block spreads the rounding, so that over many blocks it evens out."""


def quotas(painted: Integers, present: NDArray[np.bool_], parts: int, block: tuple[int, int]) -> Integers:
    """How many of a block's parts every class is due: in proportion to ``painted``, at least one if ``present``.

    The rounding starts at a phase that follows from the block; parts added for rare classes come from the largest.
    """
    total = int(painted.sum())
    phase = (block[0] * PHASE ^ block[1] * 40503) % total
    bounds = (np.cumsum(painted) * parts + phase) // total
    result: Integers = np.diff(bounds, prepend=0).astype(np.int64)
    for index in np.flatnonzero(present & (result == 0)):
        result[index] += 1
        result[np.argmax(result)] -= 1
    return np.asarray(result)


def allocate(shares: Floats, quota: Integers) -> Integers:
    """A class for every part of every cell of a square block, each class as often as its quota says.

    ``shares`` are by cell row, cell column and class; the result is by row and column of parts.
    """
    side, _, kinds = shares.shape
    score = (shares + NEIGHBOURS * _around(shares)).reshape(-1, kinds)
    whole, rest = np.divmod(quota, PARTS**2)
    shared = int(rest.sum()) // PARTS**2
    plain = shares.reshape(-1, kinds)
    rare = np.where(whole == 0, plain, 0).max(axis=1)
    mixed = MIXED * (1 - plain.max(axis=1)) + RARE * rare
    taken = _chosen(np.column_stack([score, mixed]), np.append(whole, shared))
    parts = np.repeat(taken[:, None], PARTS**2, axis=1)
    if shared:
        cells = np.flatnonzero(taken == kinds)
        parts[cells] = _chosen(np.repeat(score[cells], PARTS**2, axis=0), rest).reshape(shared, -1)
    return np.asarray(parts.reshape(side, side, PARTS, PARTS).swapaxes(1, 2).reshape(side * PARTS, side * PARTS))


def _chosen(score: Floats, quota: Integers) -> Integers:
    """A column for every row of a table of scores, each column as often as its quota says.

    Every row first takes its best; then rows of columns that are taken too often go to those that are taken too seldom,
    where that loses least.
    """
    score = np.where(quota == 0, -1.0, score)
    taken = np.argmax(score, axis=1).astype(np.int64)
    surplus = np.bincount(taken, minlength=len(quota)) - quota
    for kind in sorted(np.flatnonzero(surplus < 0).tolist(), key=lambda k: (int(quota[k]), k)):
        offered = np.flatnonzero(surplus[taken] > 0)
        gain = score[offered, kind] - score[offered, taken[offered]]
        for row in offered[np.argsort(-gain, kind="stable")].tolist():
            if surplus[kind] == 0:
                break
            if surplus[taken[row]] > 0:
                surplus[taken[row]] -= 1
                surplus[kind] += 1
                taken[row] = kind
    return np.asarray(taken)


def _around(shares: Floats) -> Floats:
    """The mean share of the cells around each, within the block."""
    padded = np.pad(shares, ((1, 1), (1, 1), (0, 0)), mode="edge")
    side = shares.shape[0]
    total = np.zeros_like(shares)
    for down in range(3):
        for right in range(3):
            total += padded[down : down + side, right : right + side]
    return (total - shares) / 8
