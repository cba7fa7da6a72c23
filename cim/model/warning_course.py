"""The course of a warning, and of the calls to people that it sets off (叫应).

A message is in force until it is cancelled, replaced or over. The state follows from what is held, in whatever order it
came: a Cancel or Update that refers to it counts if it is of the same sender and the same status, so that an exercise
never ends a real warning. A call waits until it is confirmed; where nobody does in time the next level is called.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cim.model.alarms import Severity as Colour
from cim.model.warnings import MessageType, Status


class WarningState(StrEnum):
    """Where a message stands. ``done``: a Cancel, Ack or Error, which warns of nothing itself."""

    DRAFT = "draft"
    DISCARDED = "discarded"
    ACTIVE = "active"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DONE = "done"


class CallState(StrEnum):
    """Where a call stands."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    SILENT = "silent"
    WITHDRAWN = "withdrawn"


ANSWER_WITHIN = {
    Colour.RED: timedelta(minutes=10),
    Colour.ORANGE: timedelta(minutes=15),
    Colour.YELLOW: timedelta(minutes=30),
    Colour.BLUE: timedelta(minutes=60),
}
"""How long a person who was called has to confirm; our own figures, each office sets its own in its plan."""


def answer_within(colour: Colour | None) -> timedelta:
    """The time to confirm a call; a warning without a colour is taken as yellow."""
    return ANSWER_WITHIN[colour or Colour.YELLOW]


@dataclass(frozen=True, slots=True)
class HeldWarning:
    """A message as kept; ``geometry`` is GeoJSON."""

    code: str
    identifier: str
    sender: str
    sent: datetime
    status: Status
    kind: MessageType
    scope: str
    state: WarningState
    colour: Colour | None
    event: str
    title: str
    effective: datetime
    expires: datetime | None
    findings: tuple[str, ...]
    replaced_by: str | None
    alarm: str | None
    region_code: str | None
    grade: str
    author: str
    received_at: datetime
    changed_at: datetime
    geometry: dict[str, Any] | None = None

    @property
    def drill(self) -> bool:
        """Whether it is anything but the real thing."""
        return self.status is not Status.ACTUAL


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call: ``subject`` is what he answers for, a region or a point."""

    key: str
    name: str
    duty: str
    phone: str | None
    region_code: str | None
    subject: str

    def document(self) -> dict[str, Any]:
        """The contact as it is kept in a ladder."""
        return {"key": self.key, "name": self.name, "duty": self.duty, "phone": self.phone, "region": self.region_code}


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to make: for which ``subjects`` (layer, key, name), and who is called next, level by level."""

    contact: Contact
    subjects: tuple[dict[str, str], ...]
    ladder: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call as kept."""

    id: int
    warning: str
    contact: str
    name: str
    duty: str
    phone: str | None
    subjects: list[dict[str, str]]
    ladder: list[dict[str, Any]]
    level: int
    state: CallState
    answer_by: datetime
    confirmed_at: datetime | None
    confirmed_by: str | None
    region_code: str | None
    grade: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class WarningStep:
    """One entry of the history; ``seq`` grows in the order in which entries become visible."""

    seq: int
    warning: str
    call: int | None
    action: str
    at: datetime
    actor: str
    channel: str
    note: str
    state: WarningState
