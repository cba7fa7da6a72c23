"""Areas drawn as a mosaic of classes: cells of one class each, joined to areas that share their edges.

Each class of a block is one row, with the count and the area of the features whose representative point lies in the
block. The finest zoom samples the features themselves, the others the mosaic of the next finer one; how many cells a
class gets always follows from the samples of the finest, so nothing drifts from zoom to zoom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import shapes as outlines

from cim.model.general import GeneralPlan, GeneralRow
from tiles.generalise.grid import BLOCK_UNITS, Floats, Integers, encoded, shapes_from_units
from tiles.generalise.mosaic import allocate, quotas
from tiles.generalise.sampling import (
    BLOCK_PARTS,
    CELLS,
    NOTHING,
    PART_UNITS,
    Block,
    home_blocks,
    packed,
    sample_cells,
    sample_shapes,
)
from tiles.generalise.sums import Sums


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas with their class, home in Web Mercator metres and sums: shapes of features, or cells of a finer mosaic."""

    kinds: list[str]
    x: Floats
    y: Floats
    sums: Integers
    shapes: NDArray[Any] | None = None
    cells: Sequence[bytes] = ()

    def __len__(self) -> int:
        return len(self.kinds)


def mosaic(areas: Areas, zoom: int, blocks: Sequence[Block], plan: GeneralPlan) -> list[GeneralRow]:
    """The rows of some blocks of one tile."""
    if not len(areas):
        return []
    kinds = sorted(set(areas.kinds))
    numbers = {kind: n for n, kind in enumerate(kinds, 1)}
    number = np.array([numbers[kind] for kind in areas.kinds])
    if areas.shapes is not None:
        samples = sample_shapes(areas.shapes, number, zoom, blocks)
    else:
        samples = sample_cells(areas.cells, areas.x, areas.y, number, zoom, blocks)
    columns, rows = home_blocks(areas.x, areas.y, zoom)
    whole = (BLOCK_PARTS << plan.full_zoom - 1 - zoom) ** 2
    taken: dict[Block, Integers] = {}
    sums: dict[Block, Integers] = {}
    for block in blocks:
        inside = (columns == block[0]) & (rows == block[1])
        totals = _totals(areas.sums[inside], number[inside], len(kinds) + 1)
        if areas.shapes is not None:
            painted = np.bincount(samples.block(block).ravel(), minlength=len(kinds) + 1)
            totals = np.column_stack([totals, painted])
        if not totals[1:].any():
            continue
        totals[NOTHING, -1] = whole - totals[1:, -1].sum()
        sums[block] = totals
        taken[block] = _cells(samples.block(block), totals[:, -1], totals[:, 0] > 0, block)
    return _rows(taken, sums, kinds, zoom, plan)


def _totals(sums: Integers, number: Integers, kinds: int) -> Integers:
    totals = np.zeros((kinds, sums.shape[1]), dtype=np.int64)
    np.add.at(totals, number, sums)
    return totals


def _cells(samples: NDArray[np.int32], painted: Integers, counted: NDArray[np.bool_], block: Block) -> Integers:
    """The class number of every part of a block."""
    present = counted | (painted > 0)
    present[NOTHING] = False
    kinds = np.flatnonzero(present | (painted > 0))
    each = samples.shape[0] // CELLS
    quota = quotas(painted[kinds], present[kinds], BLOCK_PARTS**2, block)
    cut = samples.reshape(CELLS, each, CELLS, each)
    shares = np.stack([(cut == kind).mean(axis=(1, 3)) for kind in kinds], axis=2)
    return np.asarray(kinds[allocate(shares, quota)])


def _rows(
    taken: dict[Block, Integers],
    sums: dict[Block, Integers],
    kinds: list[str],
    zoom: int,
    plan: GeneralPlan,
) -> list[GeneralRow]:
    keys: list[tuple[Block, int]] = []
    shapes: list[shapely.MultiPolygon] = []
    for block, cells in taken.items():
        corner = Affine(PART_UNITS, 0, block[0] * BLOCK_UNITS, 0, PART_UNITS, block[1] * BLOCK_UNITS)
        rings: dict[int, list[Any]] = {}
        for outline, value in outlines(cells.astype(np.int32), cells != NOTHING, connectivity=4, transform=corner):
            rings.setdefault(int(value), []).append(outline["coordinates"])
        for kind in sorted(rings):
            keys.append((block, kind))
            shapes.append(shapely.MultiPolygon([(part[0], part[1:]) for part in rings[kind]]))
    if not keys:
        return []
    array = np.array(shapes, dtype=object)
    codes = encoded(shapes_from_units(array, zoom))
    inner = shapely.get_coordinates(shapes_from_units(shapely.point_on_surface(array), zoom))
    rows = []
    for (block, kind), code, point in zip(keys, codes, inner.tolist(), strict=True):
        numbers = sums[block][kind].tolist()
        rows.append(
            GeneralRow(
                block=block,
                home=(point[0], point[1]),
                wide=True,
                sums=tuple(numbers),
                attributes={**plan.class_attributes(kinds[kind - 1]), **Sums(plan).attributes(numbers)},
                parts={kinds[kind - 1]: numbers[0]},
                cells=packed(taken[block] == kind),
                shape=code,
            )
        )
    return rows
