"""Alarms as data: what a rule watches for, how grave it is, and what an alarm is.

An alarm is an Event of the kind ``alarm``. It is raised, then acknowledged by somebody, then cleared when its reason is
gone, then closed. Of one rule and one subject (a datastream or a thing) at most one alarm is open, raised or
acknowledged, at a time: what comes meanwhile is counted. Moments have a zone; quiet hours are Beijing time.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import shapely
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cim.model.sensing import BEIJING

HOUR = timedelta(hours=1)
MOST_VERTICES = 10_000
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Severity(StrEnum):
    """The four colours of warnings, the gravest first."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"

    @property
    def next(self) -> "Severity":
        """The next graver one; red stays red."""
        order = list(Severity)
        return order[max(0, order.index(self) - 1)]


class State(StrEnum):
    """Where an alarm stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"


OPEN = (State.RAISED, State.ACKNOWLEDGED)


class Strict(BaseModel):
    """A part of a rule; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(Strict):
    """A value above or below limits, or outside both, for so long and so many times on end.

    An alarm clears when a value lies within the limits by ``hysteresis``.
    """

    kind: Literal["threshold"] = "threshold"
    above: Number | None = None
    below: Number | None = None
    hysteresis: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    for_s: Annotated[float, Field(ge=0, le=30 * 86_400)] = 0.0
    times: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _has_a_way_back(self) -> "Threshold":
        if self.above is None and self.below is None:
            raise ValueError("a threshold needs above, below or both")
        if self.above is not None and self.below is not None and self.above - self.below < 2 * self.hysteresis:
            raise ValueError("no value lies within the limits: above must exceed below by twice the hysteresis")
        return self


class Rate(Strict):
    """A change of more than ``change`` within ``per_s`` seconds, from one value to the next.

    Values further apart than ``gap_s`` are not compared.
    """

    kind: Literal["rate"] = "rate"
    change: Positive
    per_s: Positive = 3600.0
    direction: Literal["rising", "falling", "either"] = "either"
    gap_s: Positive = 6 * 3600.0


class Silence(Strict):
    """No value has come for so long."""

    kind: Literal["silence"] = "silence"
    after_s: Annotated[int, Field(ge=10, le=366 * 86_400)]


class Deviation(Strict):
    """Further from the mean of the same hour over past days than so many standard deviations.

    Where fewer than ``least_days`` of the ``days`` have values nothing is judged; ``least_deviation`` is the smallest
    standard deviation reckoned with, in the unit of the datastream.
    """

    kind: Literal["deviation"] = "deviation"
    deviations: Annotated[float, Field(ge=1, le=100)] = 3.0
    days: Annotated[int, Field(ge=2, le=90)] = 14
    least_days: Annotated[int, Field(ge=2, le=90)] = 5
    least_deviation: Positive = 1e-6


class Geofence(Strict):
    """A thing, or a result that is a point, has left an area or entered it.

    ``area`` is a polygon or multipolygon of GeoJSON, longitude and latitude in degrees.
    """

    kind: Literal["geofence"] = "geofence"
    when: Literal["leaves", "enters"] = "leaves"
    area: dict[str, Any]

    @field_validator("area")
    @classmethod
    def _is_an_area(cls, given: dict[str, Any]) -> dict[str, Any]:
        try:
            shape = shapely.geometry.shape(given)
            sound = shape.geom_type in ("Polygon", "MultiPolygon") and bool(shape.is_valid) and not shape.is_empty
            inside = (
                sound
                and all(-180 <= x <= 180 for x in shape.bounds[::2])
                and all(-90 <= y <= 90 for y in shape.bounds[1::2])
            )
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
            inside = False
        if not inside:
            raise ValueError("the area is no valid polygon in degrees of longitude and latitude")
        if shapely.get_num_coordinates(shape) > MOST_VERTICES:
            raise ValueError(f"the area has more than {MOST_VERTICES} vertices")
        return given


Condition = Annotated[Threshold | Rate | Silence | Deviation | Geofence, Field(discriminator="kind")]


class Escalation(Strict):
    """What happens to an alarm that nobody has acknowledged for so long: a graver colour, another receiver."""

    after_min: Annotated[float, Field(gt=0, le=30 * 1440)]
    severity: Severity | None = None
    receiver: Annotated[str, Field(max_length=100)] | None = None


class QuietHours(Strict):
    """Hours of the day, Beijing time, in which no message is sent and nothing escalates, unless the alarm is red."""

    begin: time
    end: time

    def hold(self, at: datetime) -> bool:
        """Whether a moment lies within them; they may go over midnight."""
        now = at.astimezone(BEIJING).time()
        if self.begin <= self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


class RuleBody(Strict):
    """What people decide about a rule.

    It watches the datastreams that meet all of ``datastream``, ``observed_property`` (their ids), ``placement``,
    ``region_code`` (all below it too) and ``device_kind`` that are given; at least one is. A value is judged when it
    comes no later than ``late_after_s`` after its time.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    condition: Condition
    datastream: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    observed_property: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    placement: Annotated[str, Field(max_length=100)] | None = None
    region_code: Annotated[str, Field(pattern=r"^\d{2,12}$")] | None = None
    device_kind: Annotated[str, Field(max_length=100)] | None = None
    severity: Severity
    text: Annotated[str, Field(max_length=2_000)] = ""
    escalation: Annotated[list[Escalation], Field(max_length=10)] = []
    quiet: QuietHours | None = None
    late_after_s: Annotated[float, Field(gt=0, le=366 * 86_400)] = 7200.0
    enabled: bool = True

    @model_validator(mode="after")
    def _watches_something(self) -> "RuleBody":
        chosen = (self.datastream, self.observed_property, self.placement, self.region_code, self.device_kind)
        if all(one is None for one in chosen):
            raise ValueError("a rule names a datastream, observed property, placement, region or kind of device")
        steps = [step.after_min for step in self.escalation]
        if steps != sorted(set(steps)):
            raise ValueError("the steps of an escalation come one after the other, each later than the one before")
        return self


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as kept."""

    id: int
    body: RuleBody

    @property
    def condition(self) -> Threshold | Rate | Silence | Deviation | Geofence:
        """What it watches for."""
        return self.body.condition


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as kept; ``count`` is how often its reason was met, ``level`` how often it was escalated."""

    code: str
    title: str
    state: State
    severity: Severity
    raised_at: datetime
    rule: int | None
    datastream: int | None
    thing: int | None
    value: float | None
    value_at: datetime | None
    last_value: float | None
    last_at: datetime | None
    count: int
    level: int
    text: str
    grade: str
    region_code: str | None
    lon: float | None
    lat: float | None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    cleared_at: datetime | None = None
    cleared_by: str | None = None
    escalated_at: datetime | None = None
    closed_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of an alarm's history; ``seq`` grows in the order in which steps become visible."""

    seq: int
    alarm: str
    action: str
    at: datetime
    actor: str
    note: str
    state: State
    severity: Severity
    value: float | None = None
    receiver: str | None = None
