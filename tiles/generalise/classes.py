"""Areas drawn as a mosaic of classes: cells of one class each, joined to areas that share their edges.

Each class of a block is one row, with the count and the area of the features whose representative point lies in the
block. The finest zoom samples the features themselves, the others the mosaic of the next finer one; how many cells a
class gets always follows from the samples of the finest, so nothing drifts from zoom to zoom.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize
from rasterio.features import shapes as outlines

from cim.model.general import GeneralPlan, GeneralRow
from tiles.generalise.grid import BLOCK_UNITS, Floats, Integers, encoded, shapes_from_units, tile_box, unit_m
from tiles.generalise.mosaic import allocate, quotas
from tiles.generalise.sums import Sums

CELL_UNITS = 16
CELLS = BLOCK_UNITS // CELL_UNITS
FINE_SAMPLES = 4
COARSE_SAMPLES = 2
"""Samples of a cell each way: of features, and of a finer mosaic, whose cells are half as wide."""
NOTHING = 0
"""The number of uncovered ground; classes count from 1."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Shapes in Web Mercator metres with their class, home and sums; of features or of a finer mosaic."""

    shapes: NDArray[Any]
    kinds: list[str]
    x: Floats
    y: Floats
    sums: Integers

    def __len__(self) -> int:
        return len(self.kinds)


def mosaic(
    areas: Areas, zoom: int, blocks: list[tuple[int, int]], plan: GeneralPlan, *, fine: bool
) -> list[GeneralRow]:
    """The rows of some blocks of one tile. ``fine``: the areas are features, not a finer mosaic."""
    if not len(areas):
        return []
    kinds = sorted(set(areas.kinds))
    numbers = {kind: n for n, kind in enumerate(kinds, 1)}
    number = np.array([numbers[kind] for kind in areas.kinds])
    raster = _Raster.of(areas, number, zoom, blocks, FINE_SAMPLES if fine else COARSE_SAMPLES)
    home = _home_blocks(areas, zoom)
    taken: dict[tuple[int, int], Integers] = {}
    sums: dict[tuple[int, int], Integers] = {}
    for block in blocks:
        samples = raster.block(block)
        inside = (home[0] == block[0]) & (home[1] == block[1])
        totals = _totals(areas.sums[inside], number[inside], len(kinds) + 1)
        painted = np.bincount(samples.ravel(), minlength=len(kinds) + 1)
        if fine:
            totals = np.column_stack([totals, painted])
        else:
            painted = totals[:, -1].copy()
            painted[NOTHING] = (CELLS * FINE_SAMPLES << _levels(zoom, plan)) ** 2 - painted[1:].sum()
        if not totals[1:].any():
            continue
        sums[block] = totals
        taken[block] = _cells(samples, painted, totals[:, 0] > 0, block)
    return _rows(taken, sums, kinds, zoom, plan)


def _levels(zoom: int, plan: GeneralPlan) -> int:
    """How many zooms the finest mosaic is deeper."""
    return plan.full_zoom - 1 - zoom


@dataclass(frozen=True, slots=True)
class _Raster:
    """Class numbers sampled over the blocks' common bounds."""

    values: NDArray[np.int16]
    corner: tuple[int, int]
    side: int

    @classmethod
    def of(cls, areas: Areas, number: Integers, zoom: int, blocks: list[tuple[int, int]], samples: int) -> "_Raster":
        columns, rows = [b[0] for b in blocks], [b[1] for b in blocks]
        corner, side = (min(columns), min(rows)), CELLS * samples
        west, _, _, north = tile_box(zoom + 3, *corner)
        size = unit_m(zoom) * CELL_UNITS / samples
        values = rasterize(
            zip(areas.shapes, number.tolist(), strict=True),
            out_shape=((max(rows) - corner[1] + 1) * side, (max(columns) - corner[0] + 1) * side),
            transform=Affine(size, 0, west, 0, -size, north),
            fill=NOTHING,
            dtype="int16",
        )
        return cls(values, corner, side)

    def block(self, block: tuple[int, int]) -> NDArray[np.int16]:
        """The samples of one block."""
        left, top = (block[0] - self.corner[0]) * self.side, (block[1] - self.corner[1]) * self.side
        return self.values[top : top + self.side, left : left + self.side]


def _home_blocks(areas: Areas, zoom: int) -> tuple[Integers, Integers]:
    west, _, _, north = tile_box(0, 0, 0)
    side = unit_m(zoom) * BLOCK_UNITS
    return (
        np.floor((areas.x - west) / side).astype(np.int64),
        np.floor((north - areas.y) / side).astype(np.int64),
    )


def _totals(sums: Integers, number: Integers, kinds: int) -> Integers:
    totals = np.zeros((kinds, sums.shape[1]), dtype=np.int64)
    np.add.at(totals, number, sums)
    return totals


def _cells(
    samples: NDArray[np.int16], painted: Integers, counted: NDArray[np.bool_], block: tuple[int, int]
) -> Integers:
    """The class number of every cell of a block."""
    present = counted | (painted > 0)
    present[NOTHING] = False
    kinds = np.flatnonzero(present | (painted > 0))
    each = samples.shape[0] // CELLS
    quota = quotas(painted[kinds], present[kinds], CELLS**2, block)
    cut = samples.reshape(CELLS, each, CELLS, each)
    shares = np.stack([(cut == kind).mean(axis=(1, 3)) for kind in kinds], axis=2)
    return np.asarray(kinds[allocate(shares, quota)].reshape(CELLS, CELLS))


def _rows(
    taken: dict[tuple[int, int], Integers],
    sums: dict[tuple[int, int], Integers],
    kinds: list[str],
    zoom: int,
    plan: GeneralPlan,
) -> list[GeneralRow]:
    keys: list[tuple[tuple[int, int], int]] = []
    shapes: list[shapely.MultiPolygon] = []
    for block, cells in taken.items():
        corner = Affine(CELL_UNITS, 0, block[0] * BLOCK_UNITS, 0, CELL_UNITS, block[1] * BLOCK_UNITS)
        rings: dict[int, list[Any]] = {}
        for outline, value in outlines(cells.astype(np.int16), cells != NOTHING, connectivity=4, transform=corner):
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
                shape=code,
            )
        )
    return rows
