"""What the clock drives: silence, areas, escalation, quiet hours, messages that arrive at least once."""

import asyncio
import contextlib
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from receiving_messages import Received, receiving
from sensing import made_datastreams, made_rule

from cim.errors import StoreConflict
from cim.model.alarms import Severity
from cim.model.sensing import BEIJING, Reading
from cim.sensors.alarm_messages import send_messages
from cim.sensors.alarm_watch import look, watch_alarms
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.sensors.outbound import private_networks
from cim.store.alarm_tables import delivery
from cim.store.alarms import Act, act
from cim.store.database import Database
from cim.store.deliveries import MOST_TRIES
from cim.store.receivers import Receiver, add_receiver, dead_deliveries, send_again
from cim.store.tables import event, event_step

LOCAL = private_networks("127.0.0.1")
ABOVE = {"kind": "threshold", "above": 50.0}


async def alarms(database: Database) -> list[Any]:
    async with database.writing() as connection:
        rows = await connection.execute(sa.select(event))
    return sorted(rows, key=lambda row: int(row.code.partition("-")[2]))


async def sql(database: Database, text: str, **values: object) -> None:
    async with database.writing() as connection:
        await connection.execute(sa.text(text), values)


async def raised(database: Database, **rule: Any) -> int:
    """A datastream with a raised alarm."""
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, ABOVE, datastream=stream, **rule)
    await Intake(database, [AlarmJudge()]).keep([Reading(stream, datetime.now(UTC), 99.0)])
    return stream


async def made_receiver(database: Database, port: int, **more: Any) -> None:
    values = {"name": "desk", "severities": ("red", "orange"), "grades": ("public", "internal"), **more}
    async with database.writing() as connection:
        await add_receiver(connection, Receiver(url=f"http://127.0.0.1:{port}/hook", **values), "s3cret", "tester")


async def test_silence_is_raised_once_and_cleared_by_the_next_value(database: Database) -> None:
    streams = await made_datastreams(database, 2)
    await made_rule(database, {"kind": "silence", "after_s": 600}, datastream=streams[0])
    await Intake(database).keep([Reading(stream, datetime.now(UTC), 1.0) for stream in streams])
    await look(database)
    assert await alarms(database) == []
    await sql(database, "UPDATE sensing.latest SET received_at = now() - interval '11 minutes'")
    await look(database)
    await look(database)
    (alarm,) = await alarms(database)
    assert (alarm.datastream, alarm.state, alarm.value) == (streams[0], "raised", None)
    await Intake(database).keep([Reading(streams[0], datetime.now(UTC), 2.0)])
    await look(database)
    assert [a.state for a in await alarms(database)] == ["cleared"]


async def test_what_never_spoke_is_silent_since_the_rule_was_made(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    await made_rule(database, {"kind": "silence", "after_s": 60}, datastream=stream)
    await look(database)
    assert await alarms(database) == []
    await sql(database, "UPDATE sensing.alarm_rule SET created_at = now() - interval '2 minutes'")
    await look(database)
    assert [a.datastream for a in await alarms(database)] == [stream]


async def test_things_that_leave_an_area_and_come_back(database: Database) -> None:
    (stream,) = await made_datastreams(database, 1)
    area = {"type": "Polygon", "coordinates": [[[103, 30], [104, 30], [104, 31], [103, 31], [103, 30]]]}
    await made_rule(database, {"kind": "geofence", "area": area}, datastream=stream)
    place = (
        "WITH place AS (INSERT INTO sensing.location (name, encoding_type, location, geom) VALUES ('x', 'geo+json',"
        " '{}', ST_SetSRID(ST_MakePoint(103.5, 30.5), 4490)) RETURNING id)"
        " INSERT INTO sensing.thing_location (thing, location)"
        " SELECT d.thing, place.id FROM place, sensing.datastream d WHERE d.id = :stream"
    )
    await sql(database, place, stream=stream)
    await look(database)
    assert await alarms(database) == []
    await sql(database, "UPDATE sensing.location SET geom = ST_SetSRID(ST_MakePoint(105, 30), 4490)")
    await look(database)
    await look(database)
    (alarm,) = await alarms(database)
    assert (alarm.subject[:6], alarm.state, alarm.datastream) == ("thing:", "raised", None)
    await sql(database, "UPDATE sensing.location SET geom = ST_SetSRID(ST_MakePoint(103.1, 30.2), 4490)")
    await look(database)
    assert [a.state for a in await alarms(database)] == ["cleared"]


async def test_what_nobody_acknowledges_escalates_step_by_step(database: Database) -> None:
    steps = [{"after_min": 5}, {"after_min": 30, "severity": "red", "receiver": "chief"}]
    await made_receiver(database, 9, name="chief", standing=False)
    await raised(database, severity="blue", escalation=steps)
    await look(database)
    assert [(a.severity, a.level) for a in await alarms(database)] == [("blue", 0)]
    await sql(database, "UPDATE cim.event SET happened_at = happened_at - interval '6 minutes'")
    await look(database)
    await look(database)
    assert [(a.severity, a.level) for a in await alarms(database)] == [("yellow", 1)]
    await sql(database, "UPDATE cim.event SET happened_at = happened_at - interval '60 minutes'")
    await look(database)
    assert [(a.severity, a.level) for a in await alarms(database)] == [("red", 2)]
    async with database.writing() as connection:
        rows = await connection.execute(sa.select(event_step).order_by(event_step.c.seq))
        assert [(row.action, row.receiver) for row in rows] == [
            ("raise", None),
            ("escalate", None),
            ("escalate", "chief"),
        ]


async def test_acknowledged_alarms_and_quiet_hours_do_not_escalate(database: Database) -> None:
    now = datetime.now(BEIJING)
    quiet = {"begin": (now - timedelta(hours=1)).strftime("%H:%M"), "end": (now + timedelta(hours=1)).strftime("%H:%M")}
    await raised(database, severity="blue", escalation=[{"after_min": 1}], quiet=quiet)
    await raised(database, severity="blue", escalation=[{"after_min": 1}])
    code = (await alarms(database))[1].code
    async with database.writing() as connection:
        await act(connection, code, Act("acknowledge", "王工"))
    await sql(database, "UPDATE cim.event SET happened_at = happened_at - interval '6 minutes'")
    await look(database)
    assert [a.level for a in await alarms(database)] == [0, 0]


async def test_the_course_of_an_alarm(database: Database) -> None:
    await raised(database)
    (alarm,) = await alarms(database)

    async def do(action: str, **more: Any) -> str:
        async with database.writing() as connection:
            return str((await act(connection, alarm.code, Act(action, "王工", **more))).state)

    assert await do("comment", note="去看了") == "raised"
    assert await do("escalate", severity=Severity.RED) == "raised"
    assert await do("acknowledge") == "acknowledged"
    with pytest.raises(StoreConflict):
        await do("acknowledge")
    assert await do("clear") == "cleared"
    for action in ("clear", "escalate", "acknowledge"):
        with pytest.raises(StoreConflict):
            await do(action)
    await sql(database, "UPDATE cim.event SET cleared_at = now() - interval '25 hours'")
    await look(database)
    assert [a.state for a in await alarms(database)] == ["closed"]


async def test_alarms_of_devices_that_are_gone_are_cleared(database: Database) -> None:
    stream = await raised(database)
    await sql(database, "DELETE FROM sensing.datastream WHERE id = :stream", stream=stream)
    await look(database)
    assert [(a.state, a.datastream) for a in await alarms(database)] == [("cleared", None)]


async def test_messages_are_signed_and_sent_once_when_they_are_taken(database: Database) -> None:
    with receiving() as desk:
        await made_receiver(database, desk.port)
        await raised(database)
        await raised(database, severity="yellow")
        assert await send_messages(database, LOCAL) == 1
        assert await send_messages(database, LOCAL) == 0
    ((headers, body),) = desk.posts
    moment, _, mac = headers["x-cim-signature"].partition(",v1=")
    expected = hmac.new(b"s3cret", moment[2:].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(mac, expected)
    document = json.loads(body)
    assert (document["step"]["action"], document["alarm"]["severity"]) == ("raise", "orange")


async def test_what_is_not_taken_is_tried_again_and_given_up_at_last(database: Database) -> None:
    with receiving() as desk:
        desk.status = 500
        await made_receiver(database, desk.port)
        await raised(database)
        for _ in range(MOST_TRIES):
            await send_messages(database, LOCAL)
            assert await send_messages(database, LOCAL) == 0, "the next try comes later"
            await sql(database, "UPDATE sensing.delivery SET next_at = now()")
        assert desk.hits == MOST_TRIES
        async with database.writing() as connection:
            (dead,) = await dead_deliveries(connection, 10)
            assert (dead["name"], dead["error"], dead["tries"]) == ("desk", "the receiver answered 500", MOST_TRIES)
            await send_again(connection, dead["id"])
        desk.status = 200
        assert await send_messages(database, LOCAL) == 1
    async with database.writing() as connection:
        assert await connection.scalar(sa.select(delivery.c.state)) == "delivered"


async def test_messages_to_networks_that_are_not_open_never_leave(database: Database) -> None:
    with receiving() as desk:
        await made_receiver(database, desk.port)
        await raised(database)
        assert await send_messages(database) == 1
        assert desk.hits == 0
    async with database.writing() as connection:
        assert "not called" in str(await connection.scalar(sa.select(delivery.c.error)))


async def test_receivers_get_their_grades_and_regions_and_what_is_escalated_to_them(database: Database) -> None:
    with receiving() as desk, receiving() as chief, receiving() as town:
        await made_receiver(database, desk.port, grades=("public",))
        await made_receiver(database, chief.port, name="chief", standing=False)
        await made_receiver(database, town.port, name="town", region_code="510182101")
        streams = await made_datastreams(database, 1, grade="internal", region_code="510182101003")
        await made_rule(database, ABOVE, datastream=streams[0])
        await Intake(database, [AlarmJudge()]).keep([Reading(streams[0], datetime.now(UTC), 99.0)])
        await raised(database)
        codes = [alarm.code for alarm in await alarms(database)]
        async with database.writing() as connection:
            await act(connection, codes[0], Act("escalate", "王工", receiver="chief"))
        while await send_messages(database, LOCAL):
            pass

    def told(kept: Received) -> list[tuple[str, str]]:
        documents = [json.loads(body) for _, body in kept.posts]
        return sorted((one["alarm"]["code"], one["step"]["action"]) for one in documents)

    assert told(desk) == [(codes[1], "raise")]
    assert told(chief) == [(codes[0], "escalate")]
    assert told(town) == [(codes[0], "escalate"), (codes[0], "raise")]


async def test_quiet_hours_hold_messages_but_red_ones(database: Database) -> None:
    now = datetime.now(BEIJING)
    quiet = {"begin": (now - timedelta(hours=1)).strftime("%H:%M"), "end": (now + timedelta(hours=1)).strftime("%H:%M")}
    with receiving() as desk:
        await made_receiver(database, desk.port)
        await raised(database, quiet=quiet)
        await raised(database, quiet=quiet, severity="red")
        await send_messages(database, LOCAL)
        assert [json.loads(body)["alarm"]["severity"] for _, body in desk.posts] == ["red"]
    async with database.writing() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM sensing.delivery WHERE state = 'waiting'")) == 1


async def test_the_watch_runs_in_one_process(database: Database) -> None:
    with receiving() as desk:
        await made_receiver(database, desk.port)
        watches = [asyncio.create_task(watch_alarms(database, LOCAL)) for _ in range(2)]
        await raised(database)
        assert await asyncio.to_thread(desk.came.wait, 10)
        await asyncio.sleep(1.5)
        for watch in watches:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        assert len(desk.posts) == 1
