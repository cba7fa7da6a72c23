"""One pair of rule and datastream while a batch of readings is judged, and what is to be written of it."""

from dataclasses import dataclass, field
from datetime import datetime

from cim.model.alarm_course import QUIET, Course, Turn, Verdict, advance
from cim.model.alarms import Rule, Threshold
from cim.store.alarm_writing import Followed, NewAlarm, OpenAlarm

BACK_WITHIN = "the value is back within its limits"
REVISED = "the value that raised it was corrected"


def actor_of(rule: Rule) -> str:
    """How a rule signs what it does."""
    return f"rule:{rule.id}"


@dataclass(slots=True)
class Findings:
    """What a batch came to, in the order it is written."""

    followed: list[Followed] = field(default_factory=list)
    new: list[NewAlarm] = field(default_factory=list)
    standing: dict[tuple[int, int], Course] = field(default_factory=dict)
    gone: list[tuple[int, int]] = field(default_factory=list)


class Pair:
    """Follows a rule over the readings of one datastream, given in the order of their times."""

    def __init__(self, rule: Rule, stream: int, alarm: OpenAlarm | None, standing: Course | None) -> None:
        self._rule = rule
        self._stream = stream
        self._course = Course(open=True) if alarm else standing or QUIET
        self._stood = standing is not None
        self._last_at = alarm.last_at if alarm else None
        self._followed = Followed(alarm.code, actor_of(rule)) if alarm else None
        self._current: Followed | NewAlarm | None = self._followed
        self._new: list[NewAlarm] = []

    def take(self, verdict: Verdict, at: datetime, value: float | None) -> None:
        """Judge the next reading."""
        condition = self._rule.condition
        for_s, times = (condition.for_s, condition.times) if isinstance(condition, Threshold) else (0.0, 1)
        self._course, turn = advance(self._course, verdict, at, for_s=for_s, times=times)
        if turn is Turn.RAISE:
            self._raise(at, value)
        elif turn is Turn.REPEAT:
            self._repeat(at, value)
        elif turn is Turn.CLEAR:
            self._clear(BACK_WITHIN)

    def correct(self, verdict: Verdict | None, at: datetime) -> None:
        """A value of the past was revised: where it is what the open alarm last met, and does not breach, it clears."""
        if self._course.open and at == self._last_at and verdict is not Verdict.BREACH:
            self._course = QUIET
            self._clear(REVISED)

    def tell(self, findings: Findings) -> None:
        """Add what is to be written."""
        if self._followed and (self._followed.more or self._followed.cleared):
            findings.followed.append(self._followed)
        findings.new += self._new
        key = (self._rule.id, self._stream)
        if self._course.count:
            findings.standing[key] = self._course
        elif self._stood:
            findings.gone.append(key)

    def _raise(self, at: datetime, value: float | None) -> None:
        body = self._rule.body
        alarm = NewAlarm(self._rule.id, body.name, body.text, body.severity, actor_of(self._rule), self._stream)
        alarm.value = alarm.last_value = value
        alarm.value_at = alarm.last_at = self._last_at = at
        self._new.append(alarm)
        self._current = alarm

    def _repeat(self, at: datetime, value: float | None) -> None:
        if isinstance(self._current, NewAlarm):
            self._current.count += 1
        elif self._current:
            self._current.more += 1
        if self._current:
            self._current.last_value, self._current.last_at = value, at
        self._last_at = at

    def _clear(self, note: str) -> None:
        if self._current:
            self._current.cleared, self._current.note = True, note
        self._current = None
