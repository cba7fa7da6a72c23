"""How many tile queries may run and wait: too many are refused at once rather than served too late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cim.errors import StoreUnavailable

MOST_WAITING = 128


class Gate:
    """Lets queries through up to a bound for each layer, so that a locked or slow one leaves room for the others.

    Parameters
    ----------
    connections: the queries that can run at the same time; one layer may have all but one of them.
    most: how many may run and wait together before the next is refused.

    """

    def __init__(self, connections: int, *, most: int = MOST_WAITING) -> None:
        self._share = max(1, connections - 1)
        self._most = most
        self._layers: dict[str, asyncio.Semaphore] = {}
        self.inside = 0

    @asynccontextmanager
    async def passing(self, layer: str) -> AsyncIterator[None]:
        """Wait for a turn; StoreUnavailable at once when too many wait already."""
        if self.inside >= self._most:
            raise StoreUnavailable(
                "the server is busy: too many tiles are being made", remedy="try again in a few seconds"
            )
        self.inside += 1
        try:
            async with self._layers.setdefault(layer, asyncio.Semaphore(self._share)):
                yield
        finally:
            self.inside -= 1
