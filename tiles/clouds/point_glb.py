"""Binary glTF of the points of one tile: quantised places, colours, and class and intensity as attributes."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.model.ecef import LocalFrame
from tiles.scene.glb import packed

_UBYTE, _USHORT, _FLOAT, _VERTICES, _POINTS = 5121, 5123, 5126, 34962, 0
_STEPS, EXACT_M = 65_535, 0.01
POINT = np.dtype([("place", "<f4", 3), ("colour", "u1", 3), ("class", "u1"), ("intensity", "<u2"), ("level", "<u2")])
"""A point on its way: metres in the cloud's frame, red, green and blue, class of ASPRS, intensity, octree level."""
_FIXED = np.dtype([("place", "<u2", 4), ("colour", "<u2", 4), ("class", "u1", 4), ("intensity", "<u2", 2)])
_PLAIN = np.dtype([("place", "<f4", 3), ("colour", "<u2", 4), ("class", "u1", 4), ("intensity", "<u2", 2)])
_CLASS = "point"
_SCHEMA = {
    "id": "points",
    "classes": {
        _CLASS: {
            "properties": {
                "classification": {"type": "SCALAR", "componentType": "UINT8"},
                "intensity": {"type": "SCALAR", "componentType": "UINT16"},
            }
        }
    },
}
_EXTENSIONS = ["EXT_structural_metadata", "KHR_materials_unlit"]


def point_glb(frame: LocalFrame, points: NDArray[Any]) -> bytes:
    """The GLB of points (``POINT``), whose places are metres in ``frame``; of 16 bits where that is exact to a cm."""
    places = points["place"].astype(np.float64)
    low, high = places.min(axis=0), places.max(axis=0)
    step = max(float((high - low).max()) / _STEPS, 1e-9)
    fixed = step / 2 <= EXACT_M
    rows = np.zeros(len(points), _FIXED if fixed else _PLAIN)
    moved = np.eye(4)
    if fixed:
        rows["place"][:, :3] = np.rint((places - low) / step)
        moved[:3, :3] *= step
        moved[:3, 3] = low
    else:
        moved[:3, 3] = (low + high) / 2
        rows["place"] = places - moved[:3, 3]
    rows["colour"][:, :3] = _linear()[points["colour"]]
    rows["class"][:, 0], rows["intensity"][:, 0] = points["class"], points["intensity"]
    return packed(_document(rows, frame.gltf_matrix() @ moved, fixed=fixed), rows.tobytes())


@functools.cache
def _linear() -> NDArray[np.uint16]:
    """Eight-bit colours of screens as glTF counts them, by the light they give; 16 bits so that shadows keep theirs."""
    share = np.arange(256) / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.rint(light * _STEPS), dtype=np.uint16)


def _document(rows: NDArray[Any], matrix: NDArray[np.float64], *, fixed: bool) -> dict[str, Any]:
    shown = rows["place"][:, :3]
    bounds = {side: [part.item() for part in getattr(shown, side)(axis=0)] for side in ("min", "max")}
    offsets = {name: rows.dtype.fields[name][1] for name in ("place", "colour", "class", "intensity")}  # type: ignore[index]
    forms: dict[str, tuple[int, str, dict[str, Any]]] = {
        "place": (_USHORT if fixed else _FLOAT, "VEC3", bounds),
        "colour": (_USHORT, "VEC3", {"normalized": True}),
        "class": (_UBYTE, "SCALAR", {}),
        "intensity": (_USHORT, "SCALAR", {}),
    }
    accessors = [
        {"bufferView": 0, "byteOffset": offsets[name], "componentType": component, "type": kind, "count": len(rows)}
        | more
        for name, (component, kind, more) in forms.items()
    ]
    extensions = [*_EXTENSIONS, *(["KHR_mesh_quantization"] if fixed else [])]
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "OneMap CIM"},
        "extensionsUsed": extensions,
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "matrix": matrix.T.ravel().tolist()}],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "COLOR_0": 1, "_CLASSIFICATION": 2, "_INTENSITY": 3},
                        "mode": _POINTS,
                        "material": 0,
                        "extensions": {"EXT_structural_metadata": {"propertyAttributes": [0]}},
                    }
                ]
            }
        ],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0}, "extensions": {"KHR_materials_unlit": {}}}],
        "accessors": accessors,
        "bufferViews": [
            {"buffer": 0, "byteLength": rows.nbytes, "byteStride": rows.dtype.itemsize, "target": _VERTICES}
        ],
        "buffers": [{"byteLength": rows.nbytes}],
        "extensions": {
            "EXT_structural_metadata": {
                "schema": _SCHEMA,
                "propertyAttributes": [
                    {
                        "class": _CLASS,
                        "properties": {
                            "classification": {"attribute": "_CLASSIFICATION"},
                            "intensity": {"attribute": "_INTENSITY"},
                        },
                    }
                ],
            }
        },
    }
    return document | ({"extensionsRequired": ["KHR_mesh_quantization"]} if fixed else {})
