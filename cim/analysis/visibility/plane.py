"""A plane in metres around a camera, and shapes of cells of rays brought from there to longitude and latitude."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes as outlines

from cim.analysis.visibility.sight import Labels

Floats = NDArray[np.float64]
Shapes = np.ndarray[Any, np.dtype[np.object_]]
_AREAL = (3, 6)
_THIN = 1e-6
"""Distances are shrunk by this while arcs are given their corners, so that none are put along rays."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Azimuthal equidistant on the CGCS2000 ellipsoid: distances and bearings from its middle are true."""

    lon: float
    lat: float
    _way: pyproj.Proj = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_way", pyproj.Proj(proj="aeqd", lat_0=self.lat, lon_0=self.lon, ellps="GRS80"))

    def metres(self, lonlat: Floats) -> Floats:
        """Places, n by 2, in metres east and north."""
        return np.asarray(np.column_stack(self._way(lonlat[:, 0], lonlat[:, 1])), dtype=np.float64)

    def lonlat(self, metres: Floats) -> Floats:
        """Places, n by 2, in longitude and latitude."""
        return np.asarray(np.column_stack(self._way(metres[:, 0], metres[:, 1], inverse=True)), dtype=np.float64)

    def nodes(self, west_m: float, south_m: float, step_m: float, columns: int, rows: int) -> Floats:
        """The nodes of a lattice, row by row from the south-west: its corners exact, the others between them."""
        east_m, north_m = west_m + (columns - 1) * step_m, south_m + (rows - 1) * step_m
        corners = self.lonlat(np.array([(west_m, south_m), (east_m, south_m), (west_m, north_m), (east_m, north_m)]))
        x, y = np.linspace(0, 1, columns)[None, :, None], np.linspace(0, 1, rows)[:, None, None]
        low, high = corners[0] * (1 - x) + corners[1] * x, corners[2] * (1 - x) + corners[3] * x
        return np.asarray(low * (1 - y) + high * y, dtype=np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Fan:
    """Cells of equal angle and depth, ``rays`` of them beside each other, ``depth`` one behind the other.

    Azimuths are clockwise from north in radians, from ``first_rad`` on; distances in metres.
    """

    first_rad: float
    angle_rad: float
    rays: int
    cell_m: float
    depth: int

    @property
    def azimuth(self) -> Floats:
        """The azimuths of the cells' middles."""
        return self.first_rad + (np.arange(self.rays, dtype=np.float64) + 0.5) * self.angle_rad

    @property
    def distance_m(self) -> Floats:
        """The distances of the cells' middles."""
        return (np.arange(self.depth, dtype=np.float64) + 0.5) * self.cell_m

    @property
    def around(self) -> bool:
        """Whether it is a full circle."""
        return bool(self.rays * self.angle_rad > 2 * np.pi - 1e-9)

    def parts(self, labels: Labels) -> dict[int, shapely.Geometry]:
        """The area of each label, on the plane. Neighbouring areas share their edges."""
        found: dict[int, list[shapely.Geometry]] = {}
        for geometry, label in outlines(labels, connectivity=4):
            rings = [self._placed(np.asarray(ring, dtype=np.float64)) for ring in geometry["coordinates"]]
            found.setdefault(int(label), []).append(shapely.Polygon(rings[0], rings[1:]))
        return {label: self._joined(np.array(pieces, dtype=object)) for label, pieces in found.items()}

    def _placed(self, ring: Floats) -> Floats:
        """A ring of cell corners (column: depth, row: ray) on the plane, arcs with a corner at each ray."""
        thin = shapely.segmentize(shapely.LinearRing(ring * (_THIN, 1.0)), 1.0)
        depth, ray = (shapely.get_coordinates(thin) / (_THIN, 1.0)).T
        azimuth = self.first_rad + (np.round(ray) % self.rays if self.around else ray) * self.angle_rad
        distance_m = np.round(depth) * self.cell_m
        return np.asarray(np.column_stack([np.sin(azimuth), np.cos(azimuth)]) * distance_m[:, None], dtype=np.float64)

    def _joined(self, pieces: Shapes) -> shapely.Geometry:
        """One area of the pieces of a label. Those that narrow to the camera's place may touch themselves there."""
        wrong = ~shapely.is_valid(pieces)
        pieces[wrong] = shapely.make_valid(pieces[wrong], method="structure", keep_collapsed=False)
        if self.around:
            return shapely.union_all(pieces)
        return shapely.MultiPolygon(list(_polygons(pieces)))


def _polygons(shapes: Shapes) -> Shapes:
    parts = shapely.get_parts(shapes)
    parts = parts[~shapely.is_empty(parts)]
    return np.asarray(parts[shapely.get_type_id(parts) == _AREAL[0]], dtype=object)


def fan_over(first_deg: float, width_deg: float, range_m: float) -> Fan:
    """The cells of a sector: at most 300 one behind the other, at its far edge at most half wider than deep."""
    cell_m = min(max(range_m / MOST_DEPTH, LEAST_CELL_M), range_m)
    depth = max(1, round(range_m / cell_m))
    rays = max(1, int(np.ceil(np.radians(width_deg) * range_m / cell_m / WIDEST)))
    return Fan(float(np.radians(first_deg)), float(np.radians(width_deg)) / rays, rays, range_m / depth, depth)


MOST_DEPTH, LEAST_CELL_M, WIDEST = 300, 0.5, 1.5
