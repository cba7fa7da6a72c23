"""Newest values as they come, for many who follow: read once by each process, written once for those alike.

Those with the same rights who follow the same selection form an audience. An audience gets at most four events a
second; each holds the newest value of every datastream that changed since the one before. Nobody waits for anybody:
whoever does not take the events of ten seconds is cut.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from cim.errors import StoreError, StoreUnavailable
from cim.model.access import ReadContext
from cim.store.database import Database
from cim.store.live_values import EVERYTHING, Following, LiveValue, followed_streams, live_values, open_reaches
from web.change_feed import Feed, Subscription

APART_S = 0.25
MOST_WAITING = 40
AT_ONCE = 2_000
MOST_FOLLOWING = 500
LOOK_AGAIN_S = 10.0
AGAIN_AFTER_S = 1.0
_log = structlog.get_logger()


@dataclass(slots=True)
class Audience:
    """Those who see and follow the same; ``reaches`` are open to them, ``streams`` are what they chose of it."""

    context: ReadContext
    following: Following
    streams: frozenset[int] = frozenset()
    reaches: frozenset[int] = frozenset()
    looked_at: float = 0.0
    newest: list[str] = field(default_factory=list)
    newest_asked: float = -1.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    feed: Feed[str] = field(default_factory=lambda: Feed(MOST_FOLLOWING, MOST_WAITING, "ask /devices/latest instead"))

    def chosen(self, values: Sequence[LiveValue]) -> list[LiveValue]:
        """Those of some values that this audience gets."""
        return [one for one in values if one.datastream in self.streams and one.reach in self.reaches]


class LiveReadings:
    """Reads what changed whenever it is told so, at most four times a second, and only while somebody follows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._audiences: dict[tuple[str, Following], Audience] = {}
        self._told: dict[int, tuple[datetime, datetime]] = {}
        self._changed: set[int] = set()
        self._anything = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(len(audience.feed) for audience in self._audiences.values())

    def hear(self, datastreams: list[int] | None) -> None:
        """Values of some datastreams, or of any, have changed."""
        if not self._audiences:
            return
        if datastreams is None:
            self._anything = True
        else:
            self._changed.update(datastreams)
        self._wake.set()

    def start(self) -> None:
        """Read until ``stop``."""
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End reading."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def followed(
        self, context: ReadContext, following: Following
    ) -> AsyncIterator[tuple[list[str], Subscription[str]]]:
        """Events of all newest values, and a subscription to what comes after, while the block runs.

        StoreUnavailable when too many follow.
        """
        if len(self) >= MOST_FOLLOWING:
            raise StoreUnavailable("too many clients follow the values", remedy="ask /devices/latest instead")
        key = (context.setting, following)
        audience = self._audiences.setdefault(key, Audience(context, following))
        try:
            with audience.feed.subscribed() as subscription:
                yield await self._newest(audience), subscription
        finally:
            if not len(audience.feed):
                self._audiences.pop(key, None)
            if not self._audiences:
                self._told.clear()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            began = time.monotonic()
            try:
                await self._publish()
            except (StoreError, OSError) as error:
                _log.warning("cannot read the newest values", reason=str(error))
                self._anything = True
                self._wake.set()
                await asyncio.sleep(AGAIN_AFTER_S)
            await asyncio.sleep(max(0.0, APART_S - (time.monotonic() - began)))

    async def _publish(self) -> None:
        self._wake.clear()
        wanted = None if self._anything else self._changed
        self._changed, self._anything = set(), False
        async with self._database.reading(EVERYTHING, aside=True) as connection:
            values = await live_values(connection, wanted)
        new = [one for one in values if self._told.get(one.datastream) != (one.at, one.received_at)]
        self._told.update({one.datastream: (one.at, one.received_at) for one in new})
        for audience in list(self._audiences.values()):
            await self._look(audience)
            chosen = audience.chosen(new)
            if chosen:
                audience.feed.publish([values_event(chosen)])

    async def _newest(self, audience: Audience) -> list[str]:
        """Events of all newest values, read after now; those who ask at the same time share what is read."""
        asked = time.monotonic()
        async with audience.asking:
            if audience.newest_asked < asked:
                audience.newest_asked = time.monotonic()
                await self._look(audience)
                async with self._database.reading(audience.context, aside=True) as connection:
                    values = audience.chosen(await live_values(connection, audience.streams))
                parts = [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]
                audience.newest = [values_event(part) for part in parts or [[]]]
            return audience.newest

    async def _look(self, audience: Audience) -> None:
        """Ask the database again, now and then, what an audience may see and has chosen."""
        if time.monotonic() - audience.looked_at < LOOK_AGAIN_S:
            return
        async with self._database.reading(audience.context, aside=True) as connection:
            audience.streams = await followed_streams(connection, audience.following)
            audience.reaches = await open_reaches(connection)
        audience.looked_at = time.monotonic()


def value_document(value: LiveValue) -> dict[str, object]:
    """A newest value as JSON."""
    return {
        "datastream": value.datastream,
        "at": value.at.isoformat(),
        "result": value.result,
        "quality": value.quality,
    }


def values_event(values: Sequence[LiveValue]) -> str:
    """An event of newest values."""
    document = {"values": [value_document(one) for one in values]}
    return f"event: values\ndata: {json.dumps(document, ensure_ascii=False)}\n\n"
