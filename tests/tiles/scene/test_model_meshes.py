"""Meshes parted at their edges and set at elements, against the same done triangle by triangle."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from models import box_mesh

from cim.model.bim import Material, Mesh
from tiles.scene.model_meshes import linear, ready, set_at

LOOKS = (Material("a", (1.0, 0.0, 0.0, 1.0)), Material("b", (0.0, 1.0, 0.0, 0.4)))


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    points = draw(st.lists(st.tuples(*[st.integers(-4, 4)] * 3), min_size=3, max_size=9, unique=True))
    corner = st.integers(0, len(points) - 1)
    triangles = draw(st.lists(st.tuples(corner, corner, corner, st.integers(0, 2)), min_size=1, max_size=12))
    table = np.array(triangles)
    return Mesh(b"", np.array(points, np.float32), table[:, :3].astype(np.uint32), table[:, 3].astype(np.uint16), LOOKS)


def whole(mesh: Mesh) -> list[tuple[np.ndarray, int]]:
    """The triangles with an area, and the slot of each."""
    corners = mesh.positions.astype(np.float64)[mesh.triangles]
    doubled = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return [(corners[n], int(mesh.slots[n])) for n in range(len(corners)) if doubled[n] > 1e-9]


@dataclass
class Face:
    places: set[int]
    ordered: list[int]
    normal: np.ndarray
    slot: int


def normals_of(mesh: Mesh) -> list[np.ndarray]:
    """The normals of the corners of each triangle with an area, by looking from triangle to triangle."""
    faces = []
    for ordered, slot in zip(mesh.triangles.tolist(), mesh.slots.tolist(), strict=True):
        a, b, c = mesh.positions.astype(np.float64)[ordered]
        faces.append(Face({*ordered}, ordered, np.cross(b - a, c - a), slot))
    faces = [face for face in faces if np.linalg.norm(face.normal) > 1e-9]
    found = []
    for face in faces:
        corners = []
        for place in face.ordered:
            group, waiting = [face], [face]
            while waiting:
                here = waiting.pop()
                for there in faces:
                    if not any(there is one for one in group) and is_round(faces, here, there, place):
                        group.append(there)
                        waiting.append(there)
            corners.append(sum(one.normal for one in group))
        found.append(np.array(corners))
    return found


def is_round(faces: list[Face], one: Face, other: Face, place: int) -> bool:
    """Whether two triangles alone share a side at a point, are of one colour and turn less than 30 degrees there."""
    turn = one.normal @ other.normal / np.linalg.norm(one.normal) / np.linalg.norm(other.normal)
    if one.slot != other.slot or turn < math.cos(math.radians(30)):
        return False
    ends = (one.places & other.places) - {place} if place in one.places & other.places else set()
    return any(sum({place, end} <= face.places for face in faces) == 2 for end in ends)


@given(st.lists(meshes(), min_size=1, max_size=4), st.data())
@settings(deadline=None)
def test_triangles_keep_their_order_place_and_look(made: list[Mesh], data: st.DataObject) -> None:
    of = data.draw(st.lists(st.integers(0, len(made) - 1), min_size=1, max_size=6))
    turns = [data.draw(st.floats(0, 6)) for _ in of]
    matrices = np.array(
        [
            [[math.cos(a), -math.sin(a), 0, n], [math.sin(a), math.cos(a), 0, 2 * n], [0, 0, 1, 3]]
            for n, a in enumerate(turns)
        ]
    )
    held = set_at(ready(made), np.array(of), matrices)
    wanted = [(element, *found) for element, mesh in enumerate(of) for found in whole(made[mesh])]
    assert len(held.triangles) == len(wanted)
    looks = [linear(look.colour) for look in (*LOOKS, Material("", (0.7, 0.7, 0.7, 1.0)))]
    for triangle, (element, corners, slot) in zip(held.triangles, wanted, strict=True):
        placed = corners @ matrices[element, :, :3].T + matrices[element, :, 3]
        assert held.points[held.corner_point[triangle]] == pytest.approx(placed)
        assert (held.owner[triangle] == element).all()
        assert {tuple(colour) for colour in held.colours[triangle].tolist()} == {looks[slot]}
    assert len(held.normals) == len(held.owner) == len(held.colours) == len(held.corner_point)


@given(meshes())
@settings(deadline=None)
def test_round_faces_share_normals_and_edges_part_them(mesh: Mesh) -> None:
    parted = ready([mesh])
    assert np.linalg.norm(parted.normals, axis=1) == pytest.approx(np.ones(len(parted.normals)))
    for triangle, wanted in zip(parted.triangles, normals_of(mesh), strict=True):
        lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
        sure = lengths[:, 0] > 1e-6
        assert parted.normals[triangle][sure] == pytest.approx((wanted / np.maximum(lengths, 1e-9))[sure], abs=1e-6)


def test_faces_in_one_plane_share_corners_and_edges_part_them() -> None:
    parted = ready([box_mesh(1, 2, 3), box_mesh(2, 2, 2)])
    assert np.diff(parted.corner_start).tolist() == [24, 24]
    assert np.diff(parted.triangle_start).tolist() == [12, 12]
    assert np.abs(parted.normals).sum(axis=1) == pytest.approx(np.ones(48))
    ball = trimesh.creation.icosphere(subdivisions=2)
    faces = ball.faces.astype(np.uint32)
    round_ = Mesh(b"", ball.vertices.astype(np.float32), faces, np.zeros(len(faces), np.uint16), (LOOKS[0],))
    parted = ready([round_])
    assert len(parted.normals) == len(ball.vertices)
    assert parted.normals == pytest.approx(ball.vertices[parted.corner_point], abs=0.03)


def test_nothing_is_more_opaque_than_is_asked_for() -> None:
    assert set(ready([box_mesh(1, 1, 1)], 0.3).colours[:, 3].tolist()) == {round(0.3 * 255)}
    assert linear((1.0, 0.0, 0.5, 1.0)) == (255, 0, 55, 255)
