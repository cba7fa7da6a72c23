"""Quantities of building elements summed up by class, storey or material."""

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.bim_elements import ElementQuery, element_rows
from cim.store.selection import compiling

By = Literal["class", "storey", "material"]
_SETS, _VALUES = "held", "measured"


async def summed_quantities(connection: AsyncConnection, query: ElementQuery, by: By) -> list[dict[str, Any]]:
    """Groups in their order, each with its number of elements and the sums of its quantities by name.

    Of a quantity an element has in several sets the first by name counts. An element of several materials belongs to
    the group of all of them together, so that nothing is counted twice.
    """
    rows = element_rows(query)
    group = _group(rows, by)
    options = compiling(query.where)
    counts = await connection.execute(
        sa.select(*group, sa.func.count().label("elements")).group_by(*group).order_by(*group),
        execution_options=options,
    )
    names = [column.name for column in group]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in counts.mappings():
        key = tuple(row[name] for name in names)
        found[key] = {**dict(zip(names, key, strict=True)), "elements": row["elements"], "quantities": {}}
    sums = await connection.execute(_sums(rows, group), execution_options=options)
    for row in sums.mappings():
        key = tuple(row[name] for name in names)
        found[key]["quantities"][row["quantity"]] = {"sum": float(row["total"]), "elements": row["counted"]}
    return list(found.values())


def _group(rows: sa.Subquery, by: By) -> list[sa.ColumnElement[Any]]:
    if by == "class":
        return [rows.c["class"]]
    if by == "storey":
        return [rows.c.model, rows.c.storey_number, rows.c.storey, rows.c.storey_name]
    joined = sa.func.array_to_string(rows.c.materials, " + ")
    return [sa.func.nullif(joined, "").label("material")]


def _sums(rows: sa.Subquery, group: list[sa.ColumnElement[Any]]) -> sa.Select[Any]:
    sets = sa.func.jsonb_each(rows.c.quantities).table_valued("key", "value").lateral(_SETS)
    values = sa.func.jsonb_each(sa.cast(sets.c.value, JSONB)).table_valued("key", "value").lateral(_VALUES)
    held = sa.cast(values.c.value, JSONB)
    each = (
        sa.select(*group, rows.c.model.label("of_model"), rows.c.global_id.label("of_element"))
        .add_columns(values.c.key.label("quantity"), held.label("value"))
        .select_from(rows.join(sets, sa.true()).join(values, sa.true()))
        .where(sa.func.jsonb_typeof(held) == "number")
        .ext(distinct_on(rows.c.model, rows.c.global_id, values.c.key))
        .order_by(rows.c.model, rows.c.global_id, values.c.key, sets.c.key)
        .subquery("each")
    )
    names = [each.c[column.name] for column in group]
    total = sa.func.sum(sa.cast(each.c.value, sa.Numeric)).label("total")
    return (
        sa.select(*names, each.c.quantity, total, sa.func.count().label("counted"))
        .group_by(*names, each.c.quantity)
        .order_by(*names, each.c.quantity)
    )
