"""Staging: rows of one import on their way, in a table that only the writer can see.

A staging table has the full shape of a collection table and lives in the import's one transaction: created, filled by
binary COPY, checked and published, or gone with everything else when anything fails or anybody is killed.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import CollectionSchema
from cim.store import tables as t
from cim.store.collection_tables import collection_table, create_statement, derived_srids, quoted

NAMESPACE = "staging"
PAGE_ROWS = 20_000


def staging_name(run: int) -> str:
    """The staging table of an import run."""
    return f"run_{run}"


def staging_columns(schema: CollectionSchema) -> tuple[str, ...]:
    """Columns of the COPY, in order: fid, key, content hash, version, the fields, the geometry and what is derived."""
    geometry = () if schema.geometry == "none" else ("geom", *derived_srids(schema))
    return ("fid", "key", "content_hash", "valid_from_version", *schema.field_names, *geometry)


async def create_staging(connection: AsyncConnection, schema: CollectionSchema, run: int) -> None:
    """Make the empty staging table of a run.

    Its primary key is there from the start: rows come in its order, and checks read them in pages by it.
    """
    table = collection_table(schema, name=staging_name(run), namespace=NAMESPACE)
    await connection.execute(sa.text(create_statement(table).replace(":", r"\:")))
    name = quoted(NAMESPACE, staging_name(run))
    await connection.execute(sa.text(f"ALTER TABLE {name} ADD PRIMARY KEY (fid, valid_from_version)"))


async def copy_rows(
    connection: AsyncConnection, schema: CollectionSchema, run: int, payloads: Iterable[bytes | memoryview]
) -> None:
    """Stream binary COPY payloads (header, rows, trailer) into the staging table of a run."""
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("no driver connection")
    statement = sql.SQL("COPY {}.{} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(NAMESPACE),
        sql.Identifier(staging_name(run)),
        sql.SQL(", ").join(sql.Identifier(name) for name in staging_columns(schema)),
    )
    async with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for payload in payloads:
            await copy.write(payload)


async def duplicate_keys(connection: AsyncConnection, run: int, limit: int = 5) -> Sequence[tuple[str, int]]:
    """Keys met more than once in a run's staging table, with their counts, most frequent first."""
    name = quoted(NAMESPACE, staging_name(run))
    rows = await connection.execute(
        sa.text(f"SELECT key, count(*) FROM {name} GROUP BY key HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT :limit"),
        {"limit": limit},
    )
    return [(row[0], row[1]) for row in rows]


async def number_repeated_keys(connection: AsyncConnection, run: int) -> None:
    """Tell equal keys apart by appending -2, -3 ...: for layers whose content is the key."""
    name = quoted(NAMESPACE, staging_name(run))
    await connection.execute(
        sa.text(f"""
        UPDATE {name} s SET key = s.key || '-' || n.number
        FROM (SELECT fid, row_number() OVER (PARTITION BY key ORDER BY fid) AS number FROM {name}) n
        WHERE n.fid = s.fid AND n.number > 1
        """)
    )


@dataclass(frozen=True, slots=True)
class StagedShapes:
    """Some rows in staging: their numbers and WKB in storage coordinates."""

    fids: list[int]
    wkb: list[bytes]


async def staged_shapes(connection: AsyncConnection, run: int) -> AsyncIterator[StagedShapes]:
    """The rows of a staging table that have a shape, in pages by number."""
    name = quoted(NAMESPACE, staging_name(run))
    statement = sa.text(
        f"SELECT fid, ST_AsBinary(geom) FROM {name} WHERE geom IS NOT NULL AND fid > :last ORDER BY fid LIMIT :rows"
    )
    last = -1
    while rows := (await connection.execute(statement, {"last": last, "rows": PAGE_ROWS})).all():
        last = rows[-1][0]
        yield StagedShapes([row[0] for row in rows], [bytes(row[1]) for row in rows])


async def repeated_values(connection: AsyncConnection, run: int, field: str) -> list[tuple[str, list[int]]]:
    """Values of a field that several rows in staging have, with the numbers of those rows."""
    name, column = quoted(NAMESPACE, staging_name(run)), quoted(field)
    rows = await connection.execute(
        sa.text(
            f"SELECT {column}::text, array_agg(fid ORDER BY fid) FROM {name} WHERE {column} IS NOT NULL"
            f" GROUP BY {column} HAVING count(*) > 1 ORDER BY min(fid)"
        )
    )
    return [(row[0], list(row[1])) for row in rows]


async def value_counts(connection: AsyncConnection, run: int, field: str) -> dict[str | None, int]:
    """How often each value of a field is met in staging, as text; None counts the rows without one."""
    name, column = quoted(NAMESPACE, staging_name(run)), quoted(field)
    rows = await connection.execute(sa.text(f"SELECT {column}::text, count(*) FROM {name} GROUP BY 1"))
    return {row[0]: row[1] for row in rows}


async def rows_of_values(
    connection: AsyncConnection, run: int, field: str, values: Iterable[str]
) -> list[tuple[int, str]]:
    """Numbers of the rows in staging whose field has one of these values, with the value, in order."""
    name, column = quoted(NAMESPACE, staging_name(run)), quoted(field)
    rows = await connection.execute(
        sa.text(f"SELECT fid, {column}::text FROM {name} WHERE {column}::text = ANY(:wanted) ORDER BY fid"),
        {"wanted": list(values)},
    )
    return [(row[0], row[1]) for row in rows]


async def outside_regions(
    connection: AsyncConnection, schema: CollectionSchema, run: int, level: str, margin_deg: float
) -> list[int] | None:
    """Numbers of the rows that lie not wholly within the regions of a level; None when there is no such region."""
    if not await connection.scalar(sa.select(sa.func.count()).where(t.region.c.level == level)):
        return None
    name = quoted(NAMESPACE, staging_name(run))
    shape = quoted("geom_4490" if "geom_4490" in derived_srids(schema) else "geom")
    rows = await connection.execute(
        sa.text(
            f"WITH area AS MATERIALIZED (SELECT ST_Buffer(ST_Union(geom), :margin) AS geom FROM cim.region"
            f" WHERE level = :level) SELECT s.fid FROM {name} s, area"
            f" WHERE s.geom IS NOT NULL AND NOT ST_Covers(area.geom, s.{shape}) ORDER BY s.fid"
        ),
        {"level": level, "margin": margin_deg},
    )
    return list(rows.scalars())


async def remove_staged(connection: AsyncConnection, run: int, fids: Iterable[int]) -> None:
    """Take rows out of staging by their numbers."""
    name = quoted(NAMESPACE, staging_name(run))
    await connection.execute(sa.text(f"DELETE FROM {name} WHERE fid = ANY(:fids)"), {"fids": list(fids)})


async def staged_values(connection: AsyncConnection, run: int, field: str) -> list[str]:
    """The texts of a field of the staged rows, in row order."""
    name = quoted(NAMESPACE, staging_name(run))
    rows = await connection.execute(sa.text(f"SELECT {quoted(field)} FROM {name} ORDER BY fid"))
    return [str(value) for value in rows.scalars()]


async def drop_staging(connection: AsyncConnection, run: int) -> None:
    """Remove a run's staging table if it is still there."""
    await connection.execute(sa.text(f"DROP TABLE IF EXISTS {quoted(NAMESPACE, staging_name(run))}"))


async def sweep_runs(connection: AsyncConnection) -> list[int]:
    """Close the runs of imports that were killed; returns their numbers.

    Their staging went with their transaction. A living import holds the advisory lock of its run, so it is left alone.
    """
    running = await connection.execute(sa.select(t.import_run.c.id).where(t.import_run.c.status == "running"))
    swept = [run for run in running.scalars() if await claim_run(connection, run)]
    await connection.execute(
        sa.update(t.import_run)
        .where(t.import_run.c.id.in_(swept), t.import_run.c.status == "running")
        .values(status="refused", message="the import was interrupted; nothing changed", finished_at=sa.func.now())
    )
    return swept


async def claim_run(connection: AsyncConnection, run: int) -> bool:
    """Hold a run's advisory lock for this transaction; False when another transaction holds it."""
    got = await connection.scalar(
        sa.select(sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(f"run:{run}", 0)))
    )
    return bool(got)
