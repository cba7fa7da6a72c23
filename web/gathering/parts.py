"""The parts of the gathering program: each runs until it fails, and is started again.

Every few seconds each part's state goes to the database, where readiness is judged (``cim.store.pulses``): a part that
is dead, or that says it cannot do its work, makes the server not ready.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from cim.errors import CimError
from cim.store.database import Database
from cim.store.pulses import beat, forget_parts

BEAT_EVERY_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
_log = structlog.get_logger()


@dataclass(slots=True)
class Part:
    """One part: ``run`` works until it is cancelled; an end by itself counts as a failure.

    While ``run`` works it may set ``problem`` (empty: all is well) and ``detail`` (counters).
    """

    name: str
    run: Callable[["Part"], Awaitable[None]]
    problem: str = "it has not started yet"
    detail: dict[str, Any] = field(default_factory=dict)

    async def keep_running(self) -> None:
        """Run, and run again after a pause that grows while it keeps failing."""
        pause = FIRST_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            self.problem = ""
            self.problem = await self._end_of_run()
            _log.warning("a part of the gathering program is started again", part=self.name, problem=self.problem)
            steady = asyncio.get_running_loop().time() - began > LONGEST_PAUSE_S
            pause = FIRST_PAUSE_S if steady else min(pause * 2, LONGEST_PAUSE_S)
            await asyncio.sleep(pause)

    async def _end_of_run(self) -> str:
        """Run until that ends, and say how it did."""

        async def work() -> None:
            await self.run(self)

        (result,) = await asyncio.gather(work(), return_exceptions=True)
        if isinstance(result, CimError):
            return str(result)
        if isinstance(result, Exception):
            _log.error("a part of the gathering program failed", part=self.name, exc_info=result)
            return type(result).__name__
        return "it ended"


async def run_parts(database: Database, parts: Sequence[Part]) -> None:
    """Run parts until cancelled; then nothing is expected to run any more."""
    await _forget(database)
    tasks = [asyncio.create_task(part.keep_running()) for part in parts]
    try:
        while True:
            await _beat(database, parts)
            await asyncio.sleep(BEAT_EVERY_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _forget(database)


async def _beat(database: Database, parts: Sequence[Part]) -> None:
    with contextlib.suppress(CimError):
        async with database.writing("gather", aside=True) as connection:
            for part in parts:
                await beat(connection, part.name, part.problem, part.detail)


async def _forget(database: Database) -> None:
    with contextlib.suppress(CimError):
        async with database.writing("gather", aside=True) as connection:
            await forget_parts(connection)
