"""A real Mosquitto for tests, with the settings and accounts of a server's."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store.database import Database
from web.broker.configuration import BrokerAddress, kept_address
from web.broker.starting import start_broker
from web.gathering.broker import broker_part
from web.gathering.parts import Part


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class RunningBroker:
    """A broker that can be stopped and started again."""

    folder: Path
    port: int
    command: list[str]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, *, kill: bool = False) -> None:
        if self.process:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(10)
            self.process = None

    @property
    def address(self) -> BrokerAddress:
        found = kept_address(self.folder)
        assert found is not None
        return found


@asynccontextmanager
async def running_broker(database: Database, folder: Path) -> AsyncIterator[RunningBroker]:
    """A broker with an account for each key that there is by now; skips where Mosquitto is not installed."""
    if not (shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")):
        pytest.skip("mosquitto is not installed; the Debian package mosquitto brings it")
    port = free_port()
    program = await start_broker(database, folder, "127.0.0.1", port)
    broker = RunningBroker(folder, port, list(program.command))
    await asyncio.to_thread(broker.start)
    try:
        yield broker
    finally:
        await asyncio.to_thread(broker.stop)


@asynccontextmanager
async def bridged(database: Database, broker: RunningBroker) -> AsyncIterator[Part]:
    """The bridge, running and connected."""
    part = broker_part(database, Intake(database, [AlarmJudge()]), broker.folder, broker.address)
    task = asyncio.create_task(part.run(part))
    try:
        await until(lambda: part.detail and not part.problem)
        yield part
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(found: Callable[[], Any], seconds: float = 10) -> None:
    """Wait until something is there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = found()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


@dataclass
class Client:
    """A client of the broker, and what it has received."""

    client: mqtt.Client
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    refused: str = ""

    def publish(self, topic: str, payload: str | bytes) -> None:
        """Publish with quality 1, and wait until the broker has it."""
        self.client.publish(topic, payload, qos=1).wait_for_publish(10)


@contextmanager
def connected(port: int, name: str, secret: str, *topics: str) -> Iterator[Client]:
    """A connected client that has subscribed."""
    made = Client(mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5))
    client = made.client
    ready: list[Any] = []

    def on_connect(_: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        made.refused = str(reason) if reason.is_failure else ""
        for topic in topics:
            client.subscribe(topic, qos=1)
        if not topics or made.refused:
            ready.append(reason)

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: ready.append(1)
    client.on_message = lambda _, __, message: made.messages.append((message.topic, message.payload))
    client.username_pw_set(name, secret)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        until = time.monotonic() + 10
        while len(ready) < (1 if made.refused else max(1, len(topics))) and time.monotonic() < until:
            time.sleep(0.02)
        yield made
    finally:
        client.disconnect()
        client.loop_stop()
