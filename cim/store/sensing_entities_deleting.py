"""Deleting entities of SensorThings with what hangs on them (OGC 18-088 clause 10.4), roll-ups included."""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import sensing_tables as t
from cim.store.sensing_entities import TABLES

_STREAMS_OF = {
    "Thing": t.datastream.c.thing,
    "Sensor": t.datastream.c.sensor,
    "ObservedProperty": t.datastream.c.observed_property,
    "Datastream": t.datastream.c.id,
}
_FORGET_SUMS = sa.text("""
    WITH gone AS (
        DELETE FROM sensing.hourly h
        USING unnest(cast(:ids AS integer[]), cast(:hours AS timestamptz[])) AS w (id, hour)
        WHERE h.datastream_id = w.id AND h.hour = w.hour
    )
    DELETE FROM sensing.daily d USING unnest(cast(:ids AS integer[]), cast(:hours AS timestamptz[])) AS w (id, hour)
    WHERE d.datastream_id = w.id AND d.day = (w.hour AT TIME ZONE 'Asia/Shanghai')::date
""")
_SUM_AGAIN = sa.text("SELECT sensing.sum_again(cast(:ids AS integer[]), cast(:hours AS timestamptz[]))")
_LATEST_AGAIN = sa.text("""
    WITH gone AS (DELETE FROM sensing.latest WHERE datastream_id = ANY (cast(:ids AS integer[])))
    SELECT id FROM unnest(cast(:ids AS integer[])) AS w (id)
""")
_FIND_LATEST = sa.text("""
    INSERT INTO sensing.latest (datastream_id, feature_id, at, until, value, result, quality, received_at, first_at,
        first_result_at, last_result_at, details)
    SELECT l.datastream_id, l.feature_id, l.phenomenon_time, l.phenomenon_end, l.value, l.result, l.quality,
        l.received_at, s.first_at, s.first_result_at, s.last_result_at, l.details
    FROM unnest(cast(:ids AS integer[])) AS w (id)
    CROSS JOIN LATERAL (SELECT * FROM sensing.observation o WHERE o.datastream_id = w.id
        ORDER BY o.phenomenon_time DESC LIMIT 1) AS l
    CROSS JOIN LATERAL (SELECT min(o.phenomenon_time) AS first_at, min(o.result_time) AS first_result_at,
        max(o.result_time) AS last_result_at FROM sensing.observation o WHERE o.datastream_id = w.id) AS s
""")


async def delete_entity(connection: AsyncConnection, entity: str, number: int) -> None:
    """Delete an entity other than an Observation, with what hangs on it."""
    column = _STREAMS_OF.get(entity)
    if column is not None:
        streams = list(await connection.scalars(sa.select(t.datastream.c.id).where(column == number)))
        await _delete_streams(connection, streams)
    if entity == "Location":
        history, place = t.historical_location, t.historical_location_place
        noted = sa.select(place.c.historical_location).where(place.c.location == number)
        await connection.execute(sa.delete(history).where(history.c.id.in_(noted)))
    if entity == "FeatureOfInterest":
        await _delete_observed(connection, number)
    table = TABLES[entity]
    await connection.execute(sa.delete(table).where(table.c.id == number))


async def _delete_streams(connection: AsyncConnection, streams: Sequence[int]) -> None:
    if not streams:
        return
    for table in (t.observation, t.hourly, t.daily):
        await connection.execute(sa.delete(table).where(table.c.datastream_id.in_(streams)))
    await connection.execute(sa.delete(t.datastream).where(t.datastream.c.id.in_(streams)))


async def _delete_observed(connection: AsyncConnection, feature: int) -> None:
    """Delete the observations of a feature, in the datastreams that name it."""
    o, d, named = t.observation, t.datastream, t.observed_feature
    streams = sa.union_all(
        sa.select(named.c.datastream_id).where(named.c.feature_id == feature),
        sa.select(d.c.id).where(d.c.feature == feature),
    )
    default = sa.select(d.c.feature).where(d.c.id == o.c.datastream_id).scalar_subquery()
    gone = await connection.execute(
        sa.delete(o)
        .where(o.c.datastream_id.in_(streams), sa.func.coalesce(o.c.feature_id, default) == feature)
        .returning(o.c.datastream_id, o.c.phenomenon_time)
    )
    await _settle(connection, [(row[0], row[1]) for row in gone])


async def delete_observation(connection: AsyncConnection, datastream: int, at: datetime) -> bool:
    """Delete one observation; whether there was one. Roll-ups and the latest value follow."""
    o = t.observation
    gone = await connection.execute(
        sa.delete(o).where(o.c.datastream_id == datastream, o.c.phenomenon_time == at).returning(o.c.datastream_id)
    )
    if gone.first() is None:
        return False
    await _settle(connection, [(datastream, at)])
    return True


async def _settle(connection: AsyncConnection, gone: Sequence[tuple[int, datetime]]) -> None:
    """Bring roll-ups and latest values in line after observations were deleted."""
    if not gone:
        return
    hours = sorted({(stream, at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)) for stream, at in gone})
    given = {"ids": [stream for stream, _ in hours], "hours": [hour for _, hour in hours]}
    await connection.execute(_FORGET_SUMS, given)
    await connection.execute(_SUM_AGAIN, given)
    streams = {"ids": sorted({stream for stream, _ in hours})}
    await connection.execute(_LATEST_AGAIN, streams)
    await connection.execute(_FIND_LATEST, streams)
