"""Refusals on their way to the database, so many at a time that a flood of bad frames costs little."""

import asyncio

from cim.errors import StoreError
from cim.sensors.stations import Refusal
from cim.store.database import Database
from cim.store.refusals import Refused, keep_refusals
from web.gathering.parts import Part

MOST_WAITING = 5_000
EVERY_S = 1.0


class RefusalBook:
    """Takes refusals from the listeners at any rate, and writes them down once a second.

    What comes while ``MOST_WAITING`` wait already is only counted.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Refused] = []
        self._uncounted = 0

    def note(self, refusal: Refusal) -> None:
        """Take one."""
        if len(self._waiting) >= MOST_WAITING:
            self._uncounted += 1
            return
        source = f"{refusal.protocol} {refusal.source}"
        self._waiting.append(Refused(source, refusal.subject, refusal.code, refusal.message, refusal.frame))

    def part(self) -> Part:
        """The part that writes them down."""

        async def run(part: Part) -> None:
            while True:
                await asyncio.sleep(EVERY_S)
                part.detail = {"waiting": len(self._waiting), "not written down": self._uncounted}
                await self._write()

        return Part("refusals", run)

    async def _write(self) -> None:
        taken, self._waiting = self._waiting, []
        try:
            async with self._database.writing("refusals") as connection:
                await keep_refusals(connection, taken)
        except StoreError:
            self._waiting = taken[: MOST_WAITING - len(self._waiting)] + self._waiting
            raise
