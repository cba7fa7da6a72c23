"""Positions in a placement's reference system as longitude and latitude of CGCS2000, and what a system covers."""

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pyproj
from numpy.typing import NDArray

from cim.model.reference_systems import CGCS2000, GEOGRAPHIC, way_to_storage

Points = NDArray[np.float64]
MARGIN_DEG = 1.0
"""How far beyond the area of a system a model may lie, which for zones of a few degrees is common."""
_FIRST_ZONE_3_DEGREE, _ZONES_3_DEGREE = 4513, range(25, 46)
_UTM_NORTH, _UTM_SOUTH = 32600, 32700


def system_of(srid: int | None, wkt: str | None) -> pyproj.CRS:
    """A reference system by its code or WKT."""
    return pyproj.CRS.from_epsg(srid) if srid else pyproj.CRS.from_wkt(wkt or "")


@cache
def way_to_degrees(srid: int | None, wkt: str | None) -> Callable[[Points], Points]:
    """A function of eastings and northings in metres, shape (n, 2), to degrees.

    ImportRefused where there is no exact operation.
    """
    system = system_of(srid, wkt)
    unit_m = float(system.axis_info[0].unit_conversion_factor) if system.axis_info else 1.0
    if srid in CGCS2000:
        transformer = pyproj.Transformer.from_crs(system, GEOGRAPHIC, always_xy=True)

        def move(points: Points) -> Points:
            return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

        return move
    way = way_to_storage(srid, wkt).move
    return lambda points: points if way is None else way(points / unit_m)


def covers(srid: int | None, wkt: str | None, points: Points) -> bool:
    """Whether most positions lie where the system is meant to be used; True where nothing says."""
    area = system_of(srid, wkt).area_of_use
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        degrees = way_to_degrees(srid, wkt)(points)
    good = np.isfinite(degrees).all(axis=1)
    if area is None:
        return bool(good.mean() > 0.5)
    lon, lat = degrees[:, 0], degrees[:, 1]
    inside = good & (lat >= area.south - MARGIN_DEG) & (lat <= area.north + MARGIN_DEG)
    if area.west <= area.east:
        inside &= (lon >= area.west - MARGIN_DEG) & (lon <= area.east + MARGIN_DEG)
    return bool(inside.mean() > 0.5)


def zone_at(lon: float, lat: float) -> int:
    """The EPSG code of the CGCS2000 3-degree zone of a longitude; of the UTM zone where there is none."""
    zone = round(lon / 3)
    if zone in _ZONES_3_DEGREE and 3 <= lat <= 54:
        return _FIRST_ZONE_3_DEGREE + zone - _ZONES_3_DEGREE[0]
    return (_UTM_NORTH if lat >= 0 else _UTM_SOUTH) + min(int((lon + 180) // 6) + 1, 60)


def from_degrees(srid: int | None, wkt: str | None, degrees: Points) -> Points:
    """Longitudes and latitudes as eastings and northings of a system in metres."""
    system = system_of(srid, wkt)
    transformer = pyproj.Transformer.from_crs(GEOGRAPHIC if srid in CGCS2000 else 4326, system, always_xy=True)
    unit_m = float(system.axis_info[0].unit_conversion_factor) if system.axis_info else 1.0
    return np.column_stack(transformer.transform(degrees[:, 0], degrees[:, 1])) * unit_m
