"""Terrain tiles of layers of heights for globes: which there are, made when asked for, kept by version and policy."""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from cim.errors import BadRequest
from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.model.ellipsoidal_heights import height_way
from cim.model.raster import RasterFacts, RasterImage
from cim.model.undulation import Undulation
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.raster_images import images_in
from tiles.cache import Tile, TileCache
from tiles.compression import compressed
from tiles.grid import METRES_PER_DEGREE
from tiles.quantized_mesh import MeshTile, encoded_mesh, surface_normals
from tiles.raster import MAX_IMAGES, STATEMENT_MS, TILE_BUDGET_S, RasterTiles
from tiles.raster_files import reading_images
from tiles.raster_pool import raster_pool
from tiles.raster_sheets import grouped
from tiles.terrain_mesh import mesh_of
from tiles.terrain_posts import POSTS, Ground, step_deg

LEVEL_ZERO_M = 77_067.34
"""What Cesium takes a tile of level 0 to be wrong by; half of it for each further level."""
SHARE, MOST_M = 0.5, 2_000.0
EVERYWHERE = 5
"""Down to this level there are tiles of the whole globe."""
LEAST_DEEPEST, DEEPEST = 17, 19
AROUND_DEG = 1.5
"""How far from a tile the ground is looked for that fills its gaps."""


class MeshKey(NamedTuple):
    """Which tile, of which version, as whom, over which undulation, with normals or without."""

    layer: str
    version: int
    policy_class: str
    mark: str
    z: int
    x: int
    y: int
    normals: bool


class MeshAsked(NamedTuple):
    """A tile by level, column from 180 W and row from 90 S, and whether normals are wanted."""

    z: int
    x: int
    y: int
    normals: bool = False


def allowed_m(z: int) -> float:
    """How far the mesh of a level may be from the posts of heights, in metres: half of what Cesium counts with.

    Never so far, though, that the globe of the first levels is a clumsy one: viewers stand on it until more is loaded.
    """
    return min(math.ldexp(LEVEL_ZERO_M, -z) * SHARE, MOST_M)


def deepest_level(facts: RasterFacts | None) -> int:
    """The level whose posts are half a cell apart, and whose error is half a metre at most."""
    if facts is None:
        return EVERYWHERE
    level = math.ceil(math.log2(step_deg(0) * METRES_PER_DEGREE / max(facts.finest_m / 2, 1e-3)))
    return min(max(level, LEAST_DEEPEST), DEEPEST)


def tile_bbox(z: int, x: int, y: int) -> BoundingBox:
    """West, south, east, north of a tile in degrees; BadRequest for one that does not exist."""
    if not 0 <= z <= DEEPEST:
        raise BadRequest(f"there is no level {z}", where="z", remedy=f"levels are 0 to {DEEPEST}")
    for name, value, count in (("x", x, 2 ** (z + 1)), ("y", y, 2**z)):
        if not 0 <= value < count:
            raise BadRequest(f"tile {name} {value} does not exist", where=name, remedy=f"it is 0 to {count - 1}")
    side = 180.0 / 2**z
    return (-180 + x * side, -90 + y * side, -180 + (x + 1) * side, -90 + (y + 1) * side)


def available(bbox: BoundingBox | None, deepest: int) -> list[list[dict[str, int]]]:
    """Ranges of tiles for each level: all of the globe's first, then those that touch the data."""
    levels = []
    for z in range(deepest + 1):
        most_x, most_y = 2 ** (z + 1) - 1, 2**z - 1
        left, low, right, top = 0, 0, most_x, most_y
        if z > EVERYWHERE and bbox is not None:
            side = 180.0 / 2**z
            left, right = (min(max(math.floor((lon + 180) / side), 0), most_x) for lon in (bbox[0], bbox[2]))
            low, top = (min(max(math.floor((lat + 90) / side), 0), most_y) for lat in (bbox[1], bbox[3]))
        levels.append([{"startX": left, "startY": low, "endX": right, "endY": top}])
    return levels


class Terrain:
    """Makes and keeps the terrain tiles of one server process."""

    def __init__(
        self,
        database: Database,
        files: FileStore,
        rasters: RasterTiles,
        cache: TileCache,
        undulation: Undulation | None,
    ) -> None:
        self.cache = cache
        self.mark = _mark(undulation)
        self._database, self._files, self._rasters = database, files, rasters
        self._undulation = undulation
        self._making: dict[MeshKey, asyncio.Task[bytes]] = {}

    async def facts(self, principal: Principal, decision: Decision) -> RasterFacts | None:
        """What the readable images of a layer are together, once it is certain that they can be terrain.

        Raises BadRequest for layers without heights, HeightsUnknown where these cannot be brought above the ellipsoid.
        """
        facts = await self._rasters.facts(principal, decision)
        if facts is None:
            return None
        if not facts.heights:
            raise BadRequest(
                f"layer {decision.collection.id} holds pictures, no heights",
                where="layer",
                remedy=f"read it at /rasters/{decision.collection.id}.json",
            )
        for datum in facts.height_datums or (None,):
            height_way(datum, self._undulation)
        return facts

    async def document(self, principal: Principal, decision: Decision, name: str, attribution: str) -> dict[str, Any]:
        """The layer.json of a layer, its tiles by versioned addresses. Errors as ``facts`` has."""
        facts = await self.facts(principal, decision)
        held = decision.collection
        deepest = deepest_level(facts)
        return {
            "tilejson": "2.1.0",
            "format": "quantized-mesh-1.0",
            "version": f"{held.version}.0.0",
            "scheme": "tms",
            "projection": "EPSG:4326",
            "tiles": [f"{{z}}/{{x}}/{{y}}.terrain?v={held.version}&u={self.mark}"],
            "bounds": [-180, -90, 180, 90],
            "minzoom": 0,
            "maxzoom": deepest,
            "available": available(held.bbox, deepest),
            "extensions": ["octvertexnormals"],
            "name": name,
            "attribution": attribution,
        }

    async def tile(self, principal: Principal, decision: Decision, asked: MeshAsked) -> bytes:
        """A tile, gzipped; kept, or made once however many ask.

        Raises BadRequest for a tile that does not exist, StoreError when a file cannot be read, StoreUnavailable when
        it takes too long, and what ``facts`` raises.
        """
        bbox = tile_bbox(asked.z, asked.x, asked.y)
        await self.facts(principal, decision)
        held = decision.collection
        key = MeshKey(held.id, held.version, decision.policy_class, self.mark, *asked)
        kept = self.cache.get(key)
        if kept is not None:
            return kept.data
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(principal, decision, key, bbox))
            self._making[key] = task
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _make(self, principal: Principal, decision: Decision, key: MeshKey, bbox: BoundingBox) -> bytes:
        images = await self._images(principal, decision, bbox)
        draw = partial(draw_tile, self._files, images, self._undulation, MeshAsked(key.z, key.x, key.y, key.normals))
        tile = compressed(await raster_pool().run(draw, TILE_BUDGET_S))
        self.cache.put(key, Tile(tile, key.version, bbox))
        return tile

    async def _images(self, principal: Principal, decision: Decision, bbox: BoundingBox) -> list[RasterImage]:
        """The images in and around a tile; where there are too many to be read at once, those in it, or none."""
        side = bbox[3] - bbox[1]
        async with self._database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
            for margin in (AROUND_DEG, side / POSTS):
                box = (
                    max(bbox[0] - margin, -180.0),
                    max(bbox[1] - margin, -90.0),
                    min(bbox[2] + margin, 180.0),
                    min(bbox[3] + margin, 90.0),
                )
                images = await images_in(connection, decision.collection, decision.regions, box)
                if len(images) <= MAX_IMAGES:
                    return images
        return []


def draw_tile(
    files: FileStore, images: Sequence[RasterImage], undulation: Undulation | None, asked: MeshAsked, deadline: float
) -> bytes:
    """The quantized mesh of a tile over images, the first of them on top."""
    z, x, y, normals = asked
    with reading_images():
        ground = Ground(grouped(files, images), undulation, deadline)
        heights = ground.posts(z, (x * POSTS - 1, (x + 1) * POSTS + 1), (y * POSTS - 1, (y + 1) * POSTS + 1))
    bbox = tile_bbox(z, x, y)
    mesh = mesh_of(heights[1:-1, 1:-1], allowed_m(z), math.radians(step_deg(z)))
    return encoded_mesh(
        MeshTile(bbox, POSTS, mesh, surface_normals(heights, bbox, mesh.columns, mesh.rows)), normals=normals
    )


def _mark(undulation: Undulation | None) -> str:
    """A short word that differs where undulations do."""
    if undulation is None:
        return "none"
    place = (undulation.west_deg, undulation.north_deg, undulation.step_deg, undulation.step_north_deg)
    return hashlib.sha256(repr(place).encode() + undulation.values_m.tobytes()).hexdigest()[:8]
