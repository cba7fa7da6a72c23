"""Registered sets of 3D Tiles: what is known of one, and the transform that puts it where it stands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.model.collection import BoundingBox
from cim.model.ecef import LocalFrame, upward
from cim.model.ellipsoidal_heights import ELLIPSOIDAL, height_way
from cim.model.undulation import Undulation

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stand:
    """What heights of a set are above, and the place of its own coordinates where they are not geocentric.

    ``place`` is longitude, latitude, height in metres above the datum, and the heading of the set's north in degrees
    clockwise from true north.
    """

    height_datum: str | None
    place: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class RegisteredTileset:
    """One set of a layer: its row, the name its file is kept under, and where it stands.

    ``bbox`` is west, south, east, north in degrees; ``low_m`` and ``high_m`` are above the set's height datum;
    ``error_m`` is the geometric error of the set as a whole. ``made`` says that it was made here, of a point cloud.
    """

    fid: int
    name: str
    file: str
    stand: Stand
    bbox: BoundingBox
    low_m: float
    high_m: float
    error_m: float
    made: bool = False


@dataclass(frozen=True, slots=True)
class KeptCloud:
    """One point cloud of a layer: its row, the name its file is kept under, and where it lies.

    ``crs`` is its horizontal system; ``low_m`` and ``high_m`` are above ``height_datum``; ``bbox`` is in degrees.
    """

    fid: int
    name: str
    file: str
    crs: str
    height_datum: str | None
    low_m: float
    high_m: float
    bbox: BoundingBox


@dataclass(frozen=True, slots=True)
class Lift:
    """How a set is moved when it is drawn: a transform (4, 4) for columns, and metres that its regions are raised by.

    Transforms do not move regions, so that these are raised in the documents themselves.
    """

    matrix: Floats
    raised_m: float

    @property
    def moves(self) -> bool:
        """Whether anything is moved at all."""
        return bool(np.abs(self.matrix - np.eye(4)).max() > 0)


def placed(place: tuple[float, float, float, float], height_m: float) -> Floats:
    """The transform (4, 4) of a set's own coordinates, x east, y north, z up, to geocentric ones."""
    lon, lat, _, heading_deg = place
    turn = np.radians(-heading_deg)
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return np.asarray(LocalFrame.at(lon, lat, height_m).matrix() @ turned, dtype=np.float64)


def lift_of(tileset: RegisteredTileset, undulation: Undulation | None) -> Lift:
    """How a set is brought above the ellipsoid; HeightsUnknown where that cannot be known.

    A set in geocentric coordinates is raised by what its middle needs: within one of some kilometres the undulation
    differs by centimetres.
    """
    way = height_way(tileset.stand.height_datum, undulation)
    if tileset.stand.place is not None:
        lon, lat, height_m, _ = tileset.stand.place
        (raised,) = way.apply(np.array([lon]), np.array([lat]), np.array([height_m]))
        return Lift(placed(tileset.stand.place, float(raised)), float(raised) - height_m)
    if tileset.stand.height_datum == ELLIPSOIDAL:
        return Lift(np.eye(4), 0.0)
    west, south, east, north = tileset.bbox
    middle = np.array([(west + east) / 2]), np.array([(south + north) / 2])
    raised_m = float(way.apply(*middle, np.array([tileset.low_m]))[0]) - tileset.low_m
    matrix = np.eye(4)
    matrix[:3, 3] = upward(*middle)[0] * raised_m
    return Lift(matrix, raised_m)
