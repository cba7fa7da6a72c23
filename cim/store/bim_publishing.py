"""Publishing a staged building model: merged with the elements there by GlobalId and hash of their source.

One transaction: what did not change is not written, readers see the version before or the version after.
"""

import json
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.access import Grade
from cim.model.bim import ModelHead
from cim.model.collection import CollectionSchema, Version, VersionChange
from cim.store.bim_extents import refresh_extent
from cim.store.bim_staging import KEPT, STAGED, create_model_staging
from cim.store.bim_tables import CONTENT_COLUMNS, STORED_COLUMNS
from cim.store.changes import touch
from cim.store.collections import find_collection, lock_layer, put_schema, the_collection
from cim.store.version_rows import write_version


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What is said of a model by those who deliver it; None leaves what is there."""

    building_code: str | None = None
    cim_level: int | None = None


async def begin_model(connection: AsyncConnection, model: str, grade: Grade) -> None:
    """Make this transaction the only writer of a model, which is created where it is new, and the staging tables.

    ``grade`` is used for a new model only. BadRequest where a layer has this id.
    """
    await lock_layer(connection, model)
    known = await find_collection(connection, model)
    if known is None:
        await put_schema(connection, CollectionSchema(model, "Polygon", 4490, (), None, "model"), grade)
        await connection.execute(sa.text("INSERT INTO bim.model (id, name) VALUES (:id, :id)"), {"id": model})
    elif known.schema.kind != "model":
        raise BadRequest(
            f"there is a layer {model!r}, which is no building model",
            where="layer",
            remedy="import the model under another id with --layer",
        )
    await create_model_staging(connection)


async def publish_model(
    connection: AsyncConnection,
    model: str,
    head: ModelHead,
    settings: ModelSettings,
    *,
    run: int,
    author: str,
) -> Version | None:
    """Make what is staged the model's next version; None when nothing of elements or head differs."""
    current = await the_collection(connection, model)
    number = current.version + 1
    await _apply(connection, model, head.name, settings)
    change = await _merge(connection, model, number)
    document = json.dumps(asdict(head), ensure_ascii=False)
    same = await connection.scalar(
        sa.text("SELECT head = CAST(:head AS jsonb) FROM bim.model_version WHERE model = :model AND number = :number"),
        {"model": model, "number": current.version, "head": document},
    )
    if change.empty and same:
        return None
    return await record_model_version(connection, model, number, change, document, "import", author, run=run)


async def record_model_version(
    connection: AsyncConnection,
    model: str,
    number: int,
    change: VersionChange,
    head: str,
    origin: str,
    author: str,
    *,
    run: int | None = None,
    note: str = "",
) -> Version:
    """Write a version with its head, bring the model's footprint and extent along and announce the change."""
    bbox = await refresh_extent(connection, model)
    version = await write_version(
        connection, model, number, change, bbox, origin=origin, author=author, run=run, note=note
    )
    await connection.execute(
        sa.text("INSERT INTO bim.model_version (model, number, head) VALUES (:model, :number, CAST(:head AS jsonb))"),
        {"model": model, "number": number, "head": head},
    )
    await touch(connection, model, number, bbox)
    return version


async def _apply(connection: AsyncConnection, model: str, name: str, settings: ModelSettings) -> None:
    await connection.execute(
        sa.text("""
        UPDATE bim.model SET name = :name, building_code = coalesce(:code, building_code),
            cim_level = coalesce(:level, cim_level) WHERE id = :model
        """),
        {"model": model, "name": name or model, "code": settings.building_code, "level": settings.cim_level},
    )


async def _merge(connection: AsyncConnection, model: str, number: int) -> VersionChange:
    """Bring the staged elements in as version ``number``; the three counts are exact."""
    values = {"model": model}
    current = "e.model = :model AND e.valid_to_version IS NULL"
    # rows ended a moment ago are not in the statistics yet, see cim.store.merging
    await connection.execute(sa.text("SET LOCAL enable_nestloop = off"))
    for table in (STAGED, KEPT):
        await connection.execute(sa.text(f"ANALYZE {table}"))
    await connection.execute(
        sa.text(f"""
        WITH same AS (
            DELETE FROM {STAGED} s USING bim.element e
            WHERE {current} AND e.global_id = s.global_id AND e.source_hash = s.source_hash RETURNING s.global_id
        ) INSERT INTO {KEPT} SELECT global_id FROM same
        """),
        values,
    )
    changed = await connection.execute(
        sa.text(f"""
        UPDATE bim.element e SET valid_to_version = {number:d} FROM {STAGED} s
        WHERE {current} AND e.global_id = s.global_id
        """),
        values,
    )
    removed = await connection.execute(
        sa.text(f"""
        UPDATE bim.element e SET valid_to_version = {number:d}
        WHERE {current} AND NOT EXISTS (SELECT FROM {KEPT} k WHERE k.global_id = e.global_id)
        """),
        values,
    )
    content = ", ".join(CONTENT_COLUMNS)
    inserted = await connection.execute(
        sa.text(f"""
        INSERT INTO bim.element (model, valid_from_version, {", ".join(STORED_COLUMNS)})
        SELECT :model, {number:d}, {content}, ST_GeomFromWKB(shape, 4490),
            ST_Transform(ST_GeomFromWKB(shape, 4490), 3857) FROM {STAGED}
        """),
        values,
    )
    return VersionChange(inserted.rowcount - changed.rowcount, changed.rowcount, removed.rowcount)
