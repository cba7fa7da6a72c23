"""Images of a layer painted onto an area: mosaics in the order of their resolution, in one of the styles.

Slopes are taken on the cells of each image, whatever the zoom: over neighbours one cell away where a cell is larger
than a pixel. So an image of finer cells is shaded by itself, and what it cannot shade at its edge comes from the next.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.errors import StoreUnavailable
from cim.model.raster import RasterImage
from cim.store.files import FileStore
from layers.raster_styles import STYLES, RasterStyleId
from tiles.raster_files import reading_images
from tiles.raster_grid import PictureArea
from tiles.raster_pixels import Stretch
from tiles.raster_reading import read_heights, read_picture
from tiles.raster_shading import (
    Rgba,
    Slopes,
    hillshade_rgba,
    relief_rgba,
    shaded,
    slope_rgba,
    slopes,
    value_rgba,
)
from tiles.raster_sheets import SheetGroup, grouped

MAX_STEP = 128
"""Slopes are taken over no more pixels than this; zooms that need more show the facets between cells."""
BLOCK_PIXELS = 512
_SHADED = frozenset({"shaded-relief", "hillshade", "slope"})


@dataclass(frozen=True, slots=True)
class Look:
    """How images are drawn: the style, the heights its colours lie between, and the values that are black and white."""

    style: RasterStyleId
    relief_m: tuple[float, float]
    stretch: Stretch


def paint(files: FileStore, images: Sequence[RasterImage], area: PictureArea, look: Look, deadline: float) -> Rgba:
    """The images on an area, the first of them on top; alpha 0 where none is. Large areas are painted in blocks.

    Raises StoreError when a file cannot be read, StoreUnavailable when ``deadline`` (time.monotonic) passes.
    """
    result = np.zeros((4, area.height, area.width), np.uint8)
    with reading_images():
        groups = grouped(files, images)
        for rows, columns, block in _blocks(area):
            draw = _draw_heights if STYLES[look.style].of_heights else _draw_pictures
            result[:, rows, columns] = draw(groups, block, look, deadline)
    return result


def heights_on(
    files: FileStore, images: Sequence[RasterImage], area: PictureArea, deadline: float
) -> NDArray[np.float32]:
    """Heights on an area in metres, of the first image that has one; NaN where none has."""
    with reading_images():
        return _heights(grouped(files, images), area, deadline)


def height_at(
    files: FileStore, images: Sequence[RasterImage], area: PictureArea
) -> tuple[float, str | None, float] | None:
    """The height at the middle of an area of one pixel, its height system and the side of its cell in metres."""
    with reading_images():
        for group in grouped(files, images):
            found = read_heights(group, area)
            if found is not None and np.isfinite(found[0, 0]):
                return float(found[0, 0]), group.height_datum, group.cell_m
    return None


def _blocks(area: PictureArea) -> Iterator[tuple[slice, slice, PictureArea]]:
    for top in range(0, area.height, BLOCK_PIXELS):
        for left in range(0, area.width, BLOCK_PIXELS):
            rows = slice(top, min(area.height, top + BLOCK_PIXELS))
            columns = slice(left, min(area.width, left + BLOCK_PIXELS))
            west, east = (area.west + column * area.pixel_x for column in (columns.start, columns.stop))
            north, south = (area.north - row * area.pixel_y for row in (rows.start, rows.stop))
            size = (columns.stop - columns.start, rows.stop - rows.start)
            yield rows, columns, PictureArea(area.srid, west, south, east, north, *size)


def _draw_pictures(groups: Sequence[SheetGroup], area: PictureArea, look: Look, deadline: float) -> Rgba:
    result = np.zeros((4, area.height, area.width), np.uint8)
    for group in groups:
        check_time(deadline)
        part = read_picture(group, area, look.stretch)
        if part is not None and _fill(result, part, part[3] > 0):
            break
    return result


def _draw_heights(groups: Sequence[SheetGroup], area: PictureArea, look: Look, deadline: float) -> Rgba:
    if look.style in _SHADED:
        return _draw_shaded(groups, area, look, deadline)
    heights = _heights(groups, area, deadline)
    if look.style == "relief":
        return relief_rgba(heights, look.relief_m)
    return value_rgba(heights, look.stretch.least, look.stretch.most)


def _heights(groups: Sequence[SheetGroup], area: PictureArea, deadline: float) -> NDArray[np.float32]:
    result = np.full((area.height, area.width), np.nan, np.float32)
    for group in groups:
        check_time(deadline)
        part = read_heights(group, area)
        if part is not None:
            np.copyto(result, part, where=np.isnan(result))
            if not np.isnan(result).any():
                break
    return result


def _draw_shaded(groups: Sequence[SheetGroup], area: PictureArea, look: Look, deadline: float) -> Rgba:
    """First what each group can shade with all neighbours, finest first; then the outermost edges."""
    result = np.zeros((4, area.height, area.width), np.uint8)
    pixel_x_m, pixel_y_m = area.ground_pixel_m()
    pixel_m = float(np.sqrt(np.median(pixel_x_m) * np.median(pixel_y_m)))
    edges = []
    for group in groups:
        check_time(deadline)
        step = int(np.clip(round(group.cell_m / pixel_m), 1, MAX_STEP))
        heights = read_heights(group, area.widened(step))
        if heights is None:
            continue
        of = slopes(heights, step, pixel_x_m, pixel_y_m)
        colours = _coloured(heights[step:-step, step:-step], of, look)
        if _fill(result, colours, of.whole):
            return result
        edges.append(colours)
    for colours in edges:
        _fill(result, colours, colours[3] > 0)
    return result


def _coloured(heights: NDArray[np.float32], of: Slopes, look: Look) -> Rgba:
    known = np.isfinite(heights)
    if look.style == "hillshade":
        return hillshade_rgba(of, known)
    if look.style == "slope":
        return slope_rgba(of, known)
    return shaded(relief_rgba(heights, look.relief_m), of)


def _fill(result: Rgba, part: Rgba, where: NDArray[np.bool_]) -> bool:
    """Put a part where nothing is yet; returns whether the whole area is covered."""
    np.copyto(result, part, where=where & (result[3] == 0))
    return bool(result[3].all())


def check_time(deadline: float) -> None:
    """StoreUnavailable once ``deadline`` (time.monotonic) has passed."""
    if time.monotonic() > deadline:
        raise StoreUnavailable(
            "drawing this area takes longer than it may", remedy="ask for a smaller area or a higher zoom"
        )
