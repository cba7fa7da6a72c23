"""Distances down a stream: the cells of all water as a graph, walked from a place."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from cim.analysis.impact.grids import Mask
from cim.analysis.overlay import Floats

NOWHERE = -9999
_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class Walk:
    """For each water cell the length of stream from the start (infinite where not joined) and the cell before."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    length_m: Floats
    before: NDArray[np.int32]
    start: int

    def way_to(self, cell: int) -> list[int]:
        """The cells from the start to a cell."""
        way = [cell]
        while self.before[way[-1]] != NOWHERE:
            way.append(int(self.before[way[-1]]))
        return way[::-1]


def walked(water: Mask, start: tuple[int, int], cell_m: float) -> Walk:
    """All lengths along water from one of its cells, over its neighbours by sides and corners."""
    rows, columns = np.nonzero(water)
    number = np.full(water.shape, -1, dtype=np.int64)
    number[rows, columns] = np.arange(len(rows))
    ends: list[NDArray[np.int64]] = []
    for down, right in _STEPS:
        r, c = rows + down, columns + right
        inside = (r < water.shape[0]) & (c >= 0) & (c < water.shape[1])
        other = np.full(len(rows), -1, dtype=np.int64)
        other[inside] = number[r[inside], c[inside]]
        joined = np.flatnonzero(other >= 0)
        long_m = np.full(len(joined), cell_m * np.hypot(down, right))
        ends.append(np.column_stack([joined, other[joined], long_m]))
    links = np.vstack(ends)
    graph = sparse.coo_array(
        (links[:, 2], (links[:, 0].astype(np.int64), links[:, 1].astype(np.int64))), shape=(len(rows), len(rows))
    )
    begin = int(number[start])
    length_m, before = csgraph.dijkstra(graph.tocsr(), directed=False, indices=begin, return_predecessors=True)
    return Walk(rows, columns, np.asarray(length_m, dtype=np.float64), before, begin)


def lies_below(walk: Walk, cell: int, height_m: Floats, climb_m: float) -> bool:
    """Whether a cell lies down the stream: not above the start, and no climb on the way, within an error of heights."""
    way = height_m[walk.way_to(cell)]
    if not np.isfinite(way).any():
        return False
    start, end = way[np.isfinite(way)][0], way[np.isfinite(way)][-1]
    climbs = way - np.fmin.accumulate(way)
    return bool(end <= start and np.nanmax(climbs) <= climb_m)
