"""Which tiles a layer has in three dimensions: the tree that its features' places make.

The largest features are in squares of zoom 11, large ones in those of 13 below them, all others in leaves: squares of
zoom 15, quartered as far as zoom 18 while more than ``MOST_FEATURES`` are in one. A tile stands for what its features
leave open: how far away the next ones are still to be seen is its error.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.errors import NotFound
from cim.model.collection import BoundingBox
from cim.model.scene import FAR, MIDDLE, NEAR, PLACE_ZOOM, Square, square_of
from cim.store.scene_rows import ScenePlaces
from tiles.scene.tileset import SceneNode, SceneRegion, union

MOST_FEATURES = 1_000
ERROR_M: Mapping[int, float] = {FAR: 250.0, MIDDLE: 60.0}
"""What is missing where only the squares of a zoom are drawn: MIDDLE ones show from about 11 km, leaves from 2.6 km,
at the 16 pixels on a screen of 800 that viewers allow by default."""
TOP_ERROR_M = 2_000.0
MARGIN_M = 5.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heights:
    """Lowest and highest ellipsoidal height in metres of each place of ``ScenePlaces``."""

    low_m: Floats
    high_m: Floats


class Layout:
    """The tiles of a layer: square, features in it, and the region that holds these."""

    def __init__(self, tiles: Mapping[Square, tuple[int, SceneRegion]]) -> None:
        self._tiles = tiles
        self.features = sum(count for count, _ in tiles.values())

    @classmethod
    def of_places(cls, places: ScenePlaces, heights: Heights) -> "Layout":
        """The layout that features' places make, before any of them is read."""
        lonlat = _degrees(places.boxes)
        tiles: dict[Square, tuple[int, SceneRegion]] = {}
        by_tile: dict[Square, list[int]] = defaultdict(list)
        for row, square in enumerate(_tiles_of(places)):
            by_tile[square].append(row)
        sides = np.column_stack([lonlat, heights.low_m - MARGIN_M, heights.high_m + MARGIN_M])
        for square, rows in by_tile.items():
            part = sides[rows]
            low, high = part.min(axis=0), part.max(axis=0)
            region = (*low[:2].tolist(), *high[2:4].tolist(), float(low[4]), float(high[5]))
            tiles[square] = (int(places.features[rows].sum()), region)
        return cls(tiles)

    def tile_of(self, place: int, zoom: int) -> Square:
        """The tile of a feature at a place whose size puts it in squares of a zoom."""
        square = square_of(place)
        if zoom < NEAR:
            return square.parent(zoom)
        for finer in range(NEAR, PLACE_ZOOM + 1):
            leaf = square.parent(finer)
            if leaf in self._tiles:
                return leaf
        return square.parent(NEAR)

    def bounds(self, square: Square) -> BoundingBox:
        """West, south, east, north in degrees of what is in a tile; NotFound where there is no such tile."""
        return self._tile(square)[1][:4]

    def region(self, square: Square) -> SceneRegion:
        """The region of a tile; NotFound where there is no such tile."""
        return self._tile(square)[1]

    def squares(self) -> list[Square]:
        """All tiles, coarse ones first."""
        return sorted(self._tiles)

    def tree(self) -> SceneNode | None:
        """The tree of all tiles; None where there are none."""
        if not self._tiles:
            return None
        children: dict[Square, list[Square]] = defaultdict(list)
        for leaf in [square for square in self._tiles if square.z >= NEAR]:
            children[leaf.parent(MIDDLE)].append(leaf)
        for middle in {*children, *(square for square in self._tiles if square.z == MIDDLE)}:
            children[middle.parent(FAR)].append(middle)
        tops = sorted({square if square.z == FAR else square.parent(FAR) for square in self._tiles})
        nodes = tuple(self._node(top, children) for top in tops)
        return nodes[0] if len(nodes) == 1 else SceneNode(union(one.region for one in nodes), TOP_ERROR_M, None, nodes)

    def _node(self, square: Square, children: Mapping[Square, Iterable[Square]]) -> SceneNode:
        finer = tuple(self._node(child, children) for child in sorted(children.get(square, ())))
        held = self._tiles.get(square)
        regions = [child.region for child in finer] + ([held[1]] if held else [])
        content = f"{square.z}/{square.x}/{square.y}" if held else None
        return SceneNode(union(regions), ERROR_M.get(square.z, 0.0) if finer else 0.0, content, finer)

    def _tile(self, square: Square) -> tuple[int, SceneRegion]:
        found = self._tiles.get(square)
        if found is None:
            raise NotFound(
                f"there is no tile {square.z}/{square.x}/{square.y}", where="tile", remedy="read tileset.json"
            )
        return found


def _tiles_of(places: ScenePlaces) -> list[Square]:
    """The tile of each place."""
    squares = [square_of(place) for place in places.place.tolist()]
    zooms, counts = places.zoom.tolist(), places.features.tolist()
    near: dict[Square, dict[int, int]] = defaultdict(dict)
    for row, (square, zoom) in enumerate(zip(squares, zooms, strict=True)):
        if zoom >= NEAR:
            near[square.parent(NEAR)][row] = counts[row]
    tiles = [square.parent(min(zoom, NEAR)) for square, zoom in zip(squares, zooms, strict=True)]
    for leaf, rows in near.items():
        for row, tile in _quartered(leaf, rows, squares):
            tiles[row] = tile
    return tiles


def _quartered(square: Square, rows: Mapping[int, int], squares: list[Square]) -> Iterable[tuple[int, Square]]:
    """Rows and the leaf each is in, below a square that holds them all."""
    if square.z >= PLACE_ZOOM or sum(rows.values()) <= MOST_FEATURES:
        return [(row, square) for row in rows]
    quarters: dict[Square, dict[int, int]] = defaultdict(dict)
    for row, count in rows.items():
        quarters[squares[row].parent(square.z + 1)][row] = count
    return [pair for quarter, part in quarters.items() for pair in _quartered(quarter, part, squares)]


def _degrees(boxes: Floats) -> Floats:
    """Boxes of Web Mercator metres in degrees."""
    radius_m = 6_378_137.0
    west, south, east, north = boxes.T
    lat = np.degrees(np.arctan(np.sinh(np.stack([south, north]) / radius_m)))
    return np.column_stack([np.degrees(west / radius_m), lat[0], np.degrees(east / radius_m), lat[1]])
