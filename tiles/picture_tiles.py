"""Tiles that are pictures: drawn once however many ask, and kept in bounded memory."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from cim.model.access import Principal
from tiles.cache import TileCache, TileKey
from tiles.grid import TILE_PIXELS, Grid
from tiles.picture import PictureLayer, Pictures
from tiles.picture_window import Window

CACHE_BYTES = 32 * 1024 * 1024


def tile_window(one: Grid, z: int, x: int, y: int) -> Window:
    """The window of one tile, 256 pixels wide."""
    square = one.square(z, x, y)
    return Window(square.srid, square.west, square.south, square.east, square.north, TILE_PIXELS, TILE_PIXELS)


def first_zoom(one: Grid, layer: PictureLayer) -> int:
    """The first matrix a layer is shown in: the style counts zooms by tiles of 512 pixels, the grid of 256."""
    return max(one.minzoom, layer.minzoom + 1 if layer.minzoom else 0)


class PictureTiles:
    """Draws and keeps the PNG tiles of one server process."""

    def __init__(self, pictures: Pictures, cache: TileCache | None = None) -> None:
        self.cache = cache or TileCache(CACHE_BYTES)
        self._pictures = pictures
        self._making: dict[TileKey, asyncio.Task[bytes]] = {}

    async def tile(
        self, principal: Principal, layer: PictureLayer, one: Grid, z: int, x: int, y: int, request_id: str = ""
    ) -> bytes:
        """A transparent PNG of one layer; raises as ``Pictures.picture`` does."""
        collection = layer.decision.collection
        key = TileKey(collection.id, collection.version, layer.decision.policy_class, one.id, z, x, y)
        kept = self.cache.get(key)
        if kept is not None:
            return kept
        task = self._making.get(key)
        if task is None:
            window = tile_window(one, z, x, y)
            work = self._pictures.picture(principal, [layer], window, request_id=request_id)
            task = asyncio.create_task(self._keep(key, work))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _keep(self, key: TileKey, work: Coroutine[Any, Any, bytes]) -> bytes:
        picture = await work
        self.cache.put(key, picture)
        return picture
