"""Warnings as the Common Alerting Protocol has them (CAP 1.2, OASIS), and the colour of one.

Moments have a zone. Places are (longitude, latitude) in degrees everywhere but in the XML, where CAP puts the latitude
first. CAP says WGS 84, which is treated as equal to CGCS2000.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cim.model.alarms import Severity as Colour

Position = tuple[float, float]
Named = tuple[str, str]
"""What CAP has as valueName and value."""


class Status(StrEnum):
    """What a message is for; all but Actual must never be taken for the real thing."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MessageType(StrEnum):
    """What a message does."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE"),
    *("Other",),
)
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
MARKS = {
    Status.EXERCISE: "【演练 EXERCISE】",
    Status.TEST: "【测试 TEST】",
    Status.SYSTEM: "【系统 SYSTEM】",
    Status.DRAFT: "【草稿 DRAFT】",
}
"""What stands before the title of a warning that is not real, wherever it is shown."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Another message, named as CAP does."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class Resource:
    """A file that belongs to a warning, as a reference; what CAP may carry inside (derefUri) is not kept apart."""

    description: str
    mime_type: str
    size_bytes: int | None = None
    uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle around a place, its radius in kilometres."""

    centre: Position
    radius_km: float


@dataclass(frozen=True, slots=True)
class Area:
    """Where a warning holds: all polygons (closed rings), circles and codes together."""

    description: str
    polygons: tuple[tuple[Position, ...], ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Named, ...] = ()
    altitude_ft: float | None = None
    ceiling_ft: float | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """What a warning says, in one language."""

    event: str
    urgency: str
    severity: str
    certainty: str
    categories: tuple[str, ...]
    language: str = "en-US"
    responses: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[Named, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Named, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One message of CAP."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    kind: MessageType
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: str = ""
    infos: tuple[Info, ...] = ()

    @property
    def drill(self) -> bool:
        """Whether it is anything but the real thing."""
        return self.status is not Status.ACTUAL

    @property
    def info(self) -> Info | None:
        """The block that people read here: the first in Chinese, else the first."""
        chinese = [info for info in self.infos if info.language.lower().startswith("zh")]
        return (*chinese, *self.infos)[0] if self.infos else None

    @property
    def colour(self) -> Colour | None:
        """The gravest colour of its blocks; None where none tells one."""
        found = {colour for info in self.infos if (colour := colour_of(info))}
        return next((colour for colour in Colour if colour in found), None)

    @property
    def expires(self) -> datetime | None:
        """When the last of its blocks expires; None where one of them never does."""
        moments = [info.expires for info in self.infos]
        known = [moment for moment in moments if moment is not None]
        return max(known) if known and len(known) == len(moments) else None

    @property
    def title(self) -> str:
        """What stands over it, marked where it is not real."""
        info = self.info
        text = (info.headline or info.event) if info else ""
        return f"{MARKS.get(self.status, '')}{text or self.kind}"


COLOUR_NAMES = frozenset({"color", "colour", "warningcolor", "alertcolor", "level", "warninglevel", "alertlevel"})
COLOUR_NAMES |= {"颜色", "预警颜色", "预警级别", "预警等级", "级别", "severity"}
_OF_WORD = {
    **dict.fromkeys(("red", "红", "红色", "i", "ⅰ", "1", "一级", "i级", "ⅰ级"), Colour.RED),
    **dict.fromkeys(("orange", "橙", "橙色", "ii", "ⅱ", "2", "二级", "ii级", "ⅱ级"), Colour.ORANGE),
    **dict.fromkeys(("yellow", "黄", "黄色", "iii", "ⅲ", "3", "三级", "iii级", "ⅲ级"), Colour.YELLOW),
    **dict.fromkeys(("blue", "蓝", "蓝色", "iv", "ⅳ", "4", "四级", "iv级", "ⅳ级"), Colour.BLUE),
}
SEVERITY_COLOUR = {
    "Extreme": Colour.RED,
    "Severe": Colour.ORANGE,
    "Moderate": Colour.YELLOW,
    "Minor": Colour.BLUE,
}
COLOUR_SEVERITY = {colour: severity for severity, colour in SEVERITY_COLOUR.items()}
LEVELS = {Colour.RED: "I", Colour.ORANGE: "II", Colour.YELLOW: "III", Colour.BLUE: "IV"}


def named_colour(info: Info) -> Colour | None:
    """The colour that a parameter of a block names, None where none does."""
    for name, value in info.parameters:
        if name.strip().lower().replace("_", "") in COLOUR_NAMES and value.strip().lower() in _OF_WORD:
            return _OF_WORD[value.strip().lower()]
    return None


def colour_of(info: Info) -> Colour | None:
    """The colour of a block: what a parameter names (预警级别, color, ...), else by its severity.

    Extreme is red (I), Severe orange (II), Moderate yellow (III), Minor blue (IV); Unknown has none.
    """
    return named_colour(info) or SEVERITY_COLOUR.get(info.severity)
