"""What is acknowledged is kept, once: observations by HTTP and MQTT while the database is killed again and again."""

import asyncio
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from brokers import free_port, until
from entities import ROOT, station
from ingesting import Sent, devices, post_arrays, post_by_mqtt, post_singles, stored, wrong_sums
from running_up import Server, children, command, running_up

from cim.store import identities
from cim.store.cluster import Cluster
from cim.store.database import Database

KILLS, OF_BACKENDS = 20, 5
SINGLES, ARRAYS, DEVICES = 6, 4, 3
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def disk_folder() -> Iterator[Path]:
    """A short folder on a disk, which the account of the database can reach."""
    folder = Path(tempfile.mkdtemp(prefix="cimk-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Outages:
    """What readiness said while the database was away, and after how many seconds all was well again."""

    problems: list[dict[str, str]] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    taken_s: list[float] = field(default_factory=list)


@asynccontextmanager
async def server_with_broker(folder: Path) -> AsyncIterator[tuple[Server, Cluster, Database, int]]:
    """``cim up`` with a durable cluster of its own and a broker, whose port comes last."""
    port = free_port()
    async with running_up(folder, "--mqtt", CIM_MQTT_PORT=str(port)) as server:
        cluster = Cluster(folder / "d")
        logins = cluster.logins()
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        try:
            yield server, cluster, database, port
        finally:
            await database.close()


async def made_streams(client: httpx.AsyncClient, count: int) -> list[int]:
    """Datastreams of as many stations."""
    found = []
    for number in range(count):
        made = await client.post(f"{ROOT}/Things", json=station(f"站{number}"))
        assert made.status_code == 201, made.text
        document = (await client.get(f"{made.headers['location']}/Datastreams")).json()
        found.append(int(document["value"][0]["@iot.id"]))
    return found


async def key(database: Database) -> tuple[str, str]:
    async with database.writing() as connection:
        made, secret = await identities.create_key(connection, "technician")
    return made.key_id, secret


@asynccontextmanager
async def sending(server: Server, database: Database, port: int) -> AsyncIterator[Sent]:
    """Senders at work while the block runs; at its end all that they sent is acknowledged, and in ``acknowledged``."""
    name, secret = await key(database)
    sent, over = Sent(), asyncio.Event()
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as client:
        streams = await made_streams(client, SINGLES + ARRAYS + DEVICES)
        arrays = streams[SINGLES : SINGLES + ARRAYS]
        with devices(port, name, secret, streams[-DEVICES:]) as made:
            tasks = [asyncio.create_task(post_singles(client, one, over, sent)) for one in streams[:SINGLES]]
            both = (arrays[::2], arrays[1::2])
            tasks += [asyncio.create_task(post_arrays(client, some, over, sent)) for some in both]
            tasks.append(asyncio.create_task(post_by_mqtt(made, 0.03, over)))
            await until(lambda: len(sent.acknowledged) > 100 and all(one.acknowledged for one in made), 60)
            yield sent
            over.set()
            await asyncio.gather(*tasks)
            await until(lambda: all(one.acknowledged == one.everything for one in made), 60)
            sent.by_mqtt = {place: value for one in made for place, value in one.everything.items()}


def victims(postmaster: int, *, backend: bool) -> list[int]:
    """The main process of the database, or those of its processes that work for the server's writers."""
    if not backend:
        return [postmaster]
    return [pid for pid in children(postmaster) if "".join(command(pid)).startswith("postgres: cim_writer")]


async def killed(server: Server, cluster: Cluster, sent: Sent, outages: Outages, *, backend: bool) -> None:
    """Kill the database, and watch until the server was not ready, is ready again, and takes observations."""
    postmaster = cluster.status().pid
    assert postmaster is not None
    os.kill(random.choice(victims(postmaster, backend=backend)), signal.SIGKILL)
    began, told, ready, away_at, taken = time.monotonic(), {}, False, 0.0, 0.0
    while not (told and ready and taken):
        answer = await server.get("/readyz")
        ready = answer.status_code == 200
        told |= answer.json()["problems"]
        assert (await server.get("/healthz")).status_code == 200
        away_at = away_at or (time.monotonic() if told else 0.0)
        taken = taken or (sent.last_s if away_at and sent.last_s > away_at else 0.0)
        assert time.monotonic() - began < 90, told
        await asyncio.sleep(0.1)
    outages.problems.append(told)
    outages.ready_s.append(round(time.monotonic() - began, 1))
    outages.taken_s.append(round(taken - began, 1))


async def test_twenty_kills_lose_and_double_nothing(disk_folder: Path, figures: Callable[..., None]) -> None:
    kinds = [True] * OF_BACKENDS + [False] * (KILLS - OF_BACKENDS)
    random.shuffle(kinds)
    outages = Outages()
    async with server_with_broker(disk_folder) as (server, cluster, database, port):
        async with sending(server, database, port) as sent:
            for backend in kinds:
                await asyncio.sleep(random.uniform(0.1, 2.5))
                await killed(server, cluster, sent, outages, backend=backend)
        expected = sent.acknowledged | sent.by_mqtt

        async def all_there() -> bool:
            return len(await stored(database)) >= len(expected)

        await until(all_there, 60)
        kept, sums = await stored(database), await wrong_sums(database)
    found = {(stream, at): value for stream, at, value, _ in kept}
    lost = [place for place, value in expected.items() if found.get(place) != value]
    figures(
        "D6",
        kills=KILLS,
        of_backends=OF_BACKENDS,
        acknowledged=len(expected),
        by_mqtt=len(sent.by_mqtt),
        lost=len(lost),
        doubled=len(kept) - len(expected),
        statuses=dict(sent.statuses),
        ready_again_s=sorted(outages.ready_s),
        taken_again_s=sorted(outages.taken_s),
        slowest_answer_s=round(sent.slowest_s, 1),
    )
    assert sent.odd == []
    assert set(sent.statuses) == {201, 503}
    assert lost == []
    assert len(kept) == len(expected) == len(found)
    assert all(revision == 0 for *_, revision in kept)
    assert sums == {"hourly": 0, "daily": 0, "latest": 0}
    assert all("database" in told for told in outages.problems)
    assert max(outages.ready_s) < 60
