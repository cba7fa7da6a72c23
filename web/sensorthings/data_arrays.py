"""CreateObservations: arrays of observations for several Datastreams at once (OGC 18-088 clause 12)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from cim.errors import BadRequest, CimError
from cim.model.access import Principal
from cim.model.sensing_entities import ENTITIES
from cim.sensors.entity_bodies import reference_id
from cim.sensors.observation_bodies import add_observation, read_observation, utc_now
from cim.sensors.rights import missing, require_import
from cim.store.observations import ReadingColumns, moment
from cim.store.sensing_entities_writing import Stream
from web.sensorthings.address import Key
from web.sensorthings.observing import Observing, leave_out_empty

MOST_TOGETHER = 20_000
"""Observations that go into one transaction."""
ROWS_A_TURN = 500
"""Rows read before others in this process get their turn."""
_FEATURE = ("FeatureOfInterest/id", "FeatureOfInterest/@iot.id")
_COMPONENTS = frozenset({*ENTITIES["Observation"].properties, *_FEATURE})


class ArrayTaking:
    """Takes the arrays of one request; ``answers`` has for each observation its key, or why it was not kept."""

    def __init__(self, observing: Observing, principal: Principal) -> None:
        self._observing = observing
        self._principal = principal
        self._columns = ReadingColumns()
        self._places: list[int] = []
        self._keeping: asyncio.Task[None] | None = None
        self.answers: list[Key | str] = []

    async def take(self, body: Any) -> list[Key | str]:
        """Keep all that is in order; BadRequest where the whole is no list of data arrays, and nothing is kept then."""
        require_import(self._principal, [], "Observations")
        if not isinstance(body, list) or not all(isinstance(part, dict) for part in body):
            raise BadRequest("the body is no list of data arrays", where="body", remedy="see OGC 18-088 clause 12")
        arrays = [(_stream_number(part), *_array_of(part)) for part in body]
        known = await self._observing.streams.of(number for number, _, _ in arrays if isinstance(number, int))
        for number, components, rows in arrays:
            stream = known.get(number) if isinstance(number, int) else None
            reason = number if isinstance(number, str) else self._refused(stream, number)
            if stream is None or reason:
                self.answers += [reason] * len(rows)
            else:
                await self._fill(stream, components, rows)
        await self._keep()
        await self._settled()
        return self.answers

    def _refused(self, stream: Stream | None, number: int) -> str:
        try:
            require_import(self._principal, [stream.claim] if stream else [], f"Datastream {number}")
        except CimError as error:
            return error.what
        return "" if stream else missing(f"Datastream {number}").what

    async def _fill(self, stream: Stream, components: Sequence[str], rows: Sequence[Any]) -> None:
        now, count = utc_now(), len(components)
        default: int | None = stream.feature
        for turn, row in enumerate(rows):
            if turn % ROWS_A_TURN == 0:
                await asyncio.sleep(0)
            if not isinstance(row, list) or len(row) != count:
                self.answers.append(f"a row is no list of {count} values")
                continue
            values = dict(zip(components, row, strict=True))
            try:
                taken = read_observation(values, stream.observation_type, now)
                named = values.get(_FEATURE[0], values.get(_FEATURE[1]))
                if named is not None or default is None:
                    feature = await self._feature(stream, named)
                    default = default if named is not None else feature
                else:
                    feature = default
            except CimError as error:
                self.answers.append(error.what)
                continue
            add_observation(self._columns, stream.id, feature, taken)
            self._places.append(len(self.answers))
            self.answers.append((stream.id, moment(taken.at_us)))
            if len(self._places) >= MOST_TOGETHER:
                await self._keep()

    async def _feature(self, stream: Stream, named: Any) -> int:
        target = ENTITIES["FeatureOfInterest"]
        number = None if named is None else reference_id(named, target, target.name)
        return await self._observing.feature(self._principal, stream, number)

    async def _keep(self) -> None:
        """Have what was read kept while the next is read, once what was read before is."""
        await self._settled()
        if self._places:
            self._keeping = asyncio.create_task(self._kept(self._columns, self._places))
        self._columns, self._places = ReadingColumns(), []

    async def _settled(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            await keeping

    async def _kept(self, columns: ReadingColumns, places: Sequence[int]) -> None:
        leave_out_empty(columns)
        kept = await self._observing.intake.keep_columns(columns)
        for place, reason in kept.reasons.items():
            self.answers[places[place]] = reason


def _stream_number(part: Mapping[str, Any]) -> int | str:
    """The number of the datastream of a data array, or why there is none."""
    given, target = part.get("Datastream"), ENTITIES["Datastream"]
    try:
        return reference_id(given.get("@iot.id") if isinstance(given, dict) else None, target, target.name)
    except CimError as error:
        return error.what


def _array_of(part: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """Components, looked up, and rows of a data array; BadRequest where it is none."""
    components, rows = part.get("components"), part.get("dataArray")
    if not isinstance(components, list) or not isinstance(rows, list):
        raise BadRequest(
            "a data array lacks components or dataArray", where="dataArray", remedy="see OGC 18-088 clause 12"
        )
    for name in components:
        if not isinstance(name, str) or name not in _COMPONENTS:
            raise BadRequest(
                f"Observations have no component {str(name)[:60]!r}",
                where="components",
                remedy=f"there are {', '.join(sorted(_COMPONENTS))}",
            )
    return components, rows
