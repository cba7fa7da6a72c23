"""Which buildings the objects of a city layer are, and are parts of."""

from collections.abc import Collection
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.selection import Selection, compiling, selected_rows

NEEDED = ("ground_m", "roof_m", "height_datum", "lods", "building_code", "parent", "object_id")
"""Fields that say where objects stand and what they belong to."""
MOST_CODES = 5_000
MOST_STEPS = 4
"""From a part up to the whole that has a code."""


def with_needed(selection: Selection) -> Selection:
    """The selection with the fields that say where objects stand, as far as the layer has them."""
    known = selection.collection.schema.field_names
    more = (name for name in (*NEEDED, "shape") if name in known)
    return replace(selection, fields=tuple(dict.fromkeys([*selection.fields, *more])))


async def buildings_of_city(connection: AsyncConnection, selection: Selection) -> list[str] | None:
    """The unified codes of the buildings that objects, or their parts, show with shapes that stand up, in order.

    Empty where the codes are none of the selection's fields; None where they are more than ``MOST_CODES``.
    """
    names = selection.collection.schema.field_names
    if "building_code" not in selection.fields or "lods" not in names:
        return []
    rows = selected_rows(with_needed(selection), all_read=True)
    stands = rows.c.lods.op("~", is_comparison=True)("[1-9]")
    shown: sa.ColumnElement[bool] = stands
    if {"parent", "object_id"} <= {*names}:
        parts = sa.select(rows.c.parent).where(stands, rows.c.parent.is_not(None))
        shown = sa.or_(stands, rows.c.object_id.in_(parts))
    code = rows.c.building_code
    statement = sa.select(code).where(code.is_not(None), shown).distinct().order_by(code).limit(MOST_CODES + 1)
    found = list((await connection.execute(statement, execution_options=compiling(selection.where))).scalars())
    return found if len(found) <= MOST_CODES else None


async def codes_of_wholes(
    connection: AsyncConnection, selection: Selection, wholes: Collection[str]
) -> dict[str, str | None]:
    """The building codes of objects that others are parts of, by id: of those above them where they have none.

    Empty where the codes are none of the selection's fields.
    """
    schema = selection.collection.schema
    if "building_code" not in selection.fields or not {"parent", "object_id"} <= {*schema.field_names}:
        return {}
    found: dict[str, str | None] = {}
    above: dict[str, str] = {}
    asked = {*wholes}
    for _ in range(MOST_STEPS):
        if not asked:
            break
        rows = selected_rows(with_needed(replace(selection, where=(_called(selection, asked),))))
        for name, code, parent in await connection.execute(
            sa.select(rows.c.object_id, rows.c.building_code, rows.c.parent)
        ):
            found[name] = code
            if code is None and parent:
                above[name] = parent
        asked = {*above.values()} - {*found}
    for _ in range(MOST_STEPS):
        found |= {name: found.get(parent) for name, parent in above.items() if found[name] is None}
    return found


def _called(selection: Selection, names: Collection[str]) -> sa.ColumnElement[bool]:
    """The condition of being one of some objects; the key of a layer is indexed."""
    column = "key" if selection.collection.schema.key == "object_id" else "object_id"
    return sa.column(column, sa.Text) == sa.func.any(sa.literal(sorted(names), ARRAY(sa.Text)))
