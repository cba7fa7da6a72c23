"""Opened images, those on one grid put together."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rasterio.transform import Affine

from cim.model.raster import RasterImage
from cim.store.files import FileStore
from tiles.raster_files import open_image

ALIGNED_CELLS = 0.01
"""Grids whose cells are further apart than this share of a cell are different grids."""


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


def grouped(files: FileStore, images: Iterable[RasterImage]) -> list[SheetGroup]:
    """Open images and put those on one grid together; groups and images keep the order they come in.

    Raises StoreError when a file cannot be read.
    """
    found: dict[tuple[Any, ...], list[tuple[RasterImage, Any]]] = {}
    for image in images:
        dataset = open_image(files, image)
        found.setdefault(_grid_key(image, dataset), []).append((image, dataset))
    return [_group(members) for members in found.values()]


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
