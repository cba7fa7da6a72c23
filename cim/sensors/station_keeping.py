"""Readings of stations on their way to their datastreams."""

from collections.abc import Callable, Sequence

from cim.errors import BadRequest
from cim.model.sensing import Outcome, Reading, StationReading, StationStream
from cim.model.units import conversion
from cim.sensors.intake import Intake
from cim.sensors.streams import Streams
from cim.store.database import Database
from cim.store.sensing_entities_writing import Stream
from cim.store.station_streams import find_streams, make_streams

Describe = Callable[[StationReading], StationStream]
"""Says which datastream a reading goes to, with its name and unit."""
MOST_REMEMBERED = 200_000


class StationKeeper:
    """Keeps readings of stations whose codes assets carry; new indicators of such stations get their datastreams.

    ``describe`` gives a reading's datastream (``cim.sensors.describing``).
    """

    def __init__(self, database: Database, intake: Intake, describe: Describe) -> None:
        self._database, self._intake, self._describe = database, intake, describe
        self._streams = Streams(database)
        self._ids: dict[str, int] = {}

    async def keep(self, readings: Sequence[StationReading]) -> list[str | None]:
        """Keep readings; returns, once they are committed, None for each that is kept and a reason for each other.

        Raises StoreError when nothing could be kept.
        """
        described = [self._describe(one) for one in readings]
        await self._learn(described)
        known = await self._streams.of(self._ids[one.key] for one in described if one.key in self._ids)
        features = await self._streams.features_of(known.values())
        told: list[str | None] = [None] * len(readings)
        taken: list[tuple[int, Reading]] = []
        for place, (reading, given) in enumerate(zip(readings, described, strict=True)):
            number = self._ids.get(given.key)
            stream = known.get(number) if number is not None else None
            if stream is not None:
                taken.append((place, _reading(reading, given, stream, features.get(stream.id))))
                continue
            told[place] = _stranger(given) if number is None else "there is no such datastream"
            self._ids.pop(given.key, None)
        kept = await self._intake.keep([reading for _, reading in taken])
        for number, (place, _) in enumerate(taken):
            if kept.outcomes[number] is Outcome.REFUSED:
                told[place] = kept.reasons.get(number, "it was refused")
                self._ids.pop(described[place].key, None)
        return told

    async def _learn(self, streams: Sequence[StationStream]) -> None:
        """Look up, and make where they are missing, the datastreams not met before."""
        new = {one.key: one for one in streams if one.key not in self._ids}
        if not new:
            return
        if len(self._ids) > MOST_REMEMBERED:
            self._ids.clear()
            new = {one.key: one for one in streams}
        async with self._database.writing("stations") as connection:
            found = await find_streams(connection, list(new))
            missing = [one for key, one in new.items() if key not in found]
            if missing:
                found |= await make_streams(connection, missing)
        self._ids.update(found)


def _reading(reading: StationReading, given: StationStream, stream: Stream, feature: int | None) -> Reading:
    """The reading in the unit of its datastream, as far as both units are known to measure the same."""
    try:
        value = conversion(given.unit, stream.unit)(reading.value)
    except BadRequest:
        value = reading.value
    return Reading(stream.id, reading.at, value, reading.until, quality=reading.quality, feature=feature)


def _stranger(given: StationStream) -> str:
    return f"no device has the {given.scheme} code {given.station}; add it to the device's codes first"
