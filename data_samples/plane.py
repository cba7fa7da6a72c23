"""The plane the county is built on, its transformation to CGCS2000 degrees, and legal areas.

Everything is computed in EPSG:4523 (CGCS2000 3-degree Gauss-Kruger zone 35, eastings 35xxxxxx) in metres, on a grid of
one centimetre; geographic coordinates are rounded to 1e-7 degree. Equal plane points give equal geographic points,
so shared edges stay shared.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from cim.model.ellipsoid import ellipsoidal_areas_m2
from data_samples.field import Floats
from data_samples.place import SOUTH, WEST

Geometries = NDArray[np.object_]
PLANE_CRS, GEOGRAPHIC_CRS = "EPSG:4523", "EPSG:4490"
GRID_M = 0.01
_TO_PLANE = Transformer.from_crs(GEOGRAPHIC_CRS, PLANE_CRS, always_xy=True)
_TO_GEOGRAPHIC = Transformer.from_crs(PLANE_CRS, GEOGRAPHIC_CRS, always_xy=True)
ORIGIN = np.array(_TO_PLANE.transform(WEST, SOUTH))


def from_km(path: object) -> Floats:
    """Plane coordinates of kilometre offsets from the south-west corner."""
    return np.asarray(ORIGIN + np.asarray(path, dtype=np.float64) * 1000.0)


def to_plane(points: Floats) -> Floats:
    """Plane coordinates of longitudes and latitudes in degrees."""
    return np.column_stack(_TO_PLANE.transform(points[:, 0], points[:, 1]))


def degrees(points: Floats) -> Floats:
    """Longitude and latitude of plane points, rounded to 1e-7 degree."""
    lon, lat = _TO_GEOGRAPHIC.transform(points[:, 0], points[:, 1])
    return np.round(np.column_stack([lon, lat]), 7)


def geographic(geometries: Geometries) -> Geometries:
    """The geometries in CGCS2000 degrees (longitude, latitude)."""
    return np.asarray(shapely.transform(geometries, degrees))


def ellipsoidal_areas(geometries: Geometries) -> Floats:
    """Area in m2 of plane polygons on the ellipsoid by the survey's trapezoid sum, holes taken off."""
    return ellipsoidal_areas_m2(np.asarray(shapely.transform(geometries, _unrounded_degrees)))


def _unrounded_degrees(points: Floats) -> Floats:
    return np.column_stack(_TO_GEOGRAPHIC.transform(points[:, 0], points[:, 1]))


def snapped(points: Floats) -> Floats:
    """Points on the centimetre grid."""
    return np.round(points, 2)


def point_array(coordinates: Floats) -> Geometries:
    """One point for each row of coordinates."""
    return np.asarray(shapely.points(coordinates), dtype=object)


def partition(lines: Sequence[shapely.Geometry], area: shapely.Geometry, grid_m: float = GRID_M) -> Geometries:
    """The faces that the lines cut ``area`` into, sharing vertices exactly."""
    noded = shapely.unary_union([*lines, shapely.boundary(area)], grid_size=grid_m)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    shapely.prepare(area)
    return np.asarray(faces[shapely.covers(area, shapely.point_on_surface(faces))])
