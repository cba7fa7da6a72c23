"""What is sent about incidents: bodies of requests, bounded in size."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cim.model.access import Grade
from cim.model.incident_kinds import GradeName
from cim.model.incidents import EntryKind, Level, ReceiptKind, StepState

Line = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Title = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*[^\x00-\x20\u3000][^\x00-\x1f]*$")]
Prose = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
Named = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
GeoJson = dict[str, Any]
MOST_BYTES = 1_000_000
"""Of one entry's body, or the style or properties of a thing, as JSON."""


class Body(BaseModel):
    """A body; unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class PlaceBody(Body):
    """Where an incident is, in one of four ways.

    ``lon`` and ``lat`` (as a web map gives them with ``datum``), an ``address``, a ``text`` of degrees and minutes, or
    ``easting`` and ``northing`` in ``crs``.
    """

    lon: Number | None = None
    lat: Number | None = None
    datum: Literal["CGCS2000", "GCJ-02", "BD-09"] = "CGCS2000"
    address: Line | None = None
    text: Line | None = None
    easting: Number | None = None
    northing: Number | None = None
    crs: Line | None = None


class _Facts(Body):
    area: GeoJson | None = None
    occurred_at: AwareDatetime | None = None
    reporter: Line = ""
    figures: dict[Named, Number] = {}
    declared_grade: GradeName | None = None
    declared_reason: Line = ""
    response_level: GradeName | None = None
    access: Grade = Grade.INTERNAL
    properties: dict[str, Any] = {}


class NewIncident(_Facts):
    """A new incident. ``outside`` takes a place outside the county; ``drill`` is for good."""

    kind: Named
    title: Title
    place: PlaceBody
    reported_at: AwareDatetime | None = None
    drill: bool = False
    outside: bool = False


class ChangedIncident(_Facts):
    """What is to change of an incident; members that are not given stay. ``revision`` is the one that was read."""

    revision: int = Field(ge=1, lt=2**31)
    kind: Named | None = None
    title: Title | None = None
    place: PlaceBody | None = None
    outside: bool = False
    note: Prose = ""


class Words(Body):
    """A text in Chinese and English."""

    zh: Line
    en: Line = ""


class KeptColumn(Body):
    """A column of a table that an analysis answered."""

    name: Named
    title: Words
    kind: Literal["text", "number", "count"] = "text"
    unit: Line = ""
    digits: int = Field(default=2, ge=0, le=9)


class KeptTable(Body):
    """A table that an analysis answered, as answers have it."""

    id: Named
    title: Words
    columns: list[KeptColumn] = Field(min_length=1, max_length=30)
    rows: list[dict[Named, str | bool | int | Number | None]] = Field(max_length=200)
    note: Prose = ""


class AnalysisBody(Body):
    """An analysis that was made for an incident: its process, what it was given, and what it answered in short.

    ``summary`` is text, or figures by name; ``tables`` are those of the answer that a report shall show.
    """

    process: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    inputs: dict[str, Any] = {}
    summary: dict[str, Any] | Prose
    tables: list[KeptTable] = Field(default=[], max_length=20)
    areas: GeoJson | None = None


class ToldBody(Body):
    """A report that went to a level of government, at a moment (now, where none is given)."""

    to: Level
    at: AwareDatetime | None = None
    kind: Literal["first", "follow", "final"] = "first"


class NewEntry(Body):
    """An entry of a timeline: a note, the situation, a command, a report that went out, an analysis."""

    kind: EntryKind = "note"
    text: Prose = ""
    report: ToldBody | None = None
    analysis: AnalysisBody | None = None


class NewTask(Body):
    """A task: for whom, what, by when."""

    recipient: Title
    what: Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\x00-\x20\u3000][^\x00]*$")]
    due_at: AwareDatetime | None = None


class NewReceipt(Body):
    """A receipt for a task."""

    kind: ReceiptKind
    note: Line = ""


class NewMark(Body):
    """A mark: a geometry in degrees (GeoJSON), the symbol it is drawn as, its style and its label."""

    geometry: GeoJson
    symbol: Named
    style: dict[str, Any] = {}
    label: Line = ""


class ChangedMark(Body):
    """What is to change of a mark; ``version`` is the one that was read."""

    version: int = Field(ge=1, lt=2**31)
    geometry: GeoJson | None = None
    symbol: Named | None = None
    style: dict[str, Any] | None = None
    label: Line | None = None


class TakenPlan(Body):
    """A plan to take up, by its id."""

    plan: Named


class ChangedStep(Body):
    """Where a step stands; ``revision`` is the one that was read."""

    revision: int = Field(ge=1, lt=2**31)
    state: StepState
    note: Line = ""


class Closing(Body):
    """Why an incident is closed or opened again; ``revision`` is the one that was read."""

    revision: int = Field(ge=1, lt=2**31)
    note: Prose = ""
