"""Work that follows the layers in the background: search index and generalised content of a running server."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from cim.errors import StoreError
from cim.store.database import Database
from layers.catalog import Catalog
from layers.search_index import index_behind
from tiles.generalise.job import generalise_behind
from web.live_catalog import LiveCatalog

RETRY_AFTER_S = 5.0
ANOTHER_AT_IT_S = 2.0
CHECK_EVERY_S = 30.0
"""A process that ended in the middle of its work is followed by another after so long."""
_log = structlog.get_logger()


class Follower:
    """Does its work whenever layers change, and again when it failed.

    ``work`` brings something up to date and says whether it had its turn: False when another process is at it.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[bool]]) -> None:
        self._name = name
        self._work = work
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, live: LiveCatalog) -> None:
        """Follow a live catalogue until ``stop``."""
        live.on_change.append(self._wake.set)
        self._wake.set()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End the work; what is on its way is rolled back."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()
            again_after_s = await self._once()
            if again_after_s:
                await asyncio.sleep(again_after_s)
                self._wake.set()

    async def _once(self) -> float:
        """After how many seconds to work again, 0 for with the next change."""
        try:
            return 0.0 if await self._work() else ANOTHER_AT_IT_S
        except (StoreError, OSError) as error:
            _log.warning("what follows the layers is behind", of=self._name, reason=str(error))
            return RETRY_AFTER_S


def search_index(database: Database, catalog: Catalog) -> Follower:
    """Keeps the search index at the current version of every layer, in one process of a server."""

    async def work() -> bool:
        async with database.alone("search index") as mine:
            if mine:
                await index_behind(database, catalog)
        return mine

    return Follower("search index", work)


def generalised_content(database: Database, catalog: Catalog) -> Follower:
    """Keeps the content of low zooms at the current version of every layer; each layer is one process's at a time."""

    async def work() -> bool:
        await generalise_behind(database, catalog)
        return True

    return Follower("generalised content", work)
