"""Incidents when server and database are killed in the middle of writing: what was acknowledged is there, in order."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from incidents import LEAK, SQUARE

from cim.model.incident_replay import fold
from cim.store import identities
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from cim.store.incident_writing import begin
from cim.store.incidents import the_state
from cim.store.live_values import EVERYTHING
from cim.store.migrating import migrate

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PROJECT = Path(__file__).resolve().parents[2]
SERVER = """
import sys
from pathlib import Path
import uvicorn
from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import load_catalog
from web.app import create_app
from web.settings import ServerSettings
from web.state import ServerState
reader, writer, files, port = sys.argv[1:]
state = ServerState.build(ServerSettings(), Database(reader, writer), load_catalog(), FileStore(Path(files)))
uvicorn.run(create_app(state), host="127.0.0.1", port=int(port), log_config=None)
"""
Acknowledged = list[tuple[int, str]]


@pytest.fixture
def durable() -> Iterator[Cluster]:
    """A cluster that loses nothing it has committed, migrated."""
    path = Path(tempfile.mkdtemp(prefix="cimt-", dir="/tmp"))
    path.chmod(0o755)
    cluster = Cluster(path / "data", floor_bytes=0)
    migrate(cluster.ensure_running().owner_url)
    yield cluster
    cluster.stop()
    shutil.rmtree(cluster.socket_dir, ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            if (await client.get("/incidents")).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError("the server did not come up")


async def write_on(client: httpx.AsyncClient, code: str, name: str, acknowledged: Acknowledged) -> None:
    """Add notes and marks until the server is gone, keeping what was acknowledged."""
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
        if answer.status_code != 201:
            return
        entry = answer.json().get("entry")
        acknowledged.append((entry["number"] if entry else 0, label))


async def key_of(logins: Logins) -> str:
    database = Database(logins.reader_url, logins.writer_url, pool_size=2)
    async with database.writing() as connection:
        key = (await identities.create_key(connection, "technician"))[1]
    await database.close()
    return key


async def test_what_was_acknowledged_survives_and_the_timeline_is_in_order(durable: Cluster, tmp_path: Path) -> None:
    logins, port = durable.logins(), free_port()
    command = [sys.executable, "-c", SERVER, logins.reader_url, logins.writer_url, str(tmp_path), str(port)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    acknowledged: Acknowledged = []
    headers = {"Authorization": f"Bearer {await key_of(logins)}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        await until_ready(client)
        code = (await client.post("/incidents", json=LEAK)).json()["code"]
        writers = [asyncio.create_task(write_on(client, code, name, acknowledged)) for name in "甲乙丙"]
        while len(acknowledged) < 60:
            assert not all(writer.done() for writer in writers), "the writers ended before the kill"
            await asyncio.sleep(0.01)
        os.kill(durable.status().pid or 0, signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
        await asyncio.gather(*writers)
    await process.wait()
    logins = await asyncio.to_thread(Cluster(durable.data_dir, floor_bytes=0).ensure_running)
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
