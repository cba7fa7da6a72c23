"""How many analyses one process works on at the same time."""

import asyncio

from cim.errors import StoreUnavailable

AT_ONCE, WAITING = 2, 8
"""How many analyses are worked on at the same time, and how many more may wait."""


class AnalysisGate:
    """Lets few analyses run at the same time; more than can wait are refused."""

    def __init__(self) -> None:
        self._running = asyncio.Semaphore(AT_ONCE)
        self._here = 0

    async def __aenter__(self) -> None:
        if self._here >= AT_ONCE + WAITING:
            raise StoreUnavailable("the server is busy with other analyses", remedy="try again in a few seconds")
        self._here += 1
        try:
            await self._running.acquire()
        except BaseException:
            self._here -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._running.release()
        self._here -= 1
