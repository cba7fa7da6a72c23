"""Areas on the CGCS2000 ellipsoid, as land surveys state them.

Each segment of a ring spans a trapezoid to a reference meridian whose area on the ellipsoid is a series in the sines of
its height; an area is the sum over its rings (the survey office's formula of 2008 for areas of parcels). The reference
is the meridian of each ring's first point: it does not change the sum, and keeps the terms small. The function
``cim.ellipsoidal_area`` of the database is the same.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEMI_MAJOR_M, FLATTENING = 6_378_137.0, 1 / 298.257222101


def ellipsoidal_areas_m2(polygons: NDArray[np.object_]) -> Floats:
    """Area in m2 of each polygon in longitude and latitude (degrees), holes taken off; 0 for other kinds."""
    parts, owners = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    areal = shapely.get_type_id(parts) == 3
    parts, owners = parts[areal], owners[areal]
    rings, ring_owner = shapely.get_rings(parts, return_index=True)
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    if len(points) == 0:
        return np.zeros(len(polygons))
    sums = _trapezoids_m2(points[:, 0], points[:, 1], ring_of_point, len(rings))
    per_part = np.bincount(ring_owner, weights=sums, minlength=len(parts))
    whole = np.bincount(owners, weights=per_part, minlength=len(polygons))
    return np.abs(np.asarray(whole, dtype=np.float64))


def _trapezoids_m2(lon: Floats, lat: Floats, ring: NDArray[np.int64], count: int) -> Floats:
    """Signed trapezoid sum of each ring against the meridian of its first point; positions in degrees.

    Differences are taken before degrees become radians: near values subtract without rounding.
    """
    same = ring[1:] == ring[:-1]
    first = lon[np.searchsorted(ring, ring[1:])]
    width = np.radians(((lon[1:] - first) + (lon[:-1] - first)) / 2)
    height, mean = np.radians(lat[1:] - lat[:-1]), np.radians((lat[1:] + lat[:-1]) / 2)
    semi_minor = SEMI_MAJOR_M * (1 - FLATTENING)
    e2 = 1 - (semi_minor / SEMI_MAJOR_M) ** 2
    factors = (
        1 + 3 / 6 * e2 + 30 / 80 * e2**2 + 35 / 112 * e2**3 + 630 / 2304 * e2**4,
        1 / 6 * e2 + 15 / 80 * e2**2 + 21 / 112 * e2**3 + 420 / 2304 * e2**4,
        3 / 80 * e2**2 + 7 / 112 * e2**3 + 180 / 2304 * e2**4,
        1 / 112 * e2**3 + 45 / 2304 * e2**4,
        5 / 2304 * e2**4,
    )
    total = np.zeros_like(mean)
    for k, factor in enumerate(factors):
        n = 2 * k + 1
        total += (-1) ** k * factor * np.sin(n * height / 2) * np.cos(n * mean)
    sums = np.bincount(ring[1:][same], weights=(2 * semi_minor**2 * width * total)[same], minlength=count)
    return np.asarray(sums, dtype=np.float64)
