"""Tasks of other processes that are meant to run: each says so now and then, and readiness looks whether it did."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.alarm_tables import gap, heartbeat

LATE_AFTER_S = 20.0


async def beat(connection: AsyncConnection, task: str, problem: str = "") -> None:
    """Say that a task runs, or what keeps it from its work; from the first time on it is expected to go on."""
    values = insert(heartbeat).values(task=task, problem=problem, at=sa.func.clock_timestamp())
    put = {"at": values.excluded.at, "problem": values.excluded.problem}
    await connection.execute(values.on_conflict_do_update(index_elements=[heartbeat.c.task], set_=put))


async def expect_not(connection: AsyncConnection, task: str) -> None:
    """A task is not meant to run any more."""
    await connection.execute(sa.delete(heartbeat).where(heartbeat.c.task == task))


async def task_problems(connection: AsyncConnection, late_after_s: float = LATE_AFTER_S) -> dict[str, str]:
    """What is wrong with tasks that are meant to run, by their name."""
    silent_s = sa.extract("epoch", sa.func.clock_timestamp() - heartbeat.c.at)
    rows = await connection.execute(sa.select(heartbeat.c.task, heartbeat.c.problem, silent_s.label("silent_s")))
    told = {row.task: row.problem or _silence(float(row.silent_s), late_after_s) for row in rows}
    return {task: problem for task, problem in told.items() if problem}


async def note_gap(connection: AsyncConnection, source: str, since: datetime, until: datetime, note: str) -> None:
    """Keep that a way in was closed from one moment to another."""
    await connection.execute(sa.insert(gap).values(source=source, since=since, until=until, note=note))


def _silence(silent_s: float, late_after_s: float) -> str:
    return f"it has not said for {silent_s:.0f} seconds that it runs" if silent_s > late_after_s else ""
