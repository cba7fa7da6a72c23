"""Cells of one image read into a part of its group's grid: heights, or colours with alpha."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.transform import Affine
from rasterio.windows import Window

from tiles.raster_files import telling
from tiles.raster_sheets import Sheet

SOLID = 128
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values that become black and white in pictures of more than eight bits."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a group's grid: its first column and row, its size in read cells, and how many cells a side each is."""

    column: int
    row: int
    width: int
    height: int
    scale: int

    def transform(self, of: Affine) -> Affine:
        """The way from read cells to the system, from that of the group's cells."""
        return of @ Affine.translation(self.column, self.row) @ Affine.scale(self.scale)


def _overlap(sheet: Sheet, cut: Cut) -> tuple[slice, slice, Window] | None:
    """Rows and columns of a cut that an image fills, and the window of the image they come from."""
    sizes = (
        (sheet.row, sheet.dataset.height, cut.row, cut.height),
        (sheet.column, sheet.dataset.width, cut.column, cut.width),
    )
    spans = []
    for begin, size, first, count in sizes:
        low = max(0, round((begin - first) / cut.scale))
        high = min(count, round((begin + size - first) / cut.scale))
        if low >= high:
            return None
        start, stop = first + low * cut.scale - begin, first + high * cut.scale - begin
        spans.append((slice(low, high), max(0, start), min(size, stop)))
    (rows, top, bottom), (columns, left, right) = spans
    return rows, columns, Window(left, top, right - left, bottom - top)


def paste_heights(target: NDArray[np.float32], sheet: Sheet, cut: Cut) -> None:
    """Put an image's heights where it has some; ``target`` has one band and the size of the cut."""
    place = _overlap(sheet, cut)
    if place is None:
        return
    rows, columns, window = place
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    with telling(sheet.image):
        band = sheet.dataset.read(1, window=window, out_shape=shape, resampling=Resampling.bilinear, masked=True)
    values = band.astype(np.float32).filled(np.nan)
    values = values * np.float32(sheet.dataset.scales[0]) + np.float32(sheet.dataset.offsets[0])
    held = target[0, rows, columns]
    np.copyto(held, values, where=np.isfinite(values))


def paste_picture(target: NDArray[np.uint8], sheet: Sheet, cut: Cut, stretch: Stretch) -> None:
    """Put an image's colours where it has some; ``target`` is RGBA of the size of the cut."""
    place = _overlap(sheet, cut)
    if place is None:
        return
    rows, columns, window = place
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    with telling(sheet.image):
        part = _rgba(sheet, window, shape, stretch)
    np.copyto(target[:, rows, columns], part, where=part[3] > 0)


def _rgba(sheet: Sheet, window: Window, shape: tuple[int, int], stretch: Stretch) -> NDArray[np.uint8]:
    dataset, image = sheet.dataset, sheet.image
    if image.colours == "palette":
        index = dataset.read(1, window=window, out_shape=shape, resampling=Resampling.nearest)
        part = np.moveaxis(_palette(dataset)[index], -1, 0)
        return np.ascontiguousarray(part * (_mask(dataset, window, shape) > 0)).astype(np.uint8)
    bands = [1, 2, 3] if dataset.count >= 3 else [1, 1, 1]
    values = dataset.read(
        sorted(set(bands)), window=window, out_shape=(len(set(bands)), *shape), resampling=Resampling.bilinear
    )
    rgb = _eight_bit(values, stretch)
    result = np.empty((4, *shape), np.uint8)
    result[:3] = rgb
    result[3] = np.where(_mask(dataset, window, shape) >= SOLID, 255, 0)
    return result


def _eight_bit(values: Array, stretch: Stretch) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    share = (values.astype(np.float32) - stretch.least) / max(stretch.most - stretch.least, 1e-9)
    return np.asarray(np.clip(np.nan_to_num(share), 0, 1) * 255, np.uint8)


def _mask(dataset: Any, window: Window, shape: tuple[int, int]) -> Array:
    if all(flags == [MaskFlags.all_valid] for flags in dataset.mask_flag_enums):
        return np.full(shape, 255, np.uint8)
    return np.asarray(dataset.dataset_mask(window=window, out_shape=shape))


def _palette(dataset: Any) -> NDArray[np.uint8]:
    table = np.zeros((256, 4), np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[index] = colour
    return table
