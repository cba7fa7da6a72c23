"""Where a feature's present state comes from: the versions it goes back to, and the import each was made by."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.store import tables as t
from cim.store.collection_tables import collection_table, is_current
from cim.store.collections import the_collection
from cim.store.runs import the_run
from cim.store.versions import ROLLED_BACK


async def lineage_of_feature(connection: AsyncConnection, layer: str, fid: int) -> list[dict[str, Any]]:
    """The steps a current feature goes back to, newest first: version, origin, author, time and import.

    A rollback is followed to the version it restored. NotFound when the layer has no such feature now.
    """
    collection = await the_collection(connection, layer)
    table = collection_table(collection.schema)
    held = (
        await connection.execute(
            sa.select(table.c.key, table.c.valid_from_version).where(table.c.fid == fid, is_current(table))
        )
    ).first()
    if held is None:
        raise NotFound(f"layer {layer} has no feature {fid}", where="fid", remedy="it may have ended")
    steps: list[dict[str, Any]] = []
    number: int | None = held.valid_from_version
    while number is not None:
        step = await _step(connection, layer, number)
        steps.append(step)
        restored = _restored(step)
        number = None if restored is None else await _state_in(connection, table, held.key, restored)
    return steps


async def _step(connection: AsyncConnection, layer: str, number: int) -> dict[str, Any]:
    rows = await connection.execute(
        sa.select(t.version).where(t.version.c.layer == layer, t.version.c.number == number)
    )
    version = rows.mappings().one()
    step: dict[str, Any] = {
        "version": number,
        "origin": version["origin"],
        "author": version["author"],
        "created_at": version["created_at"].isoformat(),
        "note": version["note"],
        "import": None,
    }
    run = await the_run(connection, version["run"]) if version["run"] else None
    if run is not None:
        names = ("id", "source_name", "source_layer", "source_sha256", "driver", "mode", "options", "lineage", "author")
        step["import"] = {name: run[name] for name in names}
    return step


def _restored(step: dict[str, Any]) -> int | None:
    note = str(step["note"])
    return int(note.removeprefix(ROLLED_BACK)) if note.startswith(ROLLED_BACK) else None


async def _state_in(connection: AsyncConnection, table: sa.Table, key: str, number: int) -> int | None:
    """The version that made the state a key had in a version; None when its rows are gone."""
    ended = table.c.valid_to_version
    found = await connection.scalar(
        sa.select(table.c.valid_from_version).where(
            table.c.key == key,
            table.c.valid_from_version <= number,
            sa.or_(ended.is_(None), ended > number),
        )
    )
    return None if found is None else int(found)
