"""Where points of a building model are on the earth, in the level frame of a tile.

Each point goes the whole way: the model's placement, its projected system, the ellipsoid. A map that keeps lengths,
however well it is fitted, is 6 mm off at 100 m in the county, by the scale of the projection; one by straight lines
2 mm, by the earth's curve.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Placement
from cim.model.ecef import LocalFrame, geocentric
from cim.model.ellipsoidal_heights import HeightWay
from cim.model.map_positions import way_to_degrees

Floats = NDArray[np.float64]
Places = tuple[Floats, Floats, Floats]
"""Longitudes and latitudes in degrees, ellipsoidal heights in metres."""
_STEP_M = 1.0


@dataclass(frozen=True, slots=True)
class Placing:
    """The way of points and directions of a model to a level frame at a point of it."""

    frame: LocalFrame
    turn: Floats
    _places: Callable[[Floats], Places]

    @classmethod
    def at(cls, middle: Floats, placement: Placement, heights: HeightWay) -> "Placing":
        """The way to the frame at a point of the model, of shape (3,)."""
        degrees = way_to_degrees(placement.srid, placement.wkt)

        def places(points: Floats) -> Places:
            on_map = placement.to_map(points)
            lonlat, height_m = degrees(on_map[:, :2]), on_map[:, 2]
            beyond = ~np.isfinite(lonlat).all(axis=1)
            lonlat[beyond], height_m[beyond] = 0.0, np.nan
            lon, lat = lonlat.T
            return lon, lat, heights.apply(lon, lat, height_m)

        lon, lat, height_m = places(middle[None])
        frame = LocalFrame.at(float(lon[0]), float(lat[0]), float(height_m[0]))
        steps = frame.local(geocentric(*places(middle + _STEP_M * np.vstack([np.eye(3), -np.eye(3)]))))
        return cls(frame, steps[:3] - steps[3:], places)

    def points(self, points: Floats) -> Floats:
        """Points of the model, of shape (n, 3), in the frame's metres; NaN where the projection knows no place."""
        return self.frame.local(geocentric(*self._places(points)))

    def directions(self, directions: Floats) -> Floats:
        """Directions in the model, of shape (n, 3), in the frame, with length 1."""
        turned = directions @ self.turn
        return np.asarray(turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12), dtype=np.float64)
