"""Laying what cameras see over an area: covered, hidden, out of reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.overlay import areal
from cim.analysis.visibility.plane import Shapes
from cim.model.cameras import Camera
from cim.model.ellipsoid import ellipsoidal_areas_m2

LEAST_M2 = 4.0
"""Smaller pieces are counted, not drawn."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a camera sees, and its whole sector, in longitude and latitude."""

    camera: Camera
    shape: shapely.Geometry
    sector: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the area with its size."""

    shape: shapely.Geometry
    area_m2: float


@dataclass(frozen=True, slots=True)
class Covered:
    """The open ground of an area, what of it is seen by cameras that are on, and by those that are off and no other.

    ``hidden`` lies in the sector of a camera that is on and is not seen; ``beyond`` in none. ``built_m2`` is under
    buildings and belongs to none of these. ``seen_m2`` is, for each camera, what it sees of the open ground.
    """

    area_m2: float
    open_m2: float
    built_m2: float
    seen: Piece
    only_offline: Piece
    hidden: Piece
    beyond: Piece
    seen_m2: Sequence[float]
    cameras: Sequence[Camera]


def covered(area: shapely.Geometry, seen: Sequence[Seen], footprints: Shapes) -> Covered:
    """Lay what cameras see over the ground of an area that no building stands on."""
    ground = shapely.difference(area, shapely.union_all(footprints)) if len(footprints) else area
    on = [one for one in seen if one.camera.online]
    off = [one for one in seen if not one.camera.online]
    by_on = _within(ground, [one.shape for one in on])
    reach = _within(ground, [one.sector for one in on])
    by_off = shapely.difference(_within(ground, [one.shape for one in off]), by_on)
    hidden, beyond = shapely.difference(reach, by_on), shapely.difference(ground, shapely.union(reach, by_on))
    shapely.prepare(ground)
    single = areal(np.array([shapely.intersection(ground, one.shape) for one in seen], dtype=object))
    whole_m2, open_m2 = ellipsoidal_areas_m2(np.array([area, ground], dtype=object)).tolist()
    return Covered(
        area_m2=whole_m2,
        open_m2=open_m2,
        built_m2=whole_m2 - open_m2,
        seen=_piece(by_on),
        only_offline=_piece(by_off),
        hidden=_piece(hidden),
        beyond=_piece(beyond),
        seen_m2=ellipsoidal_areas_m2(single).tolist() if len(single) else [],
        cameras=[one.camera for one in seen],
    )


def _within(ground: shapely.Geometry, shapes: Sequence[shapely.Geometry]) -> shapely.Geometry:
    return shapely.intersection(ground, shapely.union_all(np.array(shapes, dtype=object)))


def _piece(shape: shapely.Geometry) -> Piece:
    whole = areal(np.array([shape], dtype=object))
    return Piece(whole[0], float(ellipsoidal_areas_m2(whole)[0]))


def drawn(piece: Piece) -> list[Piece]:
    """The parts of a piece that are large enough to be drawn, the largest first."""
    parts = shapely.get_parts(piece.shape)
    areas = ellipsoidal_areas_m2(parts) if len(parts) else np.zeros(0)
    order = [int(number) for number in np.argsort(-areas) if areas[number] >= LEAST_M2]
    return [Piece(parts[number], float(areas[number])) for number in order]
