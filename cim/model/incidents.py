"""Incidents as data: what happened where, how grave it is, what is done about it, and the timeline of all that.

An incident is an Event with a table of its own, so that no list of events shows a drill. Whatever happens to it is an
entry of its timeline, which is only ever added to; an entry carries what it changed, so that the entries up to a moment
give the incident at that moment (``cim.model.incident_replay``). A drill shows in its code and title, which its parts
carry along. Moments are UTC. ``access`` is the grade of the data, ``grade`` that of the incident.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from cim.model.access import Grade
from cim.model.incident_kinds import GradeName

DRILL_TITLE, DRILL_CODE, DRILL_NAME = "【演练】", "YL", "演练"
Level = Literal["city", "province", "state"]
LEVELS: dict[Level, str] = {"city": "市级", "province": "省级", "state": "国家"}
ReceiptKind = Literal["sent", "received", "done"]
RECEIPTS: dict[ReceiptKind, str] = {"sent": "已发出", "received": "已接收", "done": "已完成"}
StepState = Literal["open", "done", "skipped"]
STEP_STATES: dict[StepState, str] = {"open": "待办", "done": "已完成", "skipped": "不适用"}
EntryKind = Literal["note", "situation", "command", "report", "analysis"]
ENTRY_KINDS: dict[str, str] = {
    "created": "接报",
    "changed": "更新",
    "closed": "结束",
    "reopened": "恢复",
    "note": "记录",
    "situation": "现场情况",
    "command": "指令",
    "report": "上报",
    "analysis": "分析",
    "task": "任务",
    "receipt": "回执",
    "mark": "标绘",
    "plan": "预案",
    "step": "步骤",
}
"""What entries are called; people write those of ``EntryKind``, the others come with what is done."""
Moment = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


class Part(BaseModel):
    """A part of an incident as kept and as told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return self.model_dump(mode="json")


class Told(Part):
    """A report that went to a level of government."""

    to: Level
    at: Moment
    kind: Literal["first", "follow", "final"] = "first"


class Incident(Part):
    """An incident as it stands. ``area`` is GeoJSON; ``revision`` grows with every change of these facts."""

    code: str
    kind: str
    title: str
    drill: bool
    state: Literal["open", "closed"]
    access: Grade
    region_code: str | None
    outside: bool
    place_text: str
    lon: float
    lat: float
    area: dict[str, Any] | None
    occurred_at: Moment
    reported_at: Moment
    reporter: str
    figures: dict[str, float]
    grade: GradeName | None
    grade_rule: str
    reports: tuple[Told, ...]
    response_level: GradeName | None
    properties: dict[str, Any]
    revision: int
    author: str
    created_at: Moment
    changed_at: Moment
    closed_at: Moment | None


class Receipt(Part):
    """What became of a task, who said so, and when."""

    kind: ReceiptKind
    author: str
    at: Moment
    note: str = ""


class Task(Part):
    """What somebody is told to do, with the receipts for it."""

    incident: str
    drill: bool
    number: int
    recipient: str
    what: str
    due_at: Moment | None
    state: Literal["made", "sent", "received", "done"]
    author: str
    created_at: Moment
    receipts: tuple[Receipt, ...] = ()


class Mark(Part):
    """One version of what is drawn on the map: a symbol, a line, an area; ``geometry`` is GeoJSON in degrees."""

    incident: str
    drill: bool
    number: int
    version: int
    geometry: dict[str, Any]
    symbol: str
    style: dict[str, Any]
    label: str
    removed: bool
    author: str
    at: Moment


class Step(Part):
    """A step of a plan taken up: by whom, when it is due, whether it is done."""

    incident: str
    drill: bool
    number: int
    plan: str
    step: str
    role: str
    what: str
    offset_min: int
    due_at: Moment
    response_level: GradeName | None
    source: str
    state: StepState
    note: str
    author: str | None
    at: Moment | None
    revision: int


class Change(Part):
    """What an entry changed, as it is afterwards."""

    of: Literal["incident", "task", "mark", "step"]
    number: int
    after: dict[str, Any]


class Entry(Part):
    """One entry of a timeline. ``number`` counts within the incident, ``seq`` over all, as they become visible."""

    seq: int
    incident: str
    number: int
    at: Moment
    author: str
    kind: str
    text: str
    body: dict[str, Any]
    changes: tuple[Change, ...] = ()

    def told(self) -> dict[str, Any]:
        """As a timeline tells it: without what it changed, which the incident itself tells."""
        return {**self.model_dump(mode="json", exclude={"changes"}), "drill": is_drill(self.incident)}


class State(BaseModel):
    """An incident with everything that hangs on it, at one moment."""

    incident: Incident
    tasks: tuple[Task, ...] = ()
    marks: tuple[Mark, ...] = ()
    steps: tuple[Step, ...] = ()
    entries: tuple[Entry, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON; the parts by number, the timeline in order."""
        lists = {name: [one.document() for one in getattr(self, name)] for name in ("tasks", "marks", "steps")}
        return {**self.incident.document(), **lists, "entries": [one.told() for one in self.entries]}


def is_drill(code: str) -> bool:
    """Whether a code is that of a drill."""
    return code.startswith(DRILL_CODE)


def marked_title(title: str, *, drill: bool) -> str:
    """A title with the mark of drills where it is one, and never where it is none."""
    plain = title.strip()
    while plain.startswith(DRILL_TITLE):
        plain = plain.removeprefix(DRILL_TITLE).strip()
    return f"{DRILL_TITLE}{plain}" if drill else plain


def may_call(*, drill: bool, for_drills: bool) -> bool:
    """Whether a channel to the outside may be used: drills reach only channels that are meant for drills."""
    return for_drills or not drill


def serial_code(county: str, day: datetime, number: int, *, drill: bool) -> str:
    """A readable code: county, day (Beijing) and number of the day; those of drills are counted apart."""
    return f"{DRILL_CODE if drill else ''}{county}-{day:%Y%m%d}-{number:03d}"
