"""Class numbers sampled over blocks: from the shapes of features, or from the next finer mosaic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from tiles.generalise.grid import BLOCK_LEVELS, BLOCK_UNITS, Floats, Integers, tile_box, to_units, unit_m
from tiles.generalise.mosaic import PARTS

CELL_UNITS = 16
CELLS = BLOCK_UNITS // CELL_UNITS
"""Cells of a block each way."""
PART_UNITS = CELL_UNITS // PARTS
BLOCK_PARTS = CELLS * PARTS
"""Parts of a block each way. Features are sampled once a part, a finer mosaic at its own parts, half as wide."""
NOTHING = 0
"""The number of uncovered ground; classes count from 1."""
Block = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Samples:
    """Class numbers over the blocks' common bounds; ``side`` samples a block."""

    values: NDArray[np.int32]
    corner: Block
    side: int

    def block(self, block: Block) -> NDArray[np.int32]:
        """The samples of one block."""
        left, top = (block[0] - self.corner[0]) * self.side, (block[1] - self.corner[1]) * self.side
        return self.values[top : top + self.side, left : left + self.side]


def sample_shapes(shapes: NDArray[Any], number: Integers, zoom: int, blocks: Sequence[Block]) -> Samples:
    """What class number lies at the middle of each sample; shapes are in Web Mercator metres."""
    corner, size, side = _frame(blocks, BLOCK_PARTS)
    west, _, _, north = tile_box(zoom + BLOCK_LEVELS, *corner)
    step = unit_m(zoom) * PART_UNITS
    values = rasterize(
        zip(shapes, number.tolist(), strict=True),
        out_shape=size,
        transform=Affine(step, 0, west, 0, -step, north),
        fill=NOTHING,
        dtype="int32",
    )
    return Samples(values, corner, side)


def sample_cells(
    cells: Sequence[bytes], x: Floats, y: Floats, number: Integers, zoom: int, blocks: Sequence[Block]
) -> Samples:
    """The class numbers of a finer mosaic's parts; ``x`` and ``y`` are homes in Web Mercator metres."""
    corner, size, side = _frame(blocks, 2 * BLOCK_PARTS)
    values = np.full(size, NOTHING, dtype=np.int32)
    columns, rows = home_blocks(x, y, zoom + 1)
    lefts, tops = (columns - 2 * corner[0]) * BLOCK_PARTS, (rows - 2 * corner[1]) * BLOCK_PARTS
    for bits, left, top, one in zip(cells, lefts.tolist(), tops.tolist(), number.tolist(), strict=True):
        values[top : top + BLOCK_PARTS, left : left + BLOCK_PARTS][unpacked(bits)] = one
    return Samples(values, corner, side)


def packed(mask: NDArray[np.bool_]) -> bytes:
    """The parts of a block as a bit each."""
    return np.packbits(mask).tobytes()


def unpacked(bits: bytes) -> NDArray[np.bool_]:
    """The parts of a block, from their bits."""
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8)).reshape(BLOCK_PARTS, BLOCK_PARTS).astype(bool)


def home_blocks(x: Floats, y: Floats, zoom: int) -> tuple[Integers, Integers]:
    """Columns and rows of the blocks that points in Web Mercator metres lie in."""
    east, south = to_units(x, y, zoom)
    return np.floor(east / BLOCK_UNITS).astype(np.int64), np.floor(south / BLOCK_UNITS).astype(np.int64)


def _frame(blocks: Sequence[Block], side: int) -> tuple[Block, tuple[int, int], int]:
    """The first block of the common bounds, the samples down and across them, and ``side``, those of a block."""
    columns, rows = [b[0] for b in blocks], [b[1] for b in blocks]
    corner = (min(columns), min(rows))
    return corner, ((max(rows) - corner[1] + 1) * side, (max(columns) - corner[0] + 1) * side), side
