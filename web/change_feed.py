"""Subscribers to what happens: a bounded number, each with a bounded queue; who is too slow is cut."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from cim.errors import StoreUnavailable
from cim.model.change import Change

Item = TypeVar("Item")
MOST_SUBSCRIBERS = 500
MOST_WAITING = 1_000


class Feed(Generic[Item]):
    """Hands what is new to whoever subscribes.

    ``most`` is how many may; ``waiting`` how many items may wait for each; ``instead`` what one more is told to do.
    """

    def __init__(
        self, most: int = MOST_SUBSCRIBERS, waiting: int = MOST_WAITING, instead: str = "poll /changes?since= instead"
    ) -> None:
        self._most = most
        self._waiting = waiting
        self._instead = instead
        self._subscribers: set[Subscription[Item]] = set()

    def __len__(self) -> int:
        return len(self._subscribers)

    def publish(self, items: Sequence[Item]) -> None:
        """Give items to every subscriber; one whose queue is full is cut off."""
        for subscription in self._subscribers:
            subscription.add(items)

    @contextmanager
    def subscribed(self) -> Iterator["Subscription[Item]"]:
        """A subscription while the block runs; StoreUnavailable when there are too many."""
        if len(self._subscribers) >= self._most:
            raise StoreUnavailable("too many clients follow the changes", remedy=self._instead)
        subscription: Subscription[Item] = Subscription(self._waiting)
        self._subscribers.add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers.discard(subscription)


class Subscription(Generic[Item]):
    """Items on their way to one subscriber."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._queue: asyncio.Queue[Item] = asyncio.Queue(most)
        self.cut = False

    def add(self, items: Sequence[Item]) -> None:
        """Queue items; when there is no room the subscription is cut, for a gap must not go unnoticed."""
        try:
            for item in items:
                self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.cut = True

    async def next(self, wait_s: float) -> Item | None:
        """The next item, or None when there was none for so long."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._queue.get()
        except TimeoutError:
            return None


ChangeFeed = Feed[Change]
