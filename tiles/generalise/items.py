"""Features and aggregates as arrays, sorted into the cells of a zoom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles.generalise.grid import BLOCK_UNITS, Floats, Integers, to_units


@dataclass(frozen=True, slots=True)
class Items:
    """Features (``fid``) or aggregates of a finer zoom (-1): home in Web Mercator metres, sums, and sums by class."""

    fid: Integers
    x: Floats
    y: Floats
    sums: Integers
    parts: list[dict[str, int]]

    def __len__(self) -> int:
        return len(self.fid)

    def take(self, index: NDArray[Any]) -> "Items":
        """The items of an index, in its order."""
        return Items(
            self.fid[index], self.x[index], self.y[index], self.sums[index], [self.parts[i] for i in index.tolist()]
        )


@dataclass(frozen=True, slots=True)
class Cells:
    """Items in the order of blocks, cells and places, with the first item of every cell.

    ``column`` and ``row`` are numbers of cells, ``cell_units`` wide; ``block`` the number of the run of equal blocks.
    """

    items: Items
    starts: Integers
    column: Integers
    row: Integers
    cell_units: int

    @property
    def blocks(self) -> tuple[Integers, Integers]:
        """The block of every cell."""
        side = BLOCK_UNITS // self.cell_units
        return self.column // side, self.row // side


def sort_into_cells(items: Items, zoom: int, cell_units: int) -> Cells:
    """Sort items by block, along a Z-curve by cell, then by place: the order depends on nothing else."""
    east, south = to_units(items.x, items.y, zoom)
    column, row = (np.floor(v / cell_units).astype(np.int64) for v in (east, south))
    side = BLOCK_UNITS // cell_units
    curve = interleaved(column % side, row % side)
    order = np.lexsort((items.fid, items.y, items.x, curve, column // side, row // side))
    column, row = column[order], row[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(column) != 0) | (np.diff(row) != 0)
    starts = np.flatnonzero(new)
    return Cells(items.take(order), starts, column[starts], row[starts], cell_units)


def interleaved(column: Integers, row: Integers) -> Integers:
    """Numbers along a Z-curve for columns and rows below 4096."""
    result = np.zeros_like(column)
    for bit in range(12):
        result |= ((column >> bit) & 1) << (2 * bit) | ((row >> bit) & 1) << (2 * bit + 1)
    return result


def merged_parts(parts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Sums by class of several items together."""
    total: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def dominant(parts: dict[str, int]) -> str | None:
    """The class with the largest sum, the first by name of equals; None where no class is known."""
    return min(parts, key=lambda name: (-parts[name], name)) if parts else None
