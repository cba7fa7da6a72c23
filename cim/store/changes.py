"""The sequence of changes that caches and other platforms follow.

Writers note the boxes they touch in ``cim.pending_change``; at commit the database turns them into rows of
``cim.change`` under one lock, so that numbers grow in the order in which changes become visible and nobody who reads
on from the last number misses one. Each layer keeps its newest thousand or two; what is older is one entry without a
box, which stands for a change anywhere.
"""

from collections.abc import Collection as Names
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.change import EVERY_LAYER, Change, ChangeHead
from cim.model.collection import BoundingBox, CollectionSchema
from cim.store import tables as t
from cim.store.collection_tables import lonlat_name, quoted

BOXES = 64
_SIDE = 8


async def touch(connection: AsyncConnection, layer: str, version: int, bbox: BoundingBox | None = None) -> None:
    """Note that this transaction changes a layer within a box in degrees, or anywhere."""
    await connection.execute(
        sa.text("SELECT cim.touch(:layer, :version, -1, -1, :west, :south, :east, :north)"),
        {"layer": layer, "version": version, **_sides(bbox)},
    )


async def touch_version(connection: AsyncConnection, schema: CollectionSchema, version: int) -> None:
    """Note where a version just written differs from the one before.

    Up to 64 features are noted one by one, more of them by a grid of eight by eight boxes over what changed. The
    span is computed once, not for each feature, whatever the planner expects of a table without statistics.
    """
    if schema.geometry == "none":
        await touch(connection, schema.id, version)
        return
    shape = lonlat_name(schema)
    done = await connection.execute(
        sa.text(f"""
        WITH changed AS MATERIALIZED (
            SELECT ST_XMin({shape}) AS west, ST_YMin({shape}) AS south, ST_XMax({shape}) AS east,
                   ST_YMax({shape}) AS north, row_number() OVER () AS number
            FROM {quoted("history", schema.id)}
            WHERE (valid_from_version = {version:d} OR valid_to_version = {version:d}) AND NOT ST_IsEmpty({shape})
        ), span AS MATERIALIZED (
            SELECT count(*) AS features, min(west) AS west, min(south) AS south,
                greatest(max(east) - min(west), 1e-9) / {_SIDE} AS width,
                greatest(max(north) - min(south), 1e-9) / {_SIDE} AS height
            FROM changed
        ), cells AS (
            SELECT CASE WHEN features <= {BOXES} THEN number
                    ELSE {_SIDE} * floor(((c.south + c.north) / 2 - s.south) / s.height)
                        + floor(((c.west + c.east) / 2 - s.west) / s.width) END::integer AS cell,
                min(c.west) AS west, min(c.south) AS south, max(c.east) AS east, max(c.north) AS north
            FROM changed c, span s GROUP BY 1
        )
        SELECT cim.touch(:layer, {version:d}, -2, cell, west, south, east, north) FROM cells
        """),
        {"layer": schema.id},
    )
    if not done.all():
        await touch(connection, schema.id, version)


async def change_heads(connection: AsyncConnection) -> dict[str, ChangeHead]:
    """Where the sequence of each layer stands."""
    rows = await connection.execute(sa.select(t.change_head))
    return {row.layer: ChangeHead(row.seq, row.first) for row in rows}


async def changes_after(
    connection: AsyncConnection, seq: int, *, layers: Names[str] | None = None, limit: int | None = None
) -> list[Change]:
    """Changes with a higher number, of some layers or of all, in order."""
    statement = sa.select(t.change).where(t.change.c.seq > seq).order_by(t.change.c.seq).limit(limit)
    if layers is not None:
        statement = statement.where(t.change.c.layer.in_([*layers, EVERY_LAYER]))
    return [_change(row) for row in (await connection.execute(statement)).mappings()]


def _change(row: Any) -> Change:
    bbox = row["bbox"]
    return Change(row["seq"], row["layer"], row["version"], tuple(bbox) if bbox else None, row["at"])


def _sides(bbox: BoundingBox | None) -> dict[str, float | None]:
    return dict(zip(("west", "south", "east", "north"), bbox or (None,) * 4, strict=True))
