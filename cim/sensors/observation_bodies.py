"""Observations as they come in JSON, straight to the columns the database takes them in."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from cim.errors import BadRequest
from cim.model.sensing import Quality
from cim.sensors.checking import AHEAD, fault_of_moment, fault_of_result
from cim.sensors.entity_bodies import plain_json, read_moment
from cim.store.observations import ReadingColumns, microseconds

_TYPES = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
_LETTERS = frozenset(Quality)
_DETAILS = ("parameters", "validTime")
_TELLING = frozenset({"resultQuality", *_DETAILS})
MOST_DETAILS_BYTES = 16_384


class TakenObservation(NamedTuple):
    """One observation in the form of a row of ``ReadingColumns``, without its datastream."""

    at_us: int
    value: float | None
    flag: str
    until_us: int | None
    result_us: int | None
    result: str | None
    details: str | None


def read_observation(values: Mapping[str, Any], observation_type: str, now: datetime) -> TakenObservation:
    """The properties of an observation, checked; BadRequest tells what is wrong with them.

    Without ``phenomenonTime`` it is of now (OGC 18-088 clause 8.2.7).
    """
    given = values.get("phenomenonTime")
    start, end = read_moment(given, "phenomenonTime") if given is not None else (now, None)
    result_at = values.get("resultTime")
    result_time = read_moment(result_at, "resultTime")[0] if result_at is not None else None
    for at in (start, end, result_time):
        fault = fault_of_moment(at, now + AHEAD) if at is not None else ""
        if fault:
            raise BadRequest(fault, where="phenomenonTime", remedy="send the time of the measurement")
    value, result = _result(values.get("result"), observation_type)
    flag, details = _details(values)
    return TakenObservation(
        microseconds(start),
        value,
        flag,
        None if end is None else microseconds(end),
        None if result_time is None else microseconds(result_time),
        result,
        details,
    )


def add_observation(columns: ReadingColumns, stream: int, feature: int | None, taken: TakenObservation) -> None:
    """Put an observation at the end of the columns; every column gets a value."""
    columns.ids.append(stream)
    columns.at_us.append(taken.at_us)
    columns.values.append(taken.value)
    columns.flags.append(taken.flag)
    columns.until_us.append(taken.until_us)
    columns.result_us.append(taken.result_us)
    columns.results.append(taken.result)
    columns.features.append(feature)
    columns.details.append(taken.details)


def _result(value: Any, observation_type: str) -> tuple[float | None, str | None]:
    """The result as a number, or as JSON where it is none; of the kind that the Datastream's observationType says."""
    if value is None:
        raise BadRequest("the observation has no result", where="result", remedy="send a result")
    check = _RESULTS.get(observation_type.removeprefix(_TYPES))
    checked = check(value) if check else value
    fault = fault_of_result(checked)
    if fault:
        raise BadRequest(fault, where="result", remedy="send what was measured")
    if isinstance(checked, int | float) and not isinstance(checked, bool):
        return float(checked), None
    return None, _text(plain_json(checked, "result"), "result")


def _number(value: Any) -> float:
    """A number; one that was written as a text is taken as the number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        number = float(value) if isinstance(value, str) and len(value) < 40 else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _wrong("a number", value)
    return number


def _count(value: Any) -> float:
    number = _number(value)
    if number != math.floor(number):
        raise _wrong("a whole number", value)
    return number


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong("true or false", value)
    return value


def _category(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong("a text", value)
    return value


def _wrong(wanted: str, value: Any) -> BadRequest:
    return BadRequest(
        f"the result {str(value)[:40]!r} is not {wanted}, as the observationType of the Datastream says",
        where="result",
        remedy="send it to a Datastream of another observationType",
    )


_RESULTS: Mapping[str, Callable[[Any], Any]] = {
    "OM_Measurement": _number,
    "OM_CountObservation": _count,
    "OM_TruthObservation": _truth,
    "OM_CategoryObservation": _category,
}


def _details(values: Mapping[str, Any]) -> tuple[str, str | None]:
    """The letter of quality, and what else there is to keep."""
    if _TELLING.isdisjoint(values):
        return "N", None
    quality = values.get("resultQuality")
    flag = quality if isinstance(quality, str) and quality in _LETTERS else "N"
    kept = {name: values[name] for name in _DETAILS if values.get(name) is not None}
    if not kept and (quality is None or flag == quality):
        return flag, None
    if quality is not None and flag != quality:
        kept["resultQuality"] = quality
    if not isinstance(kept.get("parameters", {}), dict):
        raise BadRequest("parameters are no JSON object", where="parameters", remedy='write {"name": "value"}')
    if "validTime" in kept:
        read_moment(kept["validTime"], "validTime")
    return flag, _text(plain_json(kept, "parameters"), "parameters")


def _text(value: Any, where: str) -> str:
    text = orjson.dumps(value)
    if len(text) > MOST_DETAILS_BYTES:
        raise BadRequest(
            f"this takes {len(text)} bytes; {MOST_DETAILS_BYTES} are kept", where=where, remedy="send it shorter"
        )
    return text.decode()


def utc_now() -> datetime:
    """Now, with its zone."""
    return datetime.now(UTC)
