"""Binary glTF for one tile: surfaces or points whose features have a row each in one property table.

Positions are metres of a level frame; a node's matrix takes them to where the frame lies on the earth, so that the file
stands right wherever a tileset names it. Positions become 16-bit whole numbers (KHR_mesh_quantization) where no
coordinate moves by more than a centimetre, normals 8-bit ones.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from cim.model.ecef import LocalFrame
from tiles.scene.columns import CLASS, Column, schema_of
from tiles.scene.vectors import extent

EXACT_M = 0.01
_STEPS = 65_535
_BYTE, _UBYTE, _USHORT, _UINT, _FLOAT = 5120, 5121, 5123, 5125, 5126
_VERTICES, _INDICES = 34962, 34963
_POINTS, _TRIANGLES = 0, 4
_ALIGNED = 8


@dataclass(frozen=True, slots=True)
class Surface:
    """Triangles, or points where ``triangles`` is None, of one look.

    ``positions`` are metres of shape (n, 3), east, north and up; ``normals`` of the same shape have length 1, None for
    none; ``features`` of length n are rows of the property table. ``colours`` is uint8 of shape (n, 4), else ``look``
    is red, green, blue and opacity from 0 to 1 of all of it. Both sides are drawn of what is translucent or
    ``two_sided``, else the side that normals point to.
    """

    positions: NDArray[np.float64]
    features: NDArray[np.unsignedinteger]
    triangles: NDArray[np.unsignedinteger] | None = None
    normals: NDArray[np.floating] | None = None
    colours: NDArray[np.uint8] | None = None
    look: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    translucent: bool = False
    two_sided: bool = False


@dataclass(slots=True)
class _Document:
    body: bytearray = field(default_factory=bytearray)
    views: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)
    meshes: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    materials: list[dict[str, Any]] = field(default_factory=list)
    quantised: bool = False

    def view(self, data: bytes, **members: Any) -> int:
        """Add bytes at the next multiple of eight; the number of their view."""
        self.body += b"\0" * (-len(self.body) % _ALIGNED)
        self.views.append({"buffer": 0, "byteOffset": len(self.body), "byteLength": len(data), **members})
        self.body += data
        return len(self.views) - 1

    def accessor(self, view: int, component: int, kind: str, count: int, **members: Any) -> int:
        """Add what says how a view is read; its number."""
        self.accessors.append({"bufferView": view, "componentType": component, "type": kind, "count": count, **members})
        return len(self.accessors) - 1


def glb_bytes(
    frame: LocalFrame, surfaces: Sequence[Surface], columns: Sequence[Column], *, quantised: bool = True
) -> bytes:
    """The GLB of a tile; without ``quantised`` all numbers are plain floats, as a measure of what it saves."""
    made = _Document()
    count = len(columns[0].values) if columns else 0
    for surface in surfaces:
        if len(surface.positions):
            _add_surface(made, frame, surface, count, quantised=quantised)
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "OneMap CIM"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(made.nodes)))} if made.nodes else {}],
    }
    used = ["KHR_mesh_quantization"] if made.quantised else []
    if made.nodes:
        document |= {"nodes": made.nodes, "meshes": made.meshes, "materials": made.materials}
        document["extensions"] = {"EXT_structural_metadata": _metadata(made, columns, count)}
        used += ["EXT_mesh_features", "EXT_structural_metadata"]
        document |= {"extensionsUsed": used, "accessors": made.accessors, "bufferViews": made.views}
        document["buffers"] = [{"byteLength": len(made.body)}]
    if made.quantised:
        document["extensionsRequired"] = ["KHR_mesh_quantization"]
    return packed(document, bytes(made.body))


def packed(document: dict[str, Any], body: bytes) -> bytes:
    """A glTF document and its buffer as one file."""
    text = orjson.dumps(document)
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if body:
        body += b"\0" * (-len(body) % 4)
        chunks += struct.pack("<II", len(body), 0x004E4942) + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _add_surface(made: _Document, frame: LocalFrame, surface: Surface, count: int, *, quantised: bool) -> None:
    attributes, matrix = _positions(made, surface.positions, frame.gltf_matrix(), quantised=quantised)
    vertices = len(surface.positions)
    if surface.normals is not None:
        attributes["NORMAL"] = _normals(made, surface.normals, quantised=quantised)
    if surface.colours is not None:
        view = made.view(surface.colours.astype(np.uint8).tobytes(), target=_VERTICES, byteStride=4)
        attributes["COLOR_0"] = made.accessor(view, _UBYTE, "VEC4", vertices, normalized=True)
    attributes["_FEATURE_ID_0"] = _feature_ids(made, surface.features, quantised=quantised)
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "mode": _POINTS if surface.triangles is None else _TRIANGLES,
        "material": _material(made, surface),
        "extensions": {
            "EXT_mesh_features": {"featureIds": [{"featureCount": count, "attribute": 0, "propertyTable": 0}]}
        },
    }
    if surface.triangles is not None:
        primitive["indices"] = _indices(made, surface.triangles, vertices, quantised=quantised)
    made.meshes.append({"primitives": [primitive]})
    made.nodes.append({"mesh": len(made.meshes) - 1, "matrix": matrix.T.ravel().tolist()})


def _positions(
    made: _Document, positions: NDArray[np.float64], matrix: NDArray[np.float64], *, quantised: bool
) -> tuple[dict[str, int], NDArray[np.float64]]:
    """The attribute of the positions, and the matrix of their node."""
    low, high = extent(positions)
    step = max(float((high - low).max()) / _STEPS, 1e-9)
    if quantised and step / 2 <= EXACT_M:
        made.quantised = True
        moved = np.eye(4)
        moved[:3, :3] *= step
        moved[:3, 3] = low
        counted = np.zeros((len(positions), 4), "<u2")
        counted[:, :3] = np.rint((positions - low) / step)
        view = made.view(counted.tobytes(), target=_VERTICES, byteStride=8)
        bounds = {"min": [0, 0, 0], "max": np.rint((high - low) / step).astype(int).tolist()}
        return {"POSITION": made.accessor(view, _USHORT, "VEC3", len(positions), **bounds)}, matrix @ moved
    middle = (low + high) / 2
    moved = np.eye(4)
    moved[:3, 3] = middle
    plain = (positions - middle).astype("<f4")
    view = made.view(plain.tobytes(), target=_VERTICES, byteStride=12)
    bounds = {side: getattr(plain, side)(axis=0).astype(float).tolist() for side in ("min", "max")}
    return {"POSITION": made.accessor(view, _FLOAT, "VEC3", len(positions), **bounds)}, matrix @ moved


def _normals(made: _Document, normals: NDArray[np.floating], *, quantised: bool) -> int:
    if not quantised:
        view = made.view(normals.astype("<f4").tobytes(), target=_VERTICES, byteStride=12)
        return made.accessor(view, _FLOAT, "VEC3", len(normals))
    made.quantised = True
    counted = np.zeros((len(normals), 4), "i1")
    counted[:, :3] = np.rint(normals * 127)
    view = made.view(counted.tobytes(), target=_VERTICES, byteStride=4)
    return made.accessor(view, _BYTE, "VEC3", len(normals), normalized=True)


def _feature_ids(made: _Document, features: NDArray[np.unsignedinteger], *, quantised: bool) -> int:
    if not quantised or (len(features) and int(features.max()) >= _STEPS):
        view = made.view(features.astype("<f4").tobytes(), target=_VERTICES, byteStride=4)
        return made.accessor(view, _FLOAT, "SCALAR", len(features))
    counted = np.zeros((len(features), 2), "<u2")
    counted[:, 0] = features
    view = made.view(counted.tobytes(), target=_VERTICES, byteStride=4)
    return made.accessor(view, _USHORT, "SCALAR", len(features))


def _indices(made: _Document, triangles: NDArray[np.unsignedinteger], vertices: int, *, quantised: bool) -> int:
    small = quantised and vertices <= _STEPS
    view = made.view(triangles.astype("<u2" if small else "<u4").tobytes(), target=_INDICES)
    return made.accessor(view, _USHORT if small else _UINT, "SCALAR", triangles.size)


def _material(made: _Document, surface: Surface) -> int:
    look: dict[str, Any] = {
        "pbrMetallicRoughness": {"baseColorFactor": list(surface.look), "metallicFactor": 0, "roughnessFactor": 1}
    }
    if surface.translucent:
        look["alphaMode"] = "BLEND"
    if surface.translucent or surface.two_sided:
        look["doubleSided"] = True
    if look not in made.materials:
        made.materials.append(look)
    return made.materials.index(look)


def _metadata(made: _Document, columns: Sequence[Column], count: int) -> dict[str, Any]:
    properties: dict[str, dict[str, Any]] = {}
    for column in columns:
        views = {member: made.view(data) for member, data in column.buffers().items() if data or member != "values"}
        if "values" not in views:
            views["values"] = made.view(b"\0")
        properties[column.name] = views | ({"stringOffsetType": "UINT32"} if "stringOffsets" in views else {})
    table = {"class": CLASS, "count": count, "properties": properties}
    return {"schema": schema_of(columns), "propertyTables": [table]}
