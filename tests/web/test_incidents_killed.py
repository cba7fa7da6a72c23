"""Incidents when server and database are killed in the middle of writing: what was acknowledged is there, in order."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from incidents import LEAK, SQUARE
from killing import durable_cluster, serving_to_be_killed, started_again

from cim.model.incident_replay import fold
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.incident_writing import begin
from cim.store.incidents import the_state
from cim.store.live_values import EVERYTHING

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
Acknowledged = list[tuple[int, str]]


@pytest.fixture
def durable() -> Iterator[Cluster]:
    """A cluster that loses nothing it has committed."""
    with durable_cluster() as cluster:
        yield cluster


async def write_on(client: httpx.AsyncClient, code: str, name: str, acknowledged: Acknowledged) -> None:
    """Add notes and marks until the server is gone, keeping what was acknowledged; what is refused is not repeated."""
    number = 0
    while True:
        number += 1
        label = f"{name}{number}"
        body: dict[str, Any] = {"text": label}
        path = "entries"
        if number % 3 == 0:
            body, path = {"geometry": SQUARE, "symbol": "cordon", "label": label}, "marks"
        try:
            answer = await client.post(f"/incidents/{code}/{path}", json=body)
        except httpx.HTTPError:
            return
        if answer.status_code == 503:  # the database is away or busy; the server says so until it is gone itself
            await asyncio.sleep(0.02)
            continue
        assert answer.status_code == 201, answer.text
        entry = answer.json().get("entry")
        acknowledged.append((entry["number"] if entry else 0, label))


async def test_what_was_acknowledged_survives_and_the_timeline_is_in_order(durable: Cluster, tmp_path: Path) -> None:
    acknowledged: Acknowledged = []
    async with serving_to_be_killed(durable, tmp_path) as server:
        code = (await server.client.post("/incidents", json=LEAK)).json()["code"]
        writers = [write_on(server.client, code, name, acknowledged) for name in "甲乙丙"]
        await server.kill_both_amid(writers, acknowledged, 60)
    logins = await asyncio.to_thread(started_again, durable)
    database = Database(logins.reader_url, logins.writer_url, pool_size=2)
    async with database.reading(EVERYTHING) as connection:
        state = await the_state(connection, code)
    entries = state.entries
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.at for entry in entries] == sorted({entry.at for entry in entries})
    assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
    texts = {entry.text: entry.number for entry in entries}
    labels = {mark.label for mark in state.marks}
    for number, text in acknowledged:
        assert texts[text] == number if number else text in labels
    assert len(entries) - 1 - len(acknowledged) <= 3
    assert fold(entries) == state
    async with database.writing() as connection:
        turn = await begin(connection, code, "甲")
        again = await turn.put_down("note", "继续")
    assert again.number == len(entries) + 1
    assert again.at > entries[-1].at
    await database.close()
