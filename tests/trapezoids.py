"""The survey's area formula once more, one edge at a time in 40 digits, to check the product's against.

It is written as differences of sines at the ends of an edge, the product's as products at its middle: the same number
by another way.
"""

from decimal import Decimal, getcontext
from functools import lru_cache
from itertools import pairwise

import shapely

getcontext().prec = 40
PI = Decimal("3.1415926535897932384626433832795028841971694")
B = Decimal(6378137) * (1 - 1 / Decimal("298.257222101"))
E2 = 1 - (B / Decimal(6378137)) ** 2
FACTORS = (
    ((1, 1), (3, 6), (30, 80), (35, 112), (630, 2304)),
    ((0, 1), (1, 6), (15, 80), (21, 112), (420, 2304)),
    ((0, 1), (0, 1), (3, 80), (7, 112), (180, 2304)),
    ((0, 1), (0, 1), (0, 1), (1, 112), (45, 2304)),
    ((0, 1), (0, 1), (0, 1), (0, 1), (5, 2304)),
)
"""Of the sines of once, three, five, seven and nine times the latitude, by powers of the eccentricity squared."""


def _sine(angle: Decimal) -> Decimal:
    term, total, n = angle, angle, 1
    while abs(term) > Decimal("1e-45"):
        term *= -(angle**2) / ((n + 1) * (n + 2))
        total += term
        n += 2
    return total


@lru_cache(maxsize=100_000)
def _strip(lat: float) -> Decimal:
    """The area between the equator and a latitude, over one radian of longitude."""
    radians = Decimal(lat) * PI / 180
    total = Decimal(0)
    for k, powers in enumerate(FACTORS):
        factor = sum(Decimal(top) / Decimal(bottom) * E2**n for n, (top, bottom) in enumerate(powers))
        total += (-1) ** k * factor * _sine((2 * k + 1) * radians)
    return B**2 * total


def ring_area_m2(points: list[tuple[float, float]]) -> Decimal:
    """Area of a closed ring of longitudes and latitudes in degrees, against the meridian of 105 E."""
    total = Decimal(0)
    for (lon1, lat1), (lon2, lat2) in pairwise(points):
        width = ((Decimal(lon1) + Decimal(lon2)) / 2 - 105) * PI / 180
        total += width * (_strip(lat2) - _strip(lat1))
    return abs(total)


def area_m2(shape: shapely.Geometry) -> float:
    """Area of the polygons of a shape, holes taken off."""
    total = Decimal(0)
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            rings = [ring_area_m2(list(ring.coords)) for ring in (part.exterior, *part.interiors)]
            total += rings[0] - sum(rings[1:])
    return float(total)
