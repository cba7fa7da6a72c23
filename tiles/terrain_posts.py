"""Heights of the ground at the posts of terrain tiles: a fixed grid for each level, so that neighbours agree.

Posts of level z lie ``step_deg(z)`` apart and are counted from 180 W, 90 S. A post with no height of its own, outside
the images or in a hole of them, has the mean of the posts of the level above around it: of those with heights of their
own where there are some, else of what these have in the same way, and at last the sea's height. So the ground goes on
from the edge of the data as high as it is there, and the farther away the more smoothly to the sea.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.model.ellipsoidal_heights import HeightWay, height_way
from cim.model.raster import RasterImage
from cim.model.undulation import Undulation
from cim.store.files import FileStore
from tiles.grid import METRES_PER_DEGREE
from tiles.raster_files import reading_images
from tiles.raster_points import heights_of_group
from tiles.raster_sheets import SheetGroup, grouped

Floats = NDArray[np.float64]
POSTS = 128
"""Sides of a tile are so many steps of posts."""


def step_deg(z: int) -> float:
    """Degrees between the posts of a level."""
    return math.ldexp(180.0, -z) / POSTS


@dataclass(frozen=True, slots=True)
class Ground:
    """The readable images of a layer around a tile, as ellipsoidal heights; used where images may be read.

    ``deadline`` is the time (time.monotonic) by which reading must be done.
    """

    groups: Sequence[SheetGroup]
    undulation: Undulation | None
    deadline: float

    def posts(self, z: int, columns: tuple[int, int], rows: tuple[int, int]) -> Floats:
        """Ellipsoidal heights of posts, both ends included, of shape (rows, columns) with rows from the south."""
        return self._posts(z, columns, rows)[0]

    def _posts(self, z: int, columns: tuple[int, int], rows: tuple[int, int]) -> tuple[Floats, NDArray[np.bool_]]:
        """Heights, and which of them are the images' own."""
        step = step_deg(z)
        lon = -180.0 + np.arange(columns[0], columns[1] + 1) * step
        lat = np.clip(-90.0 + np.arange(rows[0], rows[1] + 1) * step, -90.0, 90.0)
        lons, lats = np.meshgrid(lon, lat)
        heights = self.at(lons.ravel(), lats.ravel(), step).reshape(lons.shape)
        known = np.isfinite(heights)
        if not known.all():
            heights = np.where(known, heights, self._around(z, columns, rows, lons, lats))
        return heights, known

    def at(self, lon: Floats, lat: Floats, step: float = 0.0) -> Floats:
        """Ellipsoidal heights of places, NaN where there are none, from cells as fine as a ``step`` of degrees asks."""
        result = np.full(len(lon), np.nan)
        for group in self.groups:
            open_ = np.flatnonzero(np.isnan(result))
            if not len(open_):
                break
            found = heights_of_group(group, lon[open_], lat[open_], self.deadline, _scale(group, step))
            known = open_[np.isfinite(found)]
            if len(known):
                way = height_way(group.height_datum, self.undulation)
                result[known] = way.apply(lon[known], lat[known], found[np.isfinite(found)])
        return result

    def _around(self, z: int, columns: tuple[int, int], rows: tuple[int, int], lons: Floats, lats: Floats) -> Floats:
        """Heights between the posts of the level above; of the sea above the first."""
        if z == 0:
            return sea_level(self.undulation).apply(lons, lats, np.zeros(lons.shape))
        (left, right), (low, high) = ((first // 2 - 1, -(-last // 2) + 1) for first, last in (columns, rows))
        above, known = self._posts(z - 1, (left, right), (low, high))
        top, side = rows[0] - 2 * low - 2, columns[0] - 2 * left - 2
        place = np.s_[top : top + lons.shape[0], side : side + lons.shape[1]]
        share = _between(known.astype(np.float64))[place]
        part = _between(np.where(known, above, 0.0).astype(np.float64))[place]
        return np.where(share > 0, part / np.where(share > 0, share, 1.0), _between(above)[place])


def sea_level(undulation: Undulation | None) -> HeightWay:
    """The way from heights above the sea, where nothing else is known; without an undulation it is the ellipsoid."""
    return HeightWay(undulation)


def ground_heights(
    files: FileStore,
    images: Sequence[RasterImage],
    undulation: Undulation | None,
    lon: Floats,
    lat: Floats,
    deadline: float = math.inf,
) -> Floats:
    """Ellipsoidal heights of the ground at places, as the finest terrain draws it; NaN where no image has one.

    Raises StoreError when a file cannot be read, HeightsUnknown where heights cannot be brought above the ellipsoid.
    """
    with reading_images():
        return Ground(grouped(files, images), undulation, deadline).at(lon, lat)


def _scale(group: SheetGroup, step: float) -> int:
    """How many cells of a group, a power of two, are no wider than the step between posts."""
    cells = step * METRES_PER_DEGREE / max(group.cell_m, 1e-3)
    return int(2 ** math.floor(math.log2(max(cells, 1.0))))


def _between(values: Floats) -> Floats:
    """Values twice as close along both axes, smoothed by a cubic spline; the outermost ones are left out."""
    for _axis in (0, 1):
        doubled = np.empty((2 * len(values) - 5, values.shape[1]))
        doubled[::2] = (values[:-2] + 6 * values[1:-1] + values[2:]) / 8
        doubled[1::2] = (values[1:-2] + values[2:-1]) / 2
        values = doubled.T
    return values
