"""Observations that come with other entities, or are changed: in the transaction of what they belong to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.sensing_entities import Draft, Reference
from cim.sensors.intake import Intake
from cim.sensors.observation_bodies import TakenObservation, add_observation, read_observation, utc_now
from cim.sensors.rights import missing
from cim.sensors.streams import no_place
from cim.store.observations import ReadingColumns, moment, the_observation
from cim.store.observed_features import made_features, name_features
from cim.store.sensing_entities_deleting import delete_observation
from cim.store.sensing_entities_writing import Stream, streams_of

Key = tuple[int, datetime | None]
_NAMES = ("phenomenonTime", "resultTime", "result", "resultQuality", "validTime", "parameters")


class ObservationWriter:
    """Gathers observations of one transaction and keeps them at its end."""

    def __init__(self, connection: AsyncConnection, intake: Intake) -> None:
        self._connection = connection
        self._intake = intake
        self._columns = ReadingColumns()
        self._streams: dict[int, Stream] = {}

    async def add(self, stream: int, feature: int | None, values: Mapping[str, Any]) -> Key:
        """Add an observation; returns its key."""
        known = await self._stream(stream)
        taken = read_observation(_plain(values), known.observation_type, utc_now())
        if feature is None:
            feature = (await made_features(self._connection, [stream])).get(stream)
            if feature is None:
                raise no_place(stream)
        else:
            await name_features(self._connection, {stream: feature})
        return self._add(stream, feature, taken)

    def _add(self, stream: int, feature: int | None, taken: TakenObservation) -> Key:
        add_observation(self._columns, stream, feature, taken)
        return stream, moment(taken.at_us)

    async def change(self, stream: int, at: datetime, draft: Draft, *, whole: bool) -> Key:
        """Change an observation. One whose time or Datastream is another then has another id."""
        found = await the_observation(self._connection, stream, at)
        if found is None:
            raise missing("Observation")
        values = _plain(draft.values) if whole else {**found.values, **_plain(draft.values)}
        if whole:
            values.setdefault("phenomenonTime", found.values["phenomenonTime"])
        target = await self._linked(draft, "Datastream") or stream
        feature = await self._linked(draft, "FeatureOfInterest") or found.feature
        known = await self._stream(target)
        taken = read_observation(values, known.observation_type, utc_now())
        if feature is not None:
            await name_features(self._connection, {target: feature})
        if (target, moment(taken.at_us)) != (stream, at):
            await delete_observation(self._connection, stream, at)
        return self._add(target, feature, taken)

    async def _linked(self, draft: Draft, link: str) -> int | None:
        items = draft.links.get(link)
        return items[0].id if items and isinstance(items[0], Reference) else None

    async def remove(self, stream: int, at: datetime) -> None:
        """Delete an observation; NotFound where there is none."""
        if not await delete_observation(self._connection, stream, at):
            raise missing("Observation")

    async def keep(self) -> None:
        """Keep what was added; BadRequest where the database refuses one, and nothing is kept then."""
        columns = self._columns
        if not len(columns):
            return
        kept = await self._intake.keep_within(self._connection, columns)
        if kept.reasons:
            reason = next(iter(kept.reasons.values()))
            raise BadRequest(reason, where="Observation", remedy="see docs/sensorthings.md")
        self._columns = ReadingColumns()

    async def _stream(self, number: int) -> Stream:
        if number not in self._streams:
            for stream in await streams_of(self._connection, [number]):
                self._streams[number] = stream
        if number not in self._streams:
            raise missing(f"Datastream {number}")
        return self._streams[number]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as they are written in JSON, with moments as texts again."""
    return {name: _written(value) for name, value in values.items() if name in _NAMES}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        start, end = value
        return start.isoformat() if end is None else f"{start.isoformat()}/{end.isoformat()}"
    return value
