"""Calls about a warning when server and database are killed: nobody is called twice, no answer is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from cap_messages import XML, cap
from killing import Killable, durable_cluster, serving_to_be_killed, started_again
from sample_server import SAMPLES

from cim.sensors.warning_watch import look
from cim.store.cluster import Cluster
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FILES = ("admin_county.geojson", "admin_town.geojson", "admin_village.gpkg", "geohazards.csv", "contacts.csv")
HILLS = "31.05,103.75 31.05,104.00 31.30,104.00 31.30,103.75 31.05,103.75"
CONFIRMED = 12


@pytest.fixture
async def durable() -> AsyncIterator[Cluster]:
    """A durable cluster with the layers that answer for people."""
    with durable_cluster() as cluster:
        logins = cluster.logins()
        database = Database(logins.reader_url, logins.writer_url, pool_size=2)
        for name in FILES:
            options = ReadOptions(crs="EPSG:4490" if name.endswith(".csv") else None, trust_file=True)
            request = ImportRequest(SAMPLES / name, "test", "administrator", name.split(".")[0], options=options)
            (report,) = await import_file(database, load_catalog(), request)
            assert report.status == "published", report.message
        await database.close()
        yield cluster


async def calls_of(server: Killable) -> list[dict[str, Any]]:
    return list((await server.client.get("/warnings/STORM/calls")).json()["calls"])


async def confirm_on(server: Killable, calls: Iterator[dict[str, Any]], acknowledged: set[int]) -> None:
    """Confirm call after call until the server is gone, keeping which were acknowledged."""
    for call in calls:
        try:
            answer = await server.client.post(f"/warnings/STORM/calls/{call['id']}/confirm", json={"note": "电话"})
        except httpx.HTTPError:
            return
        if answer.status_code != 200:
            return
        acknowledged.add(call["id"])


async def test_nobody_is_called_twice_and_no_answer_is_lost(durable: Cluster, tmp_path: Path) -> None:
    async with serving_to_be_killed(durable, tmp_path) as server:
        made = await server.client.post("/warnings", content=cap("STORM", ring=HILLS), headers=XML)
        assert made.status_code == 201, made.text
        calling = asyncio.create_task(server.client.post("/warnings/STORM/calls"))
        await asyncio.sleep(0.15)
        server.kill_database()
        await asyncio.gather(calling, return_exceptions=True)
    await asyncio.to_thread(started_again, durable)

    acknowledged: set[int] = set()
    async with serving_to_be_killed(durable, tmp_path) as server:
        before = await calls_of(server)
        told = (await server.client.post("/warnings/STORM/calls")).json()
        assert (told["already_called"], told["called"] > 0) == (len(before), not before)
        calls = await calls_of(server)
        assert len(calls) == told["called"] + told["already_called"] > 2 * CONFIRMED
        assert max(Counter(call["name"] + call["phone"] for call in calls).values()) == 1
        waiting = iter(calls)
        officers = [confirm_on(server, waiting, acknowledged) for _ in range(3)]
        await server.kill_both_amid(officers, acknowledged, CONFIRMED)
    logins = await asyncio.to_thread(started_again, durable)

    database = Database(logins.reader_url, logins.writer_url, pool_size=2)
    async with database.writing() as connection:
        await connection.execute(sa.text("UPDATE cim.warning_call SET answer_by = now() - interval '1 s'"))
    await look(database)
    await look(database)
    await database.close()
    async with serving_to_be_killed(durable, tmp_path) as server:
        answer = (await server.client.get("/warnings/STORM/calls")).json()
    steps = Counter((step["call"], step["action"]) for step in answer["receipts"])
    confirmed = {one for one, action in steps if action == "confirmed"}
    assert acknowledged <= confirmed
    assert len(confirmed - acknowledged) <= 3
    assert all(steps[one, "confirmed"] == 1 for one in confirmed)
    state = {call["id"]: call["state"] for call in answer["calls"]}
    last = {step["call"]: step["action"] for step in answer["receipts"]}
    assert {one for one, now in state.items() if now == "confirmed"} == {
        one for one in confirmed if last[one] == "confirmed"
    }
    assert {last[one] for one in confirmed} <= {"confirmed", "called"}, (
        "who answered is called again only for the silent"
    )
    assert "silent" in state.values()
