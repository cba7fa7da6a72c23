"""Vector tiles: asked of memory, then of the disk, else made once in the database however many ask at the same time."""

import hashlib
from collections.abc import Awaitable, Callable

from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.model.grid import TileSquare
from cim.policy.policy import read_context
from cim.store.general_tables import GeneralState
from cim.store.tile_connections import TileConnections
from cim.store.tile_content import TileContent, content_tile
from cim.store.vector_tiles import RawTile
from tiles.cache import Tile, TileCache, TileKey
from tiles.changes import ChangeLog, reach_deg
from tiles.disk_cache import DiskTiles
from tiles.gate import Gate
from tiles.grid import grid
from tiles.kept import KeptTiles

CONTENT_REVISION = 1
"""Raised when the same rows and attributes are encoded otherwise than before, so that older files are not used."""
BLOCKS_A_SIDE = 8


def content_name(content: TileContent, policy_class: str, more: str = "") -> str:
    """A short name for what fills a tile: the caller's policy class, the attributes, how they are generalised.

    ``more`` stands for any narrowing of the rows.
    """
    fields = ",".join(content.selection.fields)
    seen = f"{CONTENT_REVISION}|{policy_class}|{fields}|{content.plan}|{more}"
    return hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()


class VectorTiles(KeptTiles):
    """Makes and keeps the vector tiles of one server process.

    ``general_state`` tells what is known of a layer's generalised content.
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
        super().__init__(cache, disk, changes, gate, reach)
        self._connections = connections
        self._general_state = general_state

    def etag(self, key: TileKey, content: TileContent) -> bytes:
        """The ETag a tile has, known without making it."""
        return self.known_etag(key, _depends_on(key, content))

    async def tile(self, principal: Principal, content: TileContent, key: TileKey) -> Tile:
        """The tile of a key with the given content, true at the time of the call or later.

        Raises StoreUnavailable when too many tiles are being made, the database is away, busy for three seconds or
        slower than four; AnswerTooLarge when the tile would be.
        """
        tile = self.kept(key)
        if tile is not None:
            return tile

        async def make() -> RawTile:
            square = grid(key.grid).square(key.z, key.x, key.y)
            state = self._general_state(key.layer)
            return await content_tile(self._connections, content, state, key.z, square, read_context(principal))

        return await self.kept_or_made(key, _depends_on(key, content), make)


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
