"""The server's picture of all collections, kept true by notices from the database and a check every two seconds."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

import structlog

from cim.errors import StoreError
from cim.model.access import ReadContext
from cim.model.change import Change, ChangeHead
from cim.model.collection import Collection
from cim.store.changes import change_heads, changes_after
from cim.store.collections import all_collections, all_models
from cim.store.database import Database
from cim.store.general_tables import GeneralState, general_states
from cim.store.health import database_id
from tiles.changes import ChangeLog

CHECK_EVERY_S = 2.0
RECONNECT_AFTER_S = 1.0
_log = structlog.get_logger()


class LiveCatalog:
    """Collections by id as of at most two seconds ago; a lost notice costs no more than that.

    ``models`` are the building models, which are no layers.
    ``changes`` are the changes of every layer, always of the same state of the database as ``collections``.
    ``general`` is what is known of the layers' generalised content.
    ``on_change`` is called after the picture has changed or access rights may have; ``on_changes`` with what is new
    in ``changes``; ``on_check`` at every look, so at least every two seconds.
    """

    def __init__(self, database: Database) -> None:
        self.collections: Mapping[str, Collection] = {}
        self.models: Mapping[str, Collection] = {}
        self.general: Mapping[str, GeneralState] = {}
        self.changes = ChangeLog()
        self.on_change: list[Callable[[], None]] = []
        self.on_changes: list[Callable[[Sequence[Change]], None]] = []
        self.on_check: list[Callable[[], None]] = []
        self.database_id = ""
        self.loaded = False
        self._database = database
        self._reading = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def general_state(self, layer: str) -> GeneralState | None:
        """What is known of a layer's generalised content; None where there is none."""
        return self.general.get(layer)

    async def start(self) -> None:
        """Load the picture and keep it true until ``stop``."""
        with contextlib.suppress(StoreError):
            await self.refresh()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._check())]

    async def stop(self) -> None:
        """End the background work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def refresh(self) -> None:
        """Load the picture now."""
        async with self._reading, self._database.reading(ReadContext((), "catalog", 2_000), aside=True) as connection:
            collections = await all_collections(connection)
            models = await all_models(connection)
            self.general = await general_states(connection)
            heads = await change_heads(connection)
            behind = any(head.seq > self.changes.seq for head in heads.values())
            new = await changes_after(connection, self.changes.seq) if behind else []
            self.database_id = self.database_id or await database_id(connection)
            self._take(collections, models, heads, new)

    def _take(
        self,
        collections: Mapping[str, Collection],
        models: Mapping[str, Collection],
        heads: Mapping[str, ChangeHead],
        new: Sequence[Change],
    ) -> None:
        changed = collections != self.collections or models != self.models
        self.changes.follow(heads, new)
        self.collections, self.models = collections, models
        self.loaded = True
        for look in self.on_check:
            look()
        if changed:
            self._tell()
        if new:
            for hear in self.on_changes:
                hear(new)

    def _tell(self) -> None:
        for listener in self.on_change:
            listener()

    async def _listen(self) -> None:
        while True:
            try:
                async for payload in self._database.listen("cim_change"):
                    if not payload:
                        self._tell()
                    self._wake.set()
            except (StoreError, OSError) as error:
                _log.warning("lost the notices of the database", reason=str(error))
            await asyncio.sleep(RECONNECT_AFTER_S)

    async def _check(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):  # not wait_for: Python 3.11's may swallow the cancelling of stop
                async with asyncio.timeout(CHECK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.refresh()
            except (StoreError, OSError) as error:
                _log.warning("cannot read the catalogue", reason=str(error))
