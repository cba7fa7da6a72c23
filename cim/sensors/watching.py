"""Work that the clock drives, done by one process of a server."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from cim.errors import CimError
from cim.store.database import Database

AGAIN_AFTER_S = 2.0
_log = structlog.get_logger()


async def watch(database: Database, task: str, *works: tuple[float, Callable[[], Awaitable[None]]]) -> None:
    """Do each work every so many seconds until cancelled; another process of the server follows when this one ends.

    Work that fails for the database or the network is told in the log and tried again.
    """
    while True:
        try:
            async with database.alone(task) as mine:
                if mine:
                    async with asyncio.TaskGroup() as tasks:
                        for seconds, work in works:
                            tasks.create_task(_every(task, seconds, work))
        except (CimError, OSError) as error:
            _log.warning(f"{task} are not watched", reason=str(error))
        await asyncio.sleep(AGAIN_AFTER_S)


async def _every(task: str, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except (CimError, OSError) as error:
            _log.warning(f"the watch over {task} failed and goes on", reason=str(error))
        await asyncio.sleep(seconds)
