"""Bounding volumes in the world: their corners, how far one sticks out of another, and the ground below them."""

import functools
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from cim.model.ecef import geocentric
from importers.tilesets.documents import BoundingVolume

Floats = NDArray[np.float64]
_CORNERS = np.array(list(product((-1.0, 1.0), repeat=3)))
_SIDES = np.vstack([np.eye(3), -np.eye(3)])
EARTH_M, SPACE_M = 6_200_000.0, 6_600_000.0
"""Places on the Earth, below and above its ground, are so far from its middle."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume in geocentric metres, or in a set's own. ``region`` is west, south, east, north in degrees, low, high.

    ``corners`` (n, 3) span it; ``middle`` and ``radius_m`` are those of a sphere around it. A box has ``axes`` (3, 3),
    its half sides; a sphere has neither.
    """

    corners: Floats
    middle: Floats
    radius_m: float
    axes: Floats | None = None
    region: tuple[float, ...] | None = None

    @property
    def on_earth(self) -> bool:
        """Whether its middle is near the ground of the Earth."""
        return bool(EARTH_M < np.linalg.norm(self.middle) < SPACE_M)


def volume_of(of: BoundingVolume, transform: Floats) -> Volume | None:
    """A volume through the transforms (4, 4) above it; regions stay. None where only an extension says it."""
    if of.box is not None:
        axes = transform[:3, :3] @ np.array(of.box[3:]).reshape(3, 3).T
        middle = transform[:3, :3] @ np.array(of.box[:3]) + transform[:3, 3]
        corners = middle + _CORNERS @ axes.T
        return Volume(corners, middle, _radius(corners, middle), axes=axes.T)
    if of.region is not None:
        return region_volume(of.region)
    if of.sphere is None:
        return None
    middle = transform[:3, :3] @ np.array(of.sphere[:3]) + transform[:3, 3]
    radius = of.sphere[3] * float(np.linalg.norm(transform[:3, :3], axis=0).max())
    return Volume(middle + radius * _SIDES, middle, radius)


def region_volume(radians: list[float]) -> Volume:
    """The volume of a region in radians and metres; one over the date line reaches east of 180."""
    west, south, east, north = np.degrees(radians[:4]).tolist()
    east += 360.0 if east < west else 0.0
    low, high = radians[4:]
    steps = (np.linspace(west, east, 3), np.linspace(south, north, 3), np.array([low, high]))
    lon, lat, height = (part.ravel() for part in np.meshgrid(*steps))
    corners = geocentric(lon, lat, height)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    return Volume(corners, middle, _radius(corners, middle), region=(west, south, east, north, low, high))


def sticks_out(inner: Volume, outer: Volume) -> float:
    """How far a volume reaches out of another, as a share of the other's radius; 0 where it is inside."""
    size = max(outer.radius_m, 1e-6)
    if outer.axes is not None:
        lengths = np.linalg.norm(outer.axes, axis=1)
        along = (inner.corners - outer.middle) @ (outer.axes / np.maximum(lengths, 1e-12)[:, None]).T
        out = (np.abs(along) - lengths).max()
    elif outer.region is not None:
        out = _out_of_region(inner, outer.region)
    else:
        out = (np.linalg.norm(inner.corners - outer.middle, axis=1) - outer.radius_m).max()
    return max(float(out) / size, 0.0)


def apart(first: Volume, second: Volume) -> bool:
    """Whether two volumes certainly share no place."""
    return bool(np.linalg.norm(first.middle - second.middle) > (first.radius_m + second.radius_m) * 1.01)


def degrees_of(places: Floats) -> Floats:
    """Longitude, latitude, height (n, 3) of geocentric places."""
    return np.stack(_geodetic().transform(*places.T), axis=1)


def footprint(volume: Volume) -> shapely.Geometry:
    """The ground under a volume, in degrees."""
    if volume.region is not None:
        west, south, east, north = volume.region[:4]
        return shapely.box(west, south, east, north)
    places = degrees_of(volume.corners)[:, :2]
    if volume.axes is None:
        lon, lat, _ = degrees_of(volume.middle[None])[0]
        around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        reach = np.degrees(volume.radius_m / 6_371_000.0)
        wide = reach / max(np.cos(np.radians(lat)), 1e-3)
        places = np.column_stack([lon + wide * np.cos(around), lat + reach * np.sin(around)])
    return shapely.convex_hull(shapely.MultiPoint(places))


def heights_of(volume: Volume) -> tuple[float, float]:
    """The lowest and highest height of a volume above the ellipsoid, in metres."""
    if volume.region is not None:
        return volume.region[4], volume.region[5]
    heights = degrees_of(volume.corners)[:, 2]
    return float(heights.min()), float(heights.max())


def _out_of_region(inner: Volume, region: tuple[float, ...]) -> float:
    west, south, east, north, low, high = region
    if inner.region is not None:
        a, b, c, d, bottom, top = inner.region
    else:
        places = degrees_of(inner.corners)
        (a, b, bottom), (c, d, top) = places.min(axis=0), places.max(axis=0)
    metres = 111_000.0
    narrow = metres * float(np.cos(np.radians((south + north) / 2)))
    sides = ((west - a) * narrow, (c - east) * narrow, (south - b) * metres, (d - north) * metres)
    return float(max(*sides, low - bottom, top - high))


def _radius(corners: Floats, middle: Floats) -> float:
    return float(np.linalg.norm(corners - middle, axis=1).max())


@functools.cache
def _geodetic() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4978, 4979, always_xy=True)
