"""Incidents as answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cim.model.incident_clock import clock_document
from cim.model.incident_kinds import grade, lists, the_kind
from cim.model.incidents import DRILL_NAME, Entry, Incident, State


def incident_document(incident: Incident, notes: Sequence[str] = ()) -> dict[str, Any]:
    """An incident with its kind in words, its grading and its report clock as they stand now.

    A drill says so in its code, its title and ``drill_mark``.
    """
    kind = the_kind(incident.kind)
    grading = grade(incident.kind, incident.figures)
    return {
        **incident.document(),
        **drill_mark(incident),
        "position": [incident.lon, incident.lat],
        "kind_title": {"zh": kind.zh, "en": kind.en},
        "family": kind.family,
        "family_title": dict(lists().family[kind.family]),
        "grading": {**grading.model_dump(), "declared": incident.grade != grading.grade},
        "clock": clock_document(incident, datetime.now(UTC)),
        "notes": list(notes),
    }


def incident_feature(incident: Incident) -> dict[str, Any]:
    """An incident as a feature of GeoJSON."""
    properties = {**incident.document(), **drill_mark(incident)}
    place = {"type": "Point", "coordinates": [properties.pop("lon"), properties.pop("lat")]}
    return {"type": "Feature", "id": incident.code, "geometry": place, "properties": properties}


def state_document(state: State, notes: Sequence[str] = ()) -> dict[str, Any]:
    """An incident with all that hangs on it."""
    return {**state.document(), **incident_document(state.incident, notes)}


def of_incident(incident: Incident, name: str, value: Any) -> dict[str, Any]:
    """A part of an incident, with what says which incident it is of and whether that is a drill."""
    return {"incident": incident.code, "title": incident.title, **drill_mark(incident), name: value}


def news(entry: Entry, incident: Incident) -> dict[str, Any]:
    """What happened in an incident: the entry, what it changed, and the incident's name and place as it is now."""
    told = {**entry.told(), "changes": [change.document() for change in entry.changes]}
    facts = {name: getattr(incident, name) for name in ("code", "kind", "title", "drill", "state", "grade", "revision")}
    return {"entry": told, "incident": {**facts, "position": [incident.lon, incident.lat]}, **drill_mark(incident)}


def drill_mark(incident: Incident) -> dict[str, Any]:
    """The mark of a drill, null for what is real."""
    return {"drill": incident.drill, "drill_mark": DRILL_NAME if incident.drill else None}
