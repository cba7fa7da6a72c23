"""Messages of devices to observations, by the same rules as requests over HTTP."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from cim.errors import BadRequest, NotFound
from cim.model.access import Grade, Operation, Principal, Right
from cim.model.sensing_entities import ENTITIES
from cim.sensors.entity_bodies import read_draft, reference_id
from cim.sensors.observation_bodies import TakenObservation, add_observation, read_observation, utc_now
from cim.sensors.posted_observations import Posted, json_of, posted
from cim.sensors.rights import missing
from cim.store.observations import ReadingColumns
from cim.store.refusals import Refused
from web.broker.accounts import POSTED
from web.sensorthings.observing import Observing, leave_out_empty

SOURCE = "mqtt"
POSTER = Principal(
    "mqtt", "mqtt", tuple(Right(grade, frozenset({Operation.READ, Operation.IMPORT})) for grade in Grade)
)
"""Who posts: the broker lets only those post who may import everything."""
_TOPIC = re.compile(r"^v1\.1/(?:Datastreams\((\d{1,10})\)/)?Observations$", re.ASCII)
_ENTITY = ENTITIES["Observation"]


class Message(NamedTuple):
    """A message as the broker sent it; ``number`` is by what it is acknowledged in its connection ``session``."""

    topic: str
    payload: bytes
    number: int
    quality: int
    session: int


class Row(NamedTuple):
    """One observation ready to be kept, and the message it came in."""

    message: Message
    stream: int
    feature: int | None
    taken: TakenObservation


class Messages:
    """Reads messages; ``observing`` knows the datastreams and features they lead to."""

    def __init__(self, observing: Observing) -> None:
        self._observing = observing

    async def read(self, messages: Sequence[Message]) -> tuple[list[Row], list[Refused]]:
        """The observations in messages, and what of them is refused; raises StoreError where the database is away."""
        posts: list[tuple[Message, Posted]] = []
        rows: list[Row] = []
        refused: list[Refused] = []
        for message in messages:
            try:
                posts.append((message, _posted(message)))
            except (BadRequest, NotFound) as error:
                refused.append(refused_message(message, str(error)))
        known = await self._observing.streams.of(post.stream for _, post in posts)
        features = await self._observing.streams.features_of(known.values())
        now = utc_now()
        for message, post in posts:
            try:
                stream = known.get(post.stream)
                if stream is None:
                    raise missing(f"Datastream {post.stream}")
                taken = read_observation(post.values, stream.observation_type, now)
                feature = features.get(stream.id)
                if post.feature is not None:
                    feature = await self._observing.feature(POSTER, stream, post.feature)
                rows.append(Row(message, stream.id, feature, taken))
            except (BadRequest, NotFound) as error:
                refused.append(refused_message(message, str(error)))
        return rows, refused


def _posted(message: Message) -> Posted:
    named = _TOPIC.match(message.topic)
    if named is None:
        raise BadRequest("observations are posted to no such topic", where="topic", remedy=f"post to {POSTED[0]}")
    above = {"Datastream": reference_id(named[1], ENTITIES["Datastream"], "topic")} if named[1] else {}
    body = json_of(message.payload)
    found = posted(body, above)
    if found is None:
        read_draft(_ENTITY, body, filled=frozenset(above))
        raise BadRequest(
            "the observation leads to entities that are yet to be made",
            where="body",
            remedy='make them over HTTP, and send "Datastream": {"@iot.id": 12}',
        )
    return found


def columns_of(rows: Sequence[Row]) -> ReadingColumns:
    """Observations by column, as the intake takes them."""
    columns = ReadingColumns()
    for row in rows:
        add_observation(columns, row.stream, row.feature, row.taken)
    leave_out_empty(columns)
    return columns


def refused_message(message: Message, reason: str) -> Refused:
    """What is kept of a message that is refused."""
    return Refused(SOURCE, message.topic, "observation", reason, message.payload[:2_000].decode("utf-8", "replace"))
