"""The report clock: which level of government must be told of an incident by when, and what is overdue."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from cim.model.incident_kinds import Clock, lists, the_kind
from cim.model.incidents import LEVELS, Incident, Level

DueState = Literal["done", "late", "due", "overdue"]
"""Told in time, told too late, to be told, not told though it was due."""


@dataclass(frozen=True, slots=True)
class Due:
    """A report that is asked for: to whom, by when, and when it was made. ``at_once`` ones are due immediately."""

    to: Level
    what: Literal["report", "follow-up"]
    due_at: datetime
    told_at: datetime | None
    state: DueState
    at_once: bool = False

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "to": self.to,
            "title": f"{'续报' if self.what == 'follow-up' else '报'}{LEVELS[self.to]}",
            "what": self.what,
            "due_at": self.due_at.isoformat(),
            "told_at": self.told_at.isoformat() if self.told_at else None,
            "state": self.state,
            "at_once": self.at_once,
        }


def clock_of(kind: str) -> Clock:
    """The clock of a kind of incident."""
    return lists().clock[the_kind(kind).clock]


def due_reports(incident: Incident, now: datetime) -> list[Due]:
    """The reports that an incident asks for, in order, as they stand at a moment.

    Each is due so long after the one before was made, or was due where it was not made; the first counts from when the
    county was told. While an incident is open a follow-up is due so long after the last report, where its clock says.
    """
    clock, found = clock_of(incident.kind), list[Due]()
    before = incident.reported_at
    for step in clock.step:
        if not step.holds(incident.grade):
            continue
        due_at = before + timedelta(minutes=step.minutes)
        told_at = min((told.at for told in incident.reports if told.to == step.to), default=None)
        found.append(Due(step.to, "report", due_at, told_at, _state(due_at, told_at, now), step.minutes == 0))
        before = told_at or due_at
    last = max(incident.reports, key=lambda told: told.at, default=None)
    if clock.follow_up_h is not None and last is not None and incident.state == "open" and last.kind != "final":
        due_at = last.at + timedelta(hours=clock.follow_up_h)
        found.append(Due("city", "follow-up", due_at, None, _state(due_at, None, now)))
    return found


def _state(due_at: datetime, told_at: datetime | None, now: datetime) -> DueState:
    if told_at is not None:
        return "done" if told_at <= due_at else "late"
    return "due" if now <= due_at else "overdue"


def clock_document(incident: Incident, now: datetime) -> dict[str, Any]:
    """The clock as JSON: its source and the reports due."""
    clock = clock_of(incident.kind)
    due = due_reports(incident, now)
    overdue = sum(one.state == "overdue" for one in due)
    return {
        "source": clock.source,
        "checked": clock.checked,
        "overdue": overdue,
        "reports": [one.document() for one in due],
    }
