"""What the judging of values asks of what is kept: values before, the same hour of past days, breaches on end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarm_course import Course, Usual
from cim.store.alarm_tables import alarm_standing

Pair = tuple[int, int]
"""A rule and a datastream."""
_NEWEST = sa.text("""
    SELECT w.id, o.phenomenon_time AS at FROM unnest(cast(:ids AS integer[])) AS w (id)
    CROSS JOIN LATERAL (
        SELECT phenomenon_time FROM sensing.observation
        WHERE datastream_id = w.id AND received_at < now() ORDER BY phenomenon_time DESC LIMIT 1
    ) o
""")
_BEFORE = sa.text("""
    SELECT w.id, o.phenomenon_time AS at, o.value
    FROM unnest(cast(:ids AS integer[]), cast(:moments AS timestamptz[])) AS w (id, at)
    CROSS JOIN LATERAL (
        SELECT phenomenon_time, value FROM sensing.observation
        WHERE datastream_id = w.id AND phenomenon_time < w.at AND phenomenon_time >= w.at - :gap * interval '1 second'
            AND quality = 'N' AND value IS NOT NULL
        ORDER BY phenomenon_time DESC LIMIT 1
    ) o
""")
_USUAL = sa.text("""
    SELECT datastream_id AS id, count(*) AS days, sum(count) AS count, sum(total) AS total, sum(squares) AS squares
    FROM sensing.hourly
    WHERE datastream_id = ANY (cast(:ids AS integer[])) AND count > 0
        AND hour = ANY (cast(:hours AS timestamptz[]))
    GROUP BY 1
""")


async def newest_before(connection: AsyncConnection, datastreams: Sequence[int]) -> dict[int, datetime]:
    """The newest moment of each datastream that this transaction has not written; absent where there is none."""
    rows = await connection.execute(_NEWEST, {"ids": list(datastreams)})
    return {row.id: row.at for row in rows}


async def values_before(
    connection: AsyncConnection, moments: Mapping[int, datetime], gap_s: float
) -> dict[int, tuple[datetime, float]]:
    """The last normal value of each datastream before a moment, no further back than the gap."""
    given = {"ids": list(moments), "moments": list(moments.values()), "gap": gap_s}
    rows = await connection.execute(_BEFORE, given)
    return {row.id: (row.at, row.value) for row in rows}


async def usual_values(
    connection: AsyncConnection, datastreams: Sequence[int], hours: Sequence[datetime]
) -> dict[int, Usual]:
    """What some hours came to, for each datastream that has normal values in any of them."""
    rows = (await connection.execute(_USUAL, {"ids": list(datastreams), "hours": list(hours)})).mappings()
    return {row["id"]: Usual(row["days"], row["count"], row["total"], row["squares"]) for row in rows}


async def standings(connection: AsyncConnection, datastreams: Sequence[int]) -> dict[Pair, Course]:
    """Breaches on end that are no alarm yet, of some datastreams."""
    ids = sa.any_(sa.literal(list(datastreams), sa.ARRAY(sa.Integer)))
    rows = (await connection.execute(sa.select(alarm_standing).where(alarm_standing.c.datastream == ids))).mappings()
    return {(row["rule"], row["datastream"]): Course(False, row["since"], row["count"]) for row in rows}


async def keep_standings(connection: AsyncConnection, kept: Mapping[Pair, Course], gone: Sequence[Pair]) -> None:
    """Write breaches on end, and forget those that ended."""
    if gone:
        pairs = sa.tuple_(alarm_standing.c.rule, alarm_standing.c.datastream)
        await connection.execute(sa.delete(alarm_standing).where(pairs.in_(list(gone))))
    if kept:
        await connection.execute(
            sa.text(
                "INSERT INTO sensing.alarm_standing AS s (rule, datastream, since, count)"
                " SELECT * FROM unnest(cast(:rules AS integer[]), cast(:ids AS integer[]),"
                " cast(:since AS timestamptz[]), cast(:counts AS integer[]))"
                " ON CONFLICT (datastream, rule) DO UPDATE SET since = EXCLUDED.since, count = EXCLUDED.count"
            ),
            {
                "rules": [rule for rule, _ in kept],
                "ids": [datastream for _, datastream in kept],
                "since": [course.since for course in kept.values()],
                "counts": [course.count for course in kept.values()],
            },
        )
