"""Alarms, steps and rules as JSON, for answers, events and messages alike."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from cim.model.alarms import Alarm, Rule, Step

_PLACE = ("lon", "lat")
_PLAIN = tuple(field.name for field in fields(Alarm) if field.name not in _PLACE)


def alarm_document(alarm: Alarm) -> dict[str, Any]:
    """An alarm with its place as longitude and latitude, null where it has none."""
    place = None if alarm.lon is None else [alarm.lon, alarm.lat]
    return {**{name: _plain(getattr(alarm, name)) for name in _PLAIN}, "position": place}


def alarm_feature(alarm: Alarm) -> dict[str, Any]:
    """An alarm as a feature of GeoJSON."""
    geometry = None if alarm.lon is None else {"type": "Point", "coordinates": [alarm.lon, alarm.lat]}
    properties = {name: _plain(getattr(alarm, name)) for name in _PLAIN}
    return {"type": "Feature", "id": alarm.code, "geometry": geometry, "properties": properties}


def step_document(step: Step) -> dict[str, Any]:
    """One entry of a history."""
    return {field.name: _plain(getattr(step, field.name)) for field in fields(Step)}


def rule_document(rule: Rule) -> dict[str, Any]:
    """A rule with its number."""
    return {"id": rule.id, **rule.body.model_dump(mode="json", exclude_none=True)}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
