"""Whether two bodies of triangles are in one another by more than a tolerance.

Bodies that touch, or reach into each other by less, are apart. Two signs tell that they are not: an edge of the one
goes through a triangle of the other and well beyond it on both sides, or a point just below the surface of the one lies
inside the other.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_POINTS = 256
"""Triangles of a body below whose middle a point is tried."""
MOST_WORK = 4_000_000
"""Points times triangles looked at in one step."""
_RAYS = np.array([[0.0131, 0.0171, 1.0], [1.0, 0.0137, 0.0193], [0.0173, 1.0, 0.0119]])
Kind = Literal["crossing", "inside"]


@dataclass(frozen=True, slots=True)
class Body:
    """Triangles in one frame for both bodies: corners of shape (n, 3, 3) in metres."""

    corners: Floats

    @property
    def low(self) -> Floats:
        """The lowest corner of the box."""
        return np.asarray(self.corners.min(axis=(0, 1)))

    @property
    def high(self) -> Floats:
        """The highest corner of the box."""
        return np.asarray(self.corners.max(axis=(0, 1)))


@dataclass(frozen=True, slots=True)
class Meeting:
    """How two bodies are in one another: a point in both, and about how deep in metres."""

    kind: Kind
    point: tuple[float, float, float]
    depth_m: float


def meeting(one: Body, other: Body, tolerance_m: float) -> Meeting | None:
    """How two bodies are in one another; None where they are apart or within the tolerance.

    The depth is an estimate: the smallest side of the box their meeting points span, at least the tolerance.
    """
    low, high = np.maximum(one.low, other.low), np.minimum(one.high, other.high)
    if ((high - low) <= tolerance_m).any():
        return None
    near = (_near(one, low, high), _near(other, low, high))
    points = np.concatenate([_crossings(*near, tolerance_m), _crossings(*near[::-1], tolerance_m)])
    kind: Kind = "crossing"
    if not len(points):
        kind = "inside"
        points = np.concatenate([_inner(near[0], one, other, tolerance_m), _inner(near[1], other, one, tolerance_m)])
    if not len(points):
        return None
    depth_m = float(max(tolerance_m, min(high - low)))
    middle = points[np.argmin(np.abs(points - np.median(points, axis=0)).sum(axis=1))]
    x, y, z = middle.tolist()
    return Meeting(kind, (x, y, z), depth_m)


def _near(body: Body, low: Floats, high: Floats) -> Floats:
    """The triangles whose boxes reach into a box."""
    reaching = (body.corners.min(axis=1) <= high).all(axis=1) & (body.corners.max(axis=1) >= low).all(axis=1)
    return np.asarray(body.corners[reaching])


def _crossings(edged: Floats, faces: Floats, tolerance_m: float) -> Floats:
    """Where edges of the ones go through triangles of the others, well within them and well beyond on both sides."""
    if not len(edged) or not len(faces):
        return np.zeros((0, 3))
    starts: Floats = edged.reshape(-1, 3)
    ends: Floats = np.roll(edged, -1, axis=1).reshape(-1, 3)
    lines = np.stack([starts, ends], axis=1)
    first, second = _box_pairs(lines, faces)
    start: Any = starts[first]
    end: Any = ends[first]
    face: Any = faces[second]
    normal: Any = np.cross(face[:, 1] - face[:, 0], face[:, 2] - face[:, 0])
    length = np.linalg.norm(normal, axis=1)
    solid = length > 1e-12
    flat = _flat_sides(faces)[second][solid]
    start, end, face, normal = start[solid], end[solid], face[solid], normal[solid] / length[solid, None]
    from_start = np.einsum("ij,ij->i", start - face[:, 0], normal)
    from_end = np.einsum("ij,ij->i", end - face[:, 0], normal)
    through = (from_start * from_end < 0) & (np.minimum(abs(from_start), abs(from_end)) > tolerance_m)
    start, end = start[through], end[through]
    share = from_start[through] / (from_start[through] - from_end[through])
    points = start + share[:, None] * (end - start)
    return np.asarray(points[_well_within(points, face[through], normal[through], flat[through], tolerance_m)])


def _flat_sides(faces: Floats) -> Any:
    """For each triangle, which of its sides it shares with one that goes on in the same plane: no border of a face."""
    ends: Any = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).round(6).reshape(-1, 2, 3)
    ends = np.where(_is_later(ends[:, 0], ends[:, 1])[:, None, None], ends[:, ::-1], ends).reshape(-1, 6)
    _, side, counts = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    side = side.reshape(-1)
    normal = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1), 1e-12)[:, None]
    each = np.repeat(normal, 3, axis=0)
    together = np.stack([np.bincount(side, each[:, axis]) for axis in range(3)], axis=1)
    flat = (counts == 2) & (np.linalg.norm(together, axis=1) > 2 - 1e-9)
    return flat[side].reshape(-1, 3)


def _is_later(ones: Floats, others: Floats) -> Any:
    """Whether points come after others in the order of x, y and z."""
    x, y, z = (ones - others).T
    return (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))


def _well_within(points: Floats, face: Floats, normal: Floats, flat: Any, tolerance_m: float) -> Any:
    """Whether points in the planes of triangles are farther from each side that is a border than the tolerance."""
    inside = np.ones(len(points), dtype=bool)
    for corner in range(3):
        side = face[:, (corner + 1) % 3] - face[:, corner]
        inward = np.cross(normal, side)
        inward /= np.maximum(np.linalg.norm(inward, axis=1), 1e-12)[:, None]
        least = np.where(flat[:, corner], -1e-9, tolerance_m)
        inside &= np.einsum("ij,ij->i", points - face[:, corner], inward) > least
    return inside


def _box_pairs(ones: Floats, others: Floats) -> tuple[Any, Any]:
    """Numbers of ones and others whose boxes meet."""
    flat = [(g[..., :2].min(axis=1), g[..., :2].max(axis=1)) for g in (ones, others)]
    boxes = [shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]) for low, high in flat]
    first, second = shapely.STRtree(boxes[1]).query(boxes[0])
    low = np.maximum(ones[first, :, 2].min(axis=1), others[second, :, 2].min(axis=1))
    high = np.minimum(ones[first, :, 2].max(axis=1), others[second, :, 2].max(axis=1))
    return first[low <= high], second[low <= high]


def _inner(near: Floats, own: Body, other: Body, tolerance_m: float) -> Floats:
    """Points just below the near triangles of a body that lie inside that body and inside the other."""
    chosen = near[:: max(1, len(near) // MOST_POINTS)]
    normal = np.cross(chosen[:, 1] - chosen[:, 0], chosen[:, 2] - chosen[:, 0])
    length = np.linalg.norm(normal, axis=1)
    chosen, normal = chosen[length > 1e-12], normal[length > 1e-12] / length[length > 1e-12, None]
    points = chosen.mean(axis=1) - 1.5 * tolerance_m * normal
    points = points[((points > other.low) & (points < other.high)).all(axis=1)]
    points = points[_inside(points, own)] if len(points) else points
    return np.asarray(points[_inside(points, other)] if len(points) else points)


def _inside(points: Floats, body: Body) -> Any:
    """Whether points are inside a closed body: most of three rays leave it an odd number of times."""
    votes = np.zeros(len(points), dtype=np.int64)
    step = max(1, MOST_WORK // max(1, len(body.corners)))
    for begin in range(0, len(points), step):
        some = points[begin : begin + step]
        for ray in _RAYS:
            votes[begin : begin + step] += _hits(some, ray, body.corners) % 2
    return votes >= 2


def _hits(points: Floats, ray: Floats, corners: Floats) -> Any:
    """How many triangles a ray from each point goes through (Moeller and Trumbore)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(ray, second)
    turn = np.einsum("ij,ij->i", first, across)
    usable = np.abs(turn) > 1e-12
    first, second, across, turn = first[usable], second[usable], across[usable], turn[usable]
    away = points[:, None, :] - corners[None, usable, 0]
    u = np.einsum("pij,ij->pi", away, across) / turn
    crossed = np.cross(away, first[None])
    v = np.einsum("pij,j->pi", crossed, ray) / turn
    distance = np.einsum("pij,ij->pi", crossed, second) / turn
    return ((u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)).sum(axis=1)
