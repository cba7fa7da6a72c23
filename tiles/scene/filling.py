"""Triangles that fill flat outlines, with their holes: fans where the outline is convex, else by mapbox-earcut."""

import mapbox_earcut
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def filled(plan: Floats, part: Integers, ring: Integers, following: Integers) -> Integers:
    """Triangles, as places of points, of shape (m, 3), with their corners against the clock.

    ``plan`` are two coordinates of the points of outlines, one outline after another, its outer ring first and against
    the clock. ``part`` and ``ring`` number the outline and the ring each point is of, ``following`` is the place of the
    point after it in its ring. There must be one point at least.
    """
    starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    ends = np.append(starts[1:], len(part))
    fans = _convex(plan, ring, following, starts)
    triangles = [_fans(starts[fans], ends[fans])]
    for start, end in zip(starts[~fans].tolist(), ends[~fans].tolist(), strict=True):
        rings = ring[start:end]
        stops = np.append(np.flatnonzero(rings[1:] != rings[:-1]) + 1, end - start).astype(np.uint32)
        cut = mapbox_earcut.triangulate_float64(np.ascontiguousarray(plan[start:end]), stops)
        triangles.append(_looking_up(plan[start:end], cut.reshape(-1, 3).astype(np.int64)) + start)
    return np.concatenate(triangles)


def _convex(plan: Floats, ring: Integers, following: Integers, starts: Integers) -> NDArray[np.bool_]:
    """Which parts are one ring that turns left at every corner: a fan from any corner fills them."""
    after = plan[following] - plan
    before = np.empty_like(after)
    before[following] = after
    turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    left = np.logical_and.reduceat(turn >= 0, starts)
    rings = np.append(False, ring[1:] != ring[:-1])
    rings[starts] = False
    return np.asarray(left & ~np.logical_or.reduceat(rings, starts), dtype=np.bool_)


def _fans(starts: Integers, ends: Integers) -> Integers:
    """Triangles of convex outlines, each from its first corner."""
    counts = np.maximum(ends - starts - 2, 0)
    first = np.repeat(starts, counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.column_stack([first, first + step + 1, first + step + 2])


def _looking_up(plan: Floats, triangles: Integers) -> Integers:
    """The triangles with their corners against the clock as seen from above."""
    a, b, c = (plan[triangles[:, corner]] for corner in range(3))
    ab, ac = b - a, c - a
    clockwise = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    return triangles
