"""Places on the earth as geocentric coordinates, and level frames of metres around a place.

Longitude and latitude are degrees of CGCS2000 (taken as equal to WGS 84), heights are ellipsoidal metres.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.model.ellipsoid import FLATTENING, SEMI_MAJOR_M

Floats = NDArray[np.float64]
_E2 = FLATTENING * (2 - FLATTENING)
_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""glTF's axes from geocentric ones: 3D Tiles turns the content's y up to z up."""


def upward(lon: Floats, lat: Floats) -> Floats:
    """The direction of growing height at places, of length 1, shape (n, 3) geocentric."""
    across, along = np.radians(lon), np.radians(lat)
    level = np.cos(along)
    return np.stack([level * np.cos(across), level * np.sin(across), np.sin(along)], axis=-1)


def geocentric(lon: Floats, lat: Floats, height_m: Floats) -> Floats:
    """Geocentric metres of places, shape (n, 3)."""
    return geocentric_along(upward(lon, lat), height_m)


def geocentric_along(up: Floats, height_m: Floats | np.float64) -> Floats:
    """Geocentric metres of places where height grows in the directions ``up``, shape (n, 3)."""
    radius = SEMI_MAJOR_M / np.sqrt(1 - _E2 * up[..., 2] ** 2)
    places = np.empty_like(up)
    places[..., :2] = up[..., :2] * (radius + height_m)[..., None]
    places[..., 2] = up[..., 2] * (radius * (1 - _E2) + height_m)
    return places


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """Metres to the east, north and up from a place, level there.

    ``origin`` is geocentric, the rows of ``axes`` are east, north and up.
    """

    origin: Floats
    axes: Floats

    @classmethod
    def at(cls, lon: float, lat: float, height_m: float) -> "LocalFrame":
        """The frame whose origin is a place."""
        across, along = math.radians(lon), math.radians(lat)
        east = (-math.sin(across), math.cos(across), 0.0)
        north = (-math.sin(along) * math.cos(across), -math.sin(along) * math.sin(across), math.cos(along))
        up = np.array([math.cos(along) * math.cos(across), math.cos(along) * math.sin(across), math.sin(along)])
        return cls(geocentric_along(up, np.float64(height_m)), np.array([east, north, up]))

    def local(self, places: Floats) -> Floats:
        """Geocentric points of shape (n, 3) in the frame's metres."""
        return np.asarray((places - self.origin) @ self.axes.T, dtype=np.float64)

    def turned(self, directions: Floats) -> Floats:
        """Geocentric directions of shape (n, 3) in the frame."""
        return np.asarray(directions @ self.axes.T, dtype=np.float64)

    def matrix(self) -> Floats:
        """From the frame to geocentric, of shape (4, 4), for columns."""
        whole = np.eye(4)
        whole[:3, :3], whole[:3, 3] = self.axes.T, self.origin
        return whole

    def gltf_matrix(self) -> Floats:
        """From the frame to the axes of glTF content in 3D Tiles, of shape (4, 4), for columns."""
        return np.asarray(_Y_UP @ self.matrix(), dtype=np.float64)
