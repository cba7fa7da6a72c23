"""The report clock: whom to tell by when, and what is overdue."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cim.model.access import Grade
from cim.model.incident_clock import clock_document, due_reports
from cim.model.incident_kinds import GRADES, lists
from cim.model.incidents import Incident

START = datetime(2026, 11, 28, 8, tzinfo=UTC)


def made(kind: str = "chemical-leak", **facts: Any) -> Incident:
    plain = {
        "code": "510182-20261128-001",
        "title": "泄漏",
        "drill": False,
        "state": "open",
        "access": Grade.INTERNAL,
        "region_code": None,
        "outside": False,
        "place_text": "",
        "lon": 103.9,
        "lat": 30.9,
        "area": None,
        "occurred_at": START,
        "reported_at": START,
        "reporter": "",
        "figures": {},
        "grade": "II",
        "grade_rule": "",
        "reports": (),
        "response_level": None,
        "properties": {},
        "revision": 1,
        "author": "甲",
        "created_at": START,
        "changed_at": START,
        "closed_at": None,
    }
    return Incident.model_validate({"kind": kind, **plain, **facts})


def told(to: str, minutes: int, kind: str = "first") -> dict[str, Any]:
    return {"to": to, "at": START + timedelta(minutes=minutes), "kind": kind}


def states(incident: Incident, minutes: int) -> list[tuple[str, str]]:
    return [(due.to, due.state) for due in due_reports(incident, START + timedelta(minutes=minutes))]


def test_each_level_has_two_hours_and_the_grade_says_how_far_it_goes() -> None:
    assert states(made(), 0) == [("city", "due"), ("province", "due"), ("state", "due")]
    assert states(made(), 120)[0] == ("city", "due")
    assert states(made(), 121)[0] == ("city", "overdue")
    assert states(made(grade="III"), 0) == [("city", "due"), ("province", "due")]
    assert states(made(grade="IV"), 0) == [("city", "due")]
    assert states(made(grade=None), 0) == [("city", "due")]


def test_the_next_level_counts_from_when_the_one_before_was_told() -> None:
    incident = made(reports=[told("city", 30)])
    due = due_reports(incident, START)
    assert due[1].due_at == START + timedelta(minutes=150)
    assert states(incident, 151) == [("city", "done"), ("province", "overdue"), ("state", "due")]
    assert states(made(reports=[told("city", 121)]), 121)[0] == ("city", "late")


def test_reports_that_go_at_once_are_due_at_once() -> None:
    fire = due_reports(made("forest-fire", grade="II"), START + timedelta(seconds=1))
    assert (fire[0].to, fire[0].at_once, fire[0].state) == ("city", True, "overdue")
    assert len(fire) == 3


def test_geological_deadlines_follow_the_size() -> None:
    hours = {grade: due_reports(made("geological-danger", grade=grade), START)[0].due_at - START for grade in GRADES}
    assert {grade: span.total_seconds() / 3600 for grade, span in hours.items()} == {
        "I": 4,
        "II": 4,
        "III": 12,
        "IV": 12,
    }
    (only,) = due_reports(made("geological-danger", grade=None), START)
    assert only.due_at == START + timedelta(hours=4)


def test_an_open_incident_is_followed_up_until_the_final_report() -> None:
    first = made("flood", grade="IV", reports=[told("city", 60)])
    assert states(first, 60 + 24 * 60)[-1] == ("city", "due")
    assert states(first, 61 + 24 * 60)[-1] == ("city", "overdue")
    assert clock_document(first, START + timedelta(days=3))["overdue"] == 1
    final = made("flood", grade="IV", reports=[told("city", 60), told("city", 90, "final")])
    assert states(final, 10_000) == [("city", "done")]
    closed = made("flood", grade="IV", state="closed", reports=[told("city", 60)])
    assert states(closed, 10_000) == [("city", "done")]


@given(st.sampled_from(sorted(lists().kind)), st.sampled_from([None, *GRADES]), st.integers(0, 10_000))
def test_deadlines_never_run_backwards_and_time_only_makes_them_overdue(kind: str, grade: str, minutes: int) -> None:
    incident = made(kind, grade=grade)
    now, later = (due_reports(incident, START + timedelta(minutes=m)) for m in (minutes, minutes + 1))
    assert now[0].to == "city"
    assert [due.due_at for due in now] == sorted(due.due_at for due in now)
    for before, after in zip(now, later, strict=True):
        assert (before.state, after.state) != ("overdue", "due")
