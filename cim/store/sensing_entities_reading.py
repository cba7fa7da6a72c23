"""Reading entities by the page, and those that links lead to for many entities at once.

A page starts after the last entity of the one before, by value and not by number: entities that come in meanwhile
neither repeat nor hide another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.store.selection import compiling
from cim.store.sensing_entities import Rows, Sql

Found = Mapping[str, Any]
_DATA_FAULT = "22"


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One column to order by; unknown values of a ``nullable`` one come before all others, or last when descending."""

    sql: Sql
    descending: bool
    nullable: bool

    def clause(self) -> sa.UnaryExpression[Any]:
        """The column as ORDER BY takes it."""
        clause = self.sql.desc() if self.descending else self.sql.asc()
        if not self.nullable:
            return clause
        return clause.nulls_last() if self.descending else clause.nulls_first()

    def beyond(self, value: Any) -> sa.ColumnElement[bool]:
        """Whether a row comes after one with this value."""
        if value is None:
            return sa.false() if self.descending else self.sql.is_not(None)
        bound = sa.literal(value, self.sql.type)
        after: sa.ColumnElement[bool] = self.sql < bound if self.descending else self.sql > bound
        return sa.or_(after, self.sql.is_(None)) if self.nullable and self.descending else after

    def level(self, value: Any) -> sa.ColumnElement[bool]:
        """Whether a row has this value."""
        return self.sql.is_(None) if value is None else self.sql == sa.literal(value, self.sql.type)


@dataclass(slots=True)
class Wanted:
    """What is wanted of rows: columns, conditions, order, and which page.

    ``after`` are the values of ``keys`` in the last row of the page before; the keys together are unique.
    """

    rows: Rows
    columns: Sequence[Sql]
    keys: list[OrderKey]
    where: list[sa.ColumnElement[bool]] = field(default_factory=list)
    limit: int = 100
    offset: int = 0
    after: Sequence[Any] | None = None


async def read_page(connection: AsyncConnection, wanted: Wanted) -> Sequence[Found]:
    """One page, of one row more than ``limit`` where more follow; the values of keys are under ``key_0`` and on."""
    statement = _page(wanted, wanted.where)
    return await _run(connection, statement, wanted.where)


async def read_linked(
    connection: AsyncConnection, wanted: Wanted, origin: str, link: str, parents: Sequence[int], most: int
) -> Sequence[Found]:
    """A page for each of many parents, in one query; each row has the number of its parent under ``parent``.

    ``link`` of the entity ``origin`` leads from the parents to these rows. At most ``most`` rows are read in all.
    """
    parent, number = _parents(parents)
    page = _page(wanted, [wanted.rows.led_to(origin, link, number), *wanted.where], parent).lateral("page")
    names = [f"key_{place}" for place in range(len(wanted.keys))]
    order = [
        OrderKey(page.c[name], key.descending, key.nullable).clause()
        for name, key in zip(names, wanted.keys, strict=True)
    ]
    statement = sa.select(number.label("parent"), *page.c).select_from(parent.join(page, sa.true()))
    statement = statement.order_by(parent.c.number, *order).limit(most)
    return await _run(connection, statement, wanted.where)


async def count_rows(connection: AsyncConnection, wanted: Wanted) -> int:
    """How many rows there are in all, whatever the page."""
    statement = sa.select(sa.func.count().label("count")).select_from(wanted.rows.source())
    statement = statement.where(*wanted.rows.conditions(), *wanted.where)
    (row,) = await _run(connection, statement, wanted.where)
    return int(row["count"])


async def count_linked(
    connection: AsyncConnection, wanted: Wanted, origin: str, link: str, parents: Sequence[int]
) -> dict[int, int]:
    """How many rows a link leads to from each parent."""
    parent, number = _parents(parents)
    rows = wanted.rows
    counted = sa.select(sa.func.count()).select_from(rows.source())
    counted = counted.where(*rows.conditions(), rows.led_to(origin, link, number), *wanted.where)
    counted = counted.correlate_except(*rows.tables())
    statement = sa.select(number.label("parent"), counted.scalar_subquery().label("count")).select_from(parent)
    return {row["parent"]: row["count"] for row in await _run(connection, statement, wanted.where)}


def _parents(numbers: Sequence[int]) -> tuple[sa.FromClause, Sql]:
    """Numbers as rows, and the column they are in."""
    listed = sa.literal(sorted(set(numbers)), sa.ARRAY(sa.Integer))
    parent = sa.func.unnest(listed).table_valued(sa.column("number", sa.Integer), name="p").render_derived()
    return parent, parent.c.number


def _page(
    wanted: Wanted, where: Sequence[sa.ColumnElement[bool]], outer: sa.FromClause | None = None
) -> sa.Select[Any]:
    keys = [key.sql.label(f"key_{place}") for place, key in enumerate(wanted.keys)]
    columns = {column.key: column for column in [*wanted.columns, *keys]}
    statement = sa.select(*columns.values()).select_from(wanted.rows.source())
    statement = statement.where(*wanted.rows.conditions(), *where)
    if outer is not None:
        statement = statement.correlate(outer)
    if wanted.after is not None:
        statement = statement.where(_after(wanted.keys, wanted.after))
    statement = statement.order_by(*(key.clause() for key in wanted.keys)).limit(wanted.limit + 1)
    return statement.offset(wanted.offset) if wanted.offset else statement


def _after(keys: Sequence[OrderKey], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Whether a row comes after the one with these values; the first key alone also bounds the index."""
    choices = []
    for place, key in enumerate(keys):
        level = [other.level(value) for other, value in zip(keys[:place], values, strict=False)]
        choices.append(sa.and_(*level, key.beyond(values[place])))
    first = sa.or_(keys[0].beyond(values[0]), keys[0].level(values[0]))
    if not keys[0].nullable and values[0] is not None:
        bound = sa.literal(values[0], keys[0].sql.type)
        first = keys[0].sql <= bound if keys[0].descending else keys[0].sql >= bound
    return sa.and_(first, sa.or_(*choices))


async def _run(
    connection: AsyncConnection, statement: sa.Select[Any], where: Sequence[sa.ColumnElement[bool]]
) -> Sequence[Found]:
    """Run a query; what it computes may lead out of the range of numbers or times, which is the asker's fault."""
    try:
        result = await connection.execute(statement, execution_options=compiling(where))
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlstate", "") or "").startswith(_DATA_FAULT):
            raise BadRequest(
                "the query computes a number or a moment that is out of range",
                where="$filter",
                remedy="use smaller numbers and durations",
            ) from error
        raise
    return [dict(row) for row in result.mappings()]
