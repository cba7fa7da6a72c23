"""Class numbers sampled over blocks: from the shapes of features, or from the cells of the next finer mosaic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize

from tiles.generalise.grid import BLOCK_LEVELS, BLOCK_UNITS, Floats, Integers, tile_box, to_units, unit_m

CELL_UNITS = 16
CELLS = BLOCK_UNITS // CELL_UNITS
"""Cells of a block each way."""
FINE_SAMPLES = 4
COARSE_SAMPLES = 2
"""Samples of a cell each way: of features, and of a finer mosaic, whose cells are half as wide."""
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
    corner, size, side = _frame(blocks, FINE_SAMPLES)
    west, _, _, north = tile_box(zoom + BLOCK_LEVELS, *corner)
    step = unit_m(zoom) * CELL_UNITS / FINE_SAMPLES
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
    """The class numbers of a finer mosaic's cells; ``x`` and ``y`` are homes in Web Mercator metres."""
    corner, size, side = _frame(blocks, COARSE_SAMPLES)
    values = np.full(size, NOTHING, dtype=np.int32)
    columns, rows = home_blocks(x, y, zoom + 1)
    lefts, tops = (columns - 2 * corner[0]) * CELLS, (rows - 2 * corner[1]) * CELLS
    for bits, left, top, one in zip(cells, lefts.tolist(), tops.tolist(), number.tolist(), strict=True):
        values[top : top + CELLS, left : left + CELLS][unpacked(bits)] = one
    return Samples(values, corner, side)


def packed(mask: NDArray[np.bool_]) -> bytes:
    """The cells of a block as a bit each."""
    return np.packbits(mask).tobytes()


def unpacked(bits: bytes) -> NDArray[np.bool_]:
    """The cells of a block, from their bits."""
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8)).reshape(CELLS, CELLS).astype(bool)


def home_blocks(x: Floats, y: Floats, zoom: int) -> tuple[Integers, Integers]:
    """Columns and rows of the blocks that points in Web Mercator metres lie in."""
    east, south = to_units(x, y, zoom)
    return np.floor(east / BLOCK_UNITS).astype(np.int64), np.floor(south / BLOCK_UNITS).astype(np.int64)


def _frame(blocks: Sequence[Block], samples: int) -> tuple[Block, tuple[int, int], int]:
    """The first block of the common bounds, the samples down and across them, and those of a block."""
    columns, rows = [b[0] for b in blocks], [b[1] for b in blocks]
    corner, side = (min(columns), min(rows)), CELLS * samples
    return corner, ((max(rows) - corner[1] + 1) * side, (max(columns) - corner[0] + 1) * side), side
