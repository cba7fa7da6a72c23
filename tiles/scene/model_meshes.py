"""Meshes of a building model made ready for tiles, and set at the places of the elements that share them.

A mesh's corners are parted where faces meet at an edge or have other colours, so that each has one normal and one
colour; along round faces they stay together. All meshes of a tile are treated at once, as are all elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Material, Mesh

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
OPAQUE = 250
"""From this opacity of 255 on a surface is drawn as one that nothing shines through."""
_GREY = Material("", (0.7, 0.7, 0.7, 1.0))
SMOOTH = float(np.cos(np.radians(30)))
"""Faces that turn less than this at a side they share are parts of one round face."""
LEAST_M4 = 1e-24


@dataclass(frozen=True, slots=True)
class ReadyMeshes:
    """Meshes one after another: ``point_start`` and so on, one longer than the meshes, say where each begins.

    ``corner_point`` are places in ``points``; ``normals`` and ``colours`` (uint8, linear) are those of corners,
    ``triangles`` places of corners. All places count from the start of their own mesh.
    """

    points: Floats
    point_start: Integers
    corner_point: Integers
    normals: Floats
    colours: NDArray[np.uint8]
    corner_start: Integers
    triangles: Integers
    triangle_start: Integers


@dataclass(frozen=True, slots=True)
class SetMeshes:
    """Meshes at the places of elements, in the model's frame: one of ``ReadyMeshes`` for each element, in order.

    ``owner`` is the element of each corner, ``corner_point`` and ``triangles`` count over all elements.
    """

    points: Floats
    corner_point: Integers
    normals: Floats
    colours: NDArray[np.uint8]
    owner: Integers
    triangles: Integers


def ready(meshes: Sequence[Mesh], most_opacity: float = 1.0) -> ReadyMeshes:
    """Meshes with corners parted at edges and colours; nothing is more opaque than ``most_opacity``."""
    points = np.concatenate([mesh.positions for mesh in meshes]).astype(np.float64)
    point_start = _starts([len(mesh.positions) for mesh in meshes])
    triangle_start = _starts([len(mesh.triangles) for mesh in meshes])
    own = np.concatenate([mesh.triangles for mesh in meshes]).astype(np.int64)
    mesh_of = np.repeat(np.arange(len(meshes)), np.diff(triangle_start))
    places = own + point_start[mesh_of][:, None]
    crossed, whole = _crossed(points[places])
    palette, look = _looks(meshes, most_opacity)
    places, crossed, look, mesh_of = places[whole], crossed[whole], look[whole], mesh_of[whole]
    joined = _joined(places, crossed, look)
    first = np.flatnonzero(joined == np.arange(len(joined)))
    corner_of = np.empty(len(joined), np.int64)
    corner_of[first] = np.arange(len(first))
    corner_of = corner_of[joined]
    corner_mesh = mesh_of[first // 3]
    corner_start = np.searchsorted(corner_mesh, np.arange(len(meshes) + 1))
    return ReadyMeshes(
        points,
        point_start,
        places.ravel()[first] - point_start[corner_mesh],
        _summed(crossed, corner_of, first),
        palette[look[first // 3]],
        corner_start,
        corner_of.reshape(-1, 3) - corner_start[mesh_of][:, None],
        np.searchsorted(mesh_of, np.arange(len(meshes) + 1)),
    )


def set_at(ready_: ReadyMeshes, mesh_of: Integers, matrices: Floats) -> SetMeshes:
    """The mesh of each element where its matrix, of shape (n, 3, 4), puts it: a turn and a shift."""
    point, of_point, point_first = _taken(ready_.point_start, mesh_of)
    corner, of_corner, corner_first = _taken(ready_.corner_start, mesh_of)
    triangle, of_triangle, _ = _taken(ready_.triangle_start, mesh_of)
    turn, shift = matrices[:, :, :3], matrices[:, :, 3]
    return SetMeshes(
        np.einsum("nij,nj->ni", turn[of_point], ready_.points[point]) + shift[of_point],
        ready_.corner_point[corner] + point_first[of_corner],
        np.einsum("nij,nj->ni", turn[of_corner], ready_.normals[corner]),
        ready_.colours[corner],
        of_corner,
        ready_.triangles[triangle] + corner_first[of_triangle][:, None],
    )


def linear(colour: Sequence[float]) -> tuple[int, int, int, int]:
    """A colour as files write it, red, green, blue and opacity from 0 to 1, as bytes that grow with the light."""
    levels = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour[:3]]
    red, green, blue, opacity = (round(255 * min(max(value, 0.0), 1.0)) for value in (*levels, colour[3]))
    return red, green, blue, opacity


def _taken(starts: Integers, mesh_of: Integers) -> tuple[Integers, Integers, Integers]:
    """The entries of each element's mesh, element after element; whose each is; where each element's begin."""
    counts = np.diff(starts)[mesh_of]
    first = _starts(counts)[:-1]
    owner = np.repeat(np.arange(len(mesh_of)), counts)
    return np.arange(int(counts.sum())) + (starts[mesh_of] - first)[owner], owner, first


def _crossed(corners: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The normal of each triangle, twice as long as its area, and whether it has one."""
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return crossed, np.einsum("ni,ni->n", crossed, crossed) > LEAST_M4


def _joined(places: Integers, crossed: Floats, look: Integers) -> Integers:
    """For each corner of triangles the first one it is the same as.

    Two triangles of one colour that alone share a side, and turn little there, share its corners.
    """
    ahead = np.roll(places, -1, axis=1)
    low, high = np.minimum(places, ahead).ravel(), np.maximum(places, ahead).ravel()
    sides = low * (int(places.max(initial=0)) + 1) + high
    order = np.argsort(sides, kind="stable")
    same = np.concatenate([[False], np.diff(sides[order]) == 0, [False]])
    pairs = np.flatnonzero(same[1:-1] & ~same[:-2] & ~same[2:])
    one, other = order[pairs], order[pairs + 1]
    alike = look[one // 3] == look[other // 3]
    one, other = one[alike], other[alike]
    units = crossed / np.linalg.norm(crossed, axis=1, keepdims=True)
    smooth = np.einsum("ni,ni->n", units[one // 3], units[other // 3]) >= SMOOTH
    one, other = one[smooth], other[smooth]
    after = np.arange(places.size).reshape(-1, 3)[:, [1, 2, 0]].ravel()
    flat = places.ravel()
    straight = flat[one] == flat[other]
    begins = np.where(straight, other, after[other])
    ends = np.where(straight, after[other], other)
    return _first_of_each(places.size, np.append(one, after[one]), np.append(begins, ends))


def _first_of_each(count: int, one: Integers, other: Integers) -> Integers:
    """The least of all numbers that each number hangs together with, by pairs."""
    first = np.arange(count)
    while True:
        least = np.minimum(first[one], first[other])
        lower = first.copy()
        np.minimum.at(lower, one, least)
        np.minimum.at(lower, other, least)
        lower = lower[lower]
        if (lower == first).all():
            return first
        first = lower


def _summed(crossed: Floats, corner_of: Integers, first: Integers) -> Floats:
    """The normals of corners: of all triangles that share them, by their areas; else of the first of these."""
    triangles = np.repeat(np.arange(len(crossed)), 3)
    sums = np.column_stack([np.bincount(corner_of, crossed[triangles, axis], len(first)) for axis in range(3)])
    none = np.linalg.norm(sums, axis=1) < np.sqrt(LEAST_M4)
    sums[none] = crossed[first[none] // 3]
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float64)


def _looks(meshes: Sequence[Mesh], most_opacity: float) -> tuple[NDArray[np.uint8], Integers]:
    """Colours, and the place of each triangle's among them."""
    known: dict[tuple[float, ...], int] = {}
    looks = []
    for mesh in meshes:
        held = [material.colour for material in (*mesh.materials, _GREY)]
        numbers = np.array([known.setdefault(colour, len(known)) for colour in held], np.int64)
        looks.append(numbers[np.minimum(mesh.slots, len(mesh.materials))])
    palette = [linear((*colour[:3], min(colour[3], most_opacity))) for colour in known]
    return np.array(palette, np.uint8).reshape(-1, 4), np.concatenate(looks)


def _starts(counts: Sequence[int] | Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
