"""The gathering program: parts that fail are started again, and readiness tells of those that do not run."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from serving import Served

from cim.errors import StoreUnavailable
from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.sensing_tables import pulse
from web.gathering import parts
from web.gathering.parts import Part, run_parts
from web.gathering.upkeep import upkeep


async def until(found: dict[str, str], database: Database) -> None:
    """Wait until the parts' problems are these."""
    for _ in range(200):
        async with database.writing() as connection:
            rows = await connection.execute(sa.select(pulse.c.part, pulse.c.problem))
            now = {row.part: row.problem for row in rows}
        if now == found:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(now)


async def test_a_part_that_fails_is_told_of_and_started_again(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BEAT_EVERY_S", 0.05)
    monkeypatch.setattr(parts, "FIRST_PAUSE_S", 2.0)
    runs: list[int] = []

    async def run(part: Part) -> None:
        runs.append(1)
        if len(runs) == 1:
            raise StoreUnavailable("the station's line is down")
        await asyncio.sleep(60)

    async def steady(part: Part) -> None:
        await asyncio.sleep(60)

    working = asyncio.create_task(run_parts(served.database, [Part("line", run), Part("steady", steady)]))
    await until({"line": "the station's line is down", "steady": ""}, served.database)
    answer = await served.anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"gathering: line": "the station's line is down"}
    await until({"line": "", "steady": ""}, served.database)
    assert (await served.anonymous.get("/readyz")).status_code == 200
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await until({}, served.database)


async def test_a_program_that_was_killed_leaves_the_server_not_ready(served: Served) -> None:
    async with served.database.writing() as connection:
        await connection.execute(sa.insert(pulse).values(part="broker", at=sa.func.now() - timedelta(seconds=25)))
    answer = await served.anonymous.get("/readyz")
    async with served.database.writing() as connection:
        await connection.execute(sa.delete(pulse))
    assert answer.status_code == 503
    assert "twenty seconds" in answer.json()["problems"]["gathering: broker"]


async def test_upkeep_makes_the_months_that_come(served: Served) -> None:
    part = upkeep(served.database, 90, Intake(served.database).forget_months)
    working = asyncio.create_task(part.keep_running())
    count = sa.text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'sensing.observation'::regclass")
    for _ in range(100):
        async with served.database.writing() as connection:
            if await connection.scalar(count) == 3:
                break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError(part.problem)
    working.cancel()
