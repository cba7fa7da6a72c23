"""What collections exist, at which version, under which grade."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.access import Grade
from cim.model.collection import Collection, CollectionSchema, Field, LayerKind
from cim.store import tables as t
from cim.store.collection_tables import check_fields, check_layer_id, check_model_id, quoted


async def all_collections(connection: AsyncConnection) -> dict[str, Collection]:
    """Every layer by id, with its current version; building models, which have no table of their own, are no layers."""
    return await _collections(connection, t.collection.c.kind != "model")


async def all_models(connection: AsyncConnection) -> dict[str, Collection]:
    """Every building model by id, with its current version."""
    return await _collections(connection, t.collection.c.kind == "model")


async def _collections(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> dict[str, Collection]:
    rows = await connection.execute(sa.select(t.collection).where(which).order_by(t.collection.c.id))
    return {row["id"]: _collection(row) for row in rows.mappings()}


async def find_collection(connection: AsyncConnection, layer: str) -> Collection | None:
    """One collection, or None where no layer has this id."""
    found = await connection.execute(sa.select(t.collection).where(t.collection.c.id == layer))
    row = found.mappings().first()
    return _collection(row) if row else None


async def the_collection(connection: AsyncConnection, layer: str) -> Collection:
    """One collection; NotFound names the layer and how to see those there are."""
    found = await find_collection(connection, layer)
    if found is None:
        raise NotFound(f"there is no layer {layer!r}", where="layer", remedy="`cim layers` lists the layers")
    return found


async def lock_layer(connection: AsyncConnection, layer: str) -> None:
    """Make this transaction the only writer of a layer; StoreConflict when another stays longer than the lock wait."""
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("layer:" + layer, 0))))


async def put_schema(connection: AsyncConnection, schema: CollectionSchema, grade: Grade = Grade.DRAFT) -> None:
    """Record a collection's schema; a new one starts at version 0 with the given grade, a known one keeps its own."""
    if schema.kind == "model":
        check_model_id(schema.id)
    else:
        check_layer_id(schema.id)
    check_fields(schema)
    values = {
        "id": schema.id,
        "geometry": schema.geometry,
        "srid": schema.srid,
        "key": schema.key,
        "kind": schema.kind,
        "fields": [_field_row(field) for field in schema.fields],
    }
    statement = insert(t.collection).values(**values, grade=grade, version=0, feature_count=0)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


async def set_grade(connection: AsyncConnection, layer: str, grade: Grade) -> None:
    """Change who may see a layer; caches follow because the collection row is announced."""
    done = await connection.execute(
        sa.update(t.collection).where(t.collection.c.id == layer).values(grade=grade, updated_at=sa.func.now())
    )
    if done.rowcount == 0:
        await the_collection(connection, layer)


async def raster_files(connection: AsyncConnection) -> set[str]:
    """Names of the files that any version of any raster layer refers to."""
    return await _named_files(connection, "raster")


async def cloud_files(connection: AsyncConnection) -> set[str]:
    """Names of the files that any version of any layer of point clouds refers to."""
    return await _named_files(connection, "pointcloud")


async def tileset_files(connection: AsyncConnection) -> set[str]:
    """Names of the files that any version of any layer of registered sets of tiles refers to."""
    return await _named_files(connection, "tileset")


async def _named_files(connection: AsyncConnection, kind: LayerKind) -> set[str]:
    layers = await connection.execute(sa.select(t.collection.c.id).where(t.collection.c.kind == kind))
    named: set[str] = set()
    for layer in layers.scalars():
        rows = await connection.execute(sa.text(f"SELECT DISTINCT file FROM {quoted('history', layer)}"))
        named.update(rows.scalars())
    return named


async def keep_source_fields(connection: AsyncConnection, layer: str, chosen: Mapping[str, str]) -> None:
    """Remember with a layer which field of a delivery fills which of its own; later deliveries follow it."""
    folded = {source.casefold(): field for source, field in chosen.items()}
    merged = t.collection.c.source_fields.concat(sa.cast(folded, JSONB))
    await connection.execute(sa.update(t.collection).where(t.collection.c.id == layer).values(source_fields=merged))


def _field_row(field: Field) -> dict[str, str | None]:
    return {"name": field.name, "type": field.type, "grade": field.grade}


def _collection(row: Any) -> Collection:
    fields = tuple(
        Field(item["name"], item["type"], Grade(item["grade"]) if item.get("grade") else None) for item in row["fields"]
    )
    schema = CollectionSchema(row["id"], row["geometry"], row["srid"], fields, row["key"], row["kind"])
    return Collection(
        schema=schema,
        grade=Grade(row["grade"]),
        version=row["version"],
        feature_count=row["feature_count"],
        bbox=tuple(row["bbox"]) if row["bbox"] else None,
        updated_at=row["updated_at"],
        source_fields=row["source_fields"],
    )
