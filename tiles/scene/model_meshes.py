"""Meshes of a building model made ready for tiles, and set at the places of the elements that share them.

A mesh's corners are parted where faces meet at an edge or have other colours, so that each has one normal and one
colour. All meshes of a tile are treated at once, as are all elements.
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
_FLAT = 127


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
    """Meshes with corners of their own for each face and colour; nothing is more opaque than ``most_opacity``."""
    points = np.concatenate([mesh.positions for mesh in meshes]).astype(np.float64)
    point_start = _starts([len(mesh.positions) for mesh in meshes])
    triangle_start = _starts([len(mesh.triangles) for mesh in meshes])
    own = np.concatenate([mesh.triangles for mesh in meshes]).astype(np.int64)
    mesh_of = np.repeat(np.arange(len(meshes)), np.diff(triangle_start))
    places = own + point_start[mesh_of][:, None]
    normals, whole = _normals(points[places])
    palette, look = _looks(meshes, most_opacity)
    places, normals, look, mesh_of = places[whole], normals[whole], look[whole], mesh_of[whole]
    steps = np.rint(normals * _FLAT).astype(np.int64) + _FLAT
    face = ((steps[:, 0] << 8 | steps[:, 1]) << 8 | steps[:, 2]) * len(palette) + look
    keys = np.stack([places.ravel(), np.repeat(face, 3)])
    order = np.lexsort(keys[::-1])
    new = np.ones(len(order), bool)
    new[1:] = (keys[:, order[1:]] != keys[:, order[:-1]]).any(axis=0)
    corner_of = np.empty(len(order), np.int64)
    corner_of[order] = np.cumsum(new) - 1
    first = order[new]
    corner_point = keys[0, first]
    corner_start = np.searchsorted(corner_point, point_start)
    corner_mesh = np.repeat(np.arange(len(meshes)), np.diff(corner_start))
    return ReadyMeshes(
        points,
        point_start,
        corner_point - point_start[corner_mesh],
        normals[first // 3],
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


def _normals(corners: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The normal of each triangle, and whether it has an area."""
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(crossed, axis=1)
    whole = lengths > 1e-12
    return crossed / np.where(whole, lengths, 1.0)[:, None], whole


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
