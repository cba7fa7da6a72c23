"""Keeps the search index at the current version of every layer."""

import asyncio

import structlog

from cim.errors import StoreError
from cim.store.database import Database
from layers.catalog import Catalog
from layers.search_index import index_behind
from web.live_catalog import LiveCatalog

ANOTHER_AT_IT_S = 2.0
_log = structlog.get_logger()


class SearchIndexer:
    """Indexes a layer again whenever its version has moved on; one layer at a time, in one process of a server."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, live: LiveCatalog) -> None:
        """Follow a live catalogue until ``stop``."""
        live.on_change.append(self._wake.set)
        self._wake.set()
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End the background work."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with self._database.alone("search index") as mine:
                    if mine:
                        await index_behind(self._database, self._catalog)
                        continue
                await asyncio.sleep(ANOTHER_AT_IT_S)
                self._wake.set()
            except (StoreError, OSError) as error:
                _log.warning("the search index is behind", reason=str(error))
                await asyncio.sleep(5)
                self._wake.set()
