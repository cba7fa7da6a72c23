"""Observations and what they belong to, in the words of OGC SensorThings (18-088, 23-019).

A Thing is a device or what carries devices; a Datastream is one indicator of one Thing by one Sensor; an Observation is
one value of it. Moments have a zone; positions are longitude, latitude in degrees of CGCS2000 (EPSG:4490).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, NamedTuple

BEIJING = timezone(timedelta(hours=8))
"""Days of daily values are days of Beijing time."""

Result = float | int | bool | str | dict[str, Any] | list[Any]


class Quality(StrEnum):
    """How a value came about, by the letters of HJ 212; only N counts in means and alarms.

    R is ours: outside what the datastream can measure.
    """

    NORMAL = "N"
    STOPPED = "F"
    MAINTENANCE = "M"
    SET = "S"
    FAULT = "D"
    CALIBRATION = "C"
    OVER_RANGE = "T"
    NO_LINK = "B"
    IMPLAUSIBLE = "R"


class Outcome(StrEnum):
    """What became of one reading."""

    ADDED = "added"
    REVISED = "revised"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a datastream on its way in.

    ``at`` is the phenomenon time (the start where it is an interval that ends at ``until``); ``result_at`` is when the
    result came about, where that is known. ``details`` may hold ``parameters`` and ``resultQuality`` of an Observation.
    """

    datastream: int
    at: datetime
    result: Result
    until: datetime | None = None
    result_at: datetime | None = None
    quality: Quality = Quality.NORMAL
    feature: int | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of readings, in their order; ``reasons`` has a text for each refused one, by its place.

    ``newest`` are the datastreams whose latest value changed.
    """

    outcomes: tuple[Outcome, ...]
    reasons: Mapping[int, str] = field(default_factory=dict)
    newest: tuple[int, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """How many readings ended so."""
        return self.outcomes.count(outcome)


@dataclass(frozen=True, slots=True)
class StationReading:
    """One value as a station of the county sends it, before its datastream is known.

    ``station`` is the station's code in the protocol ``scheme`` (an MN of HJ 212, an address of SL 651), ``factor`` the
    code of the indicator there, ``statistic`` what was made of it (``real-time``, ``minute-mean``, ``hour-mean`` ...).
    ``ambient`` is whether the station watches the air around and not what somebody lets out.
    """

    scheme: str
    station: str
    factor: str
    statistic: str
    at: datetime
    value: float
    until: datetime | None = None
    quality: Quality = Quality.NORMAL
    ambient: bool = False


@dataclass(frozen=True, slots=True)
class StationStream:
    """The datastream that readings of a station go to: which it is, and how it is described when it is new.

    ``name`` is that of the indicator, ``title`` that of the datastream; ``unit`` is the symbol of the unit of the
    readings, empty where none is known.
    """

    scheme: str
    station: str
    factor: str
    statistic: str
    name: str = field(compare=False, default="")
    title: str = field(compare=False, default="")
    unit: str = field(compare=False, default="")

    @property
    def key(self) -> str:
        """The unique key of the datastream."""
        return f"{self.scheme}:{self.station}:{self.factor}:{self.statistic}"

    @property
    def property_code(self) -> str:
        """The code of the observed property, which all stations share."""
        return f"{self.scheme}:{self.factor}"


class Latest(NamedTuple):
    """The newest value of a datastream."""

    datastream: int
    at: datetime
    result: Result
    quality: Quality
    received_at: datetime


class Bucket(NamedTuple):
    """What the ``normal`` values of one span of time came to; ``flagged`` counts the values that are not normal."""

    start: datetime
    normal: int
    flagged: int
    mean: float | None
    least: float | None
    greatest: float | None
