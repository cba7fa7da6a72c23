"""What changed in a building model between two versions, element by element."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.bim import ElementDifference
from cim.model.collection import VersionChange
from cim.store import bim_tables as b
from cim.store.versions import the_version

_SETS = ("properties", "quantities")
_PLAIN = tuple(n for n in b.CONTENT_COLUMNS if n not in {*_SETS, "global_id", "source_hash", "mesh", "matrix"})
_NAMES = {"ifc_class": "class", "mesh": "geometry", "matrix": "placement"}


async def model_difference(
    connection: AsyncConnection, model: str, older: int, newer: int, *, limit: int = 10_000, after: str = ""
) -> tuple[VersionChange, list[ElementDifference]]:
    """Exact counts of what changed, and up to ``limit`` elements after a GlobalId, in its order.

    Version 0 is the empty one before the first.
    """
    for number in (older, newer):
        if number > 0:
            await the_version(connection, model, number)
    before, after_ = _version(model, older, "before"), _version(model, newer, "after")
    kind = sa.case((before.c.global_id.is_(None), "added"), (after_.c.global_id.is_(None), "removed"), else_="changed")
    joined = before.join(after_, before.c.global_id == after_.c.global_id, full=True)
    differs = before.c.source_hash.is_distinct_from(after_.c.source_hash)
    counts = await connection.execute(
        sa.select(kind.label("how"), sa.func.count()).select_from(joined).where(differs).group_by(sa.text("how"))
    )
    by_kind = {row[0]: row[1] for row in counts}
    change = VersionChange(by_kind.get("added", 0), by_kind.get("changed", 0), by_kind.get("removed", 0))
    global_id = sa.func.coalesce(before.c.global_id, after_.c.global_id)
    sides = [sa.func.to_jsonb(sa.literal_column(side)).label(side) for side in ("before", "after")]
    rows = await connection.execute(
        sa.select(kind.label("how"), global_id.label("global_id"), *sides)
        .select_from(joined)
        .where(differs, global_id > after)
        .order_by(global_id)
        .limit(limit)
    )
    return change, [_difference(row.how, row.global_id, row.before, row.after) for row in rows]


def _version(model: str, number: int, name: str) -> sa.Subquery:
    """The elements of a version, their meshes and matrices as hashes of what they hold."""
    e = b.element.c
    hidden = {"mesh": sa.func.encode(e.mesh, "hex"), "matrix": sa.cast(e.matrix, sa.Text)}
    columns = [hidden.get(n, e[n]).label(n) for n in b.CONTENT_COLUMNS]
    return sa.select(*columns).where(e.model == model, b.in_version(number)).subquery(name)


def _difference(
    kind: Any, global_id: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> ElementDifference:
    shown = after or before or {}
    changes = tuple(_changes(before, after)) if before and after else ()
    return ElementDifference(kind, global_id, shown["ifc_class"], shown["name"], shown["storey_name"], changes)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of what differs: fields, ``geometry``, ``placement``, and ``Set.Name`` of properties and quantities."""
    names = [_NAMES.get(n, n) for n in (*_PLAIN, "mesh", "matrix") if before[n] != after[n]]
    for sets in _SETS:
        old, new = _flat(before[sets]), _flat(after[sets])
        names += [n for n in sorted(old.keys() | new.keys()) if old.get(n, ...) != new.get(n, ...)]
    return names


def _flat(sets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{name}.{key}": value for name, held in sets.items() for key, value in held.items()}
