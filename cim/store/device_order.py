"""Devices in the order of their names, states or newest values, page by page; devices without one come last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.devices import DeviceEntry
from cim.store.devices import DeviceQuery, device_rows, entry_columns, heard_at
from cim.store.sensing_tables import datastream, latest

SortedBy = Literal["code", "name", "owner", "state", "value", "at"]
SortKey = str | float | datetime | None
_CHINESE = "zh-x-icu"
_STATES = {"online": "1", "offline": "2", "none": "3"}


@dataclass(frozen=True, slots=True)
class DeviceOrder:
    """By what devices are sorted, ties by code.

    ``value`` and ``at`` are those of the newest value of the first datastream of a device, among the properties asked
    for where there are any; ``name`` and ``owner`` go by the sound of Chinese characters.
    """

    by: SortedBy = "code"
    down: bool = False


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """Where a device stands in an order."""

    key: SortKey
    code: str


async def ordered_page(
    connection: AsyncConnection, query: DeviceQuery, order: DeviceOrder, after: DevicePlace | None
) -> list[tuple[DeviceEntry, DevicePlace]]:
    """Up to ``limit`` devices in an order, each with its place, from the one after ``after``."""
    rows = device_rows(query)
    told = _newest(query, rows) if order.by in ("value", "at") else None
    key = _key(rows, told, order)
    statement = sa.select(*entry_columns(rows), key.label("sort_key")).select_from(
        rows if told is None else rows.outerjoin(told, sa.true())
    )
    if after is not None:
        statement = statement.where(_later(key, rows.c.code, order, after))
    statement = statement.order_by(
        key.is_(None), key.desc() if order.down else key.asc(), rows.c.code.desc() if _by_code(order) else rows.c.code
    )
    found = []
    for row in (await connection.execute(statement.limit(query.limit))).mappings():
        values = dict(row)
        place = DevicePlace(values.pop("sort_key"), values["code"])
        found.append((DeviceEntry(**values), place))
    return found


def _by_code(order: DeviceOrder) -> bool:
    return order.by == "code" and order.down


def _newest(query: DeviceQuery, rows: sa.Subquery) -> Any:
    """The newest value of the first datastream of each device."""
    first = (
        sa.select(latest.c.value, heard_at().label("at"))
        .select_from(datastream.outerjoin(latest, latest.c.datastream_id == datastream.c.id))
        .where(datastream.c.thing == rows.c.thing)
        .order_by(datastream.c.id)
        .limit(1)
    )
    if query.properties is not None:
        among = sa.literal(list(query.properties), ARRAY(sa.Integer))
        first = first.where(datastream.c.observed_property == sa.func.any(among))
    return first.lateral("told")


def _key(rows: sa.Subquery, told: Any, order: DeviceOrder) -> sa.ColumnElement[Any]:
    if order.by in ("value", "at"):
        newest: sa.ColumnElement[Any] = told.c[order.by]
        return newest
    if order.by == "state":
        return sa.case(_STATES, value=rows.c.state)
    column = rows.c[order.by]
    return column if order.by == "code" else sa.func.nullif(column, "").collate(_CHINESE)


def _later(key: Any, code: Any, order: DeviceOrder, after: DevicePlace) -> sa.ColumnElement[bool]:
    """Whether a device comes after a place."""
    if after.key is None:
        return sa.and_(key.is_(None), code > after.code)
    beyond = key < after.key if order.down else key > after.key
    return sa.or_(beyond, sa.and_(key == after.key, code > after.code), key.is_(None))
