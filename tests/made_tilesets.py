"""Small sets of 3D Tiles, whole or broken in one place."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from terrain_meshes import geocentric

HERE = (103.95, 30.98)
HIGH_M = 460.0
SIDE_M = 40.0


def glb(json_text: dict[str, Any] | None = None, binary: bytes = b"\x00" * 36) -> bytes:
    """A glTF of one triangle."""
    document = json_text or {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [0, 0, 0]}
        ],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\x00") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def b3dm(inner: bytes | None = None) -> bytes:
    """A batched model without batches."""
    table = b'{"BATCH_LENGTH":0}  '
    body = table + (glb() if inner is None else inner)
    return struct.pack("<4sIIIIII", b"b3dm", 1, 28 + len(body), len(table), 0, 0, 0) + body


def pnts(points: int = 3) -> bytes:
    """A cloud of some points at one place."""
    table = json.dumps({"POINTS_LENGTH": points, "POSITION": {"byteOffset": 0}}).encode()
    table += b" " * (-len(table) % 8)
    body = table + bytes(12 * points)
    return struct.pack("<4sIIIIII", b"pnts", 1, 28 + len(body), len(table), 12 * points, 0, 0) + body


def cmpt(*inner: bytes) -> bytes:
    """A composite of tiles."""
    body = b"".join(inner)
    return struct.pack("<4sIII", b"cmpt", 1, 16 + len(body), len(inner)) + body


def frame(lon: float = HERE[0], lat: float = HERE[1], height_m: float = HIGH_M) -> list[float]:
    """The transform of a level frame at a place, column by column."""
    at = geocentric(np.array([lon]), np.array([lat]), np.array([height_m]))[0]
    a, b = np.radians([lon, lat])
    east = [-np.sin(a), np.cos(a), 0]
    north = [-np.sin(b) * np.cos(a), -np.sin(b) * np.sin(a), np.cos(b)]
    up = [np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)]
    return [float(x) for part in ((*east, 0), (*north, 0), (*up, 0), (*at, 1)) for x in part]


def box(middle: tuple[float, float, float], half: tuple[float, float, float]) -> dict[str, Any]:
    """A level box in the set's own coordinates."""
    x, y, z = half
    return {"box": [*middle, x, 0, 0, 0, y, 0, 0, 0, z]}


def region(low: float = HIGH_M, high: float = HIGH_M + 30, size: float = 0.0005) -> dict[str, Any]:
    """A region around the place."""
    west, south = HERE[0] - size / 2, HERE[1] - size / 2
    return {"region": [*np.radians([west, south, west + size, south + size]).tolist(), low, high]}


def mesh_set(*, placed: bool = True) -> dict[str, Any]:
    """Documents and contents of a set: a root, two children, one of them another document; heights 460 to 490 m."""
    half = SIDE_M / 2
    inner = {
        "asset": {"version": "1.0"},
        "geometricError": 2,
        "root": {
            "boundingVolume": box((half / 2, 0, 15), (half / 2, half, 15)),
            "geometricError": 0,
            "refine": "REPLACE",
            "content": {"uri": "../tiles/right.b3dm"},
        },
    }
    root: dict[str, Any] = {
        "boundingVolume": box((0, 0, 15), (half, half, 15)),
        "geometricError": 8,
        "refine": "REPLACE",
        "content": {"uri": "tiles/whole.b3dm"},
        "children": [
            {
                "boundingVolume": box((-half / 2, 0, 15), (half / 2, half, 15)),
                "geometricError": 0,
                "content": {"uri": "tiles/left.b3dm?v=2"},
            },
            {
                "boundingVolume": box((half / 2, 0, 15), (half / 2, half, 15)),
                "geometricError": 2,
                "content": {"uri": "more/inner.json"},
            },
        ],
    }
    if placed:
        root["transform"] = frame()
    whole = {"asset": {"version": "1.0", "generator": "test"}, "geometricError": 50, "root": root}
    contents = {f"tiles/{name}.b3dm": b3dm() for name in ("whole", "left", "right")}
    return {"tileset.json": whole, "more/inner.json": inner, **contents}


def written(folder: Path, files: dict[str, Any]) -> Path:
    """A set in a folder; documents are written as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder
