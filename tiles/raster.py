"""Pictures of raster layers: tiles that are kept, and windows of any size for other renderers."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cim.errors import BadRequest
from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.model.raster import RasterFacts, RasterImage
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.raster_images import images_in, raster_facts
from layers.raster_styles import DEFAULT_RELIEF_M
from tiles.cache import TileCache, TileKey
from tiles.raster_encoding import PictureForm, blank_tile, encoded
from tiles.raster_grid import PictureArea, tile_area
from tiles.raster_looks import checked_area, look_of, require_images
from tiles.raster_painting import height_at, heights_on, paint
from tiles.raster_pool import raster_pool
from tiles.raster_shading import Rgba
from tiles.terrain_rgb import encode_heights

STATEMENT_MS = 4_000
TILE_BUDGET_S = 8.0
WINDOW_BUDGET_S = 20.0
MAX_IMAGES = 256
POINT_DEG = 1e-9
TERRAIN = "terrain"


@dataclass(frozen=True, slots=True)
class PictureKey(TileKey):
    """A tile's key with what it is drawn as, for example ``slope.png``."""

    drawn_as: str


@dataclass(frozen=True, slots=True)
class TileAsked:
    """A tile by its matrix set, matrix, column and row, and the form it is wanted in."""

    tile_matrix_set: str
    z: int
    x: int
    y: int
    form: PictureForm = "png"


@dataclass(frozen=True, slots=True)
class HeightFound:
    """A height in metres above the datum named by ``height_datum``, from cells of ``cell_m`` metres."""

    height_m: float
    height_datum: str | None
    cell_m: float


class RasterTiles:
    """Makes and keeps the tiles of raster layers of one server process."""

    def __init__(self, database: Database, files: FileStore, cache: TileCache) -> None:
        self.cache = cache
        self._database = database
        self._files = files
        self._making: dict[PictureKey, asyncio.Task[bytes]] = {}
        self._facts: dict[tuple[str, int, str], RasterFacts | None] = {}

    async def facts(self, principal: Principal, decision: Decision) -> RasterFacts | None:
        """What a layer's readable images are together; None when there are none. BadRequest for other layers."""
        require_images(decision)
        held = decision.collection
        key = (held.id, held.version, decision.policy_class)
        if key not in self._facts:
            async with self._database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
                self._facts[key] = await raster_facts(connection, held, decision.regions)
        return self._facts[key]

    def keep_versions(self, current: dict[str, int]) -> None:
        """Drop what was kept of versions that are no longer current."""
        self.cache.keep_versions(current)
        self._facts.clear()

    async def picture(
        self,
        principal: Principal,
        decision: Decision,
        asked: TileAsked,
        style: str | None = None,
        relief_m: tuple[float, float] = DEFAULT_RELIEF_M,
    ) -> bytes:
        """A tile in a style, the layer's default where none is named; transparent where no image is.

        Raises BadRequest for a layer without images, an unknown style, or a tile that does not exist; StoreError when
        a file cannot be read; StoreUnavailable when the server is too busy or it takes too long.
        """
        area = tile_area(asked.tile_matrix_set, asked.z, asked.x, asked.y)
        facts = await self.facts(principal, decision)
        if facts is None:
            return blank_tile(asked.form)
        look = look_of(facts, style, relief_m)

        def draw(images: Sequence[RasterImage], deadline: float) -> bytes:
            return encoded(paint(self._files, images, area, look, deadline), asked.form)

        return await self._kept(principal, decision, asked, look.style, area, draw)

    async def terrain(self, principal: Principal, decision: Decision, asked: TileAsked) -> bytes:
        """Heights as Mapbox RGB in a PNG; 0 m where none is known. Errors as ``picture`` has."""
        area = tile_area(asked.tile_matrix_set, asked.z, asked.x, asked.y)
        facts = await self.facts(principal, decision)
        if facts is not None and not facts.heights:
            raise BadRequest(
                f"layer {decision.collection.id} holds pictures, no heights",
                where="layer",
                remedy=f"read it at /rasters/{decision.collection.id}.json",
            )

        def draw(images: Sequence[RasterImage], deadline: float) -> bytes:
            return encoded(encode_heights(heights_on(self._files, images, area, deadline)), "png")

        return await self._kept(principal, decision, asked, TERRAIN, area, draw)

    async def _kept(
        self,
        principal: Principal,
        decision: Decision,
        asked: TileAsked,
        drawn_as: str,
        area: PictureArea,
        draw: Callable[[Sequence[RasterImage], float], bytes],
    ) -> bytes:
        """A kept tile, or one that is made once however many ask."""
        held = decision.collection
        key = PictureKey(
            held.id,
            held.version,
            decision.policy_class,
            asked.tile_matrix_set,
            asked.z,
            asked.x,
            asked.y,
            f"{drawn_as}.{asked.form}",
        )
        kept = self.cache.get(key)
        if kept is not None:
            return kept
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(principal, decision, key, area, draw))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _make(
        self,
        principal: Principal,
        decision: Decision,
        key: PictureKey,
        area: PictureArea,
        draw: Callable[[Sequence[RasterImage], float], bytes],
    ) -> bytes:
        images = await _images(self._database, principal, decision, area.lonlat_bbox())
        tile = await raster_pool().run(partial(draw, images), TILE_BUDGET_S)
        self.cache.put(key, tile)
        return tile


async def raster_window(
    database: Database,
    files: FileStore,
    principal: Principal,
    decision: Decision,
    bounds: BoundingBox,
    srid: int,
    width: int,
    height: int,
    style: str | None = None,
    relief_m: tuple[float, float] = DEFAULT_RELIEF_M,
) -> Rgba:
    """A raster layer drawn on any box: uint8 RGBA of shape (4, height, width), rows from the north.

    ``bounds`` are west, south, east, north in the system ``srid`` with x to the east, whatever order its standard
    writes axes in. ``style`` is one of ``layers.raster_styles``, None for the layer's default. Alpha is 0 where no
    image is. Raises BadRequest for a layer without images, an unknown style, an empty box or too many pixels.
    """
    require_images(decision)
    area = checked_area(bounds, srid, width, height)
    context = read_context(principal, timeout_ms=STATEMENT_MS)
    async with database.reading(context) as connection:
        facts = await raster_facts(connection, decision.collection, decision.regions)
    if facts is None:
        return np.zeros((4, height, width), np.uint8)
    look = look_of(facts, style, relief_m)
    images = await _images(database, principal, decision, area.lonlat_bbox())
    return await raster_pool().run(lambda deadline: paint(files, images, area, look, deadline), WINDOW_BUDGET_S)


async def height_of(
    database: Database, files: FileStore, principal: Principal, decision: Decision, lon: float, lat: float
) -> HeightFound | None:
    """The height at a place from a layer's finest image there, between its cells; None where there is none."""
    around = (lon - POINT_DEG, lat - POINT_DEG, lon + POINT_DEG, lat + POINT_DEG)
    images = await _images(database, principal, decision, around)
    area = PictureArea(4490, *around, 1, 1)
    found = await raster_pool().run(lambda _deadline: height_at(files, images, area), TILE_BUDGET_S)
    return HeightFound(*found) if found else None


async def _images(database: Database, principal: Principal, decision: Decision, bbox: BoundingBox) -> list[RasterImage]:
    async with database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
        images = await images_in(connection, decision.collection, decision.regions, bbox)
    if len(images) > MAX_IMAGES:
        raise BadRequest(
            f"{len(images)} images lie in this area, at most {MAX_IMAGES} are drawn at once",
            where="zoom",
            remedy="zoom in; the layer's TileJSON names its lowest zoom",
        )
    return images
