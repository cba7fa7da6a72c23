"""Subscribers to the sequence of changes: a bounded number, each with a bounded queue; who is too slow is cut."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cim.errors import StoreUnavailable
from cim.model.change import Change

MOST_SUBSCRIBERS = 500
MOST_WAITING = 1_000


class ChangeFeed:
    """Hands new changes to whoever subscribes."""

    def __init__(self, most: int = MOST_SUBSCRIBERS) -> None:
        self._most = most
        self._subscribers: set[Subscription] = set()

    def publish(self, changes: Sequence[Change]) -> None:
        """Give changes to every subscriber; one whose queue is full is cut off."""
        for subscription in self._subscribers:
            subscription.add(changes)

    @contextmanager
    def subscribed(self) -> Iterator["Subscription"]:
        """A subscription while the block runs; StoreUnavailable when there are too many."""
        if len(self._subscribers) >= self._most:
            raise StoreUnavailable("too many clients follow the changes", remedy="poll /changes?since= instead")
        subscription = Subscription()
        self._subscribers.add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers.discard(subscription)


class Subscription:
    """Changes on their way to one subscriber."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._queue: asyncio.Queue[Change] = asyncio.Queue(most)
        self.cut = False

    def add(self, changes: Sequence[Change]) -> None:
        """Queue changes; when there is no room the subscription is cut, for a gap must not go unnoticed."""
        try:
            for change in changes:
                self._queue.put_nowait(change)
        except asyncio.QueueFull:
            self.cut = True

    async def next(self, wait_s: float) -> Change | None:
        """The next change, or None when there was none for so long."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._queue.get()
        except TimeoutError:
            return None
