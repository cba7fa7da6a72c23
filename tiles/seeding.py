"""Making the tiles of an area ahead of time: into the server's cache, or into an archive."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import morecantile

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from tiles.grid import MAX_ZOOM

Tile = tuple[int, int, int]
"""Zoom, column, row."""
MakeTile = Callable[[int, int, int], Awaitable[bytes]]
"""Gives the gzipped bytes of a tile by zoom, column and row; empty where the layer has nothing."""
MOST_TILES = 20_000_000
_MERCATOR = morecantile.tms.get("WebMercatorQuad")
_EDGE_DEG = 85.0511


class TileStore(Protocol):
    """Where tiles go, and which are there from a run before."""

    def has(self, tile: Tile) -> bool | None:
        """Whether a tile is there (None: not yet); False is a tile known to be empty."""

    def put(self, tile: Tile, data: bytes) -> None:
        """Keep a tile; empty bytes say that it has nothing."""


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """What to make: all tiles of the zooms that touch the box (west, south, east, north in degrees)."""

    bbox: BoundingBox
    minzoom: int
    maxzoom: int

    def __post_init__(self) -> None:
        """Refuse zooms that do not exist and areas without end."""
        if not 0 <= self.minzoom <= self.maxzoom <= MAX_ZOOM:
            raise BadRequest(
                f"zooms {self.minzoom} to {self.maxzoom} do not exist",
                where="--zooms",
                remedy=f"give two of 0 to {MAX_ZOOM}, the lower first",
            )
        if self.count > MOST_TILES:
            raise BadRequest(
                f"that is {self.count} tiles",
                where="--zooms",
                remedy=f"choose a smaller area or lower zooms; {MOST_TILES} are the most",
            )

    @property
    def count(self) -> int:
        """How many tiles the box touches over all zooms."""
        return sum(map(self.count_at, self.zooms))

    def count_at(self, zoom: int) -> int:
        """How many tiles of one zoom the box touches."""
        columns, rows = self._ranges(zoom)
        return len(columns) * len(rows)

    @property
    def zooms(self) -> range:
        """The zooms from the farthest to the nearest."""
        return range(self.minzoom, self.maxzoom + 1)

    def touches(self, tile: Tile) -> bool:
        """Whether a tile lies in the box."""
        columns, rows = self._ranges(tile[0])
        return tile[1] in columns and tile[2] in rows

    def first(self) -> Iterator[Tile]:
        """The tiles of the lowest zoom, from which all others descend."""
        columns, rows = self._ranges(self.minzoom)
        return ((self.minzoom, x, y) for y in rows for x in columns)

    def _ranges(self, zoom: int) -> tuple[range, range]:
        west, south, east, north = self.bbox
        low = _MERCATOR.tile(max(west, -180.0), min(north, _EDGE_DEG), zoom)
        high = _MERCATOR.tile(min(east, 179.9999999), max(south, -_EDGE_DEG), zoom)
        return range(low.x, high.x + 1), range(low.y, high.y + 1)


@dataclass(slots=True)
class SeedCount:
    """What a run did: tiles made, found from a run before, empty, and left out below an empty tile; their bytes."""

    made: int = 0
    kept: int = 0
    empty: int = 0
    below_empty: int = 0
    size_bytes: int = 0

    @property
    def done(self) -> int:
        """Tiles that need nothing more."""
        return self.made + self.kept + self.empty + self.below_empty


async def seed(
    plan: SeedPlan,
    make: MakeTile,
    store: TileStore,
    progress: Callable[[SeedCount], None] = lambda _: None,
    *,
    at_once: int = 2,
) -> SeedCount:
    """Make every tile of a plan that the store has not got yet.

    Where a tile is empty nothing below it is asked for: a layer draws something in every tile that holds any of it.
    """
    count = SeedCount()
    zoom_tiles = list(plan.first())
    for zoom in plan.zooms:
        filled: list[Tile] = []
        for start in range(0, len(zoom_tiles), at_once):
            batch = zoom_tiles[start : start + at_once]
            answers = await asyncio.gather(*(_one(tile, make, store, count) for tile in batch))
            filled += [tile for tile, full in zip(batch, answers, strict=True) if full]
            progress(count)
        if zoom < plan.maxzoom:
            zoom_tiles = [child for tile in filled for child in _children(tile) if plan.touches(child)]
            count.below_empty += plan.count_at(zoom + 1) - len(zoom_tiles)
    return count


async def _one(tile: Tile, make: MakeTile, store: TileStore, count: SeedCount) -> bool:
    """Whether the tile holds anything."""
    there = store.has(tile)
    if there is None:
        data = await make(*tile)
        await asyncio.to_thread(store.put, tile, data)
        there = bool(data)
        count.made += there
        count.size_bytes += len(data)
    else:
        count.kept += there
    count.empty += not there
    return there


def _children(tile: Tile) -> list[Tile]:
    zoom, x, y = tile
    return [(zoom + 1, 2 * x + dx, 2 * y + dy) for dy in (0, 1) for dx in (0, 1)]
