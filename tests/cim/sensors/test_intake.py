"""Observations kept once, with roll-ups that always say what the raw ones do."""

import asyncio
import math
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sensing import made_datastreams
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, StoreUnavailable
from cim.model.access import Grade, ReadContext
from cim.model.sensing import BEIJING, Kept, Outcome, Quality, Reading
from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.observations import ReadingColumns
from cim.store.retention import drop_old_months
from cim.store.sensing_tables import daily, hourly, latest, observation
from cim.store.series import buckets, count_observations, fine_buckets, latest_values

START = datetime(2026, 10, 30, 12, tzinfo=UTC)
EVERYTHING = ReadContext(((Grade.PUBLIC, None), (Grade.INTERNAL, None)))


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


async def test_the_same_again_adds_nothing_and_another_value_is_a_revision(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    intake = Intake(database)
    batch = [Reading(stream, minutes(k), 20.0 + k) for k in range(100)]
    assert (await intake.keep(batch)).count(Outcome.ADDED) == 100
    again = await intake.keep(batch)
    assert again.count(Outcome.UNCHANGED) == 100
    assert again.newest == ()
    other = await intake.keep([Reading(stream, minutes(99), 0.0)])
    assert other.outcomes == (Outcome.REVISED,)
    assert other.newest == (stream,)
    async with database.reading(EVERYTHING) as connection:
        assert await count_observations(connection, stream) == 100
        (newest,) = await latest_values(connection, [stream])
    assert (newest.at, newest.result) == (minutes(99), 0.0)


async def test_late_readings_do_not_become_the_latest(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    intake = Intake(database)
    await intake.keep([Reading(stream, minutes(60), 1.0)])
    late = await intake.keep([Reading(stream, minutes(1), 7.0), Reading(stream, minutes(-90_000), 9.0)])
    assert late.count(Outcome.ADDED) == 2
    assert late.newest == ()
    async with database.reading(EVERYTHING) as connection:
        (newest,) = await latest_values(connection)
        hours = await buckets(connection, stream, minutes(0), minutes(120), "hour")
    assert newest.result == 1.0
    assert [(one.normal, one.mean) for one in hours] == [(1, 7.0), (1, 1.0)]


async def test_results_that_are_no_numbers_are_kept_as_they_are(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    results = [True, "开", {"level": 3}, [1, 2], 4]
    await Intake(database).keep([Reading(stream, minutes(k), result) for k, result in enumerate(results)])
    async with database.reading(EVERYTHING) as connection:
        rows = await connection.execute(sa.select(observation).order_by(observation.c.phenomenon_time))
        assert [row.value if row.value is not None else row.result for row in rows] == results


async def test_what_cannot_be_true_is_refused_with_its_reason(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    now = datetime.now(UTC)
    readings = [
        Reading(stream, now, math.nan),
        Reading(stream, now, math.inf),
        Reading(stream, now, 1e308),
        Reading(stream, datetime(2026, 10, 1), 1.0),  # noqa: DTZ001 the zone is what is missing
        Reading(stream, now + timedelta(days=2), 1.0),
        Reading(stream, datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC), 1.0),
        Reading(stream, now, "x" * 10_000),
        Reading(stream, now, 1.0, until=now - timedelta(hours=1)),
        Reading(stream + 1000, now, 1.0),
        Reading(stream, now - timedelta(seconds=1), 1.0),
    ]
    kept = await Intake(database).keep(readings)
    assert kept.outcomes == (Outcome.REFUSED,) * 9 + (Outcome.ADDED,)
    told = ["finite", "finite", "great", "zone", "ahead", "never set", "characters", "before", "no such datastream"]
    assert all(word in kept.reasons[place] for place, word in enumerate(told)), kept.reasons


async def test_values_a_datastream_cannot_measure_are_flagged_and_count_in_no_mean(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1, least=-50.0, greatest=60.0)
    readings = [Reading(stream, minutes(0), 10.0), Reading(stream, minutes(1), 999.0)]
    readings.append(Reading(stream, minutes(2), 12.0, quality=Quality.CALIBRATION))
    kept = await Intake(database).keep(readings)
    assert kept.count(Outcome.ADDED) == 3
    async with database.reading(EVERYTHING) as connection:
        (hour,) = await buckets(connection, stream, minutes(0), minutes(60), "hour")
        (newest,) = await latest_values(connection)
    assert (hour.normal, hour.flagged, hour.mean, hour.greatest) == (1, 2, 10.0, 10.0)
    assert newest.quality is Quality.CALIBRATION


async def test_while_the_database_is_away_all_that_waits_fails_at_once(database: Database) -> None:
    """One after another would keep the last of them waiting for minutes."""
    (stream,) = await made_datastreams(database, 1)
    tries = 0

    class Away:
        @asynccontextmanager
        async def writing(self, *_: object) -> AsyncIterator[AsyncConnection]:
            nonlocal tries
            tries += 1
            await asyncio.sleep(0.1)
            raise StoreUnavailable("the database cannot be reached")
            yield

    intake = Intake(cast("Database", Away()))
    keeping = [intake.keep([Reading(stream, minutes(k), 1.0)]) for k in range(100)]
    failed = await asyncio.gather(*keeping, return_exceptions=True)
    assert {type(one) for one in failed} == {StoreUnavailable}
    assert tries == 2


Given = tuple[int, int, float, str]
GIVEN = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 60 * 30),
        st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
        st.sampled_from("NNNNDC"),
    ),
    max_size=40,
)


async def test_rollups_equal_the_raw_values_in_whatever_order_they_come(database: Database) -> None:
    streams = await made_datastreams(database, 3)
    intake = Intake(database)
    raw: dict[tuple[int, int], tuple[float, str]] = {}
    loop = asyncio.get_running_loop()

    async def check(batches: list[list[Given]]) -> None:
        for batch in batches:
            await intake.keep([Reading(streams[s], minutes(m), v, quality=Quality(q)) for s, m, v, q in batch])
            raw.update({(s, m): (v, q) for s, m, v, q in batch})
        async with database.reading(EVERYTHING) as connection:
            hours = {(r.datastream_id, r.hour): r for r in await connection.execute(sa.select(hourly))}
            days = {(r.datastream_id, r.day): r for r in await connection.execute(sa.select(daily))}
            newest = {r.datastream_id: r for r in await connection.execute(sa.select(latest))}
        by_hour: dict[tuple[int, datetime], list[tuple[float, str]]] = defaultdict(list)
        by_day: dict[tuple[int, date], list[tuple[float, str]]] = defaultdict(list)
        for (s, m), value in raw.items():
            by_hour[streams[s], minutes(m).replace(minute=0)].append(value)
            by_day[streams[s], minutes(m).astimezone(BEIJING).date()].append(value)
        for kept, expected in ((hours, by_hour), (days, by_day)):
            assert set(kept) == set(expected)
            for key, values in expected.items():
                normal = [v for v, q in values if q == "N"]
                row = kept[key]
                assert (row.count, row.flagged) == (len(normal), len(values) - len(normal))
                assert row.total == (pytest.approx(math.fsum(normal), abs=1e-3) if normal else None)
                assert (row.least, row.greatest) == ((min(normal), max(normal)) if normal else (None, None))
        for s, stream in enumerate(streams):
            times = [m for one, m in raw if one == s]
            if times:
                assert newest[stream].value == raw[s, max(times)][0]

    @settings(max_examples=25)
    @given(st.lists(GIVEN, min_size=1, max_size=3))
    def run(batches: list[list[Given]]) -> None:
        asyncio.run_coroutine_threadsafe(check(batches), loop).result(60)

    await asyncio.to_thread(run)


async def test_many_posts_at_once_are_all_kept_once(database: Database) -> None:
    streams = await made_datastreams(database, 20)
    intake = Intake(database)
    posts = [intake.keep([Reading(streams[k % 20], minutes(k // 20), float(k))]) for k in range(1000)]
    kept = await asyncio.gather(*posts)
    assert all(one.outcomes == (Outcome.ADDED,) for one in kept)
    async with database.reading(EVERYTHING) as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(observation)) == 1000


async def test_a_judge_that_objects_undoes_only_its_own_readings(database: Database) -> None:
    streams = await made_datastreams(database, 2)

    async def judge(_: AsyncConnection, columns: ReadingColumns, kept: Kept) -> None:
        if streams[0] in columns.ids:
            raise BadRequest("not this one")

    intake = Intake(database, [judge])
    results = await asyncio.gather(
        *(intake.keep([Reading(stream, minutes(0), 1.0)]) for stream in streams), return_exceptions=True
    )
    assert isinstance(results[0], BadRequest)
    assert isinstance(results[1], Kept)
    async with database.reading(EVERYTHING) as connection:
        assert list(await connection.scalars(sa.select(observation.c.datastream_id))) == [streams[1]]


async def test_readers_see_observations_of_open_datastreams_only(database: Database) -> None:
    public = await made_datastreams(database, 1)
    internal = await made_datastreams(database, 1, grade="internal", region_code="510182001003")
    elsewhere = await made_datastreams(database, 1, grade="internal", region_code="510182101001")
    secret = await made_datastreams(database, 1, grade="restricted")
    streams = [*public, *internal, *elsewhere, *secret]
    await Intake(database).keep([Reading(stream, minutes(k), 1.0) for stream in streams for k in range(3)])
    for openings, seen in (
        ((), []),
        (((Grade.PUBLIC, None),), public),
        (((Grade.PUBLIC, None), (Grade.INTERNAL, ("510182001",))), public + internal),
        (((Grade.PUBLIC, None), (Grade.INTERNAL, None)), public + internal + elsewhere),
    ):
        async with database.reading(ReadContext(openings)) as connection:
            for table in (observation, latest, hourly, daily):
                found = await connection.scalars(sa.select(table.c.datastream_id).distinct())
                assert sorted(found) == sorted(seen), (table.name, openings)


async def test_dropped_months_keep_their_rollups_and_are_not_counted_twice(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    intake = Intake(database)
    old = datetime(2026, 3, 10, 4, tzinfo=UTC)
    batch = [Reading(stream, old + timedelta(minutes=k), 1.0) for k in range(60)]
    await intake.keep([*batch, Reading(stream, minutes(0), 2.0)])
    async with database.writing() as connection:
        assert await drop_old_months(connection, 90, date(2026, 11, 28)) == ["observation_2026_03"]
    intake.forget_months()
    again = await intake.keep(batch)
    assert again.count(Outcome.REFUSED) == 60
    assert "roll-up" in again.reasons[0]
    fresh = await intake.keep([Reading(stream, old - timedelta(hours=5), 5.0)])
    assert fresh.outcomes == (Outcome.ADDED,)
    async with database.reading(EVERYTHING) as connection:
        hours = await buckets(connection, stream, old - timedelta(days=1), old + timedelta(days=1), "hour")
        months = await buckets(connection, stream, old - timedelta(days=30), minutes(60 * 24 * 40), "month")
        assert await count_observations(connection, stream) == 62
    assert [(one.normal, one.mean) for one in hours] == [(1, 5.0), (60, 1.0)]
    assert [one.normal for one in months] == [61, 1]


async def test_buckets_of_any_length_come_from_raw_values(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await Intake(database).keep([Reading(stream, minutes(k), float(k)) for k in range(30)])
    async with database.reading(EVERYTHING) as connection:
        found = await fine_buckets(connection, stream, minutes(0), minutes(30), 600)
    assert [(one.start, one.normal, one.mean) for one in found] == [
        (minutes(10 * k), 10, 10 * k + 4.5) for k in range(3)
    ]
