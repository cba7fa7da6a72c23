"""Windows of images, warped to where they are drawn.

Images of one system whose cells lie on one grid are read as one, so that nothing shows where they meet. They are read
from the overview that is nearest above the wanted size, on a grid that does not depend on the window, so that windows
side by side agree.
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

from tiles.raster_grid import PictureArea, transformer
from tiles.raster_pixels import SOLID, Array, Cut, Stretch, paste_heights, paste_picture
from tiles.raster_sheets import SheetGroup

EDGE_POINTS = 9
MARGIN_CELLS = 2
TOLERANCE_CELLS = 0.02
"""How far, in cells, a pixel may come from another place than its own."""


def read_heights(group: SheetGroup, area: PictureArea) -> NDArray[np.float32] | None:
    """Heights of an area, bilinear between the centres of cells; NaN where there are none, None when nowhere."""
    result = None
    for shift in _turns(group):
        cut = _cut(group, area, shift)
        if cut is None:
            continue
        source = np.full((1, cut.height, cut.width), np.nan, np.float32)
        for sheet in reversed(group.sheets):
            paste_heights(source, sheet, cut)
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
            paste_picture(source, sheet, cut, stretch)
        part = np.zeros((4, area.height, area.width), np.uint8)
        _warp(source, part, group, cut, area, shift, resampling, src_alpha=4, dst_alpha=4)
        part[3] = np.where(part[3] >= SOLID, 255, 0)
        result = part if result is None else np.where(result[3] > 0, result, part)
    return result


def _turns(group: SheetGroup) -> tuple[float, ...]:
    """How far the world may be turned, in degrees, to meet images that reach over the date line."""
    return (0.0, 360.0, -360.0) if group.crs.is_geographic else (0.0,)


def _cut(group: SheetGroup, area: PictureArea, shift: float) -> Cut | None:
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
    return Cut(c0, r0, math.ceil((c1 - c0) / scale), math.ceil((r1 - r0) / scale), scale)


def _edge_cells(group: SheetGroup, area: PictureArea, shift: float) -> tuple[Array, Array]:
    """Where points along the edges and the middle lines of an area lie on the group's grid, in cells."""
    x = np.linspace(area.west, area.east, EDGE_POINTS)
    y = np.linspace(area.south, area.north, EDGE_POINTS)
    xs, ys = np.meshgrid(x, y)
    crs = code_of(group.crs)
    gx, gy = (xs, ys) if crs == area.srid else transformer(area.srid, crs).transform(xs, ys)
    with np.errstate(invalid="ignore"):
        columns, rows = ~group.transform @ (np.asarray(gx) + shift, np.asarray(gy))
    return columns, rows


def code_of(crs: Any) -> int | str:
    """The EPSG code of a rasterio CRS, its WKT where it has none."""
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
    cut: Cut,
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
