"""Tiles of point clouds read back for tests: every point on the earth, with its colour, class and intensity."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib

from cim.store.tile_archives import TileArchive

_TYPES = {5121: "u1", 5123: "<u2", 5126: "<f4"}
_SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


@dataclass
class ReadPoints:
    """Geocentric places (n, 3), colours of the screen (n, 3), classes and intensities (n)."""

    places: np.ndarray
    colours: np.ndarray
    classes: np.ndarray
    intensities: np.ndarray


def read_points(data: bytes) -> ReadPoints:
    """The points of a tile, places in float64."""
    gltf = pygltflib.GLTF2.load_from_bytes(data)
    attributes = gltf.meshes[0].primitives[0].attributes
    values = {}
    for name in ("POSITION", "COLOR_0", "_CLASSIFICATION", "_INTENSITY"):
        accessor = gltf.accessors[getattr(attributes, name)]
        view = gltf.bufferViews[accessor.bufferView]
        kind = np.dtype((_TYPES[accessor.componentType], (_SIZES[accessor.type],)))
        begin = (view.byteOffset or 0) + accessor.byteOffset
        rows = np.ndarray((accessor.count,), kind, gltf.binary_blob(), begin, (view.byteStride,))
        values[name] = np.array(rows)
    matrix = np.array(gltf.nodes[0].matrix).reshape(4, 4).T
    places = values["POSITION"].astype(float) @ matrix[:3, :3].T + matrix[:3, 3]
    upright = places[:, [0, 2, 1]] * [1, -1, 1]
    light = values["COLOR_0"][:, :3] / 65_535
    shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    colours = np.rint(shown * 255).astype(np.uint8)
    return ReadPoints(upright, colours, values["_CLASSIFICATION"][:, 0], values["_INTENSITY"][:, 0])


def tiles_in(document: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """All tiles of a document, each with those above it."""
    found = []
    open_: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [(document["root"], [])]
    while open_:
        tile, above = open_.pop()
        found.append((tile, above))
        open_ += [(child, [*above, tile]) for child in tile.get("children", [])]
    return found


def unpacked(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The document of an archive, and the contents it names."""
    archive = TileArchive.opened(path)
    document = json.loads(archive.read("tileset.json") or b"")
    names = [tile["content"]["uri"] for tile, _ in tiles_in(document) if "content" in tile]
    return document, {name: gzip.decompress(archive.read(name) or b"") for name in names}
