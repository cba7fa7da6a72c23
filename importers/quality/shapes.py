"""Checks of shapes: duplicates, slivers, overlaps and gaps. Shapes are in metres.

Overlaps and gaps are looked for only where something can be wrong. In a clean coverage every inner segment is the
border of exactly two polygons, once in each direction; segments that are not are few - those at the rim and those
of a fault - and only their polygons and what lies under them are compared.
"""

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

Shapes = NDArray[np.object_]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0xD6E8FEB86659FD93))
SNAP_M = 0.0005
"""Coordinates closer than this are one: half a millimetre, below any survey's precision."""


def duplicates(shapes: Shapes) -> Iterator[tuple[int, int]]:
    """Pairs (first, later) of shapes that are equal, wherever their rings begin."""
    bounds = np.round(shapely.bounds(shapes) / SNAP_M).astype(np.int64)
    _, label, counts = np.unique(bounds, axis=0, return_inverse=True, return_counts=True)
    likely = np.flatnonzero(counts[label.ravel()] > 1)
    first: dict[bytes, int] = {}
    for index, wkb in zip(likely, shapely.to_wkb(shapely.normalize(shapes[likely])), strict=True):
        earlier = first.setdefault(wkb, int(index))
        if earlier != index:
            yield earlier, int(index)


def slivers(shapes: Shapes, least_m2: float | None, thinness: float | None) -> Bools:
    """Which polygons are smaller than ``least_m2`` or thinner than ``thinness`` (1 is a circle)."""
    area = shapely.area(shapes)
    wrong: Bools = np.zeros(len(shapes), dtype=np.bool_)
    if least_m2 is not None:
        wrong |= area < least_m2
    if thinness is not None:
        perimeter = np.maximum(shapely.length(shapes), 1e-9)
        wrong |= 4 * np.pi * area / perimeter**2 < thinness
    return wrong


class Coverage:
    """Polygons meant to tile an area, with the segments that no neighbour shares."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._lines, self._owners = _unshared_segments(shapes)

    def overlaps(self, least_m2: float) -> Iterator[tuple[int, int, shapely.Geometry]]:
        """Pairs of polygons that share more than ``least_m2``, with what they share."""
        if len(self._lines) == 0:
            return
        line, other = shapely.STRtree(self._shapes).query(_shortened(self._lines), predicate="intersects")
        owner = self._owners[line]
        apart = owner != other
        pairs = np.unique(np.sort(np.column_stack([owner[apart], other[apart]]), axis=1), axis=0)
        for a, b in pairs:
            shared = shapely.intersection(self._shapes[a], self._shapes[b])
            if shapely.area(shared) > least_m2:
                yield int(a), int(b), shared

    def gaps(self, least_m2: float) -> Iterator[shapely.Geometry]:
        """Holes of more than ``least_m2`` that polygons leave between them."""
        if len(self._lines) == 0:
            return
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(self._lines))))
        faces = faces[shapely.area(faces) > least_m2]
        inner = shapely.point_on_surface(faces)
        covered, _ = shapely.STRtree(self._shapes).query(inner, predicate="intersects")
        bare = np.ones(len(faces), dtype=np.bool_)
        bare[covered] = False
        yield from faces[bare]


def _shortened(lines: Shapes) -> Shapes:
    """Segments without their ends, so that they touch only what they run into or along."""
    points = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    step = points[:, 1] - points[:, 0]
    share = np.minimum(0.25, 2 * SNAP_M / np.maximum(np.hypot(*step.T), 1e-9))[:, None] * step
    return np.asarray(shapely.linestrings(np.stack([points[:, 0] + share, points[:, 1] - share], axis=1)), dtype=object)


def _unshared_segments(shapes: Shapes) -> tuple[Shapes, Indices]:
    """Segments that are not the border of exactly two polygons in opposite directions, and whose they are."""
    parts, part_owner = shapely.get_parts(shapes, return_index=True)
    parts = shapely.orient_polygons(parts)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    if len(points) == 0:
        return np.array([], dtype=object), np.array([], dtype=np.intp)
    number = _hashed(points)
    same = (ring[1:] == ring[:-1]) & (number[1:] != number[:-1])
    start, end = number[:-1][same], number[1:][same]
    owner = part_owner[ring_part[ring[1:][same]]]
    low, high = np.minimum(start, end), np.maximum(start, end)
    code = low * _ODD + high
    order = np.argsort(code)
    edge = np.flatnonzero(np.r_[True, np.diff(code[order]) != 0])
    counts = np.diff(np.r_[edge, len(code)])
    forward = np.add.reduceat((start < end)[order].astype(np.int64), edge)
    shared = np.repeat((counts == 2) & (forward == 1), counts)
    lone = order[~shared]
    places = np.flatnonzero(same)[lone]
    lines = shapely.linestrings(np.stack([points[places], points[places + 1]], axis=1)) if len(lone) else lone
    return np.asarray(lines, dtype=object), owner[lone]


def _hashed(points: NDArray[np.float64]) -> NDArray[np.uint64]:
    """A number for each place; points closer than ``SNAP_M`` on the grid have the same one.

    Two places of ten million have the same number by chance once in a hundred thousand layers, and then the segment in
    question is looked at more closely than it need be.
    """
    grid = np.round((points - points.min(axis=0)) / SNAP_M).astype(np.uint64)
    mixed = grid[:, 0] * _MIX[0] + grid[:, 1] * _MIX[1]
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed * _MIX[2], dtype=np.uint64)


def in_metres(shapes: Shapes, *, degrees: bool) -> Shapes:
    """Shapes in degrees drawn on a plane that is true to metres at their middle; others as they are."""
    if not degrees or len(shapes) == 0:
        return shapes
    origin, scale = _plane(shapes)
    moved: Shapes = shapely.transform(shapes, lambda xy: (xy - origin) * scale)
    return moved


def back_to_degrees(shape: shapely.Geometry, shapes: Shapes) -> shapely.Geometry:
    """A shape of the plane that ``in_metres`` drew ``shapes`` on, in degrees again."""
    origin, scale = _plane(shapes)
    moved: shapely.Geometry = shapely.transform(shape, lambda xy: xy / scale + origin)
    return moved


def _plane(shapes: Shapes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    west, south, east, north = shapely.total_bounds(shapes)
    scale = np.array([111_319.49 * np.cos(np.radians((south + north) / 2)), 110_900.0])
    return np.array([(west + east) / 2, (south + north) / 2]), scale
