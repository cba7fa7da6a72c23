"""Laying areas over the features of a layer: the pieces, their areas, and what gaps and overlaps leave.

Shapes are plain shapely in one reference system, eastings or longitudes first. Areas are ellipsoidal, in m2, by the
corner points of each piece.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import LONLAT_SRID, to_lonlat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = np.ndarray[Any, np.dtype[np.object_]]
NODE_TOLERANCE_M = 1e-5
METRES_PER_DEGREE = 111_320.0
_POLYGON, _MULTIPOLYGON, _COLLECTION = 3, 6, 7


@dataclass(frozen=True, slots=True)
class Overlay:
    """The pieces of areas that lie in features.

    For each piece the index of its area, of its feature, its shape, its area in m2, whether it is the whole feature.
    """

    area: Ints
    feature: Ints
    shapes: Shapes
    areas_m2: Floats
    whole: NDArray[np.bool_]

    def of_area(self, index: int) -> "Overlay":
        """The pieces of one area."""
        chosen = self.area == index
        return Overlay(
            self.area[chosen], self.feature[chosen], self.shapes[chosen], self.areas_m2[chosen], self.whole[chosen]
        )


@dataclass(frozen=True, slots=True)
class Closure:
    """How the pieces of one area close on it, all in m2.

    ``corner_m2`` is the area by the corner points as delivered: the legal one. ``noded_m2`` is that of the same line
    with the points at which features cut it; they differ because the formula takes each edge for a line of its own.
    ``parts_m2`` is the plain sum of the pieces; ``gap_m2`` lies in no feature, ``overlap_m2`` in more than one.
    """

    corner_m2: float
    noded_m2: float
    parts_m2: float
    gap_m2: float
    overlap_m2: float

    @property
    def residue_m2(self) -> float:
        """What the pieces leave of the whole: gaps less overlaps."""
        return self.noded_m2 - self.parts_m2

    @property
    def factor(self) -> float:
        """What brings areas along the noded line to the legal area."""
        return self.corner_m2 / self.noded_m2 if self.noded_m2 else 1.0


def overlay(areas: Shapes, features: Shapes, srid: int) -> Overlay:
    """Every piece of ``areas`` in ``features``, both in the system ``srid``; mere contact makes no piece."""
    if len(areas) == 0 or len(features) == 0:
        return _nothing()
    areas = _own(areas)
    shapely.prepare(areas)
    feature, area = _pairs(areas, features)
    whole = shapely.covers(areas[area], features[feature])
    shapes = features[feature].copy()
    cut = ~whole
    shapes[cut] = areal(shapely.intersection(areas[area[cut]], features[feature[cut]]))
    areas_m2 = ellipsoidal_areas_m2(to_lonlat(shapes, srid)) if len(shapes) else np.zeros(0)
    kept = areas_m2 > 0
    return Overlay(area[kept], feature[kept], shapes[kept], areas_m2[kept], whole[kept])


def _own(shapes: Shapes) -> Shapes:
    """The same shapes as objects of their own: one that is prepared may not be in the hands of two threads."""
    return np.asarray(shapely.from_wkb(shapely.to_wkb(shapes)), dtype=object)


def _pairs(areas: Shapes, features: Shapes) -> tuple[Ints, Ints]:
    """Indices of features and areas that meet, in the order of areas and then features."""
    area, feature = shapely.STRtree(features).query(areas, predicate="intersects")
    order = np.lexsort((feature, area))
    return feature[order], area[order]


def areal(shapes: Shapes) -> Shapes:
    """The polygons of shapes, an empty one where there is none."""
    kinds = shapely.get_type_id(shapes)
    out = shapes.copy()
    for index in np.flatnonzero(kinds == _COLLECTION):
        parts = shapely.get_parts(shapely.get_parts(shapes[index]))
        out[index] = shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == _POLYGON]))
    out[~np.isin(kinds, (_POLYGON, _MULTIPOLYGON, _COLLECTION))] = shapely.Polygon()
    return out


def _nothing() -> Overlay:
    none = np.zeros(0, dtype=np.int64)
    return Overlay(none, none, np.zeros(0, dtype=object), np.zeros(0), np.zeros(0, dtype=bool))


def closure(area: shapely.Geometry, pieces: Shapes, parts_m2: float, srid: int) -> Closure:
    """How the pieces of one area, whose areas sum to ``parts_m2``, close on it."""
    corner, noded = ellipsoidal_areas_m2(to_lonlat(np.array([area, _noded(area, pieces, srid)], dtype=object), srid))
    gap = overlap = 0.0
    if len(pieces):
        union = shapely.union_all(pieces)
        left = areal(np.array([shapely.difference(area, union)], dtype=object))
        gap, united = ellipsoidal_areas_m2(to_lonlat(np.array([left[0], union], dtype=object), srid))
        overlap = max(0.0, parts_m2 - float(united))
    else:
        gap = noded
    return Closure(float(corner), float(noded), parts_m2, float(gap), float(overlap))


def _noded(area: shapely.Geometry, pieces: Shapes, srid: int) -> shapely.Geometry:
    """The area with the corner points of pieces that lie on its edges put into them."""
    corners = np.unique(shapely.get_coordinates(pieces), axis=0)
    if len(corners) == 0:
        return area
    tolerance = NODE_TOLERANCE_M / (METRES_PER_DEGREE if srid == LONLAT_SRID else 1.0)
    parts = []
    for part in shapely.get_parts(area):
        rings = [_with_nodes(shapely.get_coordinates(ring), corners, tolerance) for ring in shapely.get_rings(part)]
        parts.append(shapely.Polygon(rings[0], rings[1:]))
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _with_nodes(ring: Floats, corners: Floats, tolerance: float) -> Floats:
    edges = np.asarray(shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1)), dtype=object)
    point, edge = shapely.STRtree(edges).query(shapely.points(corners), predicate="dwithin", distance=tolerance)
    start, step = ring[edge], ring[edge + 1] - ring[edge]
    along = ((corners[point] - start) * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-300)
    margin = tolerance / np.maximum(np.hypot(*step.T), 1e-300)
    inner = (along > margin) & (along < 1 - margin)
    places = np.concatenate([np.arange(len(ring), dtype=float), edge[inner] + along[inner]])
    return np.vstack([ring, corners[point[inner]]])[np.argsort(places, kind="stable")]
