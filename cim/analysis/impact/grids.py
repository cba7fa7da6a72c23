"""Square cells of heights over a window, on a Gauss-Krueger plane, and areas of cells as polygons."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize, shapes

from cim.analysis.impact.shapes import Point
from cim.analysis.overlay import Floats, Shapes
from cim.analysis.terrain.cells import Lattice, lattice_over, metric_srid
from cim.analysis.terrain.ground import Ground
from cim.model.heights import PointHeights
from cim.model.redline import LONLAT_SRID, moved, to_lonlat

MOST_CELLS = 1_500_000
PROBES = 16
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Window:
    """Where a grid is asked for: a shape in longitude and latitude, and on the plane ``srid``."""

    srid: int
    lonlat: shapely.Geometry
    plane: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Grid:
    """Heights by cell, rows from the north, NaN unknown; ``inside`` are the cells whose middle is in the window."""

    lattice: Lattice
    height_m: Floats
    inside: Mask
    found: PointHeights
    notes: tuple[str, ...]

    @property
    def known(self) -> Mask:
        """Cells of the window that have a height."""
        return np.isfinite(self.height_m) & self.inside

    def cell_of(self, place: Point) -> tuple[int, int] | None:
        """Row and column of the cell a place lies in; None outside of the grid."""
        x, y = plane_points(np.array([place]), self.lattice.srid)[0]
        column = math.floor((x - self.lattice.west) / self.lattice.cell_m)
        row = math.floor((self.lattice.north - y) / self.lattice.cell_m)
        inside = 0 <= row < self.lattice.rows and 0 <= column < self.lattice.columns
        return (row, column) if inside else None


def window_of(shape: shapely.Geometry) -> Window:
    """The window of a shape in longitude and latitude."""
    west, _, east, _ = shapely.bounds(shape)
    srid = metric_srid(float(west + east) / 2)
    return Window(srid, shape, moved(np.array([shape], dtype=object), LONLAT_SRID, srid)[0])


def window_around(place: Point, radius_m: float) -> Window:
    """A square window around a place, its sides along the plane's axes."""
    srid = metric_srid(place[0])
    x, y = plane_points(np.array([place]), srid)[0]
    square = shapely.box(x - radius_m, y - radius_m, x + radius_m, y + radius_m)
    return Window(srid, to_lonlat(np.array([square], dtype=object), srid)[0], square)


def plane_points(places: Floats, srid: int) -> Floats:
    """Longitudes and latitudes as eastings and northings."""
    way = pyproj.Transformer.from_crs(LONLAT_SRID, srid, always_xy=True)
    return np.column_stack(way.transform(places[:, 0], places[:, 1]))


async def grid_over(ground: Ground, window: Window, asked_m: float | None) -> Grid:
    """The heights of a window, by cells as fine as the data's or as asked for; BadRequest where there are none."""
    finest_m = await _finest(ground, window)
    cell_m, notes = _cell(asked_m, finest_m, window.plane)
    lattice = lattice_over(np.array([window.plane], dtype=object), window.srid, cell_m)
    found = await ground.heights(*lattice.middles())
    height_m = found.height_m.reshape(lattice.rows, lattice.columns)
    grid = Grid(lattice, height_m, mask_of(np.array([window.plane], dtype=object), lattice), found, tuple(notes))
    if not grid.known.any():
        raise ground.none_here()
    return grid


async def _finest(ground: Ground, window: Window) -> float:
    west, south, east, north = shapely.bounds(window.lonlat)
    lon, lat = np.meshgrid(np.linspace(west, east, PROBES), np.linspace(south, north, PROBES))
    inner = shapely.get_coordinates(shapely.point_on_surface(window.lonlat))
    found = await ground.heights(np.concatenate([lon.ravel(), inner[:, 0]]), np.concatenate([lat.ravel(), inner[:, 1]]))
    if not found.known.any():
        raise ground.none_here()
    return float(np.nanmin(found.cell_m))


def _cell(asked_m: float | None, finest_m: float, plane: shapely.Geometry) -> tuple[float, list[str]]:
    notes = []
    cell_m = max(asked_m or 0.0, finest_m)
    west, south, east, north = shapely.bounds(plane)
    least_m = math.sqrt((east - west) * (north - south) / MOST_CELLS)
    if cell_m < least_m:
        notes.append(f"范围较大，格网由 {cell_m:.2f} 米放宽为 {least_m:.2f} 米")
        cell_m = least_m
    return cell_m, notes


def affine(lattice: Lattice) -> Affine:
    """The transform of a lattice's cells."""
    return Affine(lattice.cell_m, 0, lattice.west, 0, -lattice.cell_m, lattice.north)


def mask_of(plane_shapes: Shapes, lattice: Lattice, *, touched: bool = False) -> Mask:
    """The cells whose middles lie in shapes of the lattice's system, or all that shapes touch."""
    present = [shape for shape in plane_shapes if not shapely.is_empty(shape)]
    if not present:
        return np.zeros((lattice.rows, lattice.columns), dtype=bool)
    size = (lattice.rows, lattice.columns)
    burnt = rasterize(present, out_shape=size, transform=affine(lattice), all_touched=touched, dtype="uint8")
    return np.asarray(burnt, dtype=bool)


def class_shapes(classes: NDArray[np.uint8], lattice: Lattice) -> dict[int, shapely.Geometry]:
    """The area of each class but 0 in longitude and latitude; cells that meet at a corner only do not join."""
    parts: dict[int, list[shapely.Polygon]] = {}
    for outline, number in shapes(classes, mask=classes > 0, connectivity=4, transform=affine(lattice)):
        parts.setdefault(int(number), []).append(_polygon(outline))
    whole = {number: shapely.MultiPolygon(pieces) for number, pieces in sorted(parts.items())}
    lonlat = to_lonlat(np.array(list(whole.values()), dtype=object), lattice.srid)
    return dict(zip(whole, lonlat, strict=True))


def _polygon(outline: Mapping[str, Any]) -> shapely.Polygon:
    shell, *holes = outline["coordinates"]
    return shapely.Polygon(shell, holes)
