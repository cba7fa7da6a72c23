"""Tile bytes kept by key in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from cim.model.collection import BoundingBox


class TileKey(NamedTuple):
    """Which tile, as whom: ``content`` stands for the attributes and regions seen and for any narrowing of the rows."""

    layer: str
    content: str
    grid: str
    z: int
    x: int
    y: int


class Tile:
    """A tile as it is sent, gzipped, or empty where the layer has nothing.

    ``seq`` is the newest change it may contain, ``checked`` the newest that it was compared with, ``bounds`` what it
    is filled from, in degrees. ``etag`` names the newest change that touched it.
    """

    __slots__ = ("bounds", "checked", "data", "etag", "seq")

    def __init__(self, data: bytes, seq: int, bounds: BoundingBox) -> None:
        self.data = data
        self.seq = seq
        self.checked = seq
        self.bounds = bounds
        self.etag = b""


class TileCache:
    """The least recently used tiles go first once the bytes kept exceed ``max_bytes``."""

    OVERHEAD_BYTES = 700

    def __init__(self, max_bytes: int = 128 * 1024 * 1024) -> None:
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self._tiles: OrderedDict[Hashable, Tile] = OrderedDict()

    def get(self, key: Hashable) -> Tile | None:
        """The tile kept under a key, which becomes the most recently used; None when there is none."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def put(self, key: Hashable, tile: Tile) -> None:
        """Keep a tile in place of the one before; one larger than the whole cache is not kept."""
        self.drop(key)
        cost = len(tile.data) + self.OVERHEAD_BYTES
        if cost > self.max_bytes:
            return
        self._tiles[key] = tile
        self.size_bytes += cost
        while self.size_bytes > self.max_bytes:
            _, gone = self._tiles.popitem(last=False)
            self.size_bytes -= len(gone.data) + self.OVERHEAD_BYTES

    def drop(self, key: Hashable) -> None:
        """Keep nothing under a key."""
        gone = self._tiles.pop(key, None)
        if gone is not None:
            self.size_bytes -= len(gone.data) + self.OVERHEAD_BYTES

    def __len__(self) -> int:
        return len(self._tiles)
