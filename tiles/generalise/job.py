"""Keeping the generalised content of layers true: built once, then only the blocks that changes touched."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import StoreError
from cim.model.collection import BoundingBox, Collection
from cim.model.general import GeneralPlan
from cim.store.collections import all_collections, the_collection
from cim.store.database import Database
from cim.store.general_source import edited_boxes, is_pruned, touched_blocks
from cim.store.general_tables import (
    GeneralState,
    adopt_content,
    create_content,
    general_state,
    general_states,
    index_zoom,
    new_content,
    put_state,
    remove_content,
    take_turn,
)
from cim.store.general_writing import clear_blocks, write_rows
from layers.catalog import Catalog
from layers.general_plan import general_plan
from tiles.generalise.grid import BLOCK_LEVELS, BLOCK_UNITS, EARTH_RADIUS_M, latitude, tile_box, to_units
from tiles.generalise.sources import Source

LOCK_WAIT_MS = 30_000
MOST_BLOCKS = 20_000
"""Edits that touch more are looked up row by row instead of by their bounds."""
MOST_LATITUDE = 85.05
NEAR = 1e-6
"""Share of a block within which bounds count as touching the next one."""
Block = tuple[int, int]
_log = structlog.get_logger()


async def generalise_behind(database: Database, catalog: Catalog) -> list[str]:
    """Bring every layer up to date whose content is older than its version; returns their ids.

    A layer that fails does not keep the others waiting; the first failure is raised when all have had their turn.
    """
    async with database.writing("general") as connection:
        collections = await all_collections(connection)
        states = await general_states(connection)
    done: list[str] = []
    failures: list[StoreError] = []
    for layer, collection in collections.items():
        plan = general_plan(catalog, collection)
        if not collection.version or not _is_behind(states.get(layer), plan, collection.version):
            continue
        try:
            if await bring_up_to_date(database, layer, plan):
                done.append(layer)
        except StoreError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def _is_behind(state: GeneralState | None, plan: GeneralPlan, version: int) -> bool:
    if state is None:
        return plan.method != "none"
    return state.version < version or state.plan != plan


async def bring_up_to_date(database: Database, layer: str, plan: GeneralPlan) -> bool:
    """Make a layer's content show its current version, in one transaction; whether it did anything.

    It does nothing when there is nothing to do, and when another process is at it. Readers see the content before or
    after.
    """
    async with database.writing("general", lock_wait_ms=LOCK_WAIT_MS, timeout_ms=0) as connection:
        if not await take_turn(connection, layer):
            return False
        collection = await the_collection(connection, layer)
        if plan.method == "none" or collection.schema.geometry == "none":
            await remove_content(connection, layer)
            return True
        state = await general_state(connection, layer)
        whole = state is None or state.plan != plan
        if state and not whole and state.version >= collection.version:
            return False
        whole = whole or (state is not None and await is_pruned(connection, layer, state.version))
        since = None if whole or state is None else state.version
        name = new_content(layer) if whole else layer
        if whole:
            await create_content(connection, layer)
        source = Source(connection, collection.schema, plan, name)
        touched = blocks = await _touched(connection, collection, plan, since)
        for zoom in range(plan.full_zoom - 1, -1, -1):
            for part in _by_tile(blocks):
                rows = await source.rows(zoom, part)
                if not whole:
                    await clear_blocks(connection, name, zoom, part)
                await write_rows(connection, collection.schema, plan, name, zoom, rows)
            if whole:
                await index_zoom(connection, layer, zoom)
            blocks = {(x >> 1, y >> 1) for x, y in blocks}
        if whole:
            await adopt_content(connection, layer)
        await put_state(connection, layer, collection.version, plan, None if whole else _degrees(touched, plan))
    _log.info("generalised", layer=layer, version=collection.version, whole=whole)
    return True


async def _touched(
    connection: AsyncConnection, collection: Collection, plan: GeneralPlan, since: int | None
) -> set[Block]:
    """Blocks of the finest zoom that are to be made; a layer that is simplified is one block."""
    if plan.method == "simplified":
        return {(0, 0)}
    zoom = plan.full_zoom - 1
    boxes = await edited_boxes(connection, collection.id, since) if since is not None else None
    if boxes is not None:
        blocks = _blocks_of(boxes, zoom)
        if blocks is not None:
            return blocks
    return await touched_blocks(connection, collection.schema, zoom, since)


def _blocks_of(boxes: Iterable[BoundingBox], zoom: int) -> set[Block] | None:
    """Blocks that bounds in degrees meet; None when they are too many to list."""
    blocks: set[Block] = set()
    for west, south, east, north in boxes:
        x = np.radians([west, east]) * EARTH_RADIUS_M
        y = np.arctanh(np.sin(np.radians(np.clip([north, south], -MOST_LATITUDE, MOST_LATITUDE)))) * EARTH_RADIUS_M
        columns, rows = ((v / BLOCK_UNITS).tolist() for v in to_units(x, y, zoom))
        across = range(int(columns[0] - NEAR), int(columns[1] + NEAR) + 1)
        down = range(int(rows[0] - NEAR), int(rows[1] + NEAR) + 1)
        if len(blocks) + len(across) * len(down) > MOST_BLOCKS:
            return None
        blocks |= {(column, row) for column in across for row in down}
    return blocks


def _by_tile(blocks: Iterable[Block]) -> list[list[Block]]:
    """Blocks sorted into the tiles they lie in."""
    tiles: dict[Block, list[Block]] = defaultdict(list)
    for x, y in sorted(blocks):
        tiles[x >> BLOCK_LEVELS, y >> BLOCK_LEVELS].append((x, y))
    return [tiles[tile] for tile in sorted(tiles)]


def _degrees(blocks: Iterable[Block], plan: GeneralPlan) -> BoundingBox | None:
    """The bounds of blocks in degrees; None for everything."""
    if plan.method == "simplified":
        return None
    boxes = [tile_box(plan.full_zoom - 1 + BLOCK_LEVELS, x, y) for x, y in blocks]
    if not boxes:
        return None
    sides = np.array(boxes)
    west, east = np.degrees(np.array([sides[:, 0].min(), sides[:, 2].max()]) / EARTH_RADIUS_M).tolist()
    south, north = np.degrees(latitude(np.array([sides[:, 1].min(), sides[:, 3].max()]))).tolist()
    return west, south, east, north
