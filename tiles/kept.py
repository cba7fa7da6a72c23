"""Tiles kept in memory and on the disk, true to the changes of what they are made of, made once however many ask."""

import asyncio
from collections.abc import Awaitable, Callable

from cim.model.collection import BoundingBox
from cim.store.vector_tiles import RawTile
from tiles.cache import Tile, TileCache, TileKey
from tiles.changes import ChangeLog
from tiles.compression import compressed
from tiles.disk_cache import DiskTiles
from tiles.gate import Gate
from tiles.single_flight import SingleFlight

_THREAD_FROM_BYTES = 512 * 1024
_ATTEMPTS = 3
STAND_IN = b"W/"
"""Marks the ETag of a tile that is neither kept nor known again: the prepared one will take its place."""
Make = Callable[[], Awaitable[RawTile]]


class KeptTiles:
    """Keeps the tiles of one server process, compressed with gzip.

    A kept tile is compared with the changes that came after it whenever there are new ones, and made again when one
    touches it. ``reach`` brings ``changes`` up to what the database has; ``disk`` is None where tiles are kept in
    memory only.
    """

    def __init__(
        self,
        cache: TileCache,
        disk: DiskTiles | None,
        changes: ChangeLog,
        gate: Gate,
        reach: Callable[[], Awaitable[None]],
    ) -> None:
        self.cache = cache
        self._disk = disk
        self._gate = gate
        self._changes = changes
        self._reach = reach
        self._flights: SingleFlight[Tile] = SingleFlight()

    def kept(self, key: TileKey) -> Tile | None:
        """The tile in memory when no change has touched it; asks nothing of the database or the disk."""
        tile = self.cache.get(key)
        if tile is None or self._is_true(key.layer, tile):
            return tile
        self.cache.drop(key)
        return None

    async def kept_or_made(self, key: TileKey, bounds: BoundingBox, make: Make) -> Tile:
        """The tile of a key, true at the time of the call or later.

        ``bounds``, in degrees, is what it is filled from. Raises StoreUnavailable when too many tiles are being made,
        and what ``make`` does.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            tile = self.kept(key)
            if tile is not None:
                return tile
            tile = await self._flights.join(key, lambda: self._made(key, bounds, make))
            if attempt == _ATTEMPTS or self._is_true(key.layer, tile):
                return tile
        raise AssertionError

    def known_etag(self, key: TileKey, bounds: BoundingBox) -> bytes:
        """The ETag a tile has, known without making it: the newest change that touched it, and what fills it."""
        return self._etag(key, bounds, None)

    async def _made(self, key: TileKey, bounds: BoundingBox, make: Make) -> Tile:
        found = await self._disk.get(key) if self._disk else None
        if found is not None and found[1] <= self._changes.newest(key.layer):
            tile = Tile(*found, bounds)
            if self._keep(key, tile):
                return tile
        async with self._gate.passing(key.layer):
            raw = await make()
        data = await _compressed(raw.data)
        if raw.seq > self._changes.newest(key.layer):
            await self._reach()
        made = Tile(data, raw.seq, bounds)
        if raw.stand_in:
            made.etag = STAND_IN + self._etag(key, bounds, raw.seq)
        elif self._keep(key, made) and self._disk:
            self._disk.put(key, data, raw.seq)
        return made

    def _keep(self, key: TileKey, tile: Tile) -> bool:
        """Keep a tile if no change has touched it since it was made; whether it was kept."""
        tile.etag = self._etag(key, tile.bounds, tile.seq)
        if not self._is_true(key.layer, tile):
            return False
        self.cache.put(key, tile)
        return True

    def _is_true(self, layer: str, tile: Tile) -> bool:
        newest = self._changes.newest(layer)
        if tile.checked >= newest:
            return True
        if self._changes.last_touched(layer, tile.bounds, after=tile.checked):
            return False
        tile.checked = newest
        return True

    def _etag(self, key: TileKey, bounds: BoundingBox, until: int | None) -> bytes:
        return f'"{self._changes.last_touched(key.layer, bounds, until=until)}-{key.content}"'.encode()


async def _compressed(raw: bytes) -> bytes:
    return compressed(raw) if len(raw) < _THREAD_FROM_BYTES else await asyncio.to_thread(compressed, raw)
