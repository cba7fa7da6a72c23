"""Idle parcels of the sample against its file, and the days on which a term is over."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.idle_land import state_of
from cim.analysis.idle_rules import full_months, months_after, read_rules
from cim.analysis.registry import the_analysis
from cim.analysis.rule_sets import RuleText, shipped_rules
from cim.errors import BadRequest
from cim.model.analysis import Verdict
from cim.store.database import Database

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
IDLE: Analysis[Any] = the_analysis("idle-land")
RULES = read_rules(shipped_rules("idle-land"))
View = Callable[..., Awaitable[Context]]
DAYS = st.dates(date(1990, 1, 1), date(2090, 1, 1))


async def test_the_sample_on_a_day(business: Database, view: View) -> None:
    answer = await IDLE.answer({"on": "2026-11-28"}, await view(business))
    rows = {row["supervision_no"]: row for row in answer.tables[0].document()["rows"]}
    frame = geopandas.read_file(SAMPLES / "land_supply.geojson")
    open_ = frame[frame["started_on"].isna()]
    expected = {
        number: due.date()
        for number, due in zip(open_["supervision_no"], open_["start_due_on"], strict=True)
        if due.date() < date(2026, 11, 28)
    }
    assert set(rows) == set(expected)
    for number, due in expected.items():
        gone = relativedelta(date(2026, 11, 28), due)
        assert rows[number]["months"] == gone.years * 12 + gone.months
        state = "可无偿收回" if gone.years >= 2 else "征缴土地闲置费" if gone.years >= 1 else "逾期未动工"
        assert rows[number]["state"].startswith(state)
    assert (answer.summary["fee_count"], answer.summary["take_back_count"]) == (2, 2)
    assert answer.summary["overdue_count"] == 1
    assert answer.summary["parcels"] == len(frame)
    price = dict(zip(frame["supervision_no"], frame["price_wan"], strict=True))
    for number, row in rows.items():
        fee = None if row["state"].startswith("逾期") else pytest.approx(price[number] * 0.2, abs=0.01)
        assert row["fee_limit_wan"] == fee
    assert len(answer.findings) == 1 + len(rows)
    assert answer.findings[0].verdict is Verdict.NOT
    assert len(answer.places) == len(rows)


async def test_before_any_start_is_due_all_is_well(business: Database, view: View) -> None:
    answer = await IDLE.answer({"on": "2016-01-01"}, await view(business))
    assert answer.tables[0].rows == []
    assert answer.findings[0].verdict is Verdict.CONFORMS


async def test_an_area_without_supply_is_not_a_pass(business: Database, view: View) -> None:
    far = dict(shapely.geometry.mapping(shapely.box(103.70, 31.40, 103.701, 31.401)))
    answer = await IDLE.answer({"area": far}, await view(business))
    assert answer.summary["parcels"] == 0
    assert answer.findings[0].verdict is Verdict.NOT_ASSESSED


async def test_prices_stay_with_those_who_may_see_them(business: Database, view: View) -> None:
    answer = await IDLE.answer({"on": "2026-11-28"}, await view(business, role="viewer"))
    assert {row["fee_limit_wan"] for row in answer.tables[0].document()["rows"]} == {None}


async def test_without_supply_it_is_refused(database: Database, view: View) -> None:
    with pytest.raises(BadRequest, match="land_supply"):
        await IDLE.answer({}, await view(database))


@pytest.mark.parametrize(
    ("due", "on", "word", "months"),
    [
        ("2024-05-01", "2024-05-01", "未到约定开工日期", 0),
        ("2024-05-01", "2024-05-02", "逾期未动工", 0),
        ("2024-05-01", "2025-04-30", "逾期未动工", 11),
        ("2024-05-01", "2025-05-01", "征缴土地闲置费", 12),
        ("2024-05-01", "2026-04-30", "征缴土地闲置费", 23),
        ("2024-05-01", "2026-05-01", "可无偿收回", 24),
        ("2024-02-29", "2025-02-27", "逾期未动工", 11),
        ("2024-02-29", "2025-02-28", "征缴土地闲置费", 12),
        ("2024-02-29", "2026-02-28", "可无偿收回", 24),
        ("2023-02-28", "2024-02-28", "征缴土地闲置费", 12),
    ],
)
def test_terms_end_on_the_day(due: str, on: str, word: str, months: int) -> None:
    state = state_of(date.fromisoformat(due), None, None, RULES, date.fromisoformat(on))
    assert state.word.startswith(word)
    assert state.months == months


def test_or_on_the_day_after_where_the_rules_say_so() -> None:
    later = read_rules(RuleText("idle-land", 1, shipped_rules("idle-land").text.replace('"on-the-day"', '"day-after"')))
    due = date(2024, 5, 1)
    assert state_of(due, None, None, later, date(2025, 5, 1)).stage is None
    assert state_of(due, None, None, later, date(2025, 5, 2)).stage == later.stage[0]
    assert state_of(due, None, None, later, date(2026, 5, 1)).stage == later.stage[0]
    assert state_of(due, None, None, later, date(2026, 5, 2)).stage == later.stage[1]


def test_a_start_counts_from_its_day_on() -> None:
    due, started = date(2024, 5, 1), date(2026, 6, 1)
    assert state_of(due, started, None, RULES, date(2026, 5, 31)).word == "可无偿收回"
    assert state_of(due, started, None, RULES, date(2026, 6, 1)).verdict is Verdict.CONFORMS
    assert state_of(due, None, date(2025, 1, 1), RULES, date(2026, 6, 1)).verdict is Verdict.CONFORMS
    assert state_of(None, None, None, RULES, date(2026, 6, 1)).verdict is Verdict.NOT_ASSESSED
    assert state_of(None, started, None, RULES, started).verdict is Verdict.CONFORMS


@given(DAYS, st.integers(-300, 300))
def test_months_as_a_library_counts_them(day: date, months: int) -> None:
    assert months_after(day, months) == day + relativedelta(months=months)


@given(DAYS, st.integers(0, 9000))
def test_full_months_are_the_most_that_fit(day: date, days: int) -> None:
    until = day + timedelta(days=days)
    count = full_months(day, until)
    assert months_after(day, count) <= until < months_after(day, count + 1)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("months = 24", "months = 12", "rising order"),
        ("months = 24", "months = 0", "stage.1.months"),
        ('reached = "on-the-day"', 'reached = "soon"', "reached"),
        ("fee_share = 0.2", "fee_share = 20", "fee_share"),
    ],
)
def test_rules_that_cannot_be_used_are_named(old: str, new: str, word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        read_rules(RuleText("idle-land", 1, shipped_rules("idle-land").text.replace(old, new)))


async def test_bad_input_is_named(business: Database, view: View) -> None:
    with pytest.raises(BadRequest, match=r"inputs\.on|date"):
        await IDLE.answer({"on": "2026-13-01"}, await view(business))
