"""Back from the offset datums of Chinese web maps: GCJ-02 and, on top of it, BD-09.

GCJ-02 adds to WGS 84 longitude and latitude an offset that is a sum of sines of the position relative to 105 E 35 N,
turned into degrees on the Krasovsky ellipsoid; BD-09 turns and stretches GCJ-02 a little more. Both are undone by
fixed-point iteration to about a millimetre of the formula; how well the formula meets the ground is not published.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
SEMI_MAJOR_M = 6_378_245.0
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
ORIGIN = (105.0, 35.0)
BD_SHIFT = (0.0065, 0.006)
BD_WAVE = np.pi * 3000.0 / 180.0
STEPS = 8
MAINLAND = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east and north of the box in which the offset is applied at all."""


def from_gcj02(degrees: Points) -> Points:
    """WGS 84 longitude and latitude of GCJ-02 ones."""
    return _undone(degrees, to_gcj02)


def from_bd09(degrees: Points) -> Points:
    """WGS 84 longitude and latitude of BD-09 ones."""
    return from_gcj02(_undone(degrees, _gcj02_to_bd09))


def to_gcj02(degrees: Points) -> Points:
    """GCJ-02 longitude and latitude of WGS 84 ones; outside the box of the offset they are equal."""
    x, y = degrees[:, 0] - ORIGIN[0], degrees[:, 1] - ORIGIN[1]
    shared = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    north_m += _waves(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    east_m += _waves(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    lat = np.radians(degrees[:, 1])
    magic = 1.0 - ECCENTRICITY_SQUARED * np.sin(lat) ** 2
    meridian_m = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / magic**1.5
    parallel_m = SEMI_MAJOR_M / np.sqrt(magic) * np.cos(lat)
    shift = np.column_stack([np.degrees(east_m / parallel_m), np.degrees(north_m / meridian_m)])
    west, south, east, north = MAINLAND
    lon, lat_deg = degrees[:, 0], degrees[:, 1]
    inside = (west <= lon) & (lon <= east) & (south <= lat_deg) & (lat_deg <= north)
    return np.where(inside.reshape(-1, 1), degrees + shift, degrees)


def _waves(value: NDArray[np.float64], *waves: tuple[float, float]) -> NDArray[np.float64]:
    total = np.zeros_like(value)
    for amplitude, frequency in waves:
        total += amplitude * np.sin(value * np.pi * frequency)
    return total * 2.0 / 3.0


def _gcj02_to_bd09(degrees: Points) -> Points:
    x, y = degrees[:, 0], degrees[:, 1]
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * BD_WAVE)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * BD_WAVE)
    return np.column_stack([radius * np.cos(angle) + BD_SHIFT[0], radius * np.sin(angle) + BD_SHIFT[1]])


def to_bd09(degrees: Points) -> Points:
    """BD-09 longitude and latitude of WGS 84 ones."""
    return _gcj02_to_bd09(to_gcj02(degrees))


def _undone(degrees: Points, forward: Callable[[Points], Points]) -> Points:
    found = degrees.copy()
    for _ in range(STEPS):
        found = found + (degrees - forward(found))
    return found
