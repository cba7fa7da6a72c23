"""Observations on the short way: from JSON to the columns that the intake keeps, many senders in one transaction."""

import time

from cim.errors import BadRequest
from cim.model.access import Principal
from cim.sensors.entity_checks import EntityChecks
from cim.sensors.intake import Intake
from cim.sensors.observation_bodies import add_observation, read_observation, utc_now
from cim.sensors.posted_observations import Posted
from cim.sensors.rights import missing, require_import
from cim.sensors.streams import REMEMBER_S, Streams, no_place
from cim.store.database import Database
from cim.store.observations import ReadingColumns, moment
from cim.store.sensing_entities_writing import Claim, Stream
from web.sensorthings.address import Key

MOST_REMEMBERED = 20_000


class Observing:
    """Takes observations of datastreams that exist; one for a process."""

    def __init__(self, database: Database, intake: Intake) -> None:
        self._database = database
        self.intake = intake
        self.streams = Streams(database)
        self._usable: dict[tuple[str, Claim, int], float] = {}

    def forget(self) -> None:
        """What is known of datastreams may have changed."""
        self.streams.forget()
        self._usable.clear()

    async def take(self, principal: Principal, posted: Posted) -> Key:
        """Keep one observation; returns its key once it is committed."""
        stream = posted.stream
        known = (await self.streams.of([stream])).get(stream)
        require_import(principal, [known.claim] if known else [], f"Datastream {stream}")
        if known is None:
            raise missing(f"Datastream {stream}")
        taken = read_observation(posted.values, known.observation_type, utc_now())
        columns = ReadingColumns()
        add_observation(columns, stream, await self.feature(principal, known, posted.feature), taken)
        leave_out_empty(columns)
        kept = await self.intake.keep_columns(columns)
        if kept.reasons:
            raise BadRequest(kept.reasons[0], where="Observation", remedy="see docs/sensorthings.md")
        return stream, moment(taken.at_us)

    async def feature(self, principal: Principal, stream: Stream, feature: int | None) -> int:
        """The feature that an observation is of: one it names and the sender may use, or where the Thing is."""
        if feature is None:
            made = (await self.streams.features_of([stream])).get(stream.id)
            if made is None:
                raise no_place(stream.id)
            return made
        mark = (principal.role, stream.claim, feature)
        now = time.monotonic()
        if self._usable.get(mark, 0.0) < now:
            async with self._database.writing("streams") as connection:
                await EntityChecks(connection, principal).require_usable(
                    "FeatureOfInterest", feature, "FeatureOfInterest"
                )
            if len(self._usable) > MOST_REMEMBERED:
                self._usable.clear()
            self._usable[mark] = now + REMEMBER_S
        await self.streams.name(stream.id, feature)
        return feature


def leave_out_empty(columns: ReadingColumns) -> None:
    """Columns without a value are not sent at all."""
    for name in ("until_us", "result_us", "results", "features", "details"):
        if all(value is None for value in getattr(columns, name)):
            setattr(columns, name, [])
