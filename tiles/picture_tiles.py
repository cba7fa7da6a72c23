"""Tiles that are pictures: drawn once however many ask, and kept in bounded memory."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple

from cim.model.access import Principal
from tiles.cache import Tile, TileCache
from tiles.grid import TILE_PIXELS, Grid
from tiles.picture import Picture, PictureLayer, Pictures
from tiles.picture_window import Window

WHOLE_WORLD = (-180.0, -90.0, 180.0, 90.0)


def tile_window(one: Grid, z: int, x: int, y: int) -> Window:
    """The window of one tile, 256 pixels wide."""
    square = one.square(z, x, y)
    return Window(square.srid, square.west, square.south, square.east, square.north, TILE_PIXELS, TILE_PIXELS)


def first_zoom(one: Grid, layer: PictureLayer) -> int:
    """The first matrix a layer is shown in: the style counts zooms by tiles of 512 pixels, the grid of 256."""
    return max(one.minzoom, layer.minzoom + 1 if layer.minzoom else 0)


class DrawnKey(NamedTuple):
    """Which tile, of which version of a layer, as whom."""

    layer: str
    version: int
    policy_class: str
    grid: str
    z: int
    x: int
    y: int


class PictureTiles:
    """Draws and keeps the PNG tiles of one server process."""

    def __init__(self, pictures: Pictures, cache: TileCache) -> None:
        self.cache = cache
        self._pictures = pictures
        self._making: dict[DrawnKey, asyncio.Task[Picture]] = {}

    async def tile(
        self, principal: Principal, layer: PictureLayer, one: Grid, z: int, x: int, y: int, request_id: str = ""
    ) -> Picture:
        """A transparent PNG of one layer; raises as ``Pictures.picture`` does."""
        collection = layer.decision.collection
        key = DrawnKey(collection.id, collection.version, layer.decision.policy_class, one.id, z, x, y)
        kept = self.cache.get(key)
        if kept is not None:
            return Picture(kept.data)
        task = self._making.get(key)
        if task is None:
            window = tile_window(one, z, x, y)
            work = self._pictures.picture(principal, [layer], window, request_id=request_id)
            task = asyncio.create_task(self._keep(key, work))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _keep(self, key: DrawnKey, work: Coroutine[Any, Any, Picture]) -> Picture:
        picture = await work
        if not picture.stand_in:
            self.cache.put(key, Tile(picture.data, key.version, WHOLE_WORLD))
        return picture
