"""Windows of images, warped to where they are drawn.

Images of one system whose cells lie on one grid are read as one, so that nothing shows where they meet. They are read
from the overview that is nearest above the wanted size, on a grid that does not depend on the window, so that windows
side by side agree.
"""

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import MaskFlags, Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject
from rasterio.windows import Window

from cim.model.raster import RasterImage
from cim.store.files import FileStore
from tiles.raster_files import open_image, telling
from tiles.raster_grid import PictureArea, transformer

EDGE_POINTS = 9
ALIGNED_CELLS = 0.01
"""Grids whose cells are further apart than this share of a cell are different grids."""
MARGIN_CELLS = 2
TOLERANCE_CELLS = 0.02
"""How far, in cells, a pixel may come from another place than its own."""
SOLID = 128
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """An opened image and where its first cell lies on the grid of its group, in cells to the right and down."""

    image: RasterImage
    dataset: Any
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class SheetGroup:
    """Images on one grid, the one to be seen first coming first. ``transform`` leads from cells to ``crs``."""

    crs: Any
    transform: Affine
    cell_m: float
    sheets: tuple[Sheet, ...]

    @property
    def height_datum(self) -> str | None:
        """The height system of the images."""
        return self.sheets[0].image.height_datum


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values that become black and white in pictures of more than eight bits."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class _Cut:
    """A part of a group's grid: its first column and row, its size in read cells, and how many cells a side each is."""

    column: int
    row: int
    width: int
    height: int
    scale: int

    def transform(self, of: Affine) -> Affine:
        return of @ Affine.translation(self.column, self.row) @ Affine.scale(self.scale)


def grouped(files: FileStore, images: Iterable[RasterImage]) -> list[SheetGroup]:
    """Open images and put those on one grid together; groups and images keep the order they come in.

    Raises StoreError when a file cannot be read.
    """
    found: dict[tuple[Any, ...], list[tuple[RasterImage, Any]]] = {}
    for image in images:
        dataset = open_image(files, image)
        found.setdefault(_grid_key(image, dataset), []).append((image, dataset))
    return [_group(members) for members in found.values()]


def read_heights(group: SheetGroup, area: PictureArea) -> NDArray[np.float32] | None:
    """Heights of an area, bilinear between the centres of cells; NaN where there are none, None when nowhere."""
    result = None
    for shift in _turns(group):
        cut = _cut(group, area, shift)
        if cut is None:
            continue
        source = np.full((1, cut.height, cut.width), np.nan, np.float32)
        for sheet in reversed(group.sheets):
            _paste_heights(source, sheet, cut)
        part = np.full((1, area.height, area.width), np.nan, np.float32)
        _warp(source, part, group, cut, area, shift, Resampling.bilinear, src_nodata=np.nan, dst_nodata=np.nan)
        result = part[0] if result is None else np.where(np.isnan(result), part[0], result)
    return result


def read_picture(group: SheetGroup, area: PictureArea, stretch: Stretch) -> NDArray[np.uint8] | None:
    """RGBA of an area, alpha 0 or 255; None where the group has nothing."""
    classes = group.sheets[0].image.colours == "palette"
    resampling = Resampling.nearest if classes else Resampling.bilinear
    result: NDArray[np.uint8] | None = None
    for shift in _turns(group):
        cut = _cut(group, area, shift)
        if cut is None:
            continue
        source = np.zeros((4, cut.height, cut.width), np.uint8)
        for sheet in reversed(group.sheets):
            _paste_picture(source, sheet, cut, stretch)
        part = np.zeros((4, area.height, area.width), np.uint8)
        _warp(source, part, group, cut, area, shift, resampling, src_alpha=4, dst_alpha=4)
        part[3] = np.where(part[3] >= SOLID, 255, 0)
        result = part if result is None else np.where(result[3] > 0, result, part)
    return result


def _grid_key(image: RasterImage, dataset: Any) -> tuple[Any, ...]:
    a, b, c, d, e, f = tuple(dataset.transform)[:6]
    if b or d:
        return (image.file,)
    phase = tuple(round(_off_grid(place / cell) / ALIGNED_CELLS) for place, cell in ((c, a), (f, e)))
    kind = (image.colours, dataset.count, dataset.dtypes[0], image.height_datum)
    return (dataset.crs.to_wkt(), f"{a:.9g}", f"{e:.9g}", phase, kind)


def _off_grid(cells: float) -> float:
    """How far a place is from the nearest whole cell, as a share of a cell."""
    return cells - math.floor(cells + 0.5)


def _group(members: Sequence[tuple[RasterImage, Any]]) -> SheetGroup:
    transform = members[0][1].transform
    sheets = []
    for image, dataset in members:
        column, row = ~transform @ (dataset.transform.c, dataset.transform.f)
        sheets.append(Sheet(image, dataset, round(column), round(row)))
    return SheetGroup(members[0][1].crs, transform, members[0][0].cell_m, tuple(sheets))


def _turns(group: SheetGroup) -> tuple[float, ...]:
    """How far the world may be turned, in degrees, to meet images that reach over the date line."""
    return (0.0, 360.0, -360.0) if group.crs.is_geographic else (0.0,)


def _cut(group: SheetGroup, area: PictureArea, shift: float) -> _Cut | None:
    """The part of the group's grid that an area needs; None when they do not meet."""
    left = min(sheet.column for sheet in group.sheets)
    top = min(sheet.row for sheet in group.sheets)
    right = max(sheet.column + sheet.dataset.width for sheet in group.sheets)
    bottom = max(sheet.row + sheet.dataset.height for sheet in group.sheets)
    columns, rows = _edge_cells(group, area, shift)
    if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
        columns, rows = np.array([left, right]), np.array([top, bottom])
    wide, high = np.ptp(columns), np.ptp(rows)
    finer = max(1.0, min(wide / area.width, high / area.height))
    scale = 2 ** math.floor(math.log2(finer))
    margin = MARGIN_CELLS * scale
    c0, c1 = max(left, columns.min() - margin), min(right, columns.max() + margin)
    r0, r1 = max(top, rows.min() - margin), min(bottom, rows.max() + margin)
    if c0 >= c1 or r0 >= r1:
        return None
    c0, r0 = math.floor(c0 / scale) * scale, math.floor(r0 / scale) * scale
    return _Cut(c0, r0, math.ceil((c1 - c0) / scale), math.ceil((r1 - r0) / scale), scale)


def _edge_cells(group: SheetGroup, area: PictureArea, shift: float) -> tuple[Array, Array]:
    """Where points along the edges and the middle lines of an area lie on the group's grid, in cells."""
    x = np.linspace(area.west, area.east, EDGE_POINTS)
    y = np.linspace(area.south, area.north, EDGE_POINTS)
    xs, ys = np.meshgrid(x, y)
    crs = _code_of(group.crs)
    gx, gy = (xs, ys) if crs == area.srid else transformer(area.srid, crs).transform(xs, ys)
    with np.errstate(invalid="ignore"):
        columns, rows = ~group.transform @ (np.asarray(gx) + shift, np.asarray(gy))
    return columns, rows


def _code_of(crs: Any) -> int | str:
    return _codes(crs.to_wkt())


@functools.lru_cache(maxsize=256)
def _codes(wkt: str) -> int | str:
    code = CRS.from_wkt(wkt).to_epsg(confidence_threshold=100)
    return int(code) if code else wkt


@functools.lru_cache(maxsize=64)
def _crs(srid: int) -> CRS:
    return CRS.from_epsg(srid)


def _warp(
    source: Array,
    target: Array,
    group: SheetGroup,
    cut: _Cut,
    area: PictureArea,
    shift: float,
    resampling: Resampling,
    **more: Any,
) -> None:
    reproject(
        source,
        target,
        src_transform=Affine.translation(-shift, 0) @ cut.transform(group.transform),
        src_crs=group.crs,
        dst_transform=Affine(area.pixel_x, 0, area.west, 0, -area.pixel_y, area.north),
        dst_crs=_crs(area.srid),
        resampling=resampling,
        tolerance=TOLERANCE_CELLS,
        num_threads=1,
        **more,
    )


def _overlap(sheet: Sheet, cut: _Cut) -> tuple[slice, slice, Window] | None:
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


def _paste_heights(target: NDArray[np.float32], sheet: Sheet, cut: _Cut) -> None:
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


def _paste_picture(target: NDArray[np.uint8], sheet: Sheet, cut: _Cut, stretch: Stretch) -> None:
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
