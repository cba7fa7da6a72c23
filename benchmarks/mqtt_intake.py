"""Observations by MQTT: how many a second the bridge stores, beside a bare subscriber that only counts.

A real Mosquitto holds the same messages of quality 1 for both, in sessions that last: each round, the bare subscriber
takes them as fast as it can, acknowledging each as it comes, and the bridge takes them, keeps them in PostGIS under
rules of alarms and acknowledges them after the commit, until all are stored. Both use the same library; the publisher
is done before either begins, so that it takes no time from them.
"""

import asyncio
import json
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.machine import spread
from benchmarks.observations import add_datastreams
from cim.garbage import collect_seldom
from cim.model.alarms import RuleBody
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store.alarm_rules import add_rule
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from cim.store.identities import broker_hash
from cim.store.migrating import migrate
from cim.store.sensing_tables import observation
from web.broker.accounts import BRIDGE, Account
from web.broker.bridge import Bridge
from web.broker.configuration import BrokerAddress, broker
from web.broker.publishing import Publisher

MESSAGES, DATASTREAMS = 60_000, 500
TOPIC = "v1.1/Observations"
REACH = {"of_bare": ">= 0.7"}
_FIRST = datetime.now(UTC) - timedelta(days=1)
_COUNT = sa.select(sa.func.count()).select_from(observation)


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Interleaved rounds of the bare subscriber and the bridge; the county is not used."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Cluster(folder / "d") as logins, _broker(folder / "broker") as address:
            migrate(logins.owner_url)
            return asyncio.run(_measure(logins, address, rounds))


async def _measure(logins: Logins, address: BrokerAddress, rounds: int) -> dict[str, object]:
    database = Database(logins.reader_url, logins.writer_url, pool_size=6)
    await add_datastreams(database, DATASTREAMS)
    async with database.writing() as connection:
        rule = {
            "name": "high",
            "severity": "red",
            "condition": {"kind": "threshold", "above": 1e6},
            "region_code": "51",
        }
        await add_rule(connection, RuleBody.model_validate(rule), "benchmark")
    async with _bridge(database, address):
        pass
    await asyncio.to_thread(_count, address, 0)
    collect_seldom()
    bare, stored = [], []
    for number in range(rounds):
        await asyncio.to_thread(_publish, address, number)
        bare.append(MESSAGES / await asyncio.to_thread(_count, address, MESSAGES))
        stored.append(MESSAGES / await _store(database, address, MESSAGES * (number + 1)))
    await database.close()
    ratios = [mine / theirs for mine, theirs in zip(stored, bare, strict=True)]
    return {
        "what": f"{MESSAGES} messages of quality 1 over {DATASTREAMS} datastreams wait at Mosquitto; messages a second",
        "rounds": rounds,
        "bare_count_per_s": spread(bare),
        "stored_per_s": spread(stored),
        "of_bare": spread(ratios),
        "reach": REACH,
    }


async def _store(database: Database, address: BrokerAddress, expected: int) -> float:
    """Seconds from the start of the bridge until all messages are committed."""
    began = time.perf_counter()
    async with _bridge(database, address) as bridge:
        await _until(lambda: bridge.counts["kept"] >= MESSAGES)
        # Messages that came again after a lost connection are counted again.
        async with asyncio.timeout(300):
            while True:
                if await _stored(database) >= expected:
                    break
                await asyncio.sleep(0.05)
        spent = time.perf_counter() - began
    if await _stored(database) != expected:
        raise RuntimeError("messages were stored more than once")
    return spent


async def _stored(database: Database) -> int:
    async with database.writing() as connection:
        return int(await connection.scalar(_COUNT) or 0)


@asynccontextmanager
async def _bridge(database: Database, address: BrokerAddress) -> AsyncIterator[Bridge]:
    bridge = Bridge(database, Intake(database, [AlarmJudge()]), address)
    tasks = [asyncio.create_task(bridge.run()), asyncio.create_task(Publisher(database, bridge).run())]
    try:
        await _until(lambda: bridge.connected or any(task.done() for task in tasks))
        yield bridge
    finally:
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception):
                raise end


async def _until(reached: Callable[[], bool]) -> None:
    for _ in range(30_000):
        if reached():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("it took more than five minutes")


def _count(address: BrokerAddress, expected: int) -> float:
    """Seconds until a bare subscriber of the lasting session ``bare`` has counted so many messages."""
    client = _client(address, "bare")
    done, count = threading.Event(), 0

    def on_connect(*_: Any) -> None:
        client.subscribe(TOPIC, qos=1)

    def on_message(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == expected:
            done.set()

    client.on_connect, client.on_message = on_connect, on_message
    client.on_subscribe = lambda *_: done.set() if not expected else None
    began = time.perf_counter()
    _connect(client, address)
    counted = done.wait(300)
    spent = time.perf_counter() - began
    client.disconnect()
    client.loop_stop()
    if not counted:
        raise TimeoutError(f"{count} of {expected} messages came in five minutes")
    return spent


def _publish(address: BrokerAddress, number: int) -> None:
    """Post one round of messages, each its own moment."""
    client = _client(address, "publisher")
    client.max_inflight_messages_set(2_000)
    _connect(client, address)
    last = None
    for k in range(MESSAGES):
        at = _FIRST + timedelta(milliseconds=number * MESSAGES + k)
        link = {"@iot.id": k % DATASTREAMS + 1}
        body = {"phenomenonTime": at.isoformat(), "result": k % 97 + 0.5, "Datastream": link}
        last = client.publish(TOPIC, json.dumps(body), qos=1)
    if last is not None:
        last.wait_for_publish(300)
        if not last.is_published():
            raise TimeoutError("the broker took no more messages for five minutes")
    client.disconnect()
    client.loop_stop()


def _client(address: BrokerAddress, name: str) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, name, clean_session=False)
    client.username_pw_set(address.name, address.secret)
    return client


def _connect(client: mqtt.Client, address: BrokerAddress) -> None:
    client.connect(address.host, address.port)
    client.loop_start()


@contextmanager
def _broker(folder: Path) -> Iterator[BrokerAddress]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    address = BrokerAddress("127.0.0.1", port, BRIDGE, secrets.token_urlsafe(16))
    program = broker(folder, address.host, port, [Account(BRIDGE, broker_hash(address.secret), None)])
    with (folder / "log").open("ab") as log, subprocess.Popen(program.command, stderr=log) as process:
        try:
            _await_start(process, address)
            yield address
        finally:
            process.terminate()


def _await_start(process: "subprocess.Popen[bytes]", address: BrokerAddress) -> None:
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection((address.host, address.port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the broker did not start")
