"""Making a collection's table, view, triggers, rights and row-level security."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import CollectionSchema, Field
from cim.store import tables as t
from cim.store.collection_tables import SCENARIOS, column_type, content_columns, quoted, scenario_table_name


async def index_staging(connection: AsyncConnection, schema: CollectionSchema, staging: str) -> None:
    """Build on a filled staging table the other indexes a collection has, so that adopting it is a rename."""
    name = quoted("staging", staging)
    await _execute(connection, "SET LOCAL maintenance_work_mem = '256MB'")
    await _execute(connection, f"CREATE UNIQUE INDEX ON {name} (key) WHERE valid_to_version IS NULL")
    if schema.geometry != "none":
        await _execute(connection, f"CREATE INDEX ON {name} USING gist (geom_3857) WHERE valid_to_version IS NULL")
    await _execute(connection, f"ANALYZE {name} ({_planned_columns(schema)})")


def _planned_columns(schema: CollectionSchema) -> str:
    """The columns that queries are planned by; the other geometries and the content hash are only carried along."""
    shapes = [] if schema.geometry == "none" else ["geom_3857"]
    return ", ".join(quoted(name) for name in ("fid", "key", "valid_to_version", *schema.field_names, *shapes))


async def adopt_staging(connection: AsyncConnection, schema: CollectionSchema, staging: str) -> None:
    """Turn an indexed staging table into the table of a new collection, and give it view, rights and policies."""
    table, sequence = quoted("history", schema.id), quoted("history", f"{schema.id}_fid")
    await _execute(connection, f"ALTER TABLE {quoted('staging', staging)} RENAME TO {quoted(schema.id)}")
    await _execute(connection, f"ALTER TABLE {quoted('staging', schema.id)} SET SCHEMA history")
    await _execute(connection, f"CREATE SEQUENCE {sequence} AS bigint")
    await connection.execute(
        sa.text(f"SELECT setval(:sequence, coalesce(max(fid), 0) + 1, false) FROM {table}"),
        {"sequence": sequence},
    )
    await _execute(connection, f"GRANT SELECT ON {table} TO cim_reader")
    await _derive_geometry(connection, schema)
    await index_ended(connection, schema)
    if await overlaps_is_leakproof(connection):
        await secure_rows(connection, schema)
    await refresh_view(connection, schema)


async def index_ended(connection: AsyncConnection, schema: CollectionSchema) -> None:
    """Index ended rows by id and by shape, for looking at older versions; current rows have indexes of their own."""
    ways = {"_ended": "(fid)"} | ({} if schema.geometry == "none" else {"_ended_geom": "USING gist (geom_3857)"})
    for name, way in ways.items():
        await _execute(
            connection,
            f"CREATE INDEX IF NOT EXISTS {quoted(schema.id + name)} ON {quoted('history', schema.id)}"
            f" {way} WHERE valid_to_version IS NOT NULL",
        )


async def _derive_geometry(connection: AsyncConnection, schema: CollectionSchema) -> None:
    """Keep the derived geometry true for writers that do not bring it along."""
    if schema.geometry == "none":
        return
    table = quoted("history", schema.id)
    derive = f"EXECUTE FUNCTION cim.derive_geometry('{'geom_4490' if schema.srid != 4490 else ''}')"
    await _execute(
        connection,
        f"CREATE TRIGGER derive_inserted BEFORE INSERT ON {table} FOR EACH ROW"
        f" WHEN (NEW.geom IS NOT NULL AND NEW.geom_3857 IS NULL) {derive}",
    )
    await _execute(connection, f"CREATE TRIGGER derive_updated BEFORE UPDATE OF geom ON {table} FOR EACH ROW {derive}")


async def refresh_view(connection: AsyncConnection, schema: CollectionSchema) -> None:
    """(Re)make ``city.<layer>``: the current features, editable by SQL; each editing transaction is a version."""
    view, table = quoted("city", schema.id), quoted("history", schema.id)
    columns = content_columns(schema)
    await _execute(connection, f"DROP VIEW IF EXISTS {view}")
    await _execute(
        connection,
        f"CREATE VIEW {view} WITH (security_invoker = true) AS "
        f"SELECT fid{', ' + columns if columns else ''} FROM {table} WHERE valid_to_version IS NULL",
    )
    await _execute(
        connection,
        f"CREATE TRIGGER edit INSTEAD OF INSERT OR UPDATE OR DELETE ON {view}"
        " FOR EACH ROW EXECUTE FUNCTION cim.edit_feature()",
    )
    await _execute(connection, f"GRANT SELECT ON {view} TO cim_reader")


async def widen_scenarios(connection: AsyncConnection, layer: str, fields: Sequence[Field]) -> None:
    """Give the tables that scenarios keep for a layer the fields it has got."""
    held = await connection.execute(sa.select(t.scenario_layer.c.scenario).where(t.scenario_layer.c.layer == layer))
    for scenario in held.scalars():
        table = quoted(SCENARIOS, scenario_table_name(layer, scenario))
        for field in fields:
            kind = column_type(field).compile(dialect=connection.dialect)
            await connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {quoted(field.name)} {kind}"))


async def secure_rows(
    connection: AsyncConnection, schema: CollectionSchema, namespace: str = "history", name: str = ""
) -> None:
    """Row-level security on a collection's table: the second net below the policy's own predicates."""
    table = quoted(namespace, name or schema.id)
    opening = f"(SELECT cim.opening('{schema.id}'))"
    inside = "false"
    if schema.geometry != "none":
        lonlat = "geom" if schema.srid == 4490 else "geom_4490"
        inside = (
            f"({opening} <> '' AND"
            f" ST_Intersects(ST_PointOnSurface({lonlat}), (SELECT cim.opening_area('{schema.id}'))))"
        )
    await _execute(connection, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    await _execute(connection, f"DROP POLICY IF EXISTS readers ON {table}")
    await _execute(
        connection,
        f"CREATE POLICY readers ON {table} FOR SELECT TO cim_reader USING ({opening} = '*' OR {inside})",
    )


async def overlaps_is_leakproof(connection: AsyncConnection) -> bool:
    """Whether the spatial index survives row-level security in this database.

    PostgreSQL lets only LEAKPROOF operators use an index below a policy; PostGIS ships ``&&`` without that mark.
    """
    return bool(
        await connection.scalar(
            sa.text("SELECT proleakproof FROM pg_proc WHERE oid = 'geometry_overlaps(geometry,geometry)'::regprocedure")
        )
    )


async def _execute(connection: AsyncConnection, statement: str) -> None:
    await connection.execute(sa.text(statement))
