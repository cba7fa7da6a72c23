"""Keeps the generalised content of low zooms at the current version of every layer."""

import asyncio
import contextlib

import structlog

from cim.errors import StoreError
from cim.store.database import Database
from layers.catalog import Catalog
from tiles.generalise.job import generalise_behind
from web.live_catalog import LiveCatalog

RETRY_AFTER_S = 5.0
CHECK_EVERY_S = 30.0
"""A process that ended in the middle of a build is followed by another after so long."""
_log = structlog.get_logger()


class Generaliser:
    """Rebuilds what changes touched, in the background, whichever process comes first."""

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
        """End the background work; a build on its way is rolled back."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await generalise_behind(self._database, self._catalog)
            except (StoreError, OSError) as error:
                _log.warning("generalised content is behind", reason=str(error))
                await asyncio.sleep(RETRY_AFTER_S)
                self._wake.set()
