"""What is new in a history, read once by each process and handed to whoever follows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import StoreError
from cim.store.database import Database
from cim.store.live_values import EVERYTHING
from web.change_feed import Feed

Item = TypeVar("Item")
MOST = 500
AGAIN_AFTER_S = 1.0
_log = structlog.get_logger()


class NewsFeed(Generic[Item]):
    """Reads what is new whenever it is told that there is something.

    ``newest`` gives the number of the newest item of all; ``after`` items with a higher number than one given, in
    order, and ``number`` that of an item; followers get those that are ``shown``. ``called`` is what the history is
    called, ``instead`` what somebody is told to do when too many follow.
    """

    def __init__(
        self,
        database: Database,
        newest: Callable[[AsyncConnection], Awaitable[int]],
        after: Callable[[AsyncConnection, int, int], Awaitable[Sequence[Item]]],
        number: Callable[[Item], int],
        *,
        shown: Callable[[Item], bool] | None = None,
        called: str,
        instead: str,
    ) -> None:
        self.feed: Feed[Item] = Feed(instead=instead)
        self.seq: int | None = None
        self._database = database
        self._newest, self._after, self._number, self._shown = newest, after, number, shown
        self._called = called
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
                _log.warning(f"cannot read what is new of {self._called}", reason=str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
                self._wake.set()

    async def _read(self) -> int:
        async with self._database.reading(EVERYTHING, aside=True) as connection:
            if self.seq is None:
                self.seq = await self._newest(connection)
            found = await self._after(connection, self.seq, MOST)
        if found:
            self.seq = self._number(found[-1])
            self.feed.publish([one for one in found if self._shown is None or self._shown(one)])
        return len(found)
