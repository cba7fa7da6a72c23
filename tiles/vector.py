"""Vector tiles: asked of memory, then of the disk, else made once in the database however many ask at the same time."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.model.grid import TileSquare
from cim.policy.policy import read_context
from cim.store.general_tables import GeneralState
from cim.store.tile_connections import TileConnections
from cim.store.tile_content import TileContent, content_tile
from tiles.cache import Tile, TileCache, TileKey
from tiles.changes import ChangeLog, reach_deg
from tiles.compression import compressed
from tiles.disk_cache import DiskTiles
from tiles.gate import Gate
from tiles.grid import grid
from tiles.single_flight import SingleFlight

CONTENT_REVISION = 1
"""Raised when the same rows and attributes are encoded otherwise than before, so that older files are not used."""
_THREAD_FROM_BYTES = 512 * 1024
_ATTEMPTS = 3
BLOCKS_A_SIDE = 8
STAND_IN = b"W/"
"""Marks the ETag of a tile that is neither kept nor known again: the prepared one will take its place."""


def content_name(content: TileContent, policy_class: str, more: str = "") -> str:
    """A short name for what fills a tile: the caller's policy class, the attributes, how they are generalised.

    ``more`` stands for any narrowing of the rows.
    """
    fields = ",".join(content.selection.fields)
    seen = f"{CONTENT_REVISION}|{policy_class}|{fields}|{content.plan}|{more}"
    return hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()


class VectorTiles:
    """Makes and keeps the vector tiles of one server process, compressed with gzip.

    A kept tile is compared with the changes that came after it whenever there are new ones, and made again when one
    touches it. ``reach`` brings ``changes`` up to what the database has; ``general_state`` tells what is known of a
    layer's generalised content; ``disk`` is None where tiles are kept in memory only.
    """

    def __init__(
        self,
        connections: TileConnections,
        cache: TileCache,
        disk: DiskTiles | None,
        changes: ChangeLog,
        gate: Gate,
        reach: Callable[[], Awaitable[None]],
        general_state: Callable[[str], GeneralState | None],
    ) -> None:
        self.cache = cache
        self._disk = disk
        self._gate = gate
        self._connections = connections
        self._changes = changes
        self._reach = reach
        self._general_state = general_state
        self._flights: SingleFlight[Tile] = SingleFlight()

    def kept(self, key: TileKey) -> Tile | None:
        """The tile in memory when no change has touched it; asks nothing of the database or the disk."""
        tile = self.cache.get(key)
        if tile is None or self._is_true(key.layer, tile):
            return tile
        self.cache.drop(key)
        return None

    def etag(self, key: TileKey, content: TileContent) -> bytes:
        """The ETag a tile has, known without making it: the newest change that touched it, and what fills it."""
        return self._etag(key, _depends_on(key, content), None)

    async def tile(self, principal: Principal, content: TileContent, key: TileKey) -> Tile:
        """The tile of a key with the given content, true at the time of the call or later.

        Raises StoreUnavailable when too many tiles are being made, the database is away, busy for three seconds or
        slower than four; AnswerTooLarge when the tile would be.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            tile = self.kept(key)
            if tile is not None:
                return tile
            tile = await self._flights.join(key, lambda: self._made(principal, content, key))
            if attempt == _ATTEMPTS or self._is_true(key.layer, tile):
                return tile
        raise AssertionError

    async def _made(self, principal: Principal, content: TileContent, key: TileKey) -> Tile:
        square = grid(key.grid).square(key.z, key.x, key.y)
        bounds = _depends_on(key, content)
        found = await self._disk.get(key) if self._disk else None
        if found is not None and found[1] <= self._changes.newest(key.layer):
            tile = Tile(*found, bounds)
            if self._keep(key, tile):
                return tile
        async with self._gate.passing(key.layer):
            state = self._general_state(key.layer)
            context = read_context(principal)
            raw = await content_tile(self._connections, content, state, key.z, square, context)
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


def _depends_on(key: TileKey, content: TileContent) -> BoundingBox:
    """The bounds, in degrees, of the features that may show in a tile.

    Generalised content is made by blocks of an eighth of a tile, and a block by the tile's edge reaches into it.
    """
    square = grid(key.grid).square(key.z, key.x, key.y)
    if not content.is_general_at(key.z):
        return reach_deg(square)
    more = (square.east - square.west) / BLOCKS_A_SIDE
    wide = TileSquare(square.srid, square.west - more, square.south - more, square.east + more, square.north + more)
    return reach_deg(wide)


async def _compressed(raw: bytes) -> bytes:
    return compressed(raw) if len(raw) < _THREAD_FROM_BYTES else await asyncio.to_thread(compressed, raw)
