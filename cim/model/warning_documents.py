"""Warnings, calls and history as JSON, for answers, events and messages alike; each says whether it is a drill."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from cim.model.warning_course import Call, HeldWarning, WarningStep
from cim.model.warnings import LEVELS, Alert

_PLAIN = tuple(field.name for field in fields(HeldWarning) if field.name not in ("geometry", "findings"))


def warning_document(warning: HeldWarning) -> dict[str, Any]:
    """A warning without its shape; ``drill`` is true for all that is not real, and the title says so too."""
    plain = {name: _plain(getattr(warning, name)) for name in _PLAIN}
    level = LEVELS[warning.colour] if warning.colour else None
    return {"drill": warning.drill, **plain, "level": level, "findings": list(warning.findings)}


def warning_feature(warning: HeldWarning) -> dict[str, Any]:
    """A warning as a feature of GeoJSON."""
    return {
        "type": "Feature",
        "id": warning.code,
        "geometry": warning.geometry,
        "properties": warning_document(warning),
    }


def alert_document(alert: Alert) -> dict[str, Any]:
    """All that a message says."""
    return dict(_told(asdict(alert)))


def call_document(call: Call, drill: bool, *, phone: bool) -> dict[str, Any]:
    """A call; its ``phone`` only for who may see it."""
    plain = {name: _told(value) for name, value in asdict(call).items() if name not in ("phone", "ladder")}
    following = [
        {name: step.get(name) for name in ("name", "duty", "region", *(["phone"] if phone else []))}
        for step in call.ladder
    ]
    return {"drill": drill, **plain, **({"phone": call.phone} if phone else {}), "next": following}


def step_document(step: WarningStep) -> dict[str, Any]:
    """One entry of a history."""
    return {field.name: _plain(getattr(step, field.name)) for field in fields(WarningStep)}


def news_document(step: WarningStep, warning: HeldWarning) -> dict[str, Any]:
    """What happened to a warning, and the warning as it is now."""
    return {"drill": warning.drill, "step": step_document(step), "warning": warning_document(warning)}


def event_name(warning: HeldWarning) -> str:
    """The name of an event about a warning: who listens for ``warning`` never hears of a drill."""
    return "drill" if warning.drill else "warning"


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _told(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    return _plain(value)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
