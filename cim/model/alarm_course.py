"""How values become alarms: what one value says to a rule, and what follows for the pair of rule and datastream."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from math import sqrt

from cim.model.alarms import Deviation, Rate, Threshold


class Verdict(Enum):
    """What a value says to a rule: its reason is there, it is gone, or neither (between limit and hysteresis)."""

    BREACH = auto()
    HOLD = auto()
    CLEAR = auto()


class Turn(Enum):
    """What follows from a value."""

    NOTHING = auto()
    RAISE = auto()
    REPEAT = auto()
    CLEAR = auto()


@dataclass(frozen=True, slots=True)
class Course:
    """Where a pair of rule and datastream stands: an alarm is open, or breaches on end ``since`` so many times."""

    open: bool = False
    since: datetime | None = None
    count: int = 0


QUIET = Course()


def of_threshold(condition: Threshold, value: float) -> Verdict:
    """A value against limits."""
    above, below, margin = condition.above, condition.below, condition.hysteresis
    if (above is not None and value > above) or (below is not None and value < below):
        return Verdict.BREACH
    within = (above is None or value <= above - margin) and (below is None or value >= below + margin)
    return Verdict.CLEAR if within else Verdict.HOLD


def of_rate(condition: Rate, value: float, before: float | None, apart_s: float) -> Verdict:
    """A value against the one before it, so many seconds earlier."""
    if before is None or not 0 < apart_s <= condition.gap_s:
        return Verdict.HOLD
    change = (value - before) / apart_s * condition.per_s
    if condition.direction == "falling":
        change = -change
    elif condition.direction == "either":
        change = abs(change)
    return Verdict.BREACH if change > condition.change else Verdict.CLEAR


@dataclass(frozen=True, slots=True)
class Usual:
    """What the same hour of past days came to: days with values, values, their sum and the sum of their squares."""

    days: int
    count: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return self.total / self.count

    @property
    def deviation(self) -> float:
        """Standard deviation of the values."""
        return sqrt(max(0.0, self.squares / self.count - self.mean**2))


def of_deviation(condition: Deviation, value: float, usual: Usual | None) -> Verdict:
    """A value against what is usual at that hour."""
    if usual is None or usual.days < condition.least_days or usual.count < 2:
        return Verdict.HOLD
    spread = max(usual.deviation, condition.least_deviation)
    return Verdict.BREACH if abs(value - usual.mean) > condition.deviations * spread else Verdict.CLEAR


def advance(
    course: Course, verdict: Verdict, at: datetime, *, for_s: float = 0.0, times: int = 1
) -> tuple[Course, Turn]:
    """Where a pair stands after a value, and what follows; values are given in the order of their times."""
    if course.open:
        if verdict is Verdict.CLEAR:
            return QUIET, Turn.CLEAR
        return course, Turn.REPEAT if verdict is Verdict.BREACH else Turn.NOTHING
    if verdict is not Verdict.BREACH:
        return QUIET, Turn.NOTHING
    since, count = course.since or at, course.count + 1
    if count >= times and (at - since).total_seconds() >= for_s:
        return Course(open=True), Turn.RAISE
    return Course(False, since, count), Turn.NOTHING
