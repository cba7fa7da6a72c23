"""Versions of a collection: publish a staged import, roll back, look back, compare.

Publishing is one transaction. A collection's first version adopts its staging table as it is; later versions merge
staging into the collection by key and content hash, so unchanged rows are not written at all. Readers see the
version before or the version after, never a mixture.
"""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.access import Grade
from cim.model.collection import BoundingBox, CollectionSchema, ImportMode, Version, VersionChange
from cim.store import tables as t
from cim.store.changes import touch, touch_version
from cim.store.collection_ddl import adopt_staging
from cim.store.collection_tables import lonlat_name, quoted, stored_columns
from cim.store.collections import find_collection, lock_layer, put_schema, the_collection
from cim.store.merging import evolve, join_by_hash, merge, same_content
from cim.store.staging import drop_staging, staging_name
from cim.store.version_rows import version_from, write_version

ROLLED_BACK = "rolled back to version "


async def publish(
    connection: AsyncConnection,
    schema: CollectionSchema,
    run: int,
    *,
    mode: ImportMode,
    grade: Grade,
    author: str,
    note: str = "",
    area: str | None = None,
) -> Version | None:
    """Make a staged run the collection's next version; None when it changes nothing.

    ``grade`` is used for a new collection only. ``area`` is EWKT and bounds REPLACE_AREA. The staging table is gone
    afterwards. Raises StoreConflict when another writer holds the layer, or in APPEND mode on a key already there.
    """
    await lock_layer(connection, schema.id)
    existing = await find_collection(connection, schema.id)
    if existing is None:
        await put_schema(connection, schema, grade)
        await adopt_staging(connection, schema, staging_name(run))
        count = await connection.scalar(sa.text(f"SELECT count(*) FROM {quoted('history', schema.id)}"))
        change = VersionChange(count or 0, 0, 0)
        number = 1
    else:
        schema = await evolve(connection, existing.schema, schema)
        number = existing.version + 1
        change = await merge(connection, schema, run, number, mode, area)
        await drop_staging(connection, run)
        if change.empty:
            return None
    return await _record(connection, schema, number, change, "import", author, run=run, note=note)


async def rollback(connection: AsyncConnection, layer: str, number: int, *, author: str) -> Version | None:
    """Publish a new version whose features equal those of an older one; None when nothing differs.

    Version 0 is the state before the first one: the layer becomes empty.
    """
    await lock_layer(connection, layer)
    current = await the_collection(connection, layer)
    if number > 0:
        await the_version(connection, layer, number)
    name, new = quoted("history", layer), current.version + 1
    columns = stored_columns(current.schema)
    await join_by_hash(connection)
    for statement in (
        f"""
        CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
        SELECT fid, key, content_hash, {columns} FROM {name}
        WHERE valid_from_version <= {number:d} AND valid_to_version > {number:d}
        """,
        f"""
        CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
        SELECT w.key FROM wanted w JOIN {name} t ON t.key = w.key AND t.valid_to_version IS NULL
        WHERE {same_content(current.schema, "t", "w")}
        """,
        "DELETE FROM wanted w USING kept k WHERE k.key = w.key",
    ):
        await connection.execute(sa.text(statement))
    ended = await connection.execute(
        sa.text(f"""
        UPDATE {name} t SET valid_to_version = {new:d}
        WHERE valid_to_version IS NULL AND valid_from_version > {number:d}
          AND NOT EXISTS (SELECT FROM kept k WHERE k.key = t.key)
        RETURNING EXISTS (SELECT FROM wanted w WHERE w.key = t.key)
        """)
    )
    outcomes = list(ended.scalars())
    restored = await connection.execute(
        sa.text(f"""
        INSERT INTO {name} (fid, key, content_hash, valid_from_version, {columns})
        SELECT fid, key, content_hash, {new:d}, {columns} FROM wanted
        """)
    )
    await connection.execute(sa.text("DROP TABLE wanted, kept"))
    changed = sum(outcomes)
    change = VersionChange(restored.rowcount - changed, changed, len(outcomes) - changed)
    if change.empty:
        return None
    note = f"{ROLLED_BACK}{number}"
    return await _record(connection, current.schema, new, change, "rollback", author, note=note)


async def history(connection: AsyncConnection, layer: str) -> list[Version]:
    """All versions of a collection, newest first."""
    await the_collection(connection, layer)
    rows = await connection.execute(
        sa.select(t.version).where(t.version.c.layer == layer).order_by(t.version.c.number.desc())
    )
    return [version_from(row) for row in rows]


async def the_version(connection: AsyncConnection, layer: str, number: int) -> Version:
    """One version; NotFound names the versions there are."""
    rows = await connection.execute(
        sa.select(t.version).where(t.version.c.layer == layer, t.version.c.number == number)
    )
    row = rows.first()
    if row is not None and row.pruned:
        raise NotFound(
            f"the rows of version {number} of layer {layer} were removed to save space",
            where="version",
            remedy="`cim history` lists the versions that are kept; a backup may hold it",
        )
    if row is None:
        newest = (await the_collection(connection, layer)).version
        raise NotFound(
            f"layer {layer} has no version {number}",
            where="version",
            remedy=f"its versions are 1 to {newest}",
        )
    return version_from(row)


async def publishing_times(connection: AsyncConnection, wanted: Mapping[str, int]) -> dict[tuple[str, int], datetime]:
    """When versions of layers, by the number wanted of each, were published; those whose rows are gone are left out."""
    v = t.version
    asked = sa.tuple_(v.c.layer, v.c.number).in_(list(wanted.items()))
    rows = await connection.execute(sa.select(v.c.layer, v.c.number, v.c.created_at).where(asked, ~v.c.pruned))
    return {(row.layer, row.number): row.created_at for row in rows}


async def prune(connection: AsyncConnection, layer: str, keep: int) -> int:
    """Remove what only versions older than the newest ``keep`` hold; returns how many features' states are gone.

    Versions stay listed, marked as pruned; lineage of what is kept stays whole.
    """
    await lock_layer(connection, layer)
    first_kept = (await the_collection(connection, layer)).version - keep + 1
    gone = await connection.execute(
        sa.text(f"DELETE FROM {quoted('history', layer)} WHERE valid_to_version <= {first_kept:d}")
    )
    await connection.execute(
        sa.update(t.version).where(t.version.c.layer == layer, t.version.c.number < first_kept).values(pruned=True)
    )
    return gone.rowcount


async def _record(
    connection: AsyncConnection,
    schema: CollectionSchema,
    number: int,
    change: VersionChange,
    origin: str,
    author: str,
    *,
    run: int | None = None,
    note: str = "",
) -> Version:
    """Write the version row, move the collection to it and announce the change."""
    bbox = await _extent(connection, schema)
    version = await write_version(
        connection, schema.id, number, change, bbox, origin=origin, author=author, run=run, note=note
    )
    if number == 1:
        await touch(connection, schema.id, number, bbox)
    else:
        await touch_version(connection, schema, number)
    return version


async def _extent(connection: AsyncConnection, schema: CollectionSchema) -> BoundingBox | None:
    if schema.geometry == "none":
        return None
    row = (
        await connection.execute(
            sa.text(f"""
            SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)
            FROM (SELECT ST_Extent({lonlat_name(schema)}) AS e FROM {quoted("history", schema.id)}
                  WHERE valid_to_version IS NULL) AS extent
            """)
        )
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])
