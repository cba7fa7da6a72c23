"""Merging a staged delivery into a collection that already has versions.

Rows are matched by key and compared by content hash. A row edited by SQL has no hash; it is compared column by
column, so that re-importing what somebody typed by hand is recognised as unchanged.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, StoreConflict
from cim.model.collection import CollectionSchema, ImportMode, VersionChange
from cim.store.collection_ddl import index_ended, refresh_view, widen_scenarios
from cim.store.collection_tables import column_type, quoted, stored_columns
from cim.store.collections import put_schema
from cim.store.staging import NAMESPACE, staging_name


async def evolve(connection: AsyncConnection, known: CollectionSchema, incoming: CollectionSchema) -> CollectionSchema:
    """Widen a collection by the incoming fields it lacks; returns the schema it has afterwards.

    Raises BadRequest when the geometry type, storage CRS, key or the type of a shared field differ: a silent
    conversion would change what the layer means.
    """
    refuse_difference(known, incoming)
    await index_ended(connection, known)
    have = set(known.field_names)
    new = tuple(field for field in incoming.fields if field.name not in have)
    if not new:
        return known
    schema = CollectionSchema(known.id, known.geometry, known.srid, (*known.fields, *new), known.key, known.kind)
    for field in new:
        kind = column_type(field).compile(dialect=connection.dialect)
        await connection.execute(
            sa.text(f"ALTER TABLE {quoted('history', known.id)} ADD COLUMN {quoted(field.name)} {kind}")
        )
    await widen_scenarios(connection, known.id, new)
    await put_schema(connection, schema)
    await refresh_view(connection, schema)
    return schema


def refuse_difference(known: CollectionSchema, incoming: CollectionSchema) -> None:
    """Raise BadRequest where a delivery does not fit a layer: kind, geometry, key, storage CRS or a field's type."""
    pairs: list[tuple[str, str | None, str | None]] = [
        ("kind of layer", known.kind, incoming.kind),
        ("geometry type", known.geometry, incoming.geometry),
    ]
    pairs.append(("key field", known.key, incoming.key))
    pairs.append(("coordinate system", f"EPSG:{known.srid}", f"EPSG:{incoming.srid}"))
    types = {field.name: field.type for field in known.fields}
    pairs += [
        (f"type of field {field.name}", types[field.name], field.type)
        for field in incoming.fields
        if field.name in types
    ]
    for what, old, new in pairs:
        if old != new:
            raise BadRequest(
                f"the {what} is {new}, but the layer has {old}",
                where=f"layer {known.id}",
                remedy="deliver it as before, or import it as a new layer with --layer",
            )


async def merge(
    connection: AsyncConnection,
    schema: CollectionSchema,
    run: int,
    number: int,
    mode: ImportMode,
    area: str | None,
) -> VersionChange:
    """Bring a staged run into the collection as version ``number``; the three counts are exact."""
    table, staging = quoted("history", schema.id), quoted(NAMESPACE, staging_name(run))
    await join_by_hash(connection)
    await connection.execute(sa.text(f"CREATE INDEX ON {staging} (key)"))
    await connection.execute(sa.text(f"ANALYZE {staging}"))
    await fill_missing_columns(connection, schema, staging)
    if mode is ImportMode.APPEND:
        await _refuse_known_keys(connection, schema, table, staging)
    if mode is ImportMode.REPLACE_AREA and area is None:
        raise BadRequest("replace-area needs an area", where="--area", remedy="give a polygon file with --area")
    removed = 0
    if mode in (ImportMode.REPLACE, ImportMode.REPLACE_AREA):
        removed = await _end_missing(connection, table, staging, number, area)
    changed = await _end_changed(connection, schema, table, staging, number)
    inserted = await _insert_new(connection, schema, table, staging, number)
    return VersionChange(inserted - changed, changed, removed)


async def join_by_hash(connection: AsyncConnection) -> None:
    """Keep this transaction from nested loops.

    Rows ended a moment ago are not in the statistics yet, so the planner expects one and would compare every staged
    row with every kept one: hours instead of seconds.
    """
    await connection.execute(sa.text("SET LOCAL enable_nestloop = off"))


async def fill_missing_columns(connection: AsyncConnection, schema: CollectionSchema, staging: str) -> None:
    """Give staging the collection's columns that this delivery lacks, so that both sides compare alike."""
    for field in schema.fields:
        kind = column_type(field).compile(dialect=connection.dialect)
        await connection.execute(sa.text(f"ALTER TABLE {staging} ADD COLUMN IF NOT EXISTS {quoted(field.name)} {kind}"))


async def _refuse_known_keys(connection: AsyncConnection, schema: CollectionSchema, table: str, staging: str) -> None:
    known = await connection.execute(
        sa.text(f"""
        SELECT s.key FROM {staging} s JOIN {table} t ON t.key = s.key AND t.valid_to_version IS NULL
        ORDER BY 1 LIMIT 3
        """)
    )
    keys = list(known.scalars())
    if keys:
        raise StoreConflict(
            f"append found features that are already there: {', '.join(keys)}",
            where=f"layer {schema.id}",
            remedy="use --mode upsert to change them, or take them out of the file",
        )


async def _end_missing(connection: AsyncConnection, table: str, staging: str, number: int, area: str | None) -> int:
    inside = (
        ""
        if area is None
        else (
            " AND geom_3857 && ST_Transform(ST_GeomFromEWKT(:area), 3857)"
            " AND ST_Intersects(geom_3857, ST_Transform(ST_GeomFromEWKT(:area), 3857))"
        )
    )
    done = await connection.execute(
        sa.text(f"""
        UPDATE {table} t SET valid_to_version = {number:d}
        WHERE t.valid_to_version IS NULL AND NOT EXISTS (SELECT FROM {staging} s WHERE s.key = t.key){inside}
        """),
        {} if area is None else {"area": area},
    )
    return done.rowcount


async def _end_changed(
    connection: AsyncConnection, schema: CollectionSchema, table: str, staging: str, number: int
) -> int:
    done = await connection.execute(
        sa.text(f"""
        UPDATE {table} t SET valid_to_version = {number:d}
        FROM {staging} s
        WHERE t.valid_to_version IS NULL AND s.key = t.key
          AND NOT ({same_content(schema, "t", "s")})
        """)
    )
    return done.rowcount


async def _insert_new(
    connection: AsyncConnection, schema: CollectionSchema, table: str, staging: str, number: int
) -> int:
    columns = stored_columns(schema)
    comma = f", {columns}" if columns else ""
    values = comma.replace(', "', ', s."')
    done = await connection.execute(
        sa.text(f"""
        INSERT INTO {table} (fid, key, content_hash, valid_from_version{comma})
        SELECT coalesce(old.fid, nextval(:sequence)), s.key, s.content_hash, {number:d}{values}
        FROM {staging} s
        LEFT JOIN (SELECT key, fid FROM {table} WHERE valid_to_version = {number:d}) old ON old.key = s.key
        WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.key = s.key AND t.valid_to_version IS NULL)
        """),
        {"sequence": quoted("history", f"{schema.id}_fid")},
    )
    return done.rowcount


def same_content(schema: CollectionSchema, one: str, other: str) -> str:
    """SQL that is true when two rows hold the same feature: equal hashes, or equal columns where one has no hash."""
    pairs = [f"{one}.{quoted(n)} IS NOT DISTINCT FROM {other}.{quoted(n)}" for n in schema.field_names]
    if schema.geometry != "none":
        pairs.append(f"ST_AsBinary({one}.geom) IS NOT DISTINCT FROM ST_AsBinary({other}.geom)")
    columns = " AND ".join(pairs) or "true"
    return (
        f"coalesce({one}.content_hash = {other}.content_hash, false)"
        f" OR (({one}.content_hash IS NULL OR {other}.content_hash IS NULL) AND {columns})"
    )
