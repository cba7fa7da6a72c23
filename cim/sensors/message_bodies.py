"""Observations as SensorThings writes them in JSON, made into readings."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cim.errors import BadRequest
from cim.model.sensing import Quality, Reading

MOST_ID = 2**31 - 1
_FLAGS = {str(quality): quality for quality in Quality if quality is not Quality.IMPLAUSIBLE}


def body_of(payload: bytes) -> dict[str, Any]:
    """The JSON object of a message; BadRequest where it is none, or holds what JSON does not know (NaN, Infinity)."""
    try:
        found = json.loads(payload, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadRequest(
            "the body is no JSON", where="body", remedy='send {"phenomenonTime": ..., "result": ...}'
        ) from None
    if b"\\u0000" in payload:
        raise BadRequest("the body holds a character that cannot be kept", where="body", remedy="leave out \\u0000")
    if not isinstance(found, dict):
        raise BadRequest("the body is no JSON object", where="body", remedy="send one observation in a message")
    return found


def reading_of(body: Mapping[str, Any], datastream: int | None = None) -> Reading:
    """The reading in an Observation; its datastream is the given one, else that of the body.

    Without ``phenomenonTime`` it is now. A ``resultQuality`` that is a letter of ``Quality`` is the reading's flag; any
    other is kept beside it. Raises BadRequest for what cannot be read.
    """
    if body.get("result") is None:
        raise BadRequest("the observation has no result", where="result", remedy="send the value as result")
    at, until = _span(body.get("phenomenonTime"))
    quality = body.get("resultQuality")
    flag = _FLAGS.get(quality, Quality.NORMAL) if isinstance(quality, str) else Quality.NORMAL
    details = {name: body[name] for name in ("parameters", "resultQuality") if body.get(name) is not None}
    return Reading(
        datastream if datastream is not None else _linked(body, "Datastream", required=True) or 0,
        at,
        body["result"],
        until,
        _moment(body["resultTime"], "resultTime") if body.get("resultTime") is not None else None,
        flag,
        _linked(body, "FeatureOfInterest"),
        details or None,
    )


def _linked(body: Mapping[str, Any], name: str, *, required: bool = False) -> int | None:
    """The id of an entity that a body links to."""
    entity = body.get(name)
    if entity is None and not required:
        return None
    found = entity.get("@iot.id", entity.get("id")) if isinstance(entity, dict) else None
    number = (
        int(found) if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) < 11 else found
    )
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MOST_ID:
        raise BadRequest(f"the {name} is not named by its id", where=name, remedy=f'send "{name}": {{"@iot.id": 12}}')
    return number


def _span(given: object) -> tuple[datetime, datetime | None]:
    if given is None:
        return datetime.now(UTC), None
    if not isinstance(given, str):
        raise BadRequest("the phenomenonTime is no text", where="phenomenonTime", remedy="write 2026-01-31T08:00:00Z")
    start, slash, end = given.partition("/")
    return _moment(start, "phenomenonTime"), _moment(end, "phenomenonTime") if slash else None


def _moment(given: object, where: str) -> datetime:
    try:
        if isinstance(given, str) and len(given) >= 16:
            return datetime.fromisoformat(given)
    except ValueError:
        pass
    raise BadRequest(f"{str(given)[:40]!r} is no moment", where=where, remedy="write it as 2026-01-31T08:00:00Z")


def _no_number(text: str) -> float:
    raise ValueError(text)
