"""What was observed: newest values, buckets of time, and how much there is, of datastreams the caller may see."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.sensing import BEIJING, Bucket, Latest, Quality
from cim.store.sensing_tables import daily, hourly, latest, observation

BucketSpan = Literal["hour", "day", "month"]
MOST_BUCKETS = 20_000
FINEST_S = 10


async def latest_values(connection: AsyncConnection, datastreams: Sequence[int] | None = None) -> list[Latest]:
    """The newest value of each datastream; of all that are open to the caller where none are named."""
    query = sa.select(
        latest.c.datastream_id, latest.c.at, latest.c.value, latest.c.result, latest.c.quality, latest.c.received_at
    )
    if datastreams is not None:
        query = query.where(latest.c.datastream_id == sa.any_(sa.literal(list(datastreams), sa.ARRAY(sa.Integer))))
    rows = await connection.execute(query.order_by(latest.c.datastream_id))
    return [
        Latest(
            row.datastream_id,
            row.at,
            row.value if row.value is not None else row.result,
            Quality(row.quality),
            row.received_at,
        )
        for row in rows
    ]


async def count_observations(connection: AsyncConnection, datastream: int) -> int:
    """How many observations a datastream has had, those included of which only roll-ups are left."""
    total = sa.func.coalesce(sa.func.sum(daily.c.count + daily.c.flagged + daily.c.others), 0)
    return int(await connection.scalar(sa.select(total).where(daily.c.datastream_id == datastream)) or 0)


async def buckets(
    connection: AsyncConnection, datastream: int, since: datetime, until: datetime, span: BucketSpan
) -> list[Bucket]:
    """Roll-ups of a datastream by hour, or by day or month of Beijing time, from ``since`` to before ``until``.

    They come from the hourly and daily tables, however far back, and hold late data and corrections.
    """
    rows = await connection.execute(_rolled_up(datastream, since, until, span))
    return _buckets(rows)


async def fine_buckets(
    connection: AsyncConnection, datastream: int, since: datetime, until: datetime, seconds: int
) -> list[Bucket]:
    """Buckets of any length of at least ten seconds, counted from ``since``, out of what is kept raw."""
    start = sa.func.date_bin(timedelta(seconds=max(seconds, FINEST_S)), observation.c.phenomenon_time, since)
    normal = observation.c.quality == "N"
    numeric = sa.and_(normal, observation.c.value.is_not(None))
    rows = await connection.execute(
        sa.select(
            start.label("start"),
            sa.func.count().filter(numeric).label("count"),
            sa.func.count().filter(sa.not_(normal)).label("flagged"),
            sa.func.sum(observation.c.value).filter(normal).label("total"),
            sa.func.min(observation.c.value).filter(normal).label("least"),
            sa.func.max(observation.c.value).filter(normal).label("greatest"),
        )
        .where(
            observation.c.datastream_id == datastream,
            observation.c.phenomenon_time >= since,
            observation.c.phenomenon_time < until,
        )
        .group_by(start)
        .order_by(start)
        .limit(MOST_BUCKETS)
    )
    return _buckets(rows)


def _rolled_up(datastream: int, since: datetime, until: datetime, span: BucketSpan) -> sa.Select[Any]:
    if span == "hour":
        sums = (hourly.c.count, hourly.c.flagged, hourly.c.total, hourly.c.least, hourly.c.greatest)
        inside = (hourly.c.datastream_id == datastream, hourly.c.hour >= since, hourly.c.hour < until)
        return sa.select(hourly.c.hour.label("start"), *sums).where(*inside).order_by(hourly.c.hour).limit(MOST_BUCKETS)
    days = (daily.c.day >= _day(since), daily.c.day < _day(until))
    day = sa.cast(daily.c.day, sa.TIMESTAMP)
    start = sa.func.timezone("Asia/Shanghai", day if span == "day" else sa.func.date_trunc("month", day))
    return (
        sa.select(
            start.label("start"),
            sa.func.sum(daily.c.count).label("count"),
            sa.func.sum(daily.c.flagged).label("flagged"),
            sa.func.sum(daily.c.total).label("total"),
            sa.func.min(daily.c.least).label("least"),
            sa.func.max(daily.c.greatest).label("greatest"),
        )
        .where(daily.c.datastream_id == datastream, *days)
        .group_by(start)
        .order_by(start)
        .limit(MOST_BUCKETS)
    )


def _day(at: datetime) -> date:
    """The Beijing day a moment lies in, or the next where it is no midnight: a day counts where its start does."""
    local = at.astimezone(BEIJING)
    return local.date() if local.time() == datetime.min.time() else local.date() + timedelta(days=1)


def _buckets(rows: Iterable[Sequence[Any]]) -> list[Bucket]:
    """Rows of start, count, flagged, total, least, greatest; there may be those of a year of hours."""
    return [
        Bucket(start, count, flagged, total / count if count and total is not None else None, least, greatest)
        for start, count, flagged, total, least, greatest in rows
    ]
