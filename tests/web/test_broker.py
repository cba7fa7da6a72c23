"""MQTT through a real Mosquitto: what is acknowledged is committed, who may do what, and what breaks."""

import asyncio
import json
import shutil
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import sqlalchemy as sa
from brokers import bridged, connected, free_port, running_broker, until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from sensing import made_datastreams
from structlog.testing import capture_logs

from cim.errors import StoreUnavailable
from cim.model.access import Grade, Operation, Principal, Right
from cim.model.sensing import Reading
from cim.sensors.intake import Intake
from cim.store import identities
from cim.store.database import Database
from cim.store.gaps import gaps
from cim.store.identities import broker_hash
from cim.store.refusals import refusals_since
from cim.store.sensing_tables import observation
from web.broker import starting
from web.broker.accounts import Account, acl_file
from web.broker.bridge import Bridge
from web.broker.starting import start_broker
from web.gathering.broker import broker_part

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
POSTS = "v1.1/Observations"


def body(stream: int, number: int, value: Any = None, **more: Any) -> str:
    at = (NOW + timedelta(seconds=number)).isoformat()
    result = float(number) if value is None else value
    return json.dumps({"phenomenonTime": at, "result": result, "Datastream": {"@iot.id": stream}, **more})


async def key(database: Database, role: str) -> tuple[str, str, str]:
    async with database.writing() as connection:
        made, secret = await identities.create_key(connection, role)
    return made.key_id, made.key_id, secret


async def count(database: Database) -> int:
    async with database.writing() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(observation)) or 0)


async def kept(database: Database, expected: int, seconds: float = 15) -> None:
    async def all_there() -> bool:
        return await count(database) >= expected

    await until(all_there, seconds)
    assert await count(database) == expected


async def test_observations_are_kept_and_new_values_published(database: Database, tmp_path: Path) -> None:
    public, secret_stream = (
        *(await made_datastreams(database, 1)),
        *(await made_datastreams(database, 1, grade="restricted")),
    )
    _, device, device_secret = await key(database, "technician")
    _, viewer, viewer_secret = await key(database, "viewer")
    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker) as part:
        with (
            connected(broker.port, device, device_secret, "v1.1/#") as post,
            connected(broker.port, viewer, viewer_secret, "#") as reader,
        ):
            await asyncio.to_thread(post.publish, POSTS, body(public, 1))
            await asyncio.to_thread(
                post.publish, f"v1.1/Datastreams({secret_stream})/Observations", body(secret_stream, 2, 7.5)
            )
            await kept(database, 2)
            await until(lambda: len([1 for _, text in post.messages if b'@iot.id": "' in text]) >= 4)
            await until(lambda: len(reader.messages) >= 2)
        # What the bridge publishes does not come back to it.
        await until(lambda: part.detail == {"received": 2, "kept": 2, "refused": 0})
    topics = {topic for topic, _ in reader.messages}
    assert topics == {f"public/v1.1/Datastreams({public})/Observations", "public/v1.1/Observations"}
    told = json.loads(reader.messages[0][1])
    assert (told["result"], told["Datastream"]) == (1.0, {"@iot.id": public})
    published = [
        json.loads(text) for topic, text in post.messages if topic == f"v1.1/Datastreams({secret_stream})/Observations"
    ]
    assert any(str(one.get("@iot.id", "")).startswith(f"{secret_stream}-") for one in published)


BAD = [
    b"", b"x", b"[]", b'"x"', b"\xff\xfe", b"{}", b'{"result": NaN}', b'{"result": 1}', b'{"result": 1e999}',
    b'{"result": 1, "Datastream": {"@iot.id": "x"}}', b'{"result": 1, "Datastream": {"@iot.id": true}}',
    b'{"result": 1, "Datastream": {"@iot.id": 99999999999}}', b'{"result": 1, "Datastream": 5}',
    b"[" * 100_000, b'{"result": "\\u0000", "Datastream": {"@iot.id": 1}}',
]  # fmt: skip


async def test_refused_ones_are_told_with_their_reason_and_hold_up_nothing(database: Database, tmp_path: Path) -> None:
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    bad = [*BAD, body(stream, 1, phenomenonTime="2026-10-01T00:00:00"), body(stream, 1, phenomenonTime="yesterday")]
    bad += [
        body(stream, 1, phenomenonTime="2099-01-01T00:00:00Z"),
        body(stream + 1000, 1),
        body(stream, 1, "x" * 9_000),
    ]
    bad += [
        body(stream, 1, phenomenonTime=5),
        body(stream, 1, phenomenonTime="2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"),
    ]
    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker) as part:
        with connected(broker.port, device, secret) as post:
            for payload in bad:
                await asyncio.to_thread(post.publish, POSTS, payload)
            await asyncio.to_thread(post.publish, "v1.1/Things/Observations", body(stream, 1))
            await asyncio.to_thread(post.publish, POSTS, body(stream, 5))
            await kept(database, 1)
            await until(lambda: part.detail["received"] == len(bad) + 2)
    async with database.writing() as connection:
        told = await refusals_since(connection, most=100)
    assert len(told) == len(bad) + 1
    assert all(one["source"] == "mqtt" and one["message"] for one in told)
    reasons = " ".join(one["message"] for one in told)
    for word in (
        "not JSON",
        "lacks",
        "zone",
        "ahead",
        "no Datastream",
        "not a number",
        "before it begins",
        "topic",
    ):
        assert word in reasons, word


async def test_a_broker_that_is_away_loses_and_doubles_nothing(database: Database, tmp_path: Path) -> None:
    """Stopped and started again: readiness hears of it, the bridge is back within ten seconds, the gap is marked."""
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker) as part:
        with connected(broker.port, device, secret) as post:
            for number in range(50):
                await asyncio.to_thread(post.publish, POSTS, body(stream, number))
            await kept(database, 50)
            await asyncio.to_thread(broker.stop)
            await until(lambda: "broker" in part.problem, 30)
            for number in range(40, 100):
                post.client.publish(POSTS, body(stream, number), qos=1)
            await asyncio.sleep(2)
            await asyncio.to_thread(broker.start)
            began = time.monotonic()
            await until(lambda: not part.problem, 12)
            assert time.monotonic() - began < 10
            await kept(database, 100)
    async with database.writing() as connection:
        (gap,) = await gaps(connection, 10)
    assert gap["until"] - gap["since"] > timedelta(seconds=2)


async def test_what_comes_while_the_bridge_is_away_waits_at_the_broker(database: Database, tmp_path: Path) -> None:
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    async with running_broker(database, tmp_path / "broker") as broker:
        async with bridged(database, broker):
            pass
        with connected(broker.port, device, secret) as post:
            for number in range(200):
                await asyncio.to_thread(post.publish, POSTS, body(stream, number))
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start)
            async with bridged(database, broker):
                await kept(database, 200)


async def test_what_devices_post_before_the_bridge_first_comes_waits_at_the_broker(
    database: Database, tmp_path: Path
) -> None:
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    async with running_broker(database, tmp_path / "broker") as broker:
        with connected(broker.port, device, secret) as post:
            for number in range(20):
                await asyncio.to_thread(post.publish, POSTS, body(stream, number))
        async with bridged(database, broker):
            await kept(database, 20)


async def test_a_broker_that_does_not_start_is_told_of_and_stops_nothing(database: Database, tmp_path: Path) -> None:
    (tmp_path / "broker" / "kept").mkdir(parents=True)
    (tmp_path / "broker" / "kept" / "mosquitto.db").write_bytes(b"no database of a broker")
    with capture_logs() as told:
        await start_broker(database, tmp_path / "broker", "127.0.0.1", free_port())
    assert "session could not be made" in str(told)


async def test_what_the_bridge_has_outlasts_a_broker_that_forgets_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before it wrote anything to its disk, while the database is away."""
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    real = Intake.keep_columns

    async def away(*_: object) -> None:
        raise StoreUnavailable("the database is away")

    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker) as part:
        monkeypatch.setattr(Intake, "keep_columns", away)
        with connected(broker.port, device, secret) as post:
            for number in range(20):
                await asyncio.to_thread(post.publish, POSTS, body(stream, number))
        await until(lambda: "cannot be kept" in part.problem)
        await asyncio.to_thread(broker.stop, kill=True)
        shutil.rmtree(broker.folder / "kept")
        (broker.folder / "kept").mkdir()
        await asyncio.sleep(0.5)
        monkeypatch.setattr(Intake, "keep_columns", real)
        await kept(database, 20)
        await asyncio.to_thread(broker.start)
        await until(lambda: not part.problem)


async def test_a_bridge_that_ends_while_it_connects_leaves_no_connection(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take the session from the bridge that follows."""
    real, begun = mqtt.Client.connect, threading.Event()

    def slow(self: mqtt.Client, *words: Any) -> Any:
        begun.set()
        time.sleep(0.3)
        return real(self, *words)

    async with running_broker(database, tmp_path / "broker") as broker:
        bridge = Bridge(database, Intake(database), broker.address)
        with monkeypatch.context() as slowly:
            slowly.setattr(mqtt.Client, "connect", slow)
            task = asyncio.create_task(bridge.run())
            await until(begun.is_set)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.5)
        assert bridge.client.socket() is None


async def test_a_refused_subscription_is_told_of(database: Database, tmp_path: Path) -> None:
    async with running_broker(database, tmp_path / "broker") as broker:
        bridge = Bridge(database, Intake(database), broker.address)
        bridge._on_subscribe(bridge.client, None, 1, [ReasonCode(PacketTypes.SUBACK, identifier=128)])
        assert (bridge.connected, "refuses the subscription" in bridge.problem) == (False, True)
        bridge._on_subscribe(bridge.client, None, 1, [ReasonCode(PacketTypes.SUBACK, identifier=1)])
        assert (bridge.connected, bridge.problem) == (True, "")


async def test_nothing_is_acknowledged_before_it_is_committed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away the broker keeps what it was not told is kept; a new bridge gets it again."""
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    real = Intake.keep_columns

    async def away(*_: object) -> None:
        raise StoreUnavailable("the database is away")

    async with running_broker(database, tmp_path / "broker") as broker:
        monkeypatch.setattr(Intake, "keep_columns", away)
        async with bridged(database, broker) as part:
            with connected(broker.port, device, secret) as post:
                for number in range(20):
                    await asyncio.to_thread(post.publish, POSTS, body(stream, number))
            await until(lambda: "cannot be kept" in part.problem)
        assert await count(database) == 0
        monkeypatch.setattr(Intake, "keep_columns", real)
        async with bridged(database, broker):
            await kept(database, 20)


async def test_one_value_the_database_refuses_holds_up_no_other(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stream,) = await made_datastreams(database, 1)
    _, device, secret = await key(database, "technician")
    monkeypatch.setattr("cim.sensors.observation_bodies.plain_json", lambda value, _: value)
    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker) as part:
        with connected(broker.port, device, secret) as post:
            for number in range(30):
                text = "\0" if number == 17 else "x"
                await asyncio.to_thread(post.publish, POSTS, body(stream, number, parameters={"by": text}))
            await kept(database, 29)
            await until(lambda: part.detail["refused"] == 1)


async def test_a_task_of_the_bridge_that_dies_ends_the_part(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(self: object) -> None:
        raise RuntimeError("dead")

    monkeypatch.setattr("web.gathering.broker.Publisher.run", dies)
    async with running_broker(database, tmp_path / "broker") as broker:
        part = broker_part(database, Intake(database), broker.folder, broker.address)
        with pytest.raises(RuntimeError, match="dead"):
            await asyncio.wait_for(part.run(part), 5)


async def test_who_has_no_valid_key_is_not_let_in_and_a_revoked_one_is_thrown_out(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "LOOK_EVERY_S", 0.2)
    (stream,) = await made_datastreams(database, 1)
    number, device, secret = await key(database, "technician")
    _, viewer, viewer_secret = await key(database, "viewer")
    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker):
        for name, password in ((device, "wrong"), ("nobody", secret), ("", "")):
            with connected(broker.port, name, password) as client:
                assert client.refused
        with connected(broker.port, viewer, viewer_secret) as reader:
            await asyncio.to_thread(reader.publish, POSTS, body(stream, 1))
        _, later, later_secret = await key(database, "technician")
        with connected(broker.port, device, secret) as post:
            await asyncio.to_thread(post.publish, POSTS, body(stream, 2))
            await kept(database, 1)
            async with database.writing() as connection:
                await identities.revoke_key(connection, number)
            await until(lambda: not post.client.is_connected() or post.refused)
        with connected(broker.port, later, later_secret) as client:
            assert not client.refused


async def test_only_those_who_read_everything_read_what_devices_post() -> None:
    everywhere = tuple(Right(grade, frozenset({Operation.READ, Operation.IMPORT})) for grade in Grade)
    town = tuple(Right(grade, frozenset({Operation.READ, Operation.IMPORT}), "510182001") for grade in Grade)
    device = tuple(Right(grade, frozenset({Operation.IMPORT})) for grade in Grade)
    some = (Right(Grade.PUBLIC, frozenset({Operation.READ})), Right(Grade.INTERNAL, frozenset({Operation.READ}), "51"))
    found = {}
    for name, rights in (("all", everywhere), ("town", town), ("device", device), ("some", some)):
        text = acl_file([Account(name, "x", Principal(name, name, rights))])
        found[name] = [line.removeprefix("topic ") for line in text.splitlines() if line.startswith("topic")]
    assert "read v1.1/#" in found["all"]
    assert found["town"] == []
    assert found["device"] == ["write v1.1/Observations", "write v1.1/+/Observations"]
    assert found["some"] == ["read public/v1.1/#"]


def test_passwords_are_as_mosquitto_hashes_them() -> None:
    assert broker_hash("secret", b"123456789012") == broker_hash("secret", b"123456789012")
    assert broker_hash("secret") != broker_hash("secret")


async def test_values_of_any_way_in_are_published(database: Database, tmp_path: Path) -> None:
    streams = await made_datastreams(database, 900)
    _, viewer, secret = await key(database, "viewer")
    async with running_broker(database, tmp_path / "broker") as broker, bridged(database, broker):
        with connected(broker.port, viewer, secret, "public/v1.1/+/Observations") as reader:
            await Intake(database).keep([Reading(stream, NOW, 1.0) for stream in streams])
            await until(lambda: len({topic for topic, _ in reader.messages}) == 900, 20)
            assert len(reader.messages) == 900
