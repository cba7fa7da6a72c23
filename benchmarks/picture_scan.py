"""Every tile of a raster layer, as picture and as terrain: bytes as sent, time, and whether something is seen on it."""

import io
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.tile_timing import timed
from benchmarks.tile_truth import Place, is_populated
from cim.model.access import Principal
from cim.model.collection import Collection
from cim.policy.policy import decide, read_context
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.identities import principal_for_role
from tiles.cache import TileCache
from tiles.grid import WEB_MERCATOR_QUAD
from tiles.raster import RasterTiles, TileAsked

SEEN_FROM_ZOOM = 8
"""Below it an image of a few kilometres is fewer than ten pixels wide."""


async def scan_pictures(
    database: Database, files: FileStore, collection: Collection, tiles: dict[int, set[tuple[int, int]]]
) -> dict[int, dict[str, Any]]:
    """The largest and slowest tile of each zoom; ``tiles`` are the columns and rows to draw, by zoom."""
    async with database.writing() as connection:
        principal = await principal_for_role(connection, "administrator")
    decision = decide(principal, collection)
    rasters = RasterTiles(database, files, TileCache(max_bytes=0))
    facts = await rasters.facts(principal, decision)
    found: dict[int, dict[str, Any]] = {}
    for zoom, places in sorted(tiles.items()):
        worst_bytes, worst_ms, empty = (0, ""), (0.0, ""), 0
        for x, y in sorted(places):
            asked = TileAsked(WEB_MERCATOR_QUAD, zoom, x, y)
            named = f"{zoom}/{x}/{y}"
            picture, took_ms = await timed(partial(rasters.picture, principal, decision, asked))
            made = [(len(picture), took_ms)]
            if facts is not None and facts.heights:
                terrain, took_ms = await timed(partial(rasters.terrain, principal, decision, asked))
                made.append((len(terrain), took_ms))
            worst_bytes = max(worst_bytes, *((size, named) for size, _ in made))
            worst_ms = max(worst_ms, *((took_ms, named) for _, took_ms in made))
            empty += await _is_hole(database, principal, collection, (zoom, x, y), picture)
        found[zoom] = {
            "general": False,
            "tiles": len(places),
            "empty": empty,
            "stand_ins": 0,
            "worst_bytes": worst_bytes,
            "worst_ms": worst_ms,
        }
    return found


async def _is_hole(
    database: Database, principal: Principal, collection: Collection, place: Place, picture: bytes
) -> bool:
    """Whether nothing is seen on a tile in which the middle of an image lies."""
    alpha = np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))[..., 3]
    if place[0] < SEEN_FROM_ZOOM or alpha.any():
        return False
    async with database.reading(read_context(principal)) as connection:
        return await is_populated(connection, collection, place)
