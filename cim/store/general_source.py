"""What generalised content is made from: current features, and the content of the next finer zoom."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, CollectionSchema
from cim.model.general import GeneralPlan
from cim.store import tables as t
from cim.store.collection_tables import MERCATOR_SRID, collection_table, is_current, quoted
from cim.store.general_tables import SCHEMA

HALF_WORLD_M = 20_037_508.342789244
Box = tuple[float, float, float, float]
"""West, south, east, north in Web Mercator metres."""
Blocks = tuple[int, int, int, int]
"""First and last column, first and last row, all included."""


class FeatureRow(NamedTuple):
    """A current feature: its home in Web Mercator metres, planar area or 0, class, values, and WKB where asked for."""

    fid: int
    x: float
    y: float
    area_m2: float
    kind: str | None
    values: tuple[float | None, ...]
    shape: bytes | None


class ContentRow(NamedTuple):
    """A row of generalised content."""

    fid: int | None
    x: float
    y: float
    sums: list[int]
    parts: dict[str, int] | None
    cells: bytes | None
    shape: bytes | None


async def features_in(
    connection: AsyncConnection, schema: CollectionSchema, plan: GeneralPlan, box: Box | None, *, shapes: bool
) -> list[FeatureRow]:
    """Current features whose bounds meet a box, or all; in fid order."""
    table = collection_table(schema)
    shape = table.c.geom_3857
    point = sa.func.ST_PointOnSurface(shape)
    areal = schema.geometry.endswith("Polygon")
    kind = sa.cast(table.c[plan.class_field], sa.Text) if plan.class_field else sa.null()
    values = [sa.cast(table.c[name], sa.Float) for name in (*(s.field for s in plan.sums), *plan.means)]
    statement = sa.select(
        table.c.fid,
        sa.func.ST_X(point),
        sa.func.ST_Y(point),
        sa.func.ST_Area(shape) if areal else sa.literal(0.0),
        kind,
        sa.func.ST_AsBinary(sa.func.ST_Force2D(shape)) if shapes else sa.null(),
        *values,
    ).where(is_current(table), shape.is_not(None), sa.not_(sa.func.ST_IsEmpty(shape)))
    if box is not None:
        statement = statement.where(shape.op("&&")(sa.func.ST_MakeEnvelope(*box, MERCATOR_SRID)))
    rows = await connection.execute(statement.order_by(table.c.fid))
    return [FeatureRow(r[0], r[1], r[2], r[3], r[4], tuple(r[6:]), r[5]) for r in rows]


async def content_in(connection: AsyncConnection, content: str, zoom: int, blocks: Blocks) -> list[ContentRow]:
    """Rows of a zoom in a rectangle of its blocks, without shapes; ``content`` is the table's name."""
    where = "block_x BETWEEN :first_x AND :last_x AND block_y BETWEEN :first_y AND :last_y"
    names = ("first_x", "last_x", "first_y", "last_y")
    return await _content(connection, content, zoom, where, dict(zip(names, blocks, strict=True)), shapes=False)


async def content_meeting(connection: AsyncConnection, content: str, zoom: int, box: Box) -> list[ContentRow]:
    """Rows of a zoom whose bounds meet a box, with their shapes."""
    where = f"geom_3857 && ST_MakeEnvelope(:west, :south, :east, :north, {MERCATOR_SRID:d})"
    names = ("west", "south", "east", "north")
    return await _content(connection, content, zoom, where, dict(zip(names, box, strict=True)), shapes=True)


async def _content(
    connection: AsyncConnection, content: str, zoom: int, where: str, values: dict[str, Any], *, shapes: bool
) -> list[ContentRow]:
    shape = "ST_AsBinary(geom_3857)" if shapes else "NULL::bytea"
    rows = await connection.execute(
        sa.text(
            f"SELECT fid, home_x, home_y, sums, parts, cells, {shape} FROM {quoted(SCHEMA, content)}"
            f" WHERE zoom = {zoom:d} AND {where} ORDER BY home_x, home_y, fid, parts"
        ),
        values,
    )
    return [ContentRow(*row) for row in rows]


async def touched_blocks(
    connection: AsyncConnection, schema: CollectionSchema, zoom: int, since: int | None
) -> set[tuple[int, int]]:
    """Blocks of a zoom (tiles three zooms deeper) that current features meet, or those changed after a version."""
    table = quoted("history", schema.id)
    side = 2 * HALF_WORLD_M / 2 ** (zoom + 3)
    changed = "valid_to_version IS NULL"
    if since is not None:
        changed = f"valid_from_version > {since:d} OR valid_to_version > {since:d}"
    rows = await connection.execute(
        sa.text(f"""
        SELECT DISTINCT x, y FROM {table} t,
        generate_series(floor((ST_XMin(geom_3857) + {HALF_WORLD_M}) / {side})::int,
                        floor((ST_XMax(geom_3857) + {HALF_WORLD_M}) / {side})::int) AS x,
        generate_series(floor(({HALF_WORLD_M} - ST_YMax(geom_3857)) / {side})::int,
                        floor(({HALF_WORLD_M} - ST_YMin(geom_3857)) / {side})::int) AS y
        WHERE ({changed}) AND NOT ST_IsEmpty(geom_3857)
        """)
    )
    return {(row.x, row.y) for row in rows}


async def is_pruned(connection: AsyncConnection, layer: str, version: int) -> bool:
    """Whether rows that ended after a version may be gone, so that what changed since cannot be told any more."""
    pruned = sa.select(t.version.c.pruned).where(t.version.c.layer == layer, t.version.c.number == version)
    return bool(await connection.scalar(pruned))


async def edited_boxes(connection: AsyncConnection, layer: str, since: int) -> list[BoundingBox] | None:
    """Bounds in degrees of all changes after a version, when all of them are edits; None when one is not."""
    origins = await connection.execute(
        sa.select(t.version.c.origin).where(t.version.c.layer == layer, t.version.c.number > since).distinct()
    )
    if set(origins.scalars()) != {"edit"}:
        return None
    boxes = await connection.execute(
        sa.select(t.change.c.bbox)
        .where(t.change.c.layer == layer, t.change.c.version > since, t.change.c.bbox.is_not(None))
        .distinct()
    )
    return [(west, south, east, north) for west, south, east, north in boxes.scalars()]


def value_columns(rows: Sequence[FeatureRow]) -> list[list[float | None]]:
    """The rows' values by column."""
    return [list(column) for column in zip(*(row.values for row in rows), strict=True)]
