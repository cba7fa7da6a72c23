"""Messages of the broker made into readings, or into refusals with their reason."""

import re

import paho.mqtt.client as mqtt

from cim.errors import BadRequest
from cim.model.sensing import Reading
from cim.sensors.message_bodies import body_of, reading_of
from cim.store.refusals import Refused
from web.broker.accounts import POSTED

SOURCE = "mqtt"
_TOPIC = re.compile(r"^v1\.1/(?:Datastreams\((\d{1,10})\)/)?Observations$", re.ASCII)


def read_messages(messages: list[mqtt.MQTTMessage]) -> tuple[list[Reading], list[mqtt.MQTTMessage], list[Refused]]:
    """The readings in messages, the message of each, and what cannot be read."""
    readings, sources, refused = [], [], []
    for message in messages:
        try:
            readings.append(_reading(message))
            sources.append(message)
        except BadRequest as error:
            refused.append(refused_message(message, str(error)))
    return readings, sources, refused


def _reading(message: mqtt.MQTTMessage) -> Reading:
    named = _TOPIC.match(message.topic)
    if named is None:
        raise BadRequest("observations are posted to no such topic", where="topic", remedy=f"post to {POSTED[0]}")
    return reading_of(body_of(bytes(message.payload)), int(named[1]) if named[1] else None)


def refused_message(message: mqtt.MQTTMessage, reason: str) -> Refused:
    """A message that cannot be kept, as it is written down."""
    return Refused(SOURCE, message.topic, "observation", reason, message.payload[:2_000].decode("utf-8", "replace"))
