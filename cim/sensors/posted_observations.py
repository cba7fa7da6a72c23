"""Observations as they are posted: bodies are read alike for HTTP and MQTT, and refused for the same reason."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from cim.errors import BadRequest
from cim.model.sensing_entities import ENTITIES
from cim.sensors.entity_bodies import is_reference, reference_id

_ENTITY = ENTITIES["Observation"]
_LINKS = ("Datastream", "FeatureOfInterest")
_NAMES = frozenset({*_ENTITY.properties, *_ENTITY.links})


class Posted(NamedTuple):
    """The properties of an observation, its datastream, and the feature it names."""

    values: Mapping[str, Any]
    stream: int
    feature: int | None = None


def json_of(body: bytes | bytearray) -> Any:
    """The JSON value of a body (UTF-8); what is no JSON is refused with line and column."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"[:300],
            where="body",
            remedy="correct it there; SensorThings takes one JSON value in UTF-8",
        ) from None


def posted(body: Any, above: Mapping[str, int]) -> Posted | None:
    """The observation in a body; None where it leads to no datastream, or to entities that are yet to be made.

    ``above`` has the ids of the links that the address gives; those of the body go before them. BadRequest for a name
    that observations do not have, NotFound for a link to what can be no id.
    """
    if not isinstance(body, dict):
        return None
    links = dict(above)
    for name in _LINKS:
        link = body.get(name)
        if link is None:
            continue
        if not is_reference(link):
            return None
        links[name] = reference_id(link.get("@iot.id", link.get("id")), ENTITIES[name], f"body.{name}")
    if "Datastream" not in links:
        return None
    for name in body:
        if name not in _NAMES and "@iot." not in name:
            raise BadRequest(
                f"an Observation has no {name[:60]!r}",
                where="body",
                remedy=f"there are {', '.join([*_ENTITY.properties, *_ENTITY.links])}; all else goes to parameters",
            )
    return Posted(body, links["Datastream"], links.get("FeatureOfInterest"))
