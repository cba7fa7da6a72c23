"""Triangles over a square of heights: few, and nowhere farther from the heights than allowed.

Right triangles are halved at the middle of their longest side as long as the heights there, or below, need it (RTIN).
An edge of the square is decided by the heights along it alone and followed by all triangles beside it, so that two
squares that share an edge meet whatever lies behind it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
EARTH_M = 6_378_137.0
EDGE_SHARE = 0.25
"""The share of the allowed error that edges may use; triangles have the rest."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Vertices by column and row of the square, both from its south-west, and triangles turning left.

    ``heights_m`` are those of the vertices; on edges they lie on the edge's line, within the allowed error.
    """

    columns: Whole
    rows: Whole
    heights_m: Floats
    triangles: Whole


def mesh_of(heights_m: Floats, allowed_m: float, step_rad: float) -> Mesh:
    """A mesh over posts of shape (n + 1, n + 1), n a power of two, rows from the south, ``step_rad`` apart.

    Between its vertices it is no farther than ``allowed_m`` from the posts, its sinking below the curved ground
    counted in.
    """
    side = len(heights_m) - 1
    heights = heights_m.copy()
    kept = [_follow_edge(edge, allowed_m * EDGE_SHARE, step_rad) for edge in _edges(heights)]
    bounds = _bounds(heights, kept, step_rad)
    triangles = _triangles(bounds > allowed_m * (1 - EDGE_SHARE), side)
    numbers, first, renumbered = np.unique(triangles.ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    rows, columns = np.divmod(numbers[order], side + 1)
    return Mesh(columns, rows, heights[rows, columns], place[renumbered].reshape(-1, 3))


def sagitta_m(angle: float) -> float:
    """How far a straight line sinks below a curve that spans an angle at the middle of the Earth."""
    return EARTH_M * (1 - float(np.cos(min(angle, np.pi) / 2)))


def _edges(grid: Floats) -> tuple[Floats, ...]:
    return grid[0], grid[-1], grid[:, 0], grid[:, -1]


def _follow_edge(edge: Floats, allowed_m: float, step_rad: float) -> NDArray[np.bool_]:
    """Put an edge's heights onto the line through the posts it needs; which these are."""
    side = len(edge) - 1
    needed = np.zeros(side + 1, np.bool_)
    needed[[0, -1]] = True
    below, step = np.zeros(side), 2
    while step <= side:
        bound = _apart(edge[step // 2 :: step], edge[:-1:step], edge[step::step]) + sagitta_m(step * step_rad)
        if step > 2:
            bound += np.maximum(below[::2], below[1::2])
        needed[step // 2 :: step] = bound > allowed_m
        below, step = bound, step * 2
    posts = np.arange(side + 1)
    edge[:] = np.interp(posts, posts[needed], edge[needed])
    return needed


def _bounds(heights: Floats, kept: list[NDArray[np.bool_]], step_rad: float) -> Floats:
    """How far a mesh without a post, and without all that hang on it, may be from the heights; endless where kept."""
    side = len(heights) - 1
    bounds = np.zeros(heights.shape)
    for edge, needed in zip(_edges(bounds), kept, strict=True):
        edge[needed] = np.inf
    centres, step = np.zeros((side, side)), 2
    while step <= side:
        half = step // 2
        nearby = np.pad(centres, 1)
        straight, slanted = sagitta_m(step * step_rad), sagitta_m(step * step_rad * np.sqrt(2))
        beside = []
        for grid, out, near in ((heights, bounds, nearby), (heights.T, bounds.T, nearby.T)):
            own = _apart(grid[::step, half::step], grid[::step, :-1:step], grid[::step, step::step]) + straight
            if step > 2:
                pairs = np.maximum(near[::2], near[1::2])[:, 1:-1]
                own = own + np.maximum(pairs[:, ::2], pairs[:, 1::2])
            beside.append(np.maximum(out[::step, half::step], own))
            out[::step, half::step] = beside[-1]
        level, upright = beside[0], beside[1].T
        around = np.maximum(np.maximum(level[:-1], level[1:]), np.maximum(upright[:, :-1], upright[:, 1:]))
        centres = around + slanted + _apart(heights[half::step, half::step], *_diagonal(heights[::step, ::step]))
        bounds[half::step, half::step] = centres
        step *= 2
    return bounds


def _diagonal(corners: Floats) -> tuple[Floats, Floats]:
    """The ends of the diagonals that squares are halved along; those of neighbours mirror each other."""
    row, column = np.indices((len(corners) - 1, len(corners) - 1))
    same = (row + column) % 2 == 0
    first = np.where(same, corners[:-1, :-1], corners[:-1, 1:])
    second = np.where(same, corners[1:, 1:], corners[1:, :-1])
    return first, second


def _apart(middle: Floats, first: Floats, second: Floats) -> Floats:
    return np.abs(middle - (first + second) / 2)


def _triangles(used: NDArray[np.bool_], side: int) -> Whole:
    """Triangles of post numbers (row by row), each turning left, near ones near each other."""
    far = (side, side)
    open_ = np.array([[far, (0, 0), (side, 0)], [(0, 0), far, (0, side)]], np.int64)
    done = []
    while len(open_):
        first, second, top = open_[:, 0], open_[:, 1], open_[:, 2]
        middle = (first + second) // 2
        whole = (np.abs(first - top).sum(axis=1) > 1) & used[middle[:, 1], middle[:, 0]]
        done.append(open_[~whole])
        first, second, top, middle = (part[whole] for part in (first, second, top, middle))
        halves = [np.stack([top, first, middle], axis=1), np.stack([second, top, middle], axis=1)]
        open_ = np.concatenate(halves)
    found = np.concatenate(done)
    found = found[np.argsort(_curve(found.sum(axis=1)), kind="stable")]
    numbers: Whole = found[:, :, 1] * (side + 1) + found[:, :, 0]
    return numbers


def _curve(places: Whole) -> Whole:
    """Places of columns and rows along a Z-order curve."""
    result = np.zeros(len(places), np.int64)
    for bit in range(12):
        result |= ((places[:, 0] >> bit & 1) << (2 * bit)) | ((places[:, 1] >> bit & 1) << (2 * bit + 1))
    return result
