"""Facts of incidents from what was sent: checked, graded by the scale of their kind."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cim.errors import BadRequest
from cim.model.incident_kinds import grade, the_kind
from cim.model.incidents import Incident, Told, marked_title
from web.incidents.bodies import ChangedIncident, NewIncident, ToldBody
from web.incidents.places import PlaceFound
from web.incidents.shapes import AREAS, bounded, checked_shape

SKEW = timedelta(minutes=5)
"""How far clocks of officers may be ahead of the server's."""
_PLAIN = ("reporter", "response_level", "access")


def new_facts(body: NewIncident, place: PlaceFound) -> dict[str, Any]:
    """The facts of a new incident; BadRequest for what cannot be."""
    now = datetime.now(UTC)
    reported_at = body.reported_at or now
    occurred_at = body.occurred_at or reported_at
    _refuse_future(now, reported_at, "reported_at")
    if occurred_at > reported_at:
        raise BadRequest(
            "it was reported before it occurred", where="occurred_at", remedy="check both moments and their zones"
        )
    return {
        **{name: getattr(body, name) for name in _PLAIN},
        **place.facts,
        **graded(body.kind, body.figures, body.declared_grade, body.declared_reason),
        "kind": body.kind,
        "title": _title(body.title, drill=body.drill),
        "area": checked_shape(body.area, "area", AREAS) if body.area is not None else None,
        "occurred_at": occurred_at,
        "reported_at": reported_at,
        "properties": bounded(body.properties, "properties"),
    }


def changed_facts(body: ChangedIncident, held: Incident, place: PlaceFound | None) -> dict[str, Any]:
    """The facts that a change sets anew; what it does not name stays."""
    named = body.model_fields_set
    facts: dict[str, Any] = {name: getattr(body, name) for name in _PLAIN if name in named}
    if place is not None:
        facts |= place.facts
    if body.title is not None:
        facts["title"] = _title(body.title, drill=held.drill)
    if "area" in named:
        facts["area"] = checked_shape(body.area, "area", AREAS) if body.area is not None else None
    if "properties" in named:
        facts["properties"] = bounded(body.properties, "properties")
    if body.occurred_at is not None:
        if body.occurred_at > held.reported_at:
            raise BadRequest("it was reported before it occurred", where="occurred_at", remedy="check the moment")
        facts["occurred_at"] = body.occurred_at
    if named & {"figures", "kind", "declared_grade"}:
        kind = body.kind or held.kind
        figures = body.figures if "figures" in named else held.figures
        facts |= {"kind": kind, **graded(kind, figures, body.declared_grade, body.declared_reason)}
    return facts


def graded(kind: str, figures: Mapping[str, float], declared: str | None, reason: str) -> dict[str, Any]:
    """Figures with the grade they make and the rule of that.

    People grade where the kind has no scale; BadRequest where they do so without a reason, or in place of a scale.
    """
    found = grade(kind, figures)
    rule = f"{found.row}：{found.reason}（{found.source}）" if found.grade else found.reason
    if declared is None:
        return {"figures": dict(figures), "grade": found.grade, "grade_rule": rule}
    if the_kind(kind).scale:
        raise BadRequest(
            f"{kind} is graded by its scale", where="declared_grade", remedy="send the figures that the scale reads"
        )
    if not reason.strip():
        raise BadRequest("a declared grade needs a reason", where="declared_reason", remedy="write who decided it")
    return {"figures": dict(figures), "grade": declared, "grade_rule": f"人工认定：{reason.strip()}"}


def told_of(body: ToldBody, held: Incident) -> Told:
    """A report that went out; BadRequest where it is of the future, or from before the county was told."""
    now = datetime.now(UTC)
    at = body.at or now
    _refuse_future(now, at, "report.at")
    if at < held.reported_at:
        raise BadRequest(
            "it was told on before the county was told", where="report.at", remedy="check the moment and its zone"
        )
    return Told(to=body.to, at=at, kind=body.kind)


def _title(title: str, *, drill: bool) -> str:
    marked = marked_title(title, drill=drill)
    if not marked_title(title, drill=False):
        raise BadRequest("the title is empty but for the mark of drills", where="title", remedy="write a title")
    return marked


def _refuse_future(now: datetime, at: datetime, where: str) -> None:
    if at > now + SKEW:
        raise BadRequest("the moment lies in the future", where=where, remedy="check the moment and its zone")
