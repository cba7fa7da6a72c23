"""Upkeep of observations: tables of coming months, months that have had their time, old refusals."""

import asyncio
from collections.abc import Callable

import structlog

from cim.store.database import Database
from cim.store.retention import drop_old_months, forget_refusals, make_coming_months
from web.gathering.parts import Part

EVERY_S = 3_600.0
_log = structlog.get_logger()


def upkeep(database: Database, raw_days: int, dropped: Callable[[], None]) -> Part:
    """The part that does the upkeep every hour; ``dropped`` is called when months are gone."""

    async def run(part: Part) -> None:
        while True:
            async with database.writing("upkeep") as connection:
                await make_coming_months(connection)
                await forget_refusals(connection)
            async with database.writing("upkeep", lock_wait_ms=10_000) as connection:
                gone = await drop_old_months(connection, raw_days)
            if gone:
                _log.info("months of observations were dropped, their roll-ups stay", tables=gone)
                dropped()
            part.detail = {"dropped": gone}
            await asyncio.sleep(EVERY_S)

    return Part("upkeep", run)
