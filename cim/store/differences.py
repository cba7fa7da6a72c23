"""What changed between two versions of a collection, by key."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import CollectionSchema, FeatureDifference, VersionChange
from cim.store.as_of import rows_as_of
from cim.store.collection_tables import collection_table, lonlat
from cim.store.collections import the_collection
from cim.store.versions import the_version


async def difference(
    connection: AsyncConnection, layer: str, older: int, newer: int, *, limit: int = 10_000, shapes: bool = False
) -> tuple[VersionChange, list[FeatureDifference]]:
    """Exact counts of what changed between two versions, and up to ``limit`` features ordered by key.

    With ``shapes`` each has its geometry. Version 0 is the empty one before the first.
    """
    schema = (await the_collection(connection, layer)).schema
    for number in (older, newer):
        if number > 0:
            await the_version(connection, layer, number)
    differing = _differing(schema, older, newer, shapes=shapes)
    counts = await connection.execute(sa.select(differing.c.kind, sa.func.count()).group_by(differing.c.kind))
    by_kind = {row[0]: row[1] for row in counts}
    change = VersionChange(by_kind.get("added", 0), by_kind.get("changed", 0), by_kind.get("removed", 0))
    rows = await connection.execute(sa.select(differing).order_by(differing.c.key).limit(limit))
    return change, [
        FeatureDifference(row.kind, row.key, row.fid, tuple(row.fields or ()), row.geometry) for row in rows
    ]


def _differing(schema: CollectionSchema, older: int, newer: int, *, shapes: bool) -> sa.Subquery:
    table = collection_table(schema)
    before = sa.select(table).where(rows_as_of(table, older)).subquery("before")
    after = sa.select(table).where(rows_as_of(table, newer)).subquery("after")
    kind = sa.case((before.c.key.is_(None), "added"), (after.c.key.is_(None), "removed"), else_="changed")
    changed = [
        sa.case((before.c[name].is_distinct_from(after.c[name]), name), else_=None) for name in schema.field_names
    ]
    if schema.geometry != "none":
        moved = sa.func.ST_AsBinary(before.c.geom).is_distinct_from(sa.func.ST_AsBinary(after.c.geom))
        changed.append(sa.case((moved, "geom"), else_=None))
    fields = sa.func.array_remove(array(changed), None)
    geometry: sa.ColumnElement[Any] = sa.null()
    if shapes and schema.geometry != "none":
        place = lonlat(table).name
        geometry = sa.func.ST_AsGeoJSON(sa.func.coalesce(after.c[place], before.c[place]), 8)
    rows = (
        sa.select(
            kind.label("kind"),
            sa.func.coalesce(after.c.key, before.c.key).label("key"),
            sa.func.coalesce(after.c.fid, before.c.fid).label("fid"),
            sa.case((kind == "changed", fields), else_=None).label("fields"),
            geometry.label("geometry"),
        )
        .select_from(before.join(after, before.c.key == after.c.key, full=True))
        .where(before.c.valid_from_version.is_distinct_from(after.c.valid_from_version))
        .subquery("rows")
    )
    real = sa.or_(rows.c.kind != "changed", sa.func.cardinality(rows.c.fields) > 0)
    return sa.select(rows).where(real).subquery("differing")
