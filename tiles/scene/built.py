"""The content of layers whose features are raised, or laid as tubes, by what their rows say of them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.model.raster import RasterImage
from cim.model.scene import Square
from cim.model.undulation import Undulation
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.raster_images import images_with_boxes
from cim.store.scene_rows import (
    ScenePlaces,
    SceneRows,
    SceneSelection,
    all_scene_rows,
    newest_change,
    scene_places,
    scene_rows_in,
)
from cim.store.vector_tiles import RawTile
from tiles.raster_points import heights_at
from tiles.scene.built_tile import TileMaker
from tiles.scene.content import ScenePath, SceneTree
from tiles.scene.findings import SceneFinding
from tiles.scene.layout import Heights, Layout
from tiles.scene.layouts import Layouts
from tiles.scene.standing import Corners, Floats, corners_of
from tiles.scene.tile_folder import TileFolder
from tiles.scene.whole import Ground, WholeCount, build_whole

CONTENT_REVISION = 2
"""Raised when the same rows are drawn otherwise than before."""
ROUGH_M = 80.0
"""How far the ground of a square of about 130 m may lie from that of its middle."""
STATEMENT_MS = 15_000
MOST_TILES = 200
DEEP_M = 50.0


@dataclass(frozen=True, slots=True)
class Terrain:
    """The layer of heights that things stand on, as far as the caller may read it."""

    database: Database
    files: FileStore
    decision: Decision

    async def at(self, principal: Principal, lon: Floats, lat: Floats) -> Floats:
        """Levelled heights at places, NaN where there are none."""
        if not len(lon):
            return np.zeros(0)
        found = await heights_at(self.database, self.files, principal, self.decision, lon, lat)
        return found.height_m

    async def all_images(self, principal: Principal) -> list[tuple[RasterImage, BoundingBox]]:
        """All images of heights, with their boxes in degrees."""
        async with self.database.reading(read_context(principal, timeout_ms=STATEMENT_MS)) as connection:
            return await images_with_boxes(connection, self.decision.collection, self.decision.regions)


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows of a tile, their corners, the terrain there, and the newest change they may show."""

    rows: SceneRows
    corners: Corners
    terrain_m: Floats | None
    seq: int


class BuiltContent:
    """Blocks, volumes or tubes of one layer for one kind of caller; ``maker`` makes its tiles of rows."""

    def __init__(
        self,
        database: Database,
        files: FileStore,
        layouts: Layouts,
        chosen: SceneSelection,
        terrain: Terrain | None,
        undulation: Undulation,
        seen_as: str,
    ) -> None:
        self._database = database
        self._files = files
        self._layouts = layouts
        self._chosen = chosen
        self._terrain = terrain
        self._undulation = undulation
        collection = chosen.selection.collection
        self._layer = collection.id
        self.maker = TileMaker.of(chosen.plan, collection.schema, undulation)
        ground = f"{terrain.decision.collection.id}.{terrain.decision.collection.version}" if terrain else ""
        raised = hashlib.blake2b(undulation.values_m.tobytes(), digest_size=8).hexdigest()
        seen = f"{CONTENT_REVISION}|{seen_as}|{chosen.plan}|{ground}|{raised}"
        self.name = hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()

    async def tree(self, principal: Principal) -> SceneTree | None:
        """The tree of tiles; None where the layer has nothing to draw."""
        layout, seq = await self._layout(principal)
        root = layout.tree()
        return SceneTree(root, layout.features, seq) if root else None

    async def bounds(self, principal: Principal, path: ScenePath) -> BoundingBox:
        """What a tile is filled from, in degrees; NotFound where there is no such tile."""
        layout, _ = await self._layout(principal)
        return layout.bounds(Square(*path))

    async def tile(self, principal: Principal, path: ScenePath) -> RawTile:
        """The GLB of a tile; NotFound where there is no such tile."""
        layout, _ = await self._layout(principal)
        held = await self._held(principal, layout, Square(*path))
        made = await asyncio.to_thread(self.maker.made, held.rows, held.corners, held.terrain_m)
        return RawTile(made.glb, held.seq)

    async def left_out(self, principal: Principal, bbox: BoundingBox | None) -> list[SceneFinding]:
        """The features that cannot be drawn, of the tiles that meet a box in degrees, or of all.

        AnswerTooLarge where these are more than ``MOST_TILES``.
        """
        layout, _ = await self._layout(principal)
        squares = [square for square in layout.squares() if bbox is None or _meet(layout.bounds(square), bbox)]
        if len(squares) > MOST_TILES:
            raise AnswerTooLarge(
                f"{len(squares)} tiles lie there, at most {MOST_TILES} are examined at once",
                where="bbox",
                remedy="give a smaller one, or write the whole tileset with cim export --format 3dtiles",
            )
        findings: list[SceneFinding] = []
        for square in squares:
            held = await self._held(principal, layout, square)
            findings += await asyncio.to_thread(self.maker.left_out, held.rows, held.corners, held.terrain_m)
        return findings

    async def _held(self, principal: Principal, layout: Layout, square: Square) -> "_Held":
        """What a tile is made of; NotFound where there is no such tile."""
        layout.bounds(square)
        async with self._reading(principal) as connection:
            seq = await newest_change(connection, self._layer)
            found = await scene_rows_in(connection, self._chosen, square)
        rows = found.taken([row for row, at in enumerate(found.place) if layout.tile_of(at, square.z) == square])
        corners = await asyncio.to_thread(corners_of, rows)
        terrain_m = await self._terrain.at(principal, corners.lon, corners.lat) if self._terrain else None
        return _Held(rows, corners, terrain_m, seq)

    async def pages(self, principal: Principal) -> AsyncGenerator[SceneRows, None]:
        """All features in the order of their places, page by page."""
        async with self._reading(principal, timeout_ms=0) as connection:
            async for page in all_scene_rows(connection, self._chosen):
                yield SceneRows.of(page, len(self._chosen.plan.fields))

    async def whole(
        self,
        principal: Principal,
        folder: TileFolder,
        progress: Callable[[WholeCount], None] = lambda _: None,
    ) -> tuple[SceneTree | None, WholeCount]:
        """Write every tile in one pass; the tree they belong to, and what was made."""
        async with self._reading(principal, timeout_ms=0) as connection:
            seq = await newest_change(connection, self._layer)
            ground = Ground(self._files, await self._terrain.all_images(principal) if self._terrain else ())
            rows = all_scene_rows(connection, self._chosen)
            count = await build_whole(rows, self.maker, ground, folder, progress)
        root = Layout(count.made).tree()
        return (SceneTree(root, count.features, seq) if root else None), count

    def _reading(
        self, principal: Principal, timeout_ms: int = STATEMENT_MS
    ) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._database.reading(read_context(principal, timeout_ms=timeout_ms))

    async def _layout(self, principal: Principal) -> tuple[Layout, int]:
        async def read(squares: Sequence[Square] | None) -> tuple[ScenePlaces, int]:
            async with self._reading(principal) as connection:
                seq = await newest_change(connection, self._layer)
                return await scene_places(connection, self._chosen, squares), seq

        async def heights(places: ScenePlaces) -> Heights:
            return await self._span(principal, places)

        return await self._layouts.layout(self._layer, self.name, read, heights)

    async def _span(self, principal: Principal, places: ScenePlaces) -> Heights:
        """Between which heights features lie at each place, with room for what is not known before they are read."""
        middle_x, middle_y = (places.boxes[:, :2] + places.boxes[:, 2:]).T / 2
        lon = np.degrees(middle_x / 6_378_137.0)
        lat = np.degrees(np.arctan(np.sinh(middle_y / 6_378_137.0)))
        unsure = np.isnan(places.ground_m)
        ground, top = places.ground_m.copy(), places.top_m.copy()
        if unsure.any():
            known = np.full(int(unsure.sum()), np.nan)
            if self._terrain:
                known = await self._terrain.at(principal, lon[unsure], lat[unsure])
            ground[unsure] = np.where(np.isnan(known), np.nanmean(known) if np.isfinite(known).any() else 0.0, known)
            top[unsure] = ground[unsure] + places.rise_m[unsure] + ROUGH_M
            ground[unsure] -= ROUGH_M
        deep = DEEP_M if self._chosen.plan.kind == "tube" else ROUGH_M / 2
        raised = self._undulation.at(lon, lat)
        return Heights(ground - deep + raised, top + raised)


def _meet(one: BoundingBox, other: BoundingBox) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
