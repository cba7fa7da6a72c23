"""Binary glTF of 3D Tiles read back for tests: where its triangles are on the earth, and what features they are of.

Reads with pygltflib and numpy, whatever the components of an accessor are, and shares nothing with what writes tiles.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pygltflib

_TYPES = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}
_SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Geocentric axes from those of glTF, whose y is up: 3D Tiles turns content so."""


@dataclass
class ReadSurface:
    """A primitive: geocentric ``positions`` as float64 and ``normals``, ``features`` of its corners, ``triangles``.

    ``colours`` are from 0 to 1; ``translucent`` and ``two_sided`` say what its material does.
    """

    positions: np.ndarray
    normals: np.ndarray | None
    colours: np.ndarray | None
    features: np.ndarray
    triangles: np.ndarray
    translucent: bool
    two_sided: bool


@dataclass
class ReadTile:
    """A tile: its surfaces and the columns of its property table."""

    surfaces: list[ReadSurface]
    columns: dict[str, list[Any]]

    @property
    def count(self) -> int:
        """How many features it has."""
        return len(next(iter(self.columns.values()), []))

    def of_feature(self, number: int) -> np.ndarray:
        """The geocentric corners of a feature's triangles, of shape (n, 3, 3)."""
        parts = [
            surface.positions[surface.triangles[surface.features[surface.triangles[:, 0]] == number]]
            for surface in self.surfaces
        ]
        return np.concatenate([np.empty((0, 3, 3)), *parts])


def contents(tile: dict[str, Any]) -> Iterator[str]:
    """The addresses of all contents of a tile of a tileset's document and of those below it."""
    if "content" in tile:
        yield tile["content"]["uri"]
    for child in tile.get("children", []):
        yield from contents(child)


def read_glb(data: bytes) -> ReadTile:
    """A tile again; AssertionError where it breaks what 3D Tiles asks of it."""
    held: Any = pygltflib.GLTF2.load_from_bytes(data)
    body = held.binary_blob() or b""
    surfaces = [_surface(held, body, *found) for found in _placed(held)] if held.scenes[held.scene].nodes else []
    return ReadTile(surfaces, _columns(held, body))


def _placed(held: Any) -> Iterator[tuple[Any, np.ndarray]]:
    """Every primitive with the matrix of its node; nodes have no children here."""
    for number in held.scenes[held.scene].nodes:
        node = held.nodes[number]
        assert not node.children
        matrix = np.array(node.matrix, np.float64).reshape(4, 4).T if node.matrix else np.eye(4)
        for primitive in held.meshes[node.mesh].primitives:
            yield primitive, matrix


def _surface(held: Any, body: bytes, primitive: Any, matrix: np.ndarray) -> ReadSurface:
    assert primitive.mode == pygltflib.TRIANGLES
    named = primitive.attributes
    local = _values(held, body, named.POSITION)
    positions = (local @ matrix[:3, :3].T + matrix[:3, 3]) @ _Z_UP.T
    normals = None
    if named.NORMAL is not None:
        turned = _values(held, body, named.NORMAL) @ (matrix[:3, :3] / np.cbrt(np.linalg.det(matrix[:3, :3]))).T
        normals = turned @ _Z_UP.T
    (ids,) = primitive.extensions["EXT_mesh_features"]["featureIds"]
    features = _values(held, body, getattr(named, f"_FEATURE_ID_{ids['attribute']}"))[:, 0]
    assert (features == np.rint(features)).all()
    assert features.min() >= 0
    assert features.max() < ids["featureCount"]
    material = held.materials[primitive.material]
    triangles = _values(held, body, primitive.indices).astype(np.int64).reshape(-1, 3)
    assert triangles.max() < len(positions)
    return ReadSurface(
        positions,
        normals,
        _values(held, body, named.COLOR_0) if named.COLOR_0 is not None else None,
        features.astype(np.int64),
        triangles,
        material.alphaMode == "BLEND",
        bool(material.doubleSided),
    )


def _values(held: Any, body: bytes, number: int) -> np.ndarray:
    """The values of an accessor as float64, of shape (count, parts); normalised ones from -1 or 0 to 1."""
    accessor = held.accessors[number]
    view = held.bufferViews[accessor.bufferView]
    kind, parts = np.dtype(f"<{_TYPES[accessor.componentType]}"), _SIZES[accessor.type]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    stride = view.byteStride or kind.itemsize * parts
    table = np.ndarray((accessor.count, parts), kind, body, start, (stride, kind.itemsize))
    values = table.astype(np.float64)
    if accessor.min:
        assert values.min(axis=0).tolist() == accessor.min
        assert values.max(axis=0).tolist() == accessor.max
    return values / np.iinfo(kind).max if accessor.normalized else values


def _columns(held: Any, body: bytes) -> dict[str, list[Any]]:
    metadata = (held.extensions or {}).get("EXT_structural_metadata")
    if not metadata:
        return {}
    (table,) = metadata["propertyTables"]
    properties = metadata["schema"]["classes"][table["class"]]["properties"]
    assert properties.keys() == table["properties"].keys()
    return {
        name: _column(held, body, said, table["properties"][name], table["count"]) for name, said in properties.items()
    }


def _column(held: Any, body: bytes, said: dict[str, Any], entry: dict[str, Any], count: int) -> list[Any]:
    values = _view(held, body, entry["values"])
    if said["type"] == "STRING":
        offsets = np.frombuffer(_view(held, body, entry["stringOffsets"]), "<u4", count + 1)
        texts = [values[a:b].decode() for a, b in itertools.pairwise(offsets)]
        return [None if text == said.get("noData") else text for text in texts]
    kind = said["componentType"].lower()
    numbers = np.frombuffer(values, np.dtype(kind).newbyteorder("<"), count).tolist()
    return [None if number == said.get("noData") else number for number in numbers]


def _view(held: Any, body: bytes, number: int) -> bytes:
    view = held.bufferViews[number]
    start = view.byteOffset or 0
    return body[start : start + view.byteLength]
