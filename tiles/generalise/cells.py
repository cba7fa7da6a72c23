"""Many small areas drawn as built-up cells whose drawn area follows the true one.

Cells are 32 units wide. Along a Z-curve through each block, cells are joined until they amount to something that can
be drawn; each is then a shape of whole units, near a square, at its centre of gravity. What rounding leaves is carried
on to the next, so that the drawn area of a block is right to half a unit.
"""

import numpy as np
import shapely

from cim.model.general import TENTHS, GeneralPlan, GeneralRow
from tiles.generalise.grid import (
    BLOCK_UNITS,
    Floats,
    Integers,
    Shapes,
    encoded,
    ground_area_share,
    shapes_from_units,
    to_units,
    unit_m,
)
from tiles.generalise.items import Cells, Items, dominant, merged_parts, sort_into_cells
from tiles.generalise.sums import Sums, add_up

CELL_UNITS = 32
LEAST_UNITS2 = 16
"""What is smaller is joined with its neighbours on the curve."""
FINE = 4096
"""Areas are added up in this fraction of a square unit."""


def own_area_m2(zoom: int) -> float:
    """Planar Web Mercator area from which a feature stays itself: that of a cell."""
    return (CELL_UNITS * unit_m(zoom)) ** 2


def built_up(items: Items, zoom: int, plan: GeneralPlan) -> list[GeneralRow]:
    """The rows of a zoom. A feature counts in the one cell that holds its representative point."""
    if not len(items):
        return []
    planar = items.sums[:, 1] / TENTHS / ground_area_share(items.y)
    own = (items.fid >= 0) & (planar >= own_area_m2(zoom))
    rows = _own(items.take(np.flatnonzero(own)), zoom, plan)
    small = np.flatnonzero(~own)
    if len(small):
        rows += _aggregates(sort_into_cells(items.take(small), zoom, CELL_UNITS), zoom, plan)
    return rows


def _own(items: Items, zoom: int, plan: GeneralPlan) -> list[GeneralRow]:
    east, south = to_units(items.x, items.y, zoom)
    block_x, block_y = (np.floor(v / BLOCK_UNITS).astype(int).tolist() for v in (east, south))
    return [
        GeneralRow(
            block=(block_x[n], block_y[n]),
            home=(float(items.x[n]), float(items.y[n])),
            wide=True,
            sums=tuple(items.sums[n].tolist()),
            attributes=_attributes(plan, items.sums[n].tolist(), items.parts[n]),
            fid=int(items.fid[n]),
            parts=items.parts[n] or None,
        )
        for n in range(len(items))
    ]


def _attributes(plan: GeneralPlan, sums: list[int], parts: dict[str, int]) -> dict[str, object]:
    return {**plan.class_attributes(dominant(parts)), **Sums(plan).attributes(sums)}


def _aggregates(cells: Cells, zoom: int, plan: GeneralPlan) -> list[GeneralRow]:
    items = cells.items
    planar = items.sums[:, 1] / TENTHS / ground_area_share(items.y) / unit_m(zoom) ** 2
    area = np.add.reduceat(np.rint(planar * FINE).astype(np.int64), cells.starts)
    block_x, block_y = cells.blocks
    first = _joined(area, block_x, block_y)
    totals = np.add.reduceat(area, first)
    units2 = _drawn(totals, block_x[first], block_y[first])
    heavy = _heaviest(area, first)
    x, y = _centres(items, cells.starts, heavy)
    shapes = encoded(shapes_from_units(_shapes(x, y, units2, cells, heavy, zoom), zoom))
    starts = cells.starts[first]
    sums = add_up(items.sums, starts)
    ends = [*starts[1:].tolist(), len(items)]
    rows = []
    for n, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True)):
        parts = merged_parts(items.parts[start:end])
        numbers = sums[n].tolist()
        rows.append(
            GeneralRow(
                block=(int(block_x[first[n]]), int(block_y[first[n]])),
                home=(float(x[n]), float(y[n])),
                wide=False,
                sums=tuple(numbers),
                attributes=_attributes(plan, numbers, parts),
                parts=parts or None,
                shape=shapes[n],
            )
        )
    return rows


def _joined(area: Integers, block_x: Integers, block_y: Integers) -> Integers:
    """The first cell of every run that is drawn as one; runs do not leave their block."""
    block = np.ones(len(area), dtype=bool)
    block[1:] = (np.diff(block_x) != 0) | (np.diff(block_y) != 0)
    before = np.cumsum(area) - area
    before -= before[np.flatnonzero(block)][np.cumsum(block) - 1]
    step = before // (LEAST_UNITS2 * FINE)
    new = block.copy()
    new[1:] |= np.diff(step) != 0
    first = np.flatnonzero(new)
    small = np.add.reduceat(area, first) < LEAST_UNITS2 * FINE // 2
    last = np.append(block[first][1:], True)
    return np.asarray(first[~(small & last & ~block[first])])


def _drawn(totals: Integers, block_x: Integers, block_y: Integers) -> Integers:
    """Whole square units of every run, at least one: the rounded running total of its block, less what is drawn."""
    block = np.ones(len(totals), dtype=bool)
    block[1:] = (np.diff(block_x) != 0) | (np.diff(block_y) != 0)
    after = np.cumsum(totals)
    start = (after - totals)[np.flatnonzero(block)][np.cumsum(block) - 1]
    rounded = (after - start + FINE // 2) // FINE
    before = (after - totals - start + FINE // 2) // FINE
    return np.asarray(np.maximum(rounded - before, 1))


def _heaviest(area: Integers, first: Integers) -> Integers:
    """The cell with the largest area of every run, the first of equals."""
    run = np.zeros(len(area), dtype=np.int64)
    run[first] = 1
    run = np.cumsum(run) - 1
    order = np.lexsort((np.arange(len(area)), -area, run))
    return np.asarray(order[np.searchsorted(run[order], np.arange(len(first)))])


def _centres(items: Items, starts: Integers, cells: Integers) -> tuple[Floats, Floats]:
    """Centres of gravity of cells in Web Mercator metres."""
    weight = np.maximum(items.sums[:, 1], 1).astype(float)
    total = np.add.reduceat(weight, starts)
    x, y = (np.add.reduceat(v * weight, starts) / total for v in (items.x, items.y))
    return x[cells], y[cells]


def _shapes(x: Floats, y: Floats, units2: Integers, cells: Cells, heavy: Integers, zoom: int) -> Shapes:
    """Shapes of exactly so many square units, within their cell where they fit in it, always within their block."""
    east, south = to_units(x, y, zoom)
    width = np.ceil(np.sqrt(units2)).astype(np.int64)
    rows = units2 // width
    rest = units2 - rows * width
    height = rows + (rest > 0)
    left, top = (
        _placed(middle, size, line * CELL_UNITS)
        for middle, size, line in ((east, width, cells.column[heavy]), (south, height, cells.row[heavy]))
    )
    right, bottom, edge = left + width, top + rows, left + np.where(rest > 0, rest, width)
    lowest = bottom + (rest > 0)
    corners = [(left, top), (right, top), (right, bottom), (edge, bottom), (edge, lowest), (left, lowest), (left, top)]
    rings = np.stack([np.column_stack(corner) for corner in corners], axis=1).astype(float)
    return shapely.remove_repeated_points(shapely.polygons(rings))


def _placed(middle: Floats, size: Integers, cell: Integers) -> Integers:
    """Where a shape of a size begins: around its middle, pushed into its cell, or into its block if it is larger."""
    wanted = np.rint(middle - size / 2).astype(np.int64)
    inside = np.clip(wanted, cell, np.maximum(cell + CELL_UNITS - size, cell))
    block = cell // BLOCK_UNITS * BLOCK_UNITS
    return np.asarray(np.clip(inside, block, np.maximum(block + BLOCK_UNITS - size, block)))
