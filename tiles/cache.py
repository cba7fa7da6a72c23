"""Tile bytes kept by key in bounded memory."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TileKey:
    """Everything the bytes of a tile depend on, the caller's policy class among it."""

    layer: str
    version: int
    policy_class: str
    tile_matrix_set: str
    z: int
    x: int
    y: int


class TileCache:
    """The least recently used tiles go first once the bytes kept exceed ``max_bytes``."""

    OVERHEAD_BYTES = 400

    def __init__(self, max_bytes: int = 128 * 1024 * 1024) -> None:
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self._tiles: OrderedDict[TileKey, bytes] = OrderedDict()

    def get(self, key: TileKey) -> bytes | None:
        """The bytes kept under a key, which becomes the most recently used; None when there are none."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def put(self, key: TileKey, tile: bytes) -> None:
        """Keep a tile; one larger than the whole cache is not kept."""
        cost = len(tile) + self.OVERHEAD_BYTES
        if cost > self.max_bytes or key in self._tiles:
            return
        self._tiles[key] = tile
        self.size_bytes += cost
        while self.size_bytes > self.max_bytes:
            _, gone = self._tiles.popitem(last=False)
            self.size_bytes -= len(gone) + self.OVERHEAD_BYTES

    def keep_versions(self, current: dict[str, int]) -> int:
        """Drop tiles of versions that are no longer current; returns how many went."""
        stale = [key for key in self._tiles if current.get(key.layer) != key.version]
        for key in stale:
            self.size_bytes -= len(self._tiles.pop(key)) + self.OVERHEAD_BYTES
        return len(stale)

    def __len__(self) -> int:
        return len(self._tiles)
