"""Entities as JSON: properties, ``@iot.id``, and links to themselves and to what belongs to them."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from cim.model.sensing_entities import Entity, iso_text
from web.sensorthings.address import Key, id_of, link_to

Row = Mapping[str, Any]


def key_of_row(entity: Entity, row: Row) -> Key:
    """The key of the entity in a row."""
    if entity.name == "Observation":
        return row["datastream_id"], row["phenomenon_time"]
    return row["id"], None


def chosen_properties(entity: Entity, select: Collection[str] | None) -> list[str]:
    """The properties that a selection names; all where there is none."""
    if select is None:
        return list(entity.properties)
    heads = {name.split("/")[0] for name in select}
    return [name for name in entity.properties if name in heads]


def document(
    entity: Entity, row: Row, root: str, select: Collection[str] | None, expanded: Collection[str]
) -> dict[str, Any]:
    """One entity; ``root`` is the address of the service, ``expanded`` are links whose entities come along."""
    key = key_of_row(entity, row)
    address = f"{root}/{link_to(entity, key)}"
    found: dict[str, Any] = {}
    if select is None or "id" in select or "@iot.id" in select:
        found["@iot.id"] = id_of(key)
    if select is None or "@iot.selfLink" in select:
        found["@iot.selfLink"] = address
    for name in chosen_properties(entity, select):
        value = property_of(entity, name, row)
        if value is not None or (name == "resultTime" and entity.name == "Observation"):
            found[name] = value
    for link in entity.links:
        if link not in expanded and (select is None or link in select):
            found[f"{link}@iot.navigationLink"] = f"{address}/{link}"
    return found


def property_of(entity: Entity, name: str, row: Row) -> Any:
    """A property of the entity in a row, as JSON has it; None where it has no value."""
    special = _SPECIAL.get((entity.name, name)) or _SPECIAL.get(("", name))
    if special:
        return special(row)
    return row[_PLAIN.get(name, name)]


_PLAIN = {
    "encodingType": "encoding_type",
    "observationType": "observation_type",
    "unitOfMeasurement": "unit",
    "observedArea": "observed_area",
}


def _time(row: Row) -> str:
    return iso_text(row["time"])


def _span(first: str, last: str) -> Callable[[Row], str | None]:
    return lambda row: interval_text(row[first], row[last]) if row[first] is not None else None


def _phenomenon_time(row: Row) -> str:
    return interval_text(row["phenomenon_time"], row["phenomenon_end"])


def interval_text(start: datetime, end: datetime | None) -> str:
    """An instant, or where there is an end the interval up to it."""
    return iso_text(start) if end is None else f"{iso_text(start)}/{iso_text(end)}"


def _result_time(row: Row) -> str | None:
    at = row["result_time"]
    return iso_text(at) if at is not None else None


def _result(row: Row) -> Any:
    """The result; a whole number comes without a decimal point, as most devices send it."""
    value = row["value"]
    if value is None:
        return row["result"]
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _quality(row: Row) -> Any:
    """The letter of HJ 212, or for a normal value what was sent in its place."""
    details = row["details"] or {}
    return details.get("resultQuality", "N") if row["quality"] == "N" else row["quality"]


def _detail(name: str) -> Callable[[Row], Any]:
    return lambda row: (row["details"] or {}).get(name)


_SPECIAL: dict[tuple[str, str], Callable[[Row], Any]] = {
    ("HistoricalLocation", "time"): _time,
    ("Datastream", "phenomenonTime"): _span("phenomenon_first", "phenomenon_last"),
    ("Datastream", "resultTime"): _span("result_first", "result_last"),
    ("Observation", "phenomenonTime"): _phenomenon_time,
    ("Observation", "resultTime"): _result_time,
    ("Observation", "result"): _result,
    ("Observation", "resultQuality"): _quality,
    ("Observation", "validTime"): _detail("validTime"),
    ("Observation", "parameters"): _detail("parameters"),
}
