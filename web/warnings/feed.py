"""New entries in the history of warnings, read once by each process and handed to whoever follows."""

import asyncio

import structlog

from cim.errors import StoreError
from cim.model.warning_course import HeldWarning, WarningStep
from cim.store.database import Database
from cim.store.live_values import EVERYTHING
from cim.store.warnings import newest_warning_step, warning_steps_after
from web.change_feed import Feed

MOST = 500
AGAIN_AFTER_S = 1.0
_log = structlog.get_logger()


class WarningFeed:
    """Reads what is new whenever it is told that there is something; entries of calls are not for the feed."""

    def __init__(self, database: Database) -> None:
        self.feed: Feed[tuple[WarningStep, HeldWarning]] = Feed(instead="poll /warnings/feed?since= instead")
        self.seq: int | None = None
        self._database = database
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hear(self) -> None:
        """There may be something new."""
        self._wake.set()

    def start(self) -> None:
        """Read until ``stop``."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End reading."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while await self._read() == MOST:
                    pass
            except (StoreError, OSError) as error:
                _log.warning("cannot read what is new of warnings", reason=str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
                self._wake.set()

    async def _read(self) -> int:
        async with self._database.reading(EVERYTHING, aside=True) as connection:
            if self.seq is None:
                self.seq = await newest_warning_step(connection)
            found = await warning_steps_after(connection, self.seq, MOST)
        if found:
            self.seq = found[-1][0].seq
            self.feed.publish([(step, warning) for step, warning, call in found if call is None])
        return len(found)
