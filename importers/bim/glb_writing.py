"""Elements of a building model as one GLB: a node for each, meshes shared, y up, around an origin of its own.

The first node turns the map's east, north and up into glTF's axes: x is east, y up, -z north. Its extras say where its
origin lies on the map, those of the nodes below it which element each is.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.bim import Material, Mesh, Placement

_FLOAT, _UINT = 5126, 5125
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963
_GREY = Material("", (0.7, 0.7, 0.7, 1.0))


@dataclass(frozen=True, slots=True)
class DrawnElement:
    """An element to write: who it is, its mesh and its matrix (twelve numbers, row by row)."""

    global_id: str
    ifc_class: str
    name: str | None
    storey: str | None
    mesh: bytes
    matrix: Sequence[float]


@dataclass(slots=True)
class _Parts:
    """The members of the document that grow, and the bytes they stand for."""

    body: bytearray = field(default_factory=bytearray)
    views: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)
    meshes: list[dict[str, Any]] = field(default_factory=list)
    materials: list[dict[str, Any]] = field(default_factory=list)
    by_look: dict[Material, int] = field(default_factory=dict)
    by_hash: dict[bytes, int] = field(default_factory=dict)


def glb_bytes(
    elements: Iterable[DrawnElement], meshes: Mapping[bytes, Mesh], placement: Placement, *, model: str
) -> bytes:
    """The GLB of some elements of a model; those without a mesh are left out."""
    drawn = [element for element in elements if element.mesh in meshes]
    origin = _origin(drawn)
    parts = _Parts()
    nodes: list[dict[str, Any]] = [_root(origin, placement, model, len(drawn))]
    nodes += [_node(element, origin, _mesh(parts, meshes[element.mesh])) for element in drawn]
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "OneMap CIM"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes,
    }
    if parts.meshes:
        document |= {
            "meshes": parts.meshes,
            "materials": parts.materials,
            "accessors": parts.accessors,
            "bufferViews": parts.views,
            "buffers": [{"byteLength": len(parts.body)}],
        }
    return _packed(document, bytes(parts.body))


def _origin(drawn: Sequence[DrawnElement]) -> NDArray[np.float64]:
    """A point of the model's frame amid the elements, in whole metres."""
    if not drawn:
        return np.zeros(3)
    return np.round(np.median([element.matrix[3::4] for element in drawn], axis=0))


def _root(origin: NDArray[np.float64], placement: Placement, model: str, count: int) -> dict[str, Any]:
    a, o, k = placement.abscissa, placement.ordinate, placement.scale
    # rows: east, up and minus north, of the model's x, y and z; glTF writes columns
    matrix = [k * a, 0, -k * o, 0, -k * o, 0, -k * a, 0, 0, 1, 0, 0, 0, 0, 0, 1]
    east_m, north_m, height_m = placement.to_map(origin.reshape(1, 3))[0].tolist()
    root: dict[str, Any] = {
        "name": model,
        "matrix": [float(number) for number in matrix],
        "extras": {
            "model": model,
            "crs": f"EPSG:{placement.srid}" if placement.srid else placement.wkt,
            "origin": {"east_m": east_m, "north_m": north_m, "height_m": height_m},
            "height_datum": placement.height_datum,
            "axes": "x east, y up, -z north",
        },
    }
    return root | ({"children": list(range(1, count + 1))} if count else {})


def _node(element: DrawnElement, origin: NDArray[np.float64], mesh: int) -> dict[str, Any]:
    rows = np.array(element.matrix, np.float64).reshape(3, 4)
    rows[:, 3] -= origin
    columns = np.vstack([rows, [0.0, 0.0, 0.0, 1.0]]).T.ravel().tolist()
    extras = {"global_id": element.global_id, "class": element.ifc_class, "storey": element.storey}
    return {"name": element.name or element.global_id, "mesh": mesh, "matrix": columns, "extras": extras}


def _mesh(parts: _Parts, mesh: Mesh) -> int:
    """The number of a mesh, which is written once: a primitive for each of its materials over one set of points."""
    if mesh.hash in parts.by_hash:
        return parts.by_hash[mesh.hash]
    low, high = (edge(mesh.positions, axis=0).astype(float).tolist() for edge in (np.min, np.max))
    positions = _accessor(parts, mesh.positions.astype("<f4"), _ARRAY_BUFFER, _FLOAT, "VEC3", len(mesh.positions))
    parts.accessors[positions] |= {"min": low, "max": high}
    primitives = []
    for slot in np.unique(mesh.slots):
        indices = mesh.triangles[mesh.slots == slot].astype("<u4")
        look = mesh.materials[slot] if slot < len(mesh.materials) else _GREY
        primitives.append(
            {
                "attributes": {"POSITION": positions},
                "indices": _accessor(parts, indices, _ELEMENT_BUFFER, _UINT, "SCALAR", indices.size),
                "material": _material(parts, look),
            }
        )
    parts.meshes.append({"primitives": primitives})
    parts.by_hash[mesh.hash] = len(parts.meshes) - 1
    return parts.by_hash[mesh.hash]


def _accessor(parts: _Parts, values: NDArray[Any], target: int, component: int, kind: str, count: int) -> int:
    data = values.tobytes()
    parts.views.append({"buffer": 0, "byteOffset": len(parts.body), "byteLength": len(data), "target": target})
    parts.body += data
    parts.accessors.append(
        {"bufferView": len(parts.views) - 1, "componentType": component, "type": kind, "count": count}
    )
    return len(parts.accessors) - 1


def _material(parts: _Parts, look: Material) -> int:
    if look not in parts.by_look:
        parts.by_look[look] = len(parts.materials)
        entry: dict[str, Any] = {
            "name": look.name,
            "doubleSided": True,
            "pbrMetallicRoughness": {"baseColorFactor": list(look.colour), "metallicFactor": 0, "roughnessFactor": 0.9},
        }
        parts.materials.append(entry | ({"alphaMode": "BLEND"} if look.colour[3] < 1 else {}))
    return parts.by_look[look]


def _packed(document: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if body:
        chunks += struct.pack("<I4s", len(body), b"BIN\0") + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
