"""City layers in the three-dimensional view: objects with the surfaces of their highest level of detail."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.model.ellipsoidal_heights import HeightWay
from cim.model.scene import Square
from cim.model.undulation import Undulation
from cim.policy.policy import read_context
from cim.store.database import Database
from cim.store.scene_city import CityCount, city_count, city_places, city_rows_in
from cim.store.scene_rows import ScenePlaces, newest_change
from cim.store.selection import Selection
from cim.store.vector_tiles import RawTile
from layers.text import Text
from tiles.scene.city_heights import HeightWays
from tiles.scene.city_tile import COLUMNS, city_tile
from tiles.scene.content import ScenePath, SceneTree
from tiles.scene.layout import Heights, Layout
from tiles.scene.layouts import Layouts

CONTENT_REVISION = 1
"""Raised when the same objects are drawn otherwise than before."""
STATEMENT_MS = 15_000
RADIUS_M = 6_378_137.0
LOWEST_M, HIGHEST_M = -500.0, 9_000.0
"""Between which heights objects are sought whose rows do not say theirs."""
UNDECLARED = Text(
    zh="部分或全部对象没有说明高程基准，按 1985 国家高程基准显示；如不符，请用 --height-datum 重新导入。",
    en="Some or all objects do not say what their heights are above: they are taken as those of 1985. Import the layer "
    "again with --height-datum where they are not.",
)
HEIGHTS_UNKNOWN = Text(
    zh="部分对象的高程基准无法换算到椭球面，没有显示。",
    en="Objects whose heights cannot be counted from the ellipsoid are not drawn.",
)
TOO_LARGE = Text(zh="部分对象过大，没有显示。", en="Objects whose shapes take more than 16 MB are not drawn.")


class CityContent:
    """The objects of a city layer that a selection has, for one kind of caller.

    ``seen_as`` is what differs for callers who see other rows or fields, or another state. The selection's fields are
    those the caller may see, ``shape`` among them.
    """

    def __init__(
        self, database: Database, layouts: Layouts, selection: Selection, undulation: Undulation | None, seen_as: str
    ) -> None:
        self._database = database
        self._layouts = layouts
        fields = tuple(name for name in COLUMNS if name in selection.fields)
        self._selection = replace(selection, fields=fields)
        self._layer = selection.collection.id
        self._heights = HeightWays(undulation)
        raised = undulation.fingerprint if undulation else None
        seen = f"{CONTENT_REVISION}|{seen_as}|{fields}|{raised}"
        self.name = hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()

    async def tree(self, principal: Principal) -> SceneTree | None:
        """The tree of tiles; None where nothing of the layer has surfaces.

        HeightsUnknown where no object's heights can be counted from the ellipsoid.
        """
        async with self._reading(principal) as connection:
            count = await city_count(connection, self._selection)
        known = self._heights.known(count.by_datum)
        layout, seq = await self._layout(principal)
        root = layout.tree()
        if root is None:
            return None
        drawn = sum(number for datum, number in count.by_datum.items() if datum in known)
        return SceneTree(replace(root, extras=_extras(count, drawn)), drawn, seq)

    async def bounds(self, principal: Principal, path: ScenePath) -> BoundingBox:
        """What a tile is filled from, in degrees; NotFound where there is no such tile."""
        layout, _ = await self._layout(principal)
        return layout.bounds(Square(*path))

    async def tile(self, principal: Principal, path: ScenePath) -> RawTile:
        """The GLB of a tile; NotFound where there is no such tile."""
        await self.bounds(principal, path)
        async with self._reading(principal) as connection:
            seq = await newest_change(connection, self._layer)
            rows = await city_rows_in(connection, self._selection, Square(*path))
        made = await asyncio.to_thread(city_tile, rows, self._selection.fields, self._heights)
        return RawTile(made.glb, seq)

    def _reading(self, principal: Principal) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._database.reading(read_context(principal, timeout_ms=STATEMENT_MS))

    async def _layout(self, principal: Principal) -> tuple[Layout, int]:
        async def read(squares: Sequence[Square] | None) -> tuple[ScenePlaces, int]:
            async with self._reading(principal) as connection:
                seq = await newest_change(connection, self._layer)
                return await city_places(connection, self._selection, squares), seq

        async def heights(places: ScenePlaces) -> Heights:
            async with self._reading(principal) as connection:
                count = await city_count(connection, self._selection)
            ways = self._heights.known(count.by_datum) if count.by_datum else {}
            return await asyncio.to_thread(_span, places, list(ways.values()))

        return await self._layouts.layout(self._layer, self.name, read, heights)


def _span(places: ScenePlaces, ways: Sequence[HeightWay]) -> Heights:
    """Between which heights objects lie at each place, whichever of the layer's height systems theirs are in."""
    middle_x, middle_y = (places.boxes[:, :2] + places.boxes[:, 2:]).T / 2
    lon, lat = np.degrees(middle_x / RADIUS_M), np.degrees(np.arctan(np.sinh(middle_y / RADIUS_M)))
    ground = np.where(np.isfinite(places.ground_m), places.ground_m, LOWEST_M)
    top = np.where(np.isfinite(places.top_m), places.top_m, HIGHEST_M)
    low, high = np.full(len(lon), np.inf), np.full(len(lon), -np.inf)
    for way in ways:
        low, high = np.minimum(low, way.apply(lon, lat, ground)), np.maximum(high, way.apply(lon, lat, top))
    return Heights(low, high)


def _extras(count: CityCount, drawn: int) -> dict[str, Any]:
    """What the tileset says of the layer as a whole: how heights were taken, and what is not drawn."""
    notes = [UNDECLARED] if None in count.by_datum else []
    left_out = sum(count.by_datum.values()) - drawn
    notes += [HEIGHTS_UNKNOWN] if left_out else []
    notes += [TOO_LARGE] if count.too_large else []
    said: dict[str, Any] = {"height_datums": [datum for datum in count.by_datum if datum is not None]}
    if left_out + count.too_large:
        said["left_out"] = left_out + count.too_large
    return said | ({"notes": [note.model_dump() for note in notes]} if notes else {})
