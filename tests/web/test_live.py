"""/devices/live: newest values of what a caller may see, coalesced, none delayed by another."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sensing import made_datastreams
from serving import Served, following, listening

from cim.model.sensing import Reading
from cim.sensors.intake import Intake
from cim.store import identities
from web.event_streams import EventStream

START = datetime.now(UTC) - timedelta(minutes=30)


async def keep(served: Served, streams: list[int], value: float) -> None:
    at = START + timedelta(milliseconds=value)
    await Intake(served.database).keep([Reading(stream, at, value) for stream in streams])


async def values(lines: AsyncIterator[str]) -> dict[int, Any]:
    """The values of the next event that has any."""
    async with asyncio.timeout(15):
        while True:
            line = await anext(lines)
            if line.startswith("data:"):
                document = json.loads(line[5:])
                return {one["datastream"]: one["result"] for one in document["values"]}


async def test_newest_values_of_what_is_open_and_chosen(served: Served) -> None:
    public = await made_datastreams(served.database, 3)
    secret = await made_datastreams(served.database, 1, grade="restricted")
    await keep(served, [*public, *secret], 1.0)
    answer = await served.anonymous.get("/devices/live")
    assert {one["datastream"] for one in answer.json()["values"]} == set(public)
    chosen = {"datastream": f"{public[0]},{secret[0]}"}
    for client, seen in ((served.anonymous, {public[0]}), (served.technician, {public[0], secret[0]})):
        answer = await client.get("/devices/live", params=chosen)
        assert {one["datastream"] for one in answer.json()["values"]} == seen
    assert (await served.anonymous.get("/devices/live", params={"placement": "traffic"})).json() == {"values": []}
    assert (await served.anonymous.get("/devices/live", params={"property": "w01"})).json() == {"values": []}
    assert (await served.anonymous.get("/devices/live", params={"bbox": "103,30,104,31"})).json() == {"values": []}


async def test_what_cannot_be_meant_is_refused(served: Served) -> None:
    for query in ("datastream=x", "datastream=", "datastream=-1", f"datastream={10**12}", "bbox=1"):
        assert (await served.anonymous.get(f"/devices/live?{query}")).status_code == 400, query


async def test_values_come_as_they_are_kept_and_only_to_those_who_may_see_them(served: Served) -> None:
    public = await made_datastreams(served.database, 2)
    secret = await made_datastreams(served.database, 1, grade="restricted")
    async with following(served, "/devices/live") as lines:
        assert await values(lines) == {}
        began = time.monotonic()
        await keep(served, [*public, *secret], 5.0)
        assert await values(lines) == dict.fromkeys(public, 5.0)
        assert time.monotonic() - began < 1.0
        async with served.database.writing() as connection:
            of_stream = "id = (SELECT thing FROM sensing.datastream WHERE id = :id)"
            text = f"UPDATE sensing.thing SET grade = 'restricted' WHERE {of_stream}"
            await connection.execute(sa.text(text), {"id": public[0]})
        await keep(served, [*public, *secret], 6.0)
        assert await values(lines) == {public[1]: 6.0}


async def test_what_changes_often_is_told_four_times_a_second_at_most(served: Served) -> None:
    streams = await made_datastreams(served.database, 1)
    async with following(served, "/devices/live") as lines:
        await values(lines)
        began = time.monotonic()
        for number in range(60):
            await keep(served, streams, float(number))
        spent_s = time.monotonic() - began
        told = 0
        while (await values(lines))[streams[0]] != 59.0:
            told += 1
        assert told <= 4 * spent_s + 1


async def test_values_missed_while_the_connection_was_lost_come_after_it(served: Served) -> None:
    streams = await made_datastreams(served.database, 1)
    async with following(served, "/devices/live") as lines:
        await values(lines)
        async with served.database.writing() as connection:
            await connection.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            )
        await keep(served, streams, 7.0)
        assert await values(lines) == {streams[0]: 7.0}


async def test_a_revoked_key_ends_the_values(served: Served) -> None:
    streams = await made_datastreams(served.database, 1)
    async with served.database.writing() as connection:
        key, secret = await identities.create_key(connection, "technician")
    async with following(served, "/devices/live", Authorization=f"Bearer {secret}") as lines:
        await values(lines)
        async with served.database.writing() as connection:
            await identities.revoke_key(connection, key.key_id)
        served.state.identities.forget()
        await keep(served, streams, 7.0)
        async with asyncio.timeout(10):
            rest = [line async for line in lines]
    assert any("revoked" in line for line in rest)
    assert not any("7.0" in line for line in rest)


async def test_two_hundred_follow_and_one_that_stalls_delays_none(served: Served) -> None:
    """200 subscribers, one of which never reads: the others have a value within a second of its being kept."""
    streams = await made_datastreams(served.database, 400)
    async with listening(served) as address, contextlib.AsyncExitStack() as closing:
        readers = [await asked(address, closing) for _ in range(200)]
        for reader in readers:
            await asyncio.wait_for(reader.readuntil(b"event: values"), 20)
        late: list[float] = []
        for number in range(1, 6):
            await keep(served, streams, number + 0.5)
            mark = f'"result": {number + 0.5}'.encode()
            late += await asyncio.gather(*(seen(reader, mark, time.monotonic()) for reader in readers[1:]))
    late.sort()
    assert late[int(len(late) * 0.95)] < 1.0, late[-5:]


async def asked(address: str, closing: contextlib.AsyncExitStack) -> asyncio.StreamReader:
    """A connection that has asked for values."""
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**20)
    closing.callback(writer.transport.abort)
    writer.write(b"GET /devices/live HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
    return reader


async def seen(reader: asyncio.StreamReader, mark: bytes, since: float) -> float:
    """After how many seconds a text came."""
    await asyncio.wait_for(reader.readuntil(mark), 20)
    return time.monotonic() - since


async def test_a_client_that_takes_nothing_is_cut() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "data: x\n\n"

    sent = []

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) > 2:
            await asyncio.sleep(3600)

    async with asyncio.timeout(5):
        await EventStream(endless(), send_s=0.1).stream_response(send)
    assert len(sent) == 3
