"""Writing down a version of a layer or a building model: its row, and the collection that moves to it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, Version, VersionChange
from cim.store import tables as t
from cim.store.collections import the_collection


async def write_version(
    connection: AsyncConnection,
    layer: str,
    number: int,
    change: VersionChange,
    bbox: BoundingBox | None,
    *,
    origin: str,
    author: str,
    run: int | None = None,
    note: str = "",
) -> Version:
    """Write the version row and move the collection to it."""
    current = await the_collection(connection, layer)
    count = current.feature_count + change.added - change.removed
    values = {
        "layer": layer,
        "number": number,
        "origin": origin,
        "author": author,
        "feature_count": count,
        "added": change.added,
        "changed": change.changed,
        "removed": change.removed,
        "run": run,
        "note": note,
    }
    created = await connection.execute(sa.insert(t.version).values(values).returning(t.version))
    await connection.execute(
        sa.update(t.collection)
        .where(t.collection.c.id == layer)
        .values(version=number, feature_count=count, bbox=list(bbox) if bbox else None, updated_at=sa.func.now())
    )
    return version_from(created.one())


def version_from(row: sa.Row[tuple[object, ...]]) -> Version:
    """A row of ``cim.version`` as a version."""
    value = row._mapping  # noqa: SLF001 - SQLAlchemy's public mapping view of a row
    return Version(
        layer=value["layer"],
        number=value["number"],
        created_at=value["created_at"],
        origin=value["origin"],
        author=value["author"],
        feature_count=value["feature_count"],
        change=VersionChange(value["added"], value["changed"], value["removed"]),
        run=value["run"],
        note=value["note"],
    )
