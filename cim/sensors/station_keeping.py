"""Readings of stations on their way to their datastreams."""

from collections.abc import Callable, Sequence

from cim.model.sensing import Outcome, Reading, StationReading, StationStream
from cim.sensors.intake import Intake
from cim.store.database import Database
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
        self._ids: dict[str, int] = {}

    async def keep(self, readings: Sequence[StationReading]) -> list[str | None]:
        """Keep readings; returns, once they are committed, None for each that is kept and a reason for each other.

        Raises StoreError when nothing could be kept.
        """
        streams = [self._describe(one) for one in readings]
        await self._learn(streams)
        told: list[str | None] = [None] * len(readings)
        places = []
        for place, stream in enumerate(streams):
            if stream.key in self._ids:
                places.append(place)
            else:
                told[place] = (
                    f"no device has the {stream.scheme} code {stream.station}; add it to the device's codes first"
                )
        kept = await self._intake.keep([self._reading(readings[place], streams[place]) for place in places])
        for number, place in enumerate(places):
            if kept.outcomes[number] is Outcome.REFUSED:
                told[place] = kept.reasons.get(number, "it was refused")
                self._ids.pop(streams[place].key, None)
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

    def _reading(self, reading: StationReading, stream: StationStream) -> Reading:
        return Reading(self._ids[stream.key], reading.at, reading.value, reading.until, quality=reading.quality)
