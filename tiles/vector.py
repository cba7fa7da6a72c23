"""Vector tiles: asked of the cache, else made once in the database however many ask at the same time."""

import asyncio
import gzip

from cim.model.access import Principal
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.vector_tiles import vector_tile
from tiles.cache import TileCache, TileKey
from tiles.grid import WEB_MERCATOR_QUAD, grid

STATEMENT_MS = 4_000


class VectorTiles:
    """Makes and keeps the vector tiles of one server process, compressed with gzip."""

    def __init__(self, database: Database, cache: TileCache) -> None:
        self.cache = cache
        self._database = database
        self._making: dict[TileKey, asyncio.Task[bytes]] = {}

    async def tile(
        self,
        principal: Principal,
        decision: Decision,
        fields: tuple[str, ...],
        z: int,
        x: int,
        y: int,
        matrix_set: str = WEB_MERCATOR_QUAD,
    ) -> bytes:
        """A gzipped tile, or empty bytes where the layer has nothing; ``fields`` are those the layer's tiles carry.

        Raises StoreUnavailable when the database is away, busy for three seconds or slower than four.
        """
        key = self.key(decision, z, x, y, matrix_set)
        kept = self.cache.get(key)
        if kept is not None:
            return kept
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(principal, decision, fields, key))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    @staticmethod
    def key(decision: Decision, z: int, x: int, y: int, matrix_set: str = WEB_MERCATOR_QUAD) -> TileKey:
        """The cache key of a tile as one policy class sees it."""
        collection = decision.collection
        return TileKey(collection.id, collection.version, decision.policy_class, matrix_set, z, x, y)

    async def _make(self, principal: Principal, decision: Decision, fields: tuple[str, ...], key: TileKey) -> bytes:
        visible = tuple(name for name in fields if name in decision.field_names)
        async with self._database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
            square = grid(key.tile_matrix_set).square(key.z, key.x, key.y)
            raw = await vector_tile(connection, decision.collection, visible, decision.regions, square)
        tile = gzip.compress(raw, 6, mtime=0) if raw else b""
        self.cache.put(key, tile)
        return tile
