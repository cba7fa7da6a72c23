"""What follows from a sequence of values, against an oracle that looks at the whole sequence again for each value."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cim.model.alarm_course import (
    QUIET,
    Course,
    Turn,
    Usual,
    Verdict,
    advance,
    of_deviation,
    of_rate,
    of_threshold,
)
from cim.model.alarms import Deviation, Geofence, QuietHours, Rate, RuleBody, Severity, Threshold

START = datetime(2026, 11, 28, 8, tzinfo=UTC)
NUMBERS = st.floats(-100, 100).map(lambda value: round(value, 1))


def oracle(condition: Threshold, values: list[tuple[int, float]]) -> list[str]:
    """The transitions of a sequence, told without state but the answers before."""
    said: list[str] = []
    for place, (at, value) in enumerate(values):
        is_open = [turn for turn in said if turn in ("raise", "clear")][-1:] == ["raise"]
        over = (condition.above is not None and value > condition.above) or (
            condition.below is not None and value < condition.below
        )
        if is_open:
            high = condition.above is None or value <= condition.above - condition.hysteresis
            low = condition.below is None or value >= condition.below + condition.hysteresis
            said.append("repeat" if over else "clear" if high and low else "nothing")
            continue
        run = 0
        while run <= place and (
            (condition.above is not None and values[place - run][1] > condition.above)
            or (condition.below is not None and values[place - run][1] < condition.below)
        ):
            run += 1
            if place - run >= 0 and said[place - run] in ("raise", "repeat", "clear"):
                break
        long_enough = run > 0 and at - values[place - run + 1][0] >= condition.for_s
        said.append("raise" if run >= condition.times and long_enough else "nothing")
    return said


@given(
    st.builds(
        Threshold,
        above=st.floats(0, 40).map(lambda value: round(value, 1)),
        below=st.one_of(st.none(), st.floats(-60, -20).map(lambda value: round(value, 1))),
        hysteresis=st.floats(0, 10).map(lambda value: round(value, 1)),
        for_s=st.sampled_from([0.0, 60.0, 240.0]),
        times=st.integers(1, 4),
    ),
    st.lists(st.tuples(st.integers(1, 200), NUMBERS), max_size=30),
)
def test_transitions_are_those_of_the_oracle(condition: Threshold, gaps: list[tuple[int, float]]) -> None:
    at, values = 0, []
    for gap, value in gaps:
        at += gap
        values.append((at, value))
    course, said = QUIET, []
    for seconds, value in values:
        verdict = of_threshold(condition, value)
        moment = START + timedelta(seconds=seconds)
        course, turn = advance(course, verdict, moment, for_s=condition.for_s, times=condition.times)
        said.append(turn.name.lower())
    assert said == oracle(condition, values)


def test_between_limit_and_hysteresis_nothing_changes() -> None:
    condition = Threshold(above=50, hysteresis=5)
    verdicts = [of_threshold(condition, value) for value in (50, 50.1, 46, 45)]
    assert verdicts == [Verdict.HOLD, Verdict.BREACH, Verdict.HOLD, Verdict.CLEAR]
    assert advance(Course(open=True), Verdict.HOLD, START)[1] is Turn.NOTHING


@pytest.mark.parametrize(
    ("direction", "before", "value", "apart_s", "expected"),
    [
        ("either", 1.0, 3.1, 3600, Verdict.BREACH),
        ("either", 3.1, 1.0, 3600, Verdict.BREACH),
        ("rising", 3.1, 1.0, 3600, Verdict.CLEAR),
        ("falling", 3.1, 1.0, 3600, Verdict.BREACH),
        ("either", 1.0, 2.1, 1800, Verdict.BREACH),
        ("either", 1.0, 3.0, 3600, Verdict.CLEAR),
        ("either", None, 3.0, 3600, Verdict.HOLD),
        ("either", 1.0, 99.0, 10_000_000, Verdict.HOLD),
        ("either", 1.0, 99.0, 0, Verdict.HOLD),
    ],
)
def test_rates(direction: str, before: float | None, value: float, apart_s: float, expected: Verdict) -> None:
    condition = Rate(change=2.0, per_s=3600, direction=direction)  # type: ignore[arg-type]
    assert of_rate(condition, value, before, apart_s) is expected


def test_deviations_need_enough_days_and_some_spread() -> None:
    condition = Deviation(deviations=3, least_days=5, least_deviation=0.5)
    usual = Usual(5, 10, 100.0, 1000.0 + 10 * 4)
    assert (usual.mean, usual.deviation) == (10.0, pytest.approx(2.0))
    assert of_deviation(condition, 16.1, usual) is Verdict.BREACH
    assert of_deviation(condition, 15.9, usual) is Verdict.CLEAR
    assert of_deviation(condition, 99.0, Usual(4, 10, 100.0, 1040.0)) is Verdict.HOLD
    assert of_deviation(condition, 11.4, Usual(5, 10, 100.0, 1000.0)) is Verdict.CLEAR
    assert of_deviation(condition, 99.0, None) is Verdict.HOLD


def test_quiet_hours_go_over_midnight_in_beijing() -> None:
    quiet = QuietHours(begin="22:00", end="07:00")  # type: ignore[arg-type]
    hours = [hour for hour in range(24) if quiet.hold(datetime(2026, 11, 28, hour, 30, tzinfo=UTC))]
    assert hours == [14, 15, 16, 17, 18, 19, 20, 21, 22]


def test_severities_grow_up_to_red() -> None:
    assert [one.next for one in Severity] == [Severity.RED, Severity.RED, Severity.ORANGE, Severity.YELLOW]


SQUARE = {"type": "Polygon", "coordinates": [[[103, 30], [104, 30], [104, 31], [103, 30]]]}


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "threshold"},
        {"kind": "threshold", "above": 1, "below": 2},
        {"kind": "threshold", "above": 10, "below": 9, "hysteresis": 1},
        {"kind": "threshold", "above": float("nan")},
        {"kind": "threshold", "above": 1, "until": 2},
        {"kind": "rate", "change": 0},
        {"kind": "silence", "after_s": 1},
        {"kind": "deviation", "days": 1},
        {"kind": "geofence", "area": {"type": "Point", "coordinates": [1, 2]}},
        {
            "kind": "geofence",
            "area": {"type": "Polygon", "coordinates": [[[500, 30], [501, 30], [501, 31], [500, 30]]]},
        },
        {"kind": "geofence", "area": {"type": "Polygon", "coordinates": "x"}},
        {"kind": "geofence", "area": {}},
        {"kind": "other"},
    ],
)
def test_conditions_that_cannot_be_meant_are_refused(condition: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RuleBody.model_validate({"name": "x", "condition": condition, "datastream": 1, "severity": "red"})


def test_a_rule_watches_something_and_escalates_step_by_step() -> None:
    good = {"name": "x", "condition": Geofence(area=SQUARE), "datastream": 1, "severity": "red"}
    assert RuleBody.model_validate(good).late_after_s > 0
    for wrong in ({"datastream": None}, {"escalation": [{"after_min": 5}, {"after_min": 5}]}, {"severity": "pink"}):
        with pytest.raises(ValidationError):
            RuleBody.model_validate(good | wrong)
