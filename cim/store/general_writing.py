"""Writing generalised content: blocks are taken away and written anew within one transaction."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import CollectionSchema
from cim.model.general import GeneralPlan, GeneralRow
from cim.store.collection_tables import collection_table, derived_srids, lonlat, quoted
from cim.store.general_tables import SCHEMA

_COLUMNS = "zoom, block_x, block_y, fid, wide, home_x, home_y, sums, parts, cells, attributes, geom_3857, geom_4490"
MOST_PAIRS = 50
"""PostgreSQL takes at most 100 arguments of a function."""


async def clear_blocks(connection: AsyncConnection, content: str, zoom: int, blocks: Iterable[tuple[int, int]]) -> None:
    """Take away the rows of some blocks of a zoom; ``content`` is the table's name."""
    columns, rows = zip(*blocks, strict=True)
    await connection.execute(
        sa.text(
            f"DELETE FROM {quoted(SCHEMA, content)} g"
            " USING unnest(CAST(:columns AS int[]), CAST(:rows AS int[])) AS b(x, y)"
            f" WHERE g.zoom = {zoom:d} AND g.block_x = b.x AND g.block_y = b.y"
        ),
        {"columns": list(columns), "rows": list(rows)},
    )


async def write_rows(
    connection: AsyncConnection,
    schema: CollectionSchema,
    plan: GeneralPlan,
    content: str,
    zoom: int,
    rows: Sequence[GeneralRow],
) -> None:
    """Write rows of a zoom. A feature's own attributes stand beside those of its row."""
    await _copy_aggregates(connection, content, zoom, [row for row in rows if row.fid is None])
    own = [row for row in rows if row.fid is not None]
    if own:
        await connection.execute(sa.text(_own_statement(schema, plan, content, zoom)), _own_values(own))


async def _copy_aggregates(connection: AsyncConnection, content: str, zoom: int, rows: Sequence[GeneralRow]) -> None:
    if not rows:
        return
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("no driver connection")
    statement = f"COPY {quoted(SCHEMA, content)} ({_COLUMNS}) FROM STDIN"
    async with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            sums = "{" + ",".join(map(str, row.sums)) + "}"
            parts = json.dumps(row.parts, ensure_ascii=False) if row.parts else None
            attributes = json.dumps(row.attributes, ensure_ascii=False)
            values = (
                zoom,
                *row.block,
                None,
                row.wide,
                *row.home,
                sums,
                parts,
                row.cells,
                attributes,
                *(row.shape or (None, None)),
            )
            await copy.write_row(values)


def _own_values(rows: Sequence[GeneralRow]) -> dict[str, Any]:
    return {
        "rows": json.dumps(
            [
                {
                    "fid": row.fid,
                    "x": row.block[0],
                    "y": row.block[1],
                    "wide": row.wide,
                    "home_x": row.home[0],
                    "home_y": row.home[1],
                    "sums": row.sums,
                    "parts": row.parts,
                    "attributes": row.attributes,
                    "mercator": row.shape[0] if row.shape else None,
                    "lonlat": row.shape[1] if row.shape else None,
                }
                for row in rows
            ],
            ensure_ascii=False,
        )
    }


def _batches(fields: Sequence[str]) -> list[Sequence[str]]:
    return [fields[n : n + MOST_PAIRS] for n in range(0, len(fields), MOST_PAIRS)]


def _object(fields: Sequence[str]) -> str:
    """Fields of the feature ``t`` as an object."""
    return "jsonb_build_object(" + ", ".join(f"'{name}', t.{quoted(name)}" for name in fields) + ")"


def _own_statement(schema: CollectionSchema, plan: GeneralPlan, content: str, zoom: int) -> str:
    """Rows of features take what they do not bring, shape and attributes, from the current feature."""
    degrees = lonlat(collection_table(schema)).name if derived_srids(schema) else "geom"
    own = " || ".join(_object(part) for part in _batches(plan.fields)) or "'{}'"
    return f"""
        INSERT INTO {quoted(SCHEMA, content)} ({_COLUMNS})
        SELECT {zoom:d}, r.x, r.y, r.fid, r.wide, r.home_x, r.home_y, r.sums, nullif(r.parts, 'null'), NULL::bytea,
            r.attributes || jsonb_strip_nulls({own}),
            coalesce(r.mercator, t.geom_3857), coalesce(r.lonlat, ST_Force2D(t.{degrees}))
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(fid bigint, x int, y int, wide boolean, home_x float8,
            home_y float8, sums bigint[], parts jsonb, attributes jsonb, mercator geometry, lonlat geometry)
        JOIN {quoted("history", schema.id)} t ON t.fid = r.fid AND t.valid_to_version IS NULL
    """
