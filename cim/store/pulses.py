"""Which parts of the gathering program should be running, and whether they are."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.sensing_tables import pulse

STILL_AFTER = timedelta(seconds=20)


async def beat(connection: AsyncConnection, part: str, problem: str = "", detail: dict[str, Any] | None = None) -> None:
    """Note that a part runs, or what keeps it from doing its work."""
    values = {"part": part, "at": sa.func.now(), "problem": problem, "detail": detail or {}}
    await connection.execute(insert(pulse).values(values).on_conflict_do_update(index_elements=["part"], set_=values))


async def forget_parts(connection: AsyncConnection) -> None:
    """Nothing is expected to run any more: the program was stopped on purpose, or begins anew."""
    await connection.execute(sa.delete(pulse))


async def still_parts(connection: AsyncConnection) -> dict[str, str]:
    """The parts that should run and have a problem or were not seen for twenty seconds, with what is known of it."""
    still = pulse.c.at < sa.func.now() - STILL_AFTER
    rows = await connection.execute(
        sa.select(pulse.c.part, pulse.c.problem, still.label("still")).where(sa.or_(still, pulse.c.problem != ""))
    )
    return {row.part: row.problem or "it was not seen to run for twenty seconds" for row in rows}
