"""A kept cloud made into a set of 3D Tiles: points are sorted into files by where they lie, each file is tiled alone.

Memory is that of a piece of the file and of one part of the ground, however many points there are.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cim.model.ecef import LocalFrame
from cim.store.tile_archives import write_archive
from tiles.clouds.octree import Branch, Key, Octree
from tiles.clouds.point_glb import POINT, point_glb
from tiles.clouds.reading import CloudSource, frame_of, points_of, seed_of, size_of
from tiles.compression import compressed

ROOT = "tileset.json"
TOP, SPILLED = "top", "all"
SPILLED_POINTS = 1_000_000
ERROR_SHARE = 8.0
"""Points so many times closer than a tile's error stand for a surface on the screen: 2 pixels where 16 are allowed."""
MARGIN_M = 0.02
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Tile:
    """A tile that was written: its points' box in the frame, and how many they are."""

    low: Floats
    high: Floats
    points: int


def build_cloud(source: CloudSource, target: Path, folder: Path) -> int:
    """Write the tiles of a cloud into an archive, with passing files in ``folder``; returns how many tiles.

    Raises HeightsUnknown, BadRequest and ImportRefused where the cloud cannot be placed.
    """
    size = size_of(source)
    frame = frame_of(source, size)
    low, high = _spill(points_of(source, size, frame), folder / SPILLED)
    octree = Octree.over(low, high, size.points)
    random = np.random.default_rng(seed_of(source))
    for points in _spilled(folder / SPILLED):
        points["level"] = octree.levels(len(points), random)
        _sort(points, octree, folder)
    (folder / SPILLED).unlink()
    tiles: dict[Key, Tile] = {}
    for key, points in _filled(octree, random, folder):
        tiles[key] = Tile(points["place"].min(axis=0), points["place"].max(axis=0), len(points))
        (folder / _name(key).replace("/", "_")).write_bytes(compressed(point_glb(frame, points)))
    document = tileset_of(octree, tiles, frame, size.points)
    text = json.dumps(document, separators=(",", ":")).encode()

    def opened(name: str) -> IO[bytes]:
        return BytesIO(text) if name == ROOT else (folder / name.replace("/", "_")).open("rb")

    write_archive(target, [ROOT, *(_name(key) for key in tiles)], opened)
    return len(tiles)


def tileset_of(octree: Octree, tiles: dict[Key, Tile], frame: LocalFrame, points: int) -> dict[str, Any]:
    """The document of a cloud's tiles, refined by adding; boxes hold all that is below."""
    below: dict[Key, list[Key]] = {}
    for key in list(tiles):
        _link(key, below)
    root: Key = (0, 0, 0, 0)
    tree = _node(root, octree, tiles, below, frame, points)
    tree["refine"] = "ADD"
    return {
        "asset": {"version": "1.1", "generator": "OneMap CIM"},
        "geometricError": tree["geometricError"] * 4 or octree.side_m,
        "root": tree,
    }


def _node(
    key: Key, octree: Octree, tiles: dict[Key, Tile], below: dict[Key, list[Key]], frame: LocalFrame, points: int
) -> dict[str, Any]:
    """One tile with its children; the octree is never deeper than ``DEEPEST``."""
    children = [_node(child, octree, tiles, below, frame, points) for child in sorted(below.get(key, []))]
    boxes = [child.pop("_box") for child in children]
    if key in tiles:
        boxes.append((tiles[key].low, tiles[key].high))
    low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
    error = ERROR_SHARE * octree.spacing_m(key[0], points) if children else 0.0
    node: dict[str, Any] = {"boundingVolume": {"box": _volume(low, high, frame)}, "geometricError": round(error, 4)}
    if key in tiles:
        node["content"] = {"uri": _name(key)}
    if children:
        node["children"] = children
    if key[0]:
        node["_box"] = (low, high)
    return node


def _volume(low: Floats, high: Floats, frame: LocalFrame) -> list[float]:
    """A level box of the frame as a geocentric one."""
    middle = frame.origin + (low + high) / 2 @ frame.axes
    half = (high - low) / 2 + MARGIN_M
    return [round(float(part), 4) for part in (*middle, *(frame.axes * half[:, None]).ravel())]


def _link(key: Key, below: dict[Key, list[Key]]) -> None:
    """Note a tile with its parent, and that one with its own, up to the root."""
    while key[0]:
        parent = (key[0] - 1, key[1] // 2, key[2] // 2, key[3] // 2)
        held = below.setdefault(parent, [])
        if key in held:
            return
        held.append(key)
        key = parent


def _name(key: Key) -> str:
    return "{}/{}_{}_{}.glb".format(*key)


def _spill(pieces: Iterable[NDArray[Any]], path: Path) -> tuple[Floats, Floats]:
    """Write points to a file as they come; the box of all of them in the frame."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    with path.open("wb") as file:
        for points in pieces:
            low = np.minimum(low, points["place"].min(axis=0))
            high = np.maximum(high, points["place"].max(axis=0))
            file.write(points.tobytes())
    return low.astype(np.float64), high.astype(np.float64)


def _spilled(path: Path) -> Iterator[NDArray[Any]]:
    with path.open("rb") as file:
        while data := file.read(SPILLED_POINTS * POINT.itemsize):
            yield np.frombuffer(bytearray(data), POINT)


def _sort(points: NDArray[Any], octree: Octree, folder: Path) -> None:
    """Add points to the file of the ground they lie on, or to that of the coarse tiles."""
    split = octree.split_level
    cells = octree.cells(points["place"], split)
    codes = np.where(points["level"] < split, -1, cells[:, 0] << 20 | cells[:, 1])
    order = np.argsort(codes, kind="stable")
    found, first = np.unique(codes[order], return_index=True)
    for code, part in zip(found.tolist(), np.split(points[order], first[1:]), strict=True):
        name = TOP if code < 0 else f"{code >> 20}_{code & (1 << 20) - 1}"
        with (folder / f"{name}.points").open("ab") as file:
            file.write(part.tobytes())


def _filled(octree: Octree, random: np.random.Generator, folder: Path) -> Iterator[tuple[Key, NDArray[Any]]]:
    """All tiles: of each part of the ground, then the coarse ones above them."""
    for path in sorted(folder.glob("*.points")):
        points = np.fromfile(path, POINT)
        path.unlink()
        lowest = 0 if path.stem == TOP else octree.split_level
        branch = Branch(octree, random, lowest, above=path.stem == TOP)
        yield from branch.fill(points)
