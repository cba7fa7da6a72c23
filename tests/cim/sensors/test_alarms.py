"""Alarms raised, counted and cleared while readings are kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sensing import made_datastreams, made_rule

from cim.errors import StoreError
from cim.model.alarm_course import QUIET, Turn, advance, of_threshold
from cim.model.alarms import Threshold
from cim.model.sensing import Quality, Reading
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store.alarm_rules import change_rule, remove_rule, the_rule
from cim.store.alarm_writing import clear_of_rule
from cim.store.database import Database
from cim.store.tables import event, event_step

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=90)
ABOVE = {"kind": "threshold", "above": 50.0, "hysteresis": 5.0}


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


async def alarms(database: Database) -> list[Any]:
    async with database.writing() as connection:
        rows = await connection.execute(sa.select(event))
    return sorted(rows, key=lambda row: int(row.code.partition("-")[2]))


async def steps(database: Database) -> list[str]:
    async with database.writing() as connection:
        return list(await connection.scalars(sa.select(event_step.c.action).order_by(event_step.c.seq)))


async def test_one_alarm_for_a_rule_and_datastream_and_repeats_are_counted(database: Database) -> None:
    streams = await made_datastreams(database, 2, grade="restricted", region_code="510182001")
    rule = await made_rule(database, ABOVE, datastream=streams[0], text="请到现场查看")
    intake = Intake(database, [AlarmJudge()])
    for minute, value in enumerate((20.0, 51.0, 60.0, 47.0, 55.0)):
        await intake.keep([Reading(stream, minutes(minute), value) for stream in streams])
    await intake.keep([Reading(streams[0], minutes(4), 55.0)])
    (alarm,) = await alarms(database)
    assert (alarm.state, alarm.count, alarm.value, alarm.last_value) == ("raised", 3, 51.0, 55.0)
    assert (alarm.rule, alarm.datastream) == (rule, streams[0])
    assert (alarm.grade, alarm.region_code) == ("restricted", "510182001")
    assert (alarm.value_at, alarm.last_at, alarm.severity) == (minutes(1), minutes(4), "orange")
    assert alarm.text == "请到现场查看"
    await intake.keep([Reading(streams[0], minutes(5), 45.0)])
    await intake.keep([Reading(streams[0], minutes(6), 70.0)])
    first, second = await alarms(database)
    assert (first.state, second.state, second.count) == ("cleared", "raised", 1)
    assert await steps(database) == ["raise", "clear", "raise"]


async def test_late_old_and_flagged_values_do_not_alarm(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1, greatest=500.0)
    await made_rule(database, ABOVE, datastream=stream)
    intake = Intake(database, [AlarmJudge()])
    await intake.keep([Reading(stream, minutes(-600), 99.0)])
    await intake.keep([Reading(stream, minutes(10), 20.0)])
    await intake.keep([Reading(stream, minutes(5), 99.0)])
    await intake.keep([Reading(stream, minutes(11), 99.0, quality=Quality.CALIBRATION)])
    await intake.keep([Reading(stream, minutes(12), 501.0)])
    await intake.keep([Reading(stream, minutes(8), 99.0), Reading(stream, minutes(13), 30.0)])
    assert await alarms(database) == []
    await intake.keep([Reading(stream, minutes(13), 99.0)])
    (alarm,) = await alarms(database)
    assert alarm.value_at == minutes(13), "a correction of the newest value is judged as it"


async def test_a_correction_of_the_value_that_raised_it_clears(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, ABOVE, datastream=stream)
    intake = Intake(database, [AlarmJudge()])
    await intake.keep([Reading(stream, minutes(0), 99.0)])
    await intake.keep([Reading(stream, minutes(1), 48.0)])
    assert [a.state for a in await alarms(database)] == ["raised"]
    await intake.keep([Reading(stream, minutes(0), 9.9)])
    assert [a.state for a in await alarms(database)] == ["cleared"]
    await intake.keep([Reading(stream, minutes(2), 88.0)])
    await intake.keep([Reading(stream, minutes(2), 88.0, quality=Quality.FAULT)])
    assert [a.state for a in await alarms(database)] == ["cleared", "cleared"]


async def test_a_breach_must_last_over_batches_and_processes(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, {"kind": "threshold", "above": 50, "for_s": 300, "times": 3}, datastream=stream)
    for minute in (0, 2, 4):
        await Intake(database, [AlarmJudge()]).keep([Reading(stream, minutes(minute), 60.0)])
    assert await alarms(database) == []
    await Intake(database, [AlarmJudge()]).keep([Reading(stream, minutes(5), 60.0)])
    (alarm,) = await alarms(database)
    assert alarm.value_at == minutes(5)
    intake = Intake(database, [AlarmJudge()])
    await intake.keep(
        [Reading(stream, minutes(m), v) for m, v in ((6, 1.0), (7, 60.0), (9, 60.0), (10, 50.0), (11, 60.0))]
    )
    await intake.keep([Reading(stream, minutes(13), 60.0), Reading(stream, minutes(15), 60.0)])
    assert [a.state for a in await alarms(database)] == ["cleared"], "the run was broken at minute 10"
    await intake.keep([Reading(stream, minutes(16), 60.0)])
    assert [a.state for a in await alarms(database)] == ["cleared", "raised"]


async def test_rates_look_at_the_value_before_wherever_it_was_kept(database: Database) -> None:
    streams = await made_datastreams(database, 2)
    await made_rule(
        database, {"kind": "rate", "change": 10, "per_s": 60}, observed_property=await property_of(database)
    )
    intake = Intake(database, [AlarmJudge()])
    await intake.keep([Reading(stream, minutes(0), 1.0) for stream in streams])
    await Intake(database).keep([Reading(streams[1], minutes(1), 20.0)])
    await intake.keep([Reading(streams[0], minutes(2), 20.0), Reading(streams[1], minutes(2), 25.0)])
    assert await alarms(database) == []
    await intake.keep([Reading(streams[0], minutes(3), 31.0), Reading(streams[0], minutes(4), 31.5)])
    (alarm,) = await alarms(database)
    assert (alarm.datastream, alarm.value, alarm.state) == (streams[0], 31.0, "cleared")


async def property_of(database: Database) -> int:
    async with database.writing() as connection:
        return int(await connection.scalar(sa.text("SELECT max(id) FROM sensing.observed_property")) or 0)


async def test_deviation_is_from_the_same_hour_of_past_days(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, {"kind": "deviation", "deviations": 3, "days": 10, "least_days": 5}, datastream=stream)
    intake = Intake(database, [AlarmJudge()])
    past = []
    for day in range(1, 8):
        past += [Reading(stream, minutes(0) - timedelta(days=day), 10.0 + day % 2)]
        past += [Reading(stream, minutes(0) - timedelta(days=day, hours=6), 500.0)]
    await intake.keep(past)
    await intake.keep([Reading(stream, minutes(0), 11.9)])
    assert await alarms(database) == []
    await intake.keep([Reading(stream, minutes(0.1), 13.0)])
    (alarm,) = await alarms(database)
    assert alarm.value == 13.0


async def test_points_that_leave_an_area(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    area = {"type": "Polygon", "coordinates": [[[103, 30], [104, 30], [104, 31], [103, 31], [103, 30]]]}
    await made_rule(database, {"kind": "geofence", "area": area}, datastream=stream)
    intake = Intake(database, [AlarmJudge()])
    places = [(103.5, 30.5), (104.5, 30.5), (104.6, 30.5), (103.2, 30.2)]
    for minute, place in enumerate(places[:3]):
        await intake.keep([Reading(stream, minutes(minute), {"type": "Point", "coordinates": list(place)})])
    (alarm,) = await alarms(database)
    assert (alarm.state, alarm.count, alarm.value) == ("raised", 2, None)
    await intake.keep([Reading(stream, minutes(9), {"type": "Point", "coordinates": list(places[3])})])
    assert [a.state for a in await alarms(database)] == ["cleared"]
    odd = ["gone", {"type": "Point", "coordinates": "x"}, {"type": "Point"}, [1, 2]]
    await intake.keep([Reading(stream, minutes(10 + k), result) for k, result in enumerate(odd)])
    assert len(await alarms(database)) == 1


async def test_rules_are_seen_at_once_when_they_change(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    intake = Intake(database, [AlarmJudge()])
    await intake.keep([Reading(stream, minutes(0), 99.0)])
    assert await alarms(database) == []
    rule = await made_rule(database, ABOVE, datastream=stream)
    await intake.keep([Reading(stream, minutes(1), 99.0)])
    assert len(await alarms(database)) == 1
    async with database.writing() as connection:
        body = (await the_rule(connection, rule)).body
        await clear_of_rule(connection, rule, "tester", "another limit")
        await change_rule(connection, rule, body.model_copy(update={"condition": Threshold(above=200)}))
    await intake.keep([Reading(stream, minutes(2), 150.0)])
    assert [a.state for a in await alarms(database)] == ["cleared"]
    (late,) = await made_datastreams(database, 1)
    await made_rule(database, ABOVE, region_code="51")
    await intake.keep([Reading(late, minutes(2), 150.0)])
    async with database.writing() as connection:
        await remove_rule(connection, rule)
    await intake.keep([Reading(stream, minutes(3), 350.0)])
    assert len(await alarms(database)) == 1, "none of these things lies in a region"


async def test_writers_at_the_same_time_raise_one_alarm(database: Database) -> None:
    streams = await made_datastreams(database, 3)
    await made_rule(database, {"kind": "threshold", "above": 0}, observed_property=await property_of(database))
    intakes = [Intake(database, [AlarmJudge()]) for _ in range(2)]
    posts = [
        intakes[k % 2].keep([Reading(stream, minutes(0) + timedelta(seconds=k), 1.0) for stream in streams])
        for k in range(20)
    ]
    await asyncio.gather(*posts)
    found = await alarms(database)
    assert sorted(a.datastream for a in found) == streams
    assert await steps(database) == ["raise"] * 3


async def test_kept_readings_lead_to_the_transitions_of_their_sequence(database: Database) -> None:
    """Batches of any size, given to two processes by turns, end as the same values one by one would."""
    condition = Threshold(above=50, hysteresis=5, times=2)
    loop = asyncio.get_running_loop()

    async def check(batches: list[list[float]]) -> None:
        (stream,) = await made_datastreams(database, 1)
        rule = await made_rule(database, condition.model_dump(), datastream=stream)
        intakes = [Intake(database, [AlarmJudge()]) for _ in range(2)]
        course, expected, at = QUIET, [], 0
        for number, batch in enumerate(batches):
            readings = []
            for value in batch:
                at += 1
                readings.append(Reading(stream, minutes(0) + timedelta(seconds=at), value))
                course, turn = advance(course, of_threshold(condition, value), readings[-1].at, times=2)
                expected += [turn] if turn in (Turn.RAISE, Turn.CLEAR) else []
            await intakes[number % 2].keep(readings)
        async with database.writing() as connection:
            query = sa.select(event_step.c.action).join(event, event.c.code == event_step.c.event)
            done = await connection.scalars(query.where(event.c.rule == rule).order_by(event_step.c.seq))
            assert list(done) == [turn.name.lower() for turn in expected]

    @settings(max_examples=20)
    @given(st.lists(st.lists(st.sampled_from([40.0, 47.0, 60.0]), max_size=6), max_size=6))
    def run(batches: list[list[float]]) -> None:
        asyncio.run_coroutine_threadsafe(check(batches), loop).result(60)

    await asyncio.to_thread(run)


async def test_steps_of_one_transaction_keep_their_order_where_numbers_grow_longer(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, ABOVE, datastream=stream)
    async with database.writing() as connection:
        await connection.execute(sa.text("SELECT nextval('cim.event_number') FROM generate_series(1, 8)"))
    intake = Intake(database, [AlarmJudge()])
    await intake.keep([Reading(stream, minutes(k), value) for k, value in enumerate([350.0, 10.0, 350.0])])
    assert [one.code.partition("-")[2] for one in await alarms(database)] == ["9", "10"]
    assert await steps(database) == ["raise", "clear", "raise"]


async def test_history_is_only_ever_added_to(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, ABOVE, datastream=stream)
    await Intake(database, [AlarmJudge()]).keep([Reading(stream, minutes(0), 99.0)])
    for statement in ("UPDATE cim.event_step SET note = 'x'", "DELETE FROM cim.event_step"):
        with pytest.raises(StoreError):
            async with database.writing() as connection:
                await connection.execute(sa.text(statement))
    assert await steps(database) == ["raise"]
