"""Notices of the database, on one connection of each process: new values, alarms, incidents, warnings."""

import asyncio
from collections.abc import Callable

import structlog

from cim.errors import StoreError
from cim.store.database import Database

VALUES, ALARMS, INCIDENTS, WARNINGS = "cim_sensing", "cim_alarm", "cim_incident", "cim_warning"
CONNECT_AFTER_S = 1.0
_log = structlog.get_logger()


class Notices:
    """Follows the database; ``on_values`` gets the ids of datastreams, None for any; the others are just called.

    After a connection was lost all are called as if everything had changed, so that nothing is missed.
    """

    def __init__(self, database: Database) -> None:
        self.on_values: list[Callable[[list[int] | None], None]] = []
        self.on_alarms: list[Callable[[], None]] = []
        self.on_incidents: list[Callable[[], None]] = []
        self.on_warnings: list[Callable[[], None]] = []
        self._database = database
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow until ``stop``."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            try:
                async for channel, payload in self._database.listen_to(VALUES, ALARMS, INCIDENTS, WARNINGS):
                    self._tell(channel, payload)
            except (StoreError, OSError) as error:
                _log.warning("lost the notices of the database", reason=str(error))
            await asyncio.sleep(CONNECT_AFTER_S)

    def _tell(self, channel: str, payload: str) -> None:
        if channel in (VALUES, ""):
            ids = None if payload in ("", "*") else [int(part) for part in payload.split(",")]
            for hear_values in self.on_values:
                hear_values(ids)
        heard = ((ALARMS, self.on_alarms), (INCIDENTS, self.on_incidents), (WARNINGS, self.on_warnings))
        for name, told in heard:
            if channel in (name, ""):
                for hear in told:
                    hear()
