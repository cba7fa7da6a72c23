"""What each zoom of a layer is made from: features for the finest, the next finer zoom's content for the others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import CollectionSchema
from cim.model.general import GeneralPlan, GeneralRow
from cim.store.general_source import (
    Blocks,
    ContentRow,
    FeatureRow,
    content_in,
    content_meeting,
    features_in,
    value_columns,
)
from tiles.generalise.cells import built_up
from tiles.generalise.classes import Areas, mosaic
from tiles.generalise.grid import (
    BLOCK_LEVELS,
    BLOCK_UNITS,
    Box,
    Floats,
    Integers,
    ground_area_share,
    tile_box,
    to_units,
)
from tiles.generalise.items import Items
from tiles.generalise.lines import Lines, network
from tiles.generalise.points import thin
from tiles.generalise.simplified import Features, simplified
from tiles.generalise.sums import Sums

Block = tuple[int, int]


class Source:
    """Reads what blocks are made from and makes their rows; ``content`` is the table they are written to."""

    def __init__(self, connection: AsyncConnection, schema: CollectionSchema, plan: GeneralPlan, content: str) -> None:
        self._connection, self._schema, self._plan, self._content = connection, schema, plan, content
        self._features: Features | None = None

    async def rows(self, zoom: int, blocks: Sequence[Block]) -> list[GeneralRow]:
        """The rows of some blocks of one tile."""
        method = self._plan.method
        if method == "simplified":
            return await asyncio.to_thread(simplified, await self._all_features(), zoom)
        if method == "lines":
            return await asyncio.to_thread(network, await self._lines(zoom, blocks), zoom, blocks, self._plan)
        if method == "classes":
            return await asyncio.to_thread(mosaic, await self._areas(zoom, blocks), zoom, blocks, self._plan)
        items = _within(await self._items(zoom, blocks), zoom, blocks)
        make = thin if method == "points" else built_up
        return await asyncio.to_thread(make, items, zoom, self._plan)

    def _finest(self, zoom: int) -> bool:
        return zoom == self._plan.full_zoom - 1

    async def _read_features(self, zoom: int, blocks: Sequence[Block], *, shapes: bool) -> list[FeatureRow]:
        box = _bounds(zoom, blocks)
        return await features_in(self._connection, self._schema, self._plan, box, shapes=shapes)

    async def _read_content(self, zoom: int, blocks: Sequence[Block]) -> list[ContentRow]:
        return await content_in(self._connection, self._content, zoom + 1, _children(blocks))

    async def _items(self, zoom: int, blocks: Sequence[Block]) -> Items:
        if self._finest(zoom):
            found = await self._read_features(zoom, blocks, shapes=False)
            fid = np.array([row.fid for row in found], dtype=np.int64)
            parts = [{row.kind: int(n)} if row.kind else {} for row, n in zip(found, self._weights(found), strict=True)]
            return Items(fid, *_homes(found), self._sums(found), parts)
        rows = await self._read_content(zoom, blocks)
        fid = np.array([-1 if row.fid is None else row.fid for row in rows], dtype=np.int64)
        return Items(fid, *_homes(rows), _stored(rows), [row.parts or {} for row in rows])

    async def _areas(self, zoom: int, blocks: Sequence[Block]) -> Areas:
        if self._finest(zoom):
            found = await self._read_features(zoom, blocks, shapes=True)
            return Areas([row.kind or "" for row in found], *_homes(found), self._sums(found), _shapes(found))
        rows = await self._read_content(zoom, blocks)
        cells = [row.cells or b"" for row in rows]
        return Areas(_kinds(rows), *_homes(rows), _stored(rows), cells=cells)

    async def _lines(self, zoom: int, blocks: Sequence[Block]) -> Lines:
        if self._finest(zoom):
            found = await self._read_features(zoom, blocks, shapes=True)
            return Lines(_shapes(found), [row.kind or "" for row in found])
        rows = await content_meeting(self._connection, self._content, zoom + 1, _bounds(zoom, blocks))
        return Lines(_shapes(rows), _kinds(rows), _stored(rows))

    async def _all_features(self) -> Features:
        if self._features is None:
            rows = await features_in(self._connection, self._schema, self._plan, None, shapes=True)
            fid = np.array([row.fid for row in rows], dtype=np.int64)
            self._features = Features(fid, _shapes(rows), *_homes(rows))
        return self._features

    def _sums(self, rows: Sequence[FeatureRow]) -> Integers:
        area = np.array([row.area_m2 for row in rows], dtype=float)
        ground = area * ground_area_share(_homes(rows)[1])
        columns = [np.array(column, dtype=float) for column in value_columns(rows)]
        return Sums(self._plan).base(ground, columns)

    def _weights(self, rows: Sequence[FeatureRow]) -> list[int]:
        """What a feature counts in the choice of the dominant class: its area, else one."""
        sums = self._sums(rows)
        return [int(value) for value in sums[:, 1 if self._plan.measure_name else 0]]


def _bounds(zoom: int, blocks: Sequence[Block]) -> Box:
    """Web Mercator bounds of blocks together."""
    deep = zoom + BLOCK_LEVELS
    boxes = np.array([tile_box(deep, x, y) for x, y in blocks])
    west, south, _, _ = boxes.min(axis=0).tolist()
    _, _, east, north = boxes.max(axis=0).tolist()
    return west, south, east, north


def _children(blocks: Sequence[Block]) -> Blocks:
    """The rectangle of the next zoom's blocks that blocks lie in."""
    columns, rows = [x for x, _ in blocks], [y for _, y in blocks]
    return 2 * min(columns), 2 * max(columns) + 1, 2 * min(rows), 2 * max(rows) + 1


def _within(items: Items, zoom: int, blocks: Sequence[Block]) -> Items:
    """The items whose home lies in one of the blocks."""
    east, south = to_units(items.x, items.y, zoom)
    wanted = set(blocks)
    columns, rows = (np.floor(v / BLOCK_UNITS).astype(int).tolist() for v in (east, south))
    return items.take(np.array([n for n, b in enumerate(zip(columns, rows, strict=True)) if b in wanted], dtype=int))


def _homes(rows: Sequence[FeatureRow] | Sequence[ContentRow]) -> tuple[Floats, Floats]:
    return np.array([row.x for row in rows], dtype=float), np.array([row.y for row in rows], dtype=float)


def _kinds(rows: Sequence[ContentRow]) -> list[str]:
    """The class of rows that have one each."""
    return [next(iter(row.parts or {"": 0})) for row in rows]


def _stored(rows: Sequence[ContentRow]) -> Integers:
    width = len(rows[0].sums) if rows else 1
    return np.array([row.sums for row in rows], dtype=np.int64).reshape(len(rows), width)


def _shapes(rows: Sequence[FeatureRow] | Sequence[ContentRow]) -> NDArray[Any]:
    return np.asarray(shapely.from_wkb([row.shape for row in rows]))
