"""Footprints raised to blocks: walls and roofs of all features of a tile at once."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.ecef import LocalFrame, geocentric_along, upward
from tiles.scene.filling import filled
from tiles.scene.vectors import crossed, lengths

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SHORTEST_M = 0.001
"""Edges shorter than this make no wall."""


@dataclass(frozen=True, slots=True)
class Block:
    """Triangles in a frame: ``positions`` and ``normals`` of shape (n, 3), ``triangles`` (m, 3), ``owners`` (n,)."""

    positions: Floats
    normals: Floats
    triangles: Integers
    owners: Integers


@dataclass(frozen=True, slots=True)
class _Outline:
    """Ring points without the closing ones: plan in degrees, feature, ring, and the next point along the ring."""

    lonlat: Floats
    owner: Integers
    ring: Integers
    part: Integers
    following: Integers


def extruded(shapes: NDArray[np.object_], bottom_m: Floats, top_m: Floats, frame: LocalFrame) -> Block:
    """Walls from the bottom to the top of each area, and roofs; floors are not drawn.

    ``shapes`` are valid polygons in longitude and latitude, heights ellipsoidal metres. Walls look outward, their
    corners go round against the clock as seen from outside.
    """
    outline = _outline(shapes)
    lon, lat = outline.lonlat.T
    away = upward(lon, lat)
    up = frame.turned(away)
    low = frame.local(geocentric_along(away, bottom_m[outline.owner]))
    high = low + up * (top_m - bottom_m)[outline.owner][:, None]
    walls = _walls(outline, low, high, up)
    roofs = _roofs(outline, high, up)
    return _joined(walls, roofs)


def _outline(shapes: NDArray[np.object_]) -> _Outline:
    parts, owner_of_part = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    kept = np.append(ring[1:] == ring[:-1], False)[: len(ring)]
    ring = ring[kept]
    begins = np.flatnonzero(np.append(True, ring[1:] != ring[:-1])[: len(ring)])
    following = np.arange(1, len(ring) + 1)
    following[np.append(begins[1:], len(ring))[: len(begins)] - 1] = begins
    part = part_of_ring[ring]
    return _Outline(points[kept], owner_of_part[part], ring, part, following)


def _walls(outline: _Outline, low: Floats, high: Floats, up: Floats) -> Block:
    along = low[outline.following] - low
    edge = np.flatnonzero(lengths(along) > SHORTEST_M)
    after = outline.following[edge]
    outward = crossed(along[edge], up[edge])
    outward /= np.maximum(lengths(outward), 1e-12)[:, None]
    positions = np.stack([low[edge], low[after], high[after], high[edge]], axis=1).reshape(-1, 3)
    first = 4 * np.arange(len(edge))[:, None]
    triangles = (first + np.array([[0, 1, 2, 0, 2, 3]])).reshape(-1, 3)
    return Block(positions, np.repeat(outward, 4, axis=0), triangles, np.repeat(outline.owner[edge], 4))


def _roofs(outline: _Outline, high: Floats, up: Floats) -> Block:
    if not len(outline.part):
        return Block(high, up, np.zeros((0, 3), np.int64), outline.owner)
    plan = (outline.lonlat - outline.lonlat[0]) * (np.cos(np.radians(outline.lonlat[0, 1])), 1.0)
    triangles = filled(plan, outline.part, outline.ring, outline.following)
    return Block(high, up, triangles, outline.owner)


def _joined(first: Block, second: Block) -> Block:
    return Block(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.normals, second.normals]),
        np.concatenate([first.triangles, second.triangles + len(first.positions)]),
        np.concatenate([first.owners, second.owners]),
    )
