"""The least that blocks can cost: footprints raised by plain numpy and written as plain tiles.

There is nothing of what makes them a city: no database, no attributes, no curved earth, no compression, no tree.

Footprints are in memory as one array of corners; those that are no fan of triangles go through mapbox-earcut, as ours
do. One thread.
"""

import json
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import mapbox_earcut
import numpy as np
import trimesh
from numpy.typing import NDArray
from shapely import Polygon

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Footprints:
    """Outer rings without closing corners, in metres: ``corners`` of shape (n, 2), where each begins, its height."""

    corners: Floats
    starts: Integers
    height_m: Floats
    tile: Integers


def extrude(prints: Footprints, folder: Path) -> float:
    """Seconds to raise all footprints and write a GLB for each tile."""
    began = time.perf_counter()
    counts = np.diff(np.append(prints.starts, len(prints.corners)))
    owner = np.repeat(np.arange(len(counts)), counts)
    after = np.arange(1, len(prints.corners) + 1)
    after[prints.starts + counts - 1] = prints.starts
    low = np.column_stack([prints.corners, np.zeros(len(owner))])
    high = np.column_stack([prints.corners, prints.height_m[owner]])
    walls = np.stack([low, low[after], high[after], high], axis=1).astype("<f4")
    along = low[after] - low
    normals = np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(along))])
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    turn = _turns(prints, after)
    convex = np.logical_and.reduceat(turn >= 0, prints.starts)
    order = np.argsort(prints.tile, kind="stable")
    cuts = np.flatnonzero(np.diff(prints.tile[order])) + 1
    for tile in np.split(order, cuts):
        _write(prints, folder, tile, counts, walls, normals.astype("<f4"), high, convex)
    return time.perf_counter() - began


def _turns(prints: Footprints, after: Integers) -> Floats:
    edge = prints.corners[after] - prints.corners
    before = np.empty_like(edge)
    before[after] = edge
    return before[:, 0] * edge[:, 1] - before[:, 1] * edge[:, 0]


def _write(
    prints: Footprints,
    folder: Path,
    tile: Integers,
    counts: Integers,
    walls: NDArray[np.float32],
    normals: NDArray[np.float32],
    high: Floats,
    convex: NDArray[np.bool_],
) -> None:
    starts, sizes = prints.starts[tile], counts[tile]
    corner = np.repeat(starts - np.append(0, np.cumsum(sizes)[:-1]), sizes) + np.arange(sizes.sum())
    wall = walls[corner].reshape(-1, 3)
    first = 4 * np.arange(len(corner))[:, None]
    triangles = [(first + np.array([[0, 1, 2, 0, 2, 3]])).ravel()]
    roof_start = len(wall) + np.append(0, np.cumsum(sizes)[:-1])
    fans = convex[tile]
    number = np.maximum(sizes[fans] - 2, 0)
    base = np.repeat(roof_start[fans], number)
    step = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    triangles.append(np.column_stack([base, base + step + 1, base + step + 2]).ravel())
    for place, start, size in zip(roof_start[~fans], starts[~fans], sizes[~fans], strict=True):
        ring = prints.corners[start : start + size]
        triangles.append(mapbox_earcut.triangulate_float64(ring, np.array([size], np.uint32)).astype(np.int64) + place)
    positions = np.concatenate([wall, high[corner].astype("<f4")])
    up = np.tile(np.array([[0, 0, 1]], "<f4"), (len(corner), 1))
    body = (positions, np.concatenate([np.repeat(normals[corner], 4, axis=0), up]))
    ids = np.repeat(np.arange(len(tile)), sizes).astype("<f4")
    features = np.concatenate([np.repeat(ids, 4), ids])
    data = [part.tobytes() for part in (*body, features, np.concatenate(triangles).astype("<u4"))]
    (folder / f"{prints.tile[tile[0]]}.glb").write_bytes(_glb(data, len(positions), positions))


def _glb(data: list[bytes], vertices: int, positions: NDArray[np.float32]) -> bytes:
    views, offset = [], 0
    for part in data:
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": len(part)})
        offset += len(part)
    low, high = positions.min(axis=0).tolist(), positions.max(axis=0).tolist()
    accessors = [
        {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": vertices, "min": low, "max": high},
        {"bufferView": 1, "componentType": 5126, "type": "VEC3", "count": vertices},
        {"bufferView": 2, "componentType": 5126, "type": "SCALAR", "count": vertices},
        {"bufferView": 3, "componentType": 5125, "type": "SCALAR", "count": len(data[3]) // 4},
    ]
    attributes = {"POSITION": 0, "NORMAL": 1, "_FEATURE_ID_0": 2}
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3}]}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": offset}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = b"".join(data)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(body))
    return head + struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(body), 0x004E4942) + body


def with_trimesh(prints: Footprints, most: int) -> float:
    """Seconds that trimesh takes for one footprint, over the first so many."""
    ends = np.append(prints.starts[1:], len(prints.corners))
    rings = [prints.corners[a:b] for a, b in zip(prints.starts[:most], ends[:most], strict=True)]
    began = time.perf_counter()
    for ring, height in zip(rings, prints.height_m[:most].tolist(), strict=True):
        trimesh.creation.extrude_polygon(Polygon(ring), max(height, 1.0))
    return (time.perf_counter() - began) / len(rings)
