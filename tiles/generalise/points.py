"""Points thinned to one a cell, with how many it stands for; a point that is alone stays itself."""

import numpy as np
import shapely

from cim.model.general import GeneralPlan, GeneralRow
from tiles.generalise.grid import encoded
from tiles.generalise.items import Items, dominant, merged_parts, sort_into_cells
from tiles.generalise.sums import Sums, add_up

CELL_UNITS = 64


def thin(items: Items, zoom: int, plan: GeneralPlan) -> list[GeneralRow]:
    """The rows of a zoom; an aggregate lies at the mean of its points."""
    if not len(items):
        return []
    cells = sort_into_cells(items, zoom, CELL_UNITS)
    items, starts = cells.items, cells.starts
    sums = add_up(items.sums, starts)
    weight = items.sums[:, 0].astype(float)
    x, y = (np.add.reduceat(v * weight, starts) / sums[:, 0] for v in (items.x, items.y))
    shapes = encoded(shapely.points(x, y))
    ends = [*starts[1:].tolist(), len(items)]
    block_x, block_y = (v.tolist() for v in cells.blocks)
    rows = []
    for n, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True)):
        alone = end - start == 1 and items.fid[start] >= 0
        parts = merged_parts(items.parts[start:end])
        attributes = {**plan.class_attributes(dominant(parts)), **Sums(plan).attributes(sums[n].tolist())}
        rows.append(
            GeneralRow(
                block=(block_x[n], block_y[n]),
                home=(float(x[n]), float(y[n])),
                wide=False,
                sums=tuple(sums[n].tolist()),
                attributes=attributes,
                fid=int(items.fid[start]) if alone else None,
                parts=parts or None,
                shape=None if alone else shapes[n],
            )
        )
    return rows
