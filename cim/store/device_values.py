"""What devices measure, and their values of an hour or a day from the roll-ups, of devices the caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.sensing_tables import daily, datastream, hourly, observed_property, thing
from cim.store.tables import asset

ValueSpan = Literal["hour", "day"]
SPANS: dict[ValueSpan, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class ObservedThing:
    """An observed property with how many devices have it, and the symbols of the units they give it in."""

    id: int
    code: str | None
    name: str
    devices: int
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceBucket:
    """What one datastream of a device came to in one span of time; ``flagged`` counts values that are not normal."""

    device: str
    datastream: int
    start: datetime
    count: int
    flagged: int
    mean: float | None
    least: float | None
    greatest: float | None


async def observed_things(connection: AsyncConnection) -> list[ObservedThing]:
    """The properties that devices observe, in the order of their names."""
    p, symbol = observed_property.c, datastream.c.unit["symbol"].astext
    rows = await connection.execute(
        sa.select(
            p.id,
            p.code,
            p.name,
            sa.func.count(sa.distinct(asset.c.code)).label("devices"),
            sa.func.array_agg(sa.distinct(sa.func.coalesce(symbol, ""))).label("units"),
        )
        .select_from(_measured().join(observed_property, p.id == datastream.c.observed_property))
        .group_by(p.id, p.code, p.name)
        .order_by(p.name, p.id)
    )
    return [ObservedThing(row.id, row.code, row.name, row.devices, tuple(row.units)) for row in rows]


async def streams_of_devices(connection: AsyncConnection) -> list[tuple[int, str, int]]:
    """The datastreams of all devices: number, code of the device, number of the observed property."""
    d = datastream.c
    query = sa.select(d.id, asset.c.code, d.observed_property).select_from(_measured()).order_by(d.id)
    return [(row[0], row[1], row[2]) for row in await connection.execute(query)]


async def device_buckets(
    connection: AsyncConnection,
    properties: Sequence[int] | None,
    since: datetime,
    until: datetime,
    span: ValueSpan,
    devices: Sequence[str] | None = None,
) -> list[DeviceBucket]:
    """Roll-ups of one datastream of each device by device and start, from ``since`` to before ``until``.

    It is the first of those that observe one of ``properties``, or the first of all. Days are days of Beijing.
    """
    chosen = _first_of(properties, devices)
    rolled, start, inside = _rolled(since, until, span)
    sums = [rolled.c[name] for name in ("count", "flagged", "total", "least", "greatest")]
    rows = await connection.execute(
        sa.select(chosen.c.device, chosen.c.datastream, start.label("start"), *sums)
        .select_from(chosen.join(rolled, rolled.c.datastream_id == chosen.c.datastream))
        .where(*inside)
        .order_by(chosen.c.device, start)
    )
    return [
        DeviceBucket(device, number, at, count, flagged, total / count if count else None, least, greatest)
        for device, number, at, count, flagged, total, least, greatest in rows
    ]


async def first_streams(
    connection: AsyncConnection, properties: Sequence[int] | None, devices: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The datastream of each device that ``device_buckets`` reads, with its property and the symbol of its unit."""
    chosen, p = _first_of(properties, devices), observed_property.c
    rows = await connection.execute(
        sa.select(
            chosen.c.device,
            chosen.c.datastream,
            p.code.label("property"),
            p.name,
            datastream.c.unit["symbol"].astext.label("unit"),
        ).select_from(
            chosen.join(datastream, datastream.c.id == chosen.c.datastream).join(
                observed_property, p.id == datastream.c.observed_property
            )
        )
    )
    return {row.pop("device"): row for row in map(dict, rows.mappings())}


def _measured() -> Any:
    return datastream.join(thing, thing.c.id == datastream.c.thing).join(asset, asset.c.code == thing.c.asset)


def _first_of(properties: Sequence[int] | None, devices: Sequence[str] | None) -> Any:
    query = (
        sa.select(asset.c.code.label("device"), datastream.c.id.label("datastream"))
        .ext(distinct_on(asset.c.code))
        .select_from(_measured())
        .order_by(asset.c.code, datastream.c.id)
    )
    if properties is not None:
        among = sa.literal(list(properties), ARRAY(sa.Integer))
        query = query.where(datastream.c.observed_property == sa.func.any(among))
    if devices is not None:
        query = query.where(asset.c.code == sa.func.any(sa.literal(list(devices), ARRAY(sa.Text))))
    return query.cte("chosen")


def _rolled(since: datetime, until: datetime, span: ValueSpan) -> tuple[sa.Table, Any, list[Any]]:
    if span == "hour":
        return hourly, hourly.c.hour, [hourly.c.hour >= since, hourly.c.hour < until]
    start = sa.func.timezone("Asia/Shanghai", sa.cast(daily.c.day, sa.TIMESTAMP))
    return daily, start, [start >= since, start < until]
