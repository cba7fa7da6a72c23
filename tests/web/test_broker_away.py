"""A broker that is killed and away for half a minute, or hangs, while devices go on posting."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from brokers import RunningBroker, running_broker, until
from ingesting import devices, post_by_mqtt, stored, wrong_sums
from sensing import made_datastreams
from serving import Served

from cim.sensors.intake import Intake
from cim.store import identities
from cim.store.database import Database
from cim.store.gaps import gaps
from web.gathering.broker import broker_part
from web.gathering.parts import run_parts

AWAY_S = 30.0
pytestmark = pytest.mark.slow


@asynccontextmanager
async def gathering(database: Database, broker: RunningBroker) -> AsyncIterator[None]:
    """The gathering program with the bridge alone."""
    part = broker_part(database, Intake(database), broker.folder, broker.address)
    task = asyncio.create_task(run_parts(database, [part]))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def problems(served: Served) -> dict[str, str]:
    """What readiness says; the process itself answers all the while."""
    assert (await served.anonymous.get("/healthz")).status_code == 200
    answer = await served.anonymous.get("/readyz")
    assert answer.status_code == (503 if answer.json()["problems"] else 200)
    found: dict[str, str] = answer.json()["problems"]
    return found


async def test_half_a_minute_without_the_broker(served: Served, tmp_path: Path, figures: Callable[..., None]) -> None:
    """Nothing that it acknowledged is lost, readiness tells of it, and the bridge comes back by itself."""
    database, over = served.database, asyncio.Event()
    streams = await made_datastreams(database, 3)
    async with database.writing() as connection:
        account, secret = await identities.create_key(connection, "technician")
    async with running_broker(database, tmp_path / "broker") as broker, gathering(database, broker):
        with devices(broker.port, account.key_id, secret, streams) as made:
            posting = asyncio.create_task(post_by_mqtt(made, 0.02, over))
            await until(lambda: all(len(one.acknowledged) > 100 for one in made), 30)
            await asyncio.to_thread(broker.stop, kill=True)
            began = time.monotonic()
            await asyncio.sleep(0.5)
            before = {place for one in made for place in one.acknowledged}

            async def told() -> bool:
                return "broker" in (await problems(served)).get("gathering: mqtt", "")

            await until(told, 25)
            told_s = time.monotonic() - began
            await asyncio.sleep(AWAY_S - told_s)
            assert await told()
            kept_alone = {(stream, at) for stream, at, *_ in await stored(database)}
            await asyncio.to_thread(broker.start)
            began = time.monotonic()

            async def well() -> bool:
                return await problems(served) == {}

            async def marked() -> bool:
                async with database.writing() as connection:
                    return bool(await gaps(connection, 10))

            await until(marked, 20)
            back_s = time.monotonic() - began
            await until(well, 20)
            well_s = time.monotonic() - began
            await asyncio.sleep(2)
            over.set()
            await posting
            await until(lambda: all(one.acknowledged == one.everything for one in made), 60)
            expected = {place: value for one in made for place, value in one.everything.items()}

            async def all_there() -> bool:
                return len(await stored(database)) >= len(expected)

            await until(all_there, 30)
        kept = await stored(database)
        async with database.writing() as connection:
            (gap,) = await gaps(connection, 10)
    figures(
        "F11",
        away_s=AWAY_S,
        acknowledged=len(expected),
        lost=len(expected) - len({(stream, at) for stream, at, *_ in kept} & expected.keys()),
        doubled=len(kept) - len(expected),
        told_after_s=round(told_s, 1),
        back_after_s=round(back_s, 1),
        ready_after_s=round(well_s, 1),
    )
    assert before <= kept_alone, "acknowledged before the kill, and kept without the broker"
    assert {(stream, at): value for stream, at, value, _ in kept} == expected
    assert len(kept) == len(expected)
    assert all(revision == 0 for *_, revision in kept)
    assert await wrong_sums(database) == {"hourly": 0, "daily": 0, "latest": 0}
    assert back_s < 10
    assert abs((gap["until"] - gap["since"]).total_seconds() - AWAY_S) < 6


async def test_a_broker_that_hangs_is_told_of_within_half_a_minute(served: Served, tmp_path: Path) -> None:
    database, over = served.database, asyncio.Event()
    streams = await made_datastreams(database, 2)
    async with database.writing() as connection:
        account, secret = await identities.create_key(connection, "technician")
    async with running_broker(database, tmp_path / "broker") as broker, gathering(database, broker):
        with devices(broker.port, account.key_id, secret, streams) as made:
            posting = asyncio.create_task(post_by_mqtt(made, 0.05, over))
            await until(lambda: all(len(one.acknowledged) > 20 for one in made), 30)
            assert broker.process is not None
            broker.process.send_signal(signal.SIGSTOP)

            async def told() -> bool:
                return "gathering: mqtt" in await problems(served)

            async def well() -> bool:
                return await problems(served) == {}

            try:
                await until(told, 30)
            finally:
                broker.process.send_signal(signal.SIGCONT)
            await until(well, 20)
            over.set()
            await posting
            await until(lambda: all(one.acknowledged == one.everything for one in made), 60)
            expected = {place: value for one in made for place, value in one.everything.items()}

            async def all_there() -> bool:
                return len(await stored(database)) >= len(expected)

            await until(all_there, 30)
        kept = await stored(database)
    assert {(stream, at): value for stream, at, value, _ in kept} == expected
    assert len(kept) == len(expected)
