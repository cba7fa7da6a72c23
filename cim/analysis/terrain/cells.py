"""A grid of square cells over an area, in metres of the Gauss-Krueger zone the area lies in."""

import math
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from cim.analysis.overlay import Floats, Shapes
from cim.analysis.terrain.ground import Ground
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.heights import PointHeights
from cim.model.redline import LONLAT_SRID, RedLine, moved

MOST_CELLS = 1_000_000
PROBES = 20
_FIRST_ZONE_SRID, _FIRST_MERIDIAN, _ZONE_DEG = 4534, 75, 3


@dataclass(frozen=True, slots=True)
class Cells:
    """Heights of an area by cells: rows from the north, with one more cell on every side than the area needs.

    ``area_m2`` is how much of each cell lies in the area, on the ellipsoid; 0 outside. ``notes`` say how the cell was
    chosen.
    """

    cell_m: float
    height_m: Floats
    area_m2: Floats
    found: PointHeights
    notes: tuple[str, ...]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Cells of the area that have a height."""
        return np.isfinite(self.height_m) & (self.area_m2 > 0)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Where the cells lie: the upper left corner, the side of cells, and how many there are."""

    srid: int
    west: float
    north: float
    cell_m: float
    columns: int
    rows: int

    def middles(self) -> tuple[Floats, Floats]:
        """Longitude and latitude of the middle of each cell, row by row."""
        x = self.west + (np.arange(self.columns) + 0.5) * self.cell_m
        y = self.north - (np.arange(self.rows) + 0.5) * self.cell_m
        return _lonlat(np.tile(x, self.rows), np.repeat(y, self.columns), self.srid)


def metric_srid(lon: float) -> int:
    """The CGCS2000 three-degree zone, without its number in the eastings, that a longitude is nearest to."""
    return _FIRST_ZONE_SRID + round((lon - _FIRST_MERIDIAN) / _ZONE_DEG)


async def cells_over(ground: Ground, red_line: RedLine, asked_m: float | None) -> Cells:
    """The heights of an area by cells; BadRequest where there are none."""
    lonlat = red_line.lonlat()
    west, _, east, _ = shapely.total_bounds(lonlat)
    srid = metric_srid(float(west + east) / 2)
    shapes = moved(lonlat, LONLAT_SRID, srid)
    finest_m = await _finest(ground, shapes, srid)
    cell_m, notes = _cell(asked_m, finest_m, shapes)
    lattice = lattice_over(shapes, srid, cell_m)
    found = await ground.heights(*lattice.middles())
    shares = cell_shares(shapely.union_all(shapes), lattice)
    whole_m2 = float(ellipsoidal_areas_m2(lonlat).sum())
    height_m = found.height_m.reshape(lattice.rows, lattice.columns)
    cells = Cells(cell_m, height_m, shares * (whole_m2 / shares.sum()), found, tuple(notes))
    if not cells.known.any():
        raise ground.none_here()
    return cells


async def _finest(ground: Ground, shapes: Shapes, srid: int) -> float:
    """The side of the finest cells that heights there are from, looked up at some hundred places."""
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = np.meshgrid(np.linspace(west, east, PROBES), np.linspace(south, north, PROBES))
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes))
    places = _lonlat(np.concatenate([x.ravel(), inner[:, 0]]), np.concatenate([y.ravel(), inner[:, 1]]), srid)
    found = await ground.heights(*places)
    if not found.known.any():
        raise ground.none_here()
    return float(np.nanmin(found.cell_m))


def _cell(asked_m: float | None, finest_m: float, shapes: Shapes) -> tuple[float, list[str]]:
    notes = []
    cell_m = max(asked_m or 0.0, finest_m)
    if asked_m is not None and asked_m < finest_m:
        notes.append(f"要求的格网 {asked_m:g} 米细于高程数据，按 {finest_m:.2f} 米计算")
    west, south, east, north = shapely.total_bounds(shapes)
    least_m = math.sqrt((east - west) * (north - south) / MOST_CELLS)
    if cell_m < least_m:
        notes.append(f"范围较大，格网放宽为 {least_m:.2f} 米，坡度会偏缓")
        cell_m = least_m
    return cell_m, notes


def lattice_over(shapes: Shapes, srid: int, cell_m: float) -> Lattice:
    """Cells over shapes on whole multiples of their side, and one more on every side."""
    west, south, east, north = shapely.total_bounds(shapes)
    left, top = math.floor(west / cell_m) - 1, math.ceil(north / cell_m) + 1
    columns, rows = math.ceil(east / cell_m) + 1 - left, top - (math.floor(south / cell_m) - 1)
    return Lattice(srid, left * cell_m, top * cell_m, cell_m, columns, rows)


def cell_shares(shape: shapely.Geometry, lattice: Lattice) -> Floats:
    """What part of each cell lies in a shape of the lattice's system; shape (rows, columns).

    Blocks of cells are quartered until they lie in the shape, beside it, or are single cells, which are cut.
    """
    shares = np.zeros((lattice.rows, lattice.columns))
    shapely.prepare(shape)
    size = 1 << math.ceil(math.log2(max(lattice.rows, lattice.columns, 1)))
    row, column = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    while len(row):
        there = (row < lattice.rows) & (column < lattice.columns)
        row, column = row[there], column[there]
        boxes = _boxes(lattice, row, column, size)
        inside = shapely.contains_properly(shape, boxes)
        for r, c in zip(row[inside].tolist(), column[inside].tolist(), strict=True):
            shares[r : r + size, c : c + size] = 1.0
        cut = ~inside & shapely.intersects(shape, boxes)
        row, column = row[cut], column[cut]
        if size == 1:
            shares[row, column] = shapely.area(shapely.intersection(shape, boxes[cut])) / lattice.cell_m**2
            break
        size //= 2
        row = np.concatenate([row, row, row + size, row + size])
        column = np.concatenate([column, column + size, column, column + size])
    return shares


def _boxes(lattice: Lattice, row: NDArray[np.int64], column: NDArray[np.int64], size: int) -> Shapes:
    left = lattice.west + column * lattice.cell_m
    top = lattice.north - row * lattice.cell_m
    side = size * lattice.cell_m
    return np.asarray(shapely.box(left, top - side, left + side, top), dtype=object)


def _lonlat(x: Floats, y: Floats, srid: int) -> tuple[Floats, Floats]:
    lon, lat = pyproj.Transformer.from_crs(srid, LONLAT_SRID, always_xy=True).transform(x, y)
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
