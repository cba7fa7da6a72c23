"""Several layers in one tile: a Mapbox Vector Tile is a list of layers, so their tiles are joined as they are."""

import asyncio
import gzip
import hashlib
from collections.abc import Sequence

from tiles.cache import Tile, TileCache
from tiles.compression import compressed


def composite_etag(etags: Sequence[bytes]) -> bytes:
    """The ETag of tiles joined in this order."""
    return b'"%b"' % hashlib.blake2b(b"|".join(etags), digest_size=12).hexdigest().encode()


async def composite_tile(cache: TileCache, parts: Sequence[Tile]) -> Tile:
    """The tile with the layers of all parts; kept under the parts' own ETags, so that it is never older than they."""
    etag = composite_etag([part.etag for part in parts])
    key = ("composite", etag, tuple(part.bounds for part in parts[:1]))
    kept = cache.get(key)
    if kept is not None:
        return kept
    made = Tile(await asyncio.to_thread(_joined, parts), max(part.seq for part in parts), parts[0].bounds)
    made.etag = etag
    cache.put(key, made)
    return made


def _joined(parts: Sequence[Tile]) -> bytes:
    raw = b"".join(gzip.decompress(part.data) for part in parts if part.data)
    return compressed(raw)
