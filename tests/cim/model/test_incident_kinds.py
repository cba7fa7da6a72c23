"""Grading: every border of every scale, by the wording of the source: 以上 includes, 以下 excludes."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.model.incident_kinds import GRADES, Row, grade, lists

KINDS = [name for name, kind in lists().kind.items() if kind.scale]
BORDERS = [
    (kind, name, row, least)
    for kind in KINDS
    for row in lists().scale[lists().kind[kind].scale].row
    for name, least in row.at_least.items()
]


def order_493(dead: float, badly_hurt: float, loss_yuan: float) -> str:
    """Article 3 of Order 493, written down anew."""
    if dead >= 30 or badly_hurt >= 100 or loss_yuan >= 1e8:
        return "I"
    if dead >= 10 or badly_hurt >= 50 or loss_yuan >= 5e7:
        return "II"
    if dead >= 3 or badly_hurt >= 10 or loss_yuan >= 1e7:
        return "III"
    return "IV"


COUNTS = st.integers(0, 130)


@given(COUNTS, COUNTS, st.one_of(st.floats(0, 2e8), st.sampled_from([1e7, 5e7, 1e8, 1e7 - 0.01, 1e8 - 0.01])))
def test_production_accidents_are_graded_by_order_493(dead: int, hurt: int, loss: float) -> None:
    found = grade("production-accident", {"dead": dead, "badly_hurt": hurt, "loss_yuan": loss})
    assert found.grade == order_493(dead, hurt, loss)
    assert "493" in found.source
    assert not found.unknown


@pytest.mark.parametrize(("kind", "name", "row", "least"), BORDERS)
def test_a_border_belongs_to_the_graver_side(kind: str, name: str, row: Row, least: float) -> None:
    below = least - 1 if lists().figure[name].counted else math.nextafter(least, 0)
    assert grade(kind, {name: least}).grade == row.grade
    assert grade(kind, {name: below}).grade == GRADES[GRADES.index(row.grade) + 1]


@pytest.mark.parametrize(
    ("kind", "figures", "expected"),
    [
        ("geological-danger", {"to_move": 1000}, "I"),
        ("geological-danger", {"to_move": 999}, "II"),
        ("geological-danger", {"to_move": 99, "potential_loss_yuan": 5_000_000}, "III"),
        ("geological-disaster", {"dead": 2, "loss_yuan": 999_999}, "IV"),
        ("geological-disaster", {"dead": 3}, "III"),
        ("geological-disaster", {"loss_yuan": 10_000_000}, "I"),
        ("forest-fire", {"area_ha": 0.9}, "IV"),
        ("forest-fire", {"area_ha": 1}, "III"),
        ("forest-fire", {"area_ha": 100}, "II"),
        ("forest-fire", {"area_ha": 1000}, "I"),
        ("earthquake", {"magnitude": 5.9}, "III"),
        ("earthquake", {"magnitude": 7.0}, "I"),
        ("environment", {"moved": 5_000}, "III"),
        ("flood", {"return_period_y": 20}, "II"),
    ],
)
def test_known_cases(kind: str, figures: dict[str, float], expected: str) -> None:
    assert grade(kind, figures).grade == expected


@given(st.sampled_from(KINDS), st.data())
def test_more_of_anything_is_never_less_grave(kind: str, data: st.DataObject) -> None:
    names = lists().scale[lists().kind[kind].scale].figures
    one = {name: data.draw(amounts(name), name) for name in names}
    more = {name: max(value, data.draw(amounts(name), f"more {name}")) for name, value in one.items()}
    worse, before = grade(kind, more).grade, grade(kind, one).grade
    assert worse is not None
    assert before is not None
    assert GRADES.index(worse) <= GRADES.index(before)


def amounts(name: str) -> st.SearchStrategy[Any]:
    figure = lists().figure[name]
    most = min(figure.most, 2e8)
    return st.integers(0, int(most)) if figure.counted else st.floats(0, most)


def test_what_is_not_known_is_said_and_never_taken_for_nothing() -> None:
    found = grade("production-accident", {})
    assert found.grade is None
    assert "缺少定级数据" in found.reason
    partly = grade("production-accident", {"dead": 0})
    assert (partly.grade, partly.unknown) == ("IV", ("badly_hurt", "loss_yuan"))
    assert grade("public-health", {}).grade is None


@pytest.mark.parametrize(
    "figures", [{"dead": -1}, {"dead": 1.5}, {"dead": math.nan}, {"dead": math.inf}, {"area_ha": 1}]
)
def test_figures_that_cannot_be_are_refused(figures: dict[str, float]) -> None:
    with pytest.raises(BadRequest) as told:
        grade("production-accident", figures)
    assert told.value.where.startswith("figures.")
    assert told.value.remedy


def test_every_kind_has_a_scale_and_clock_that_exist() -> None:
    with pytest.raises(BadRequest):
        grade("meteor", {})
    for kind in lists().kind.values():
        assert kind.clock in lists().clock
        assert not kind.scale or kind.scale in lists().scale
    for scale in lists().scale.values():
        assert [row.grade for row in scale.row] == list(GRADES)
        assert set(scale.figures) <= set(lists().figure)
        assert not scale.row[-1].at_least
        assert all(set(row.at_least) == set(scale.figures) for row in scale.row[:-1])
