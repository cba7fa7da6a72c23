"""Looking back at a building model and going back: rollback, pruning, and the meshes that nothing names any more."""

import json

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Version, VersionChange
from cim.store import tables as t
from cim.store.bim_publishing import record_model_version
from cim.store.bim_tables import STORED_COLUMNS
from cim.store.collections import lock_layer, the_collection
from cim.store.versions import ROLLED_BACK, the_version


async def rollback_model(connection: AsyncConnection, model: str, number: int, *, author: str) -> Version | None:
    """Publish a new version whose elements and head equal those of an older one; None when nothing differs.

    Version 0 is the state before the first one: the model becomes empty.
    """
    await lock_layer(connection, model)
    current = await the_collection(connection, model)
    if number > 0:
        await the_version(connection, model, number)
    change = await _restore(connection, model, number, current.version + 1)
    head = await _head(connection, model, number or current.version)
    same = head == await _head(connection, model, current.version)
    if change.empty and same:
        return None
    name = str(json.loads(head).get("name") or model)
    await connection.execute(
        sa.text("UPDATE bim.model SET name = :name WHERE id = :model"), {"name": name, "model": model}
    )
    version = await record_model_version(
        connection, model, current.version + 1, change, head, "rollback", author, note=f"{ROLLED_BACK}{number}"
    )
    await remove_unnamed_meshes(connection, model)
    return version


async def _restore(connection: AsyncConnection, model: str, number: int, new: int) -> VersionChange:
    columns = ", ".join(STORED_COLUMNS)
    values = {"model": model}
    await connection.execute(sa.text("SET LOCAL enable_nestloop = off"))
    for statement in (
        f"""
        CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS SELECT {columns} FROM bim.element
        WHERE model = :model AND valid_from_version <= {number:d} AND valid_to_version > {number:d}
        """,
        """
        CREATE TEMPORARY TABLE standing ON COMMIT DROP AS
        SELECT w.global_id FROM wanted w JOIN bim.element e
        ON e.global_id = w.global_id AND e.model = :model AND e.valid_to_version IS NULL
        WHERE e.source_hash = w.source_hash
        """,
        "DELETE FROM wanted w USING standing k WHERE k.global_id = w.global_id",
    ):
        await connection.execute(sa.text(statement), values if ":model" in statement else {})
    ended = await connection.execute(
        sa.text(f"""
        UPDATE bim.element e SET valid_to_version = {new:d}
        WHERE model = :model AND valid_to_version IS NULL AND valid_from_version > {number:d}
          AND NOT EXISTS (SELECT FROM standing k WHERE k.global_id = e.global_id)
        RETURNING EXISTS (SELECT FROM wanted w WHERE w.global_id = e.global_id)
        """),
        values,
    )
    outcomes = list(ended.scalars())
    restored = await connection.execute(
        sa.text(f"""
        INSERT INTO bim.element (model, valid_from_version, {columns}) SELECT :model, {new:d}, {columns} FROM wanted
        """),
        values,
    )
    await connection.execute(sa.text("DROP TABLE wanted, standing"))
    changed = sum(outcomes)
    return VersionChange(restored.rowcount - changed, changed, len(outcomes) - changed)


async def prune_model(connection: AsyncConnection, model: str, keep: int) -> int:
    """Remove what only versions older than the newest ``keep`` hold; returns how many elements' states are gone."""
    await lock_layer(connection, model)
    first_kept = (await the_collection(connection, model)).version - keep + 1
    gone = await connection.execute(
        sa.text("DELETE FROM bim.element WHERE model = :model AND valid_to_version <= :first"),
        {"model": model, "first": first_kept},
    )
    await connection.execute(
        sa.update(t.version).where(t.version.c.layer == model, t.version.c.number < first_kept).values(pruned=True)
    )
    await remove_unnamed_meshes(connection, model)
    return gone.rowcount


async def remove_unnamed_meshes(connection: AsyncConnection, model: str) -> int:
    """Remove the meshes that no version of a model names; returns how many."""
    gone = await connection.execute(
        sa.text("""
        DELETE FROM bim.mesh m WHERE m.model = :model AND m.hash NOT IN (
            SELECT mesh FROM bim.element WHERE model = :model AND mesh IS NOT NULL AND valid_to_version IS NULL
            UNION ALL
            SELECT mesh FROM bim.element WHERE model = :model AND mesh IS NOT NULL AND valid_to_version IS NOT NULL
        )
        """),
        {"model": model},
    )
    return gone.rowcount


async def _head(connection: AsyncConnection, model: str, number: int) -> str:
    """The head of a version as JSON text."""
    text = await connection.scalar(
        sa.text("SELECT head::text FROM bim.model_version WHERE model = :model AND number = :number"),
        {"model": model, "number": number},
    )
    return str(text or "{}")
