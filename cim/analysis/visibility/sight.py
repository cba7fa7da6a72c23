"""Lines of sight from one camera, along rays, over the ground and past blocks.

Everything is in metres on a plane around the camera: x to the east, y to the north, azimuths clockwise from north in
radians. Heights are above the datum of the ground. The earth's curvature is taken off every height with the distance,
less what the air bends light (coefficient 0.13): 6 mm at 300 m, 1.7 m at 5 km.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Labels = NDArray[np.int32]
EARTH_RADIUS_M, REFRACTION = 6_371_000.0, 0.13
SEEN, GROUND, BUILT = -1, -2, -3
"""Labels of cells: seen, hidden by the ground, under a building; from 0 on: hidden by the block of that number."""
TURN = 2 * np.pi
RAYS_AT_ONCE = 128
"""So many keep in a processor's cache."""


@dataclass(frozen=True, slots=True)
class Relief:
    """Heights of the ground on square cells: ``height_m[row, column]`` is at west + column, south + row steps."""

    height_m: Floats
    west_m: float
    south_m: float
    step_m: float

    def at(self, x: Floats, y: Floats) -> Floats:
        """Heights of places, bilinear; beyond the edge those of the edge."""
        rows, columns = self.height_m.shape
        column = np.clip((x - self.west_m) / self.step_m, 0.0, columns - 1.0)
        row = np.clip((y - self.south_m) / self.step_m, 0.0, rows - 1.0)
        left, below = np.minimum(column.astype(np.intp), columns - 2), np.minimum(row.astype(np.intp), rows - 2)
        column -= left
        row -= below
        first = below * columns + left
        flat = self.height_m.ravel()
        low = flat[first] * (1 - column) + flat[first + 1] * column
        first += columns
        high = flat[first] * (1 - column) + flat[first + 1] * column
        return np.asarray(low * (1 - row) + high * row, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Buildings with level tops: the edges of their footprints, to which block each belongs, and the tops' heights."""

    starts: Floats
    ends: Floats
    owner: Ints
    top_m: Floats


@dataclass(frozen=True, slots=True)
class Rays:
    """Rays by azimuth (radians) and the distances at which each is looked at (metres, ascending)."""

    azimuth: Floats
    distance_m: Floats


@dataclass(frozen=True, slots=True)
class _Crossings:
    """Where rays enter and leave blocks, in the order of rays, blocks and distances; every second one is a leaving."""

    ray: Ints
    block: Ints
    distance_m: Floats


def drop_m(distance_m: Floats) -> Floats:
    """How far the earth falls away below a level line of sight."""
    return (1 - REFRACTION) / (2 * EARTH_RADIUS_M) * distance_m**2


def look(eye_m: float, rays: Rays, relief: Relief, blocks: Blocks, target_m: float) -> Labels:
    """What becomes of every cell of rays: ``SEEN``, ``GROUND``, ``BUILT``, or the block that hides it.

    A cell is seen where a target so many metres above its ground is: where no nearer ground, and no block that the ray
    has entered before it, rises above the line to it. Of ground and block that both do, the higher is named.
    """
    parts = [
        _looked(eye_m, Rays(azimuth, rays.distance_m), relief, blocks, target_m)
        for azimuth in np.split(rays.azimuth, range(RAYS_AT_ONCE, len(rays.azimuth), RAYS_AT_ONCE))
    ]
    return np.concatenate(parts)


def _looked(eye_m: float, rays: Rays, relief: Relief, blocks: Blocks, target_m: float) -> Labels:
    away = rays.distance_m
    x, y = np.sin(rays.azimuth)[:, None] * away, np.cos(rays.azimuth)[:, None] * away
    ground = (relief.at(x, y) - drop_m(away) - eye_m) / away
    wanted = ground + target_m / away
    risen = np.full_like(ground, -np.inf)
    np.maximum.accumulate(ground[:, :-1], axis=1, out=risen[:, 1:])
    labels = np.where(wanted < risen, GROUND, SEEN).astype(np.int32)
    crossings = _crossings(rays, blocks)
    if len(crossings.ray):
        _hide(labels, crossings, rays, blocks.top_m, eye_m, wanted, risen)
    return labels


def _hide(
    labels: Labels, met: _Crossings, rays: Rays, top_m: Floats, eye_m: float, wanted: Floats, risen: Floats
) -> None:
    """Enter what blocks do into the labels of those rays that meet any."""
    used, row = np.unique(met.ray, return_inverse=True)
    column = np.searchsorted(rays.distance_m, met.distance_m, "right")
    slope = (top_m[met.block] - drop_m(met.distance_m) - eye_m) / met.distance_m
    shape = (len(used), len(rays.distance_m) + 1)
    highest, owner = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int32)
    order = np.argsort(slope, kind="stable")
    highest[row[order], column[order]] = slope[order]
    owner[row[order], column[order]] = met.block[order]
    reached = np.maximum.accumulate(highest, axis=1)
    since = np.maximum.accumulate(np.where(highest == reached, np.arange(shape[1]), 0), axis=1)
    owner = np.take_along_axis(owner, since, axis=1)
    depth = np.zeros(shape, dtype=np.int32)
    np.add.at(depth, (row, column), 1 - 2 * (_ordinal(met) % 2).astype(np.int32))
    here = labels[used]
    hidden = (wanted[used] < reached[:, :-1]) & (reached[:, :-1] >= risen[used])
    here[hidden] = owner[:, :-1][hidden]
    here[np.cumsum(depth, axis=1)[:, :-1] > 0] = BUILT
    labels[used] = here


def _ordinal(met: _Crossings) -> Ints:
    """The number of each crossing within its ray and block, from 0."""
    fresh = np.ones(len(met.ray), dtype=bool)
    fresh[1:] = (met.ray[1:] != met.ray[:-1]) | (met.block[1:] != met.block[:-1])
    place = np.arange(len(met.ray))
    return place - np.maximum.accumulate(np.where(fresh, place, 0))


def _crossings(rays: Rays, blocks: Blocks) -> _Crossings:
    """Every crossing of a ray with an edge of a block.

    An edge is met by the rays from the lesser azimuth of its ends, included, to the greater, left out: so a ray through
    a corner is counted as often as it passes the outline.
    """
    order = np.argsort(rays.azimuth % TURN, kind="stable")
    sorted_azimuth = (rays.azimuth % TURN)[order]
    first, last = _azimuths(blocks.starts), _azimuths(blocks.ends)
    least, most = np.minimum(first, last), np.maximum(first, last)
    north = most - least > np.pi
    edges = np.concatenate([np.flatnonzero(~north), np.flatnonzero(north), np.flatnonzero(north)])
    begins = np.concatenate([least[~north], most[north], np.zeros(north.sum())])
    ends = np.concatenate([most[~north], np.full(north.sum(), TURN + 1.0), least[north]])
    begin, end = np.searchsorted(sorted_azimuth, begins), np.searchsorted(sorted_azimuth, ends)
    count = end - begin
    edge = np.repeat(edges, count)
    ray = order[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)]
    distance_m = _distances(rays.azimuth[ray], blocks.starts[edge], blocks.ends[edge])
    met = np.isfinite(distance_m) & (distance_m > 0)
    ray, block, distance_m = ray[met], blocks.owner[edge[met]], distance_m[met]
    order = np.lexsort((distance_m, block, ray))
    return _Crossings(ray[order], block[order], distance_m[order])


def _azimuths(points: Floats) -> Floats:
    return np.asarray(np.arctan2(points[:, 0], points[:, 1]) % TURN, dtype=np.float64)


def _distances(azimuth: Floats, starts: Floats, ends: Floats) -> Floats:
    """How far along rays from the origin edges are crossed."""
    step = ends - starts
    across = np.sin(azimuth) * step[:, 1] - np.cos(azimuth) * step[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((starts[:, 0] * step[:, 1] - starts[:, 1] * step[:, 0]) / across, dtype=np.float64)
