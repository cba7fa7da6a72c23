"""Heights at many places: bilinear between the middles of cells, from the finest image that has one.

Cells are read as they are, never from overviews, so that a height does not depend on what else is asked for.
"""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cim.errors import BadRequest
from cim.model.access import Principal
from cim.model.heights import PointHeights
from cim.model.raster import RasterImage
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.raster_images import images_in, raster_facts
from tiles.raster import MAX_IMAGES, POINT_DEG, STATEMENT_MS
from tiles.raster_files import reading_images
from tiles.raster_grid import LONLAT_SRID, transformer
from tiles.raster_looks import require_images
from tiles.raster_painting import check_time
from tiles.raster_pixels import Cut, paste_heights
from tiles.raster_pool import raster_pool
from tiles.raster_reading import code_of
from tiles.raster_sheets import SheetGroup, grouped

POINTS_BUDGET_S = 30.0
MOST_POINTS = 2_000_000
BATCH_POINTS = 65_536
MOST_CELLS = 4_000_000
"""Cells read at once; places further apart are read in smaller batches."""
BLOCK_CELLS = 128
Floats = NDArray[np.float64]


async def heights_at(
    database: Database, files: FileStore, principal: Principal, decision: Decision, lon: Floats, lat: Floats
) -> PointHeights:
    """Heights of places from a layer's images, as far as the caller may read them.

    Raises BadRequest for a layer that is not of heights and for too many places, StoreError when a file cannot be
    read, StoreUnavailable when it takes too long.
    """
    require_images(decision)
    if len(lon) > MOST_POINTS:
        raise BadRequest(f"{len(lon)} heights are more than {MOST_POINTS}", remedy="ask for a smaller area")
    around = (
        float(lon.min()) - POINT_DEG,
        float(lat.min()) - POINT_DEG,
        float(lon.max()) + POINT_DEG,
        float(lat.max()) + POINT_DEG,
    )
    async with database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
        facts = await raster_facts(connection, decision.collection, decision.regions)
        images = await images_in(connection, decision.collection, decision.regions, around)
    if facts is not None and not facts.heights:
        raise BadRequest(
            f"layer {decision.collection.id} holds pictures, no heights",
            where="layer",
            remedy="name a layer of heights",
        )
    if len(images) > MAX_IMAGES:
        raise BadRequest(
            f"{len(images)} images lie there, at most {MAX_IMAGES} are read at once", remedy="ask for a smaller area"
        )
    return await raster_pool().run(partial(sample_heights, files, images, lon, lat), POINTS_BUDGET_S)


def sample_heights(
    files: FileStore, images: Sequence[RasterImage], lon: Floats, lat: Floats, deadline: float
) -> PointHeights:
    """Heights of places from images, the first of them first."""
    height_m, cell_m = np.full(len(lon), np.nan), np.full(len(lon), np.nan)
    used: list[SheetGroup] = []
    with reading_images():
        for group in grouped(files, images):
            open_ = np.flatnonzero(np.isnan(height_m))
            if not len(open_):
                break
            found = heights_of_group(group, lon[open_], lat[open_], deadline)
            height_m[open_] = found
            cell_m[open_[np.isfinite(found)]] = group.cell_m
            if np.isfinite(found).any():
                used.append(group)
    datums = tuple(dict.fromkeys(group.height_datum for group in used))
    names = tuple(sorted(sheet.image.name for group in used for sheet in group.sheets))
    return PointHeights(height_m, cell_m, datums, names)


def heights_of_group(group: SheetGroup, lon: Floats, lat: Floats, deadline: float, scale: int = 1) -> Floats:
    """Heights of places in degrees from images on one grid, NaN where there is none.

    With a ``scale``, a power of two, they come from overviews whose cells are so many cells wide.
    """
    crs = code_of(group.crs)
    x, y = (lon, lat) if crs == LONLAT_SRID else transformer(LONLAT_SRID, crs).transform(lon, lat)
    known = np.isfinite(x) & np.isfinite(y)
    columns, rows = ~group.transform @ (np.where(known, x, np.nan), np.where(known, y, np.nan))
    result = np.full(len(lon), np.nan)
    left, top = min(sheet.column for sheet in group.sheets), min(sheet.row for sheet in group.sheets)
    right = max(sheet.column + sheet.dataset.width for sheet in group.sheets)
    bottom = max(sheet.row + sheet.dataset.height for sheet in group.sheets)
    inside = np.flatnonzero((columns >= left) & (columns <= right) & (rows >= top) & (rows <= bottom))
    columns, rows = columns / scale, rows / scale
    for batch in _batches(inside, columns, rows):
        check_time(deadline)
        result[batch] = _bilinear(group, columns[batch], rows[batch], scale)
    return result


def _batches(of: NDArray[np.int64], columns: Floats, rows: Floats) -> Iterator[NDArray[np.int64]]:
    """Places in their order, so many together that few cells are read at once."""
    if not len(of):
        return
    size = (np.ptp(columns[of]) + 3) * (np.ptp(rows[of]) + 3)
    if len(of) > 1 and (len(of) > BATCH_POINTS or size > MOST_CELLS):
        half = len(of) // 2
        yield from _batches(of[:half], columns, rows)
        yield from _batches(of[half:], columns, rows)
    else:
        yield of


def _bilinear(group: SheetGroup, columns: Floats, rows: Floats, scale: int) -> Floats:
    """Heights between the middles of cells, which are ``scale`` cells of the images wide.

    In the outermost half cell and beside empty cells they are of those cells that there are. A place whose own cell
    has no height has none.
    """
    left, top = math.floor(columns.min()) - 1, math.floor(rows.min()) - 1
    width, height = math.floor(columns.max()) + 2 - left, math.floor(rows.max()) + 2 - top
    grid = _cells(group, left, top, width, height, scale)
    x, y = columns - left - 0.5, rows - top - 0.5
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    total, weights = np.zeros(len(x)), np.zeros(len(x))
    for right in (0, 1):
        for down in (0, 1):
            c, r = np.clip(column + right, 0, width - 1), np.clip(row + down, 0, height - 1)
            weight = np.abs(1 - right - (x - column)) * np.abs(1 - down - (y - row))
            value = grid[r, c]
            known = np.isfinite(value)
            total += np.where(known, value, 0.0) * weight
            weights += np.where(known, weight, 0.0)
    own = grid[
        np.clip(np.floor(y + 0.5).astype(np.int64), 0, height - 1),
        np.clip(np.floor(x + 0.5).astype(np.int64), 0, width - 1),
    ]
    known = np.isfinite(own) & (weights > 0)
    return np.where(known, total / np.where(weights > 0, weights, 1.0), np.nan)


def _cells(group: SheetGroup, left: int, top: int, width: int, height: int, scale: int) -> Floats:
    """Cells of a group that are ``scale`` cells wide; places count these.

    Overviews are read in blocks whose places are fixed, for what is read depends a little on where a window ends.
    """
    if scale == 1:
        return _read(group, Cut(left, top, width, height, 1))
    grid = np.empty((height, width))
    for block_top in range(top // BLOCK_CELLS * BLOCK_CELLS, top + height, BLOCK_CELLS):
        for block_left in range(left // BLOCK_CELLS * BLOCK_CELLS, left + width, BLOCK_CELLS):
            block = _read(group, Cut(block_left * scale, block_top * scale, BLOCK_CELLS, BLOCK_CELLS, scale))
            rows = slice(max(top, block_top), min(top + height, block_top + BLOCK_CELLS))
            columns = slice(max(left, block_left), min(left + width, block_left + BLOCK_CELLS))
            grid[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = block[
                rows.start - block_top : rows.stop - block_top, columns.start - block_left : columns.stop - block_left
            ]
    return grid


def _read(group: SheetGroup, cut: Cut) -> Floats:
    cells = np.full((1, cut.height, cut.width), np.nan, np.float32)
    for sheet in reversed(group.sheets):
        paste_heights(cells, sheet, cut)
    grid: Floats = cells[0].astype(np.float64)
    return grid
