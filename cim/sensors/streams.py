"""What is known of datastreams while observations come in, asked of the database for many at once.

It is remembered for two seconds: so long may a change of grade, kind or place take to be followed.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cim.errors import BadRequest
from cim.store.database import Database
from cim.store.observed_features import made_features, name_features
from cim.store.sensing_entities_writing import Stream, streams_of

REMEMBER_S = 2.0
MOST_REMEMBERED = 100_000


class Streams:
    """The datastreams that observations are coming in for; one for a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, tuple[float, Stream]] = {}
        self._placeless: dict[int, float] = {}
        self._named: set[tuple[int, int]] = set()
        self._wanted: dict[int, asyncio.Future[Stream | None]] = {}
        self._task: asyncio.Task[None] | None = None

    def forget(self) -> None:
        """Ask the database again for all of them."""
        self._known.clear()
        self._placeless.clear()
        self._named.clear()

    async def of(self, ids: Iterable[int]) -> Mapping[int, Stream]:
        """Those of the datastreams that there are; questions that come at the same time are put together."""
        now, found, waiting = time.monotonic(), {}, []
        for number in set(ids):
            known = self._known.get(number)
            if known and known[0] > now:
                found[number] = known[1]
            else:
                waiting.append(self._ask(number))
        for future in waiting:
            stream = await future
            if stream is not None:
                found[stream.id] = stream
        return found

    def _ask(self, number: int) -> "asyncio.Future[Stream | None]":
        if number not in self._wanted:
            self._wanted[number] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._look())
        return self._wanted[number]

    async def _look(self) -> None:
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, {}
                await self._answer(wanted)
        finally:
            self._task = None

    async def _answer(self, wanted: "Mapping[int, asyncio.Future[Stream | None]]") -> None:
        (found,) = await asyncio.gather(self._read(wanted), return_exceptions=True)
        if isinstance(found, BaseException):
            for future in wanted.values():
                if not future.done():
                    future.set_exception(found)
            return
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
        until = time.monotonic() + REMEMBER_S
        for number, future in wanted.items():
            stream = found.get(number)
            if stream is not None:
                self._known[number] = (until, stream)
            if not future.done():
                future.set_result(stream)

    async def _read(self, ids: Iterable[int]) -> dict[int, Stream]:
        async with self._database.writing("streams") as connection:
            return {stream.id: stream for stream in await streams_of(connection, list(ids))}

    async def features_of(self, streams: Iterable[Stream]) -> dict[int, int]:
        """The features that observations are of where they name none; none for Things without a Location."""
        now, found, lacking = time.monotonic(), {}, []
        for stream in streams:
            if stream.feature is not None:
                found[stream.id] = stream.feature
            elif self._placeless.get(stream.id, 0.0) < now:
                lacking.append(stream.id)
        if lacking:
            async with self._database.writing("streams") as connection:
                made = await made_features(connection, lacking)
            self._learn(lacking, made, now + REMEMBER_S)
            found |= made
        return found

    def _learn(self, asked: Iterable[int], made: Mapping[int, int], until: float) -> None:
        """Remember the features of datastreams, and which have none."""
        if len(self._placeless) > MOST_REMEMBERED:
            self._placeless.clear()
        for number in asked:
            known = self._known.get(number)
            if number not in made:
                self._placeless[number] = until
            elif known:
                self._known[number] = (known[0], replace(known[1], feature=made[number]))

    async def name(self, stream: int, feature: int) -> None:
        """Note that observations of a datastream are of a feature that they name themselves."""
        if (stream, feature) in self._named:
            return
        async with self._database.writing("streams") as connection:
            await name_features(connection, {stream: feature})
        if len(self._named) > MOST_REMEMBERED:
            self._named.clear()
        self._named.add((stream, feature))


def no_place(stream: int) -> BadRequest:
    """The refusal of an observation of nothing."""
    return BadRequest(
        f"the Thing of Datastream {stream} has no Location that a FeatureOfInterest could be made from",
        where="FeatureOfInterest",
        remedy="give the Thing a Location, or the Observation a FeatureOfInterest (OGC 18-088 clause 10.2)",
    )
