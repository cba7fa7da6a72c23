"""The air quality index against values computed by hand from HJ 633, and its general rules."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.sensors.air_quality import POLLUTANTS, Report, air_quality, edition_at, level_of, sub_index, tables

BEFORE, AFTER = date(2026, 2, 28), date(2026, 3, 1)
ALL_LOW = {"SO2": 10.0, "NO2": 15.0, "CO": 0.5, "O3": 60.0, "PM10": 30.0, "PM2.5": 20.0}

BY_HAND: list[tuple[date, Report, str, float, int | None]] = [
    # PM2.5 of a day, 2012: (c-35)/40*50+50 between 35 and 75
    (BEFORE, "daily", "PM2.5", 35, 50),
    (BEFORE, "daily", "PM2.5", 35.01, 51),
    (BEFORE, "daily", "PM2.5", 55, 75),
    (BEFORE, "daily", "PM2.5", 75, 100),
    (BEFORE, "daily", "PM2.5", 95, 125),
    (BEFORE, "daily", "PM2.5", 300, 350),
    # 2026: 100 stands at 60; 75 is 100+15/55*50 = 113.6
    (AFTER, "daily", "PM2.5", 60, 100),
    (AFTER, "daily", "PM2.5", 75, 114),
    (AFTER, "daily", "PM2.5", 60.5, 100),
    (AFTER, "daily", "PM2.5", 61.5, 102),
    (AFTER, "daily", "PM2.5", 900, 500),
    # PM10: 2012 150 is 100; 2026 150 is 100+30/130*50 = 111.5
    (BEFORE, "daily", "PM10", 150, 100),
    (AFTER, "daily", "PM10", 150, 112),
    (AFTER, "daily", "PM10", 120, 100),
    (AFTER, "hourly", "PM10", 85, 75),
    # gases
    (AFTER, "daily", "SO2", 100, 75),
    (AFTER, "hourly", "SO2", 475, 97),
    (AFTER, "hourly", "SO2", 801, 200),
    (BEFORE, "hourly", "SO2", 801, None),
    (AFTER, "hourly", "NO2", 350, 115),
    (AFTER, "daily", "NO2", 80, 100),
    (AFTER, "daily", "CO", 3, 75),
    (AFTER, "daily", "CO", 3.04, 75),
    (AFTER, "hourly", "CO", 35, 150),
    (AFTER, "daily", "O3", 160, 100),
    (AFTER, "hourly", "O3", 160, 50),
    (AFTER, "daily", "O3", 801, 300),
    (BEFORE, "daily", "O3", 801, None),
    (AFTER, "hourly", "O3", 1100, 450),
    (AFTER, "daily", "SO2", 0, 0),
]


@pytest.mark.parametrize(("day", "report", "pollutant", "value", "iaqi"), BY_HAND)
def test_sub_indices_by_hand(day: date, report: Report, pollutant: str, value: float, iaqi: int | None) -> None:
    assert sub_index(value, edition_at(day).scales(report)[pollutant]) == iaqi


def test_the_edition_follows_the_day() -> None:
    assert edition_at(BEFORE).id == "HJ 633-2012"
    assert edition_at(AFTER).id == "HJ 633-2026"
    with pytest.raises(BadRequest):
        edition_at(date(2000, 1, 1))


def test_the_index_is_the_greatest_and_names_its_pollutants() -> None:
    told = air_quality(ALL_LOW | {"PM2.5": 60.0, "PM10": 120.0}, AFTER, "daily")
    assert (told.index, told.published, told.edition) == (100, 100, "HJ 633-2026")
    assert told.primary == ("PM10", "PM2.5")
    assert told.exceeding == ()
    assert told.level is not None
    assert (told.level.zh, told.level.colour_zh, told.level.rgb) == ("良", "黄色", (255, 255, 0))


def test_good_air_has_no_primary_pollutant() -> None:
    told = air_quality(ALL_LOW, AFTER, "daily")
    assert told.index == 30
    assert told.primary == ()
    assert told.level is not None
    assert told.level.zh == "优"


def test_exceeding_pollutants_are_all_named() -> None:
    told = air_quality(ALL_LOW | {"PM2.5": 80.0, "O3": 200.0}, AFTER, "daily")
    assert told.exceeding == ("O3", "PM2.5")
    assert told.primary == ("O3",)


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), -1.0])
def test_values_that_cannot_be_used_are_missing(bad: float | None) -> None:
    told = air_quality(ALL_LOW | {"SO2": bad}, AFTER, "hourly")
    assert told.missing == ("SO2",)
    assert told.index is not None
    assert told.published is None


def test_incomplete_but_polluted_air_is_published() -> None:
    told = air_quality({"PM2.5": 80.0}, AFTER, "daily")
    assert told.published == told.index == 119


def test_no_value_is_no_index() -> None:
    told = air_quality({}, AFTER, "daily")
    assert (told.index, told.level, told.published, told.missing) == (None, None, None, POLLUTANTS)


def test_a_concentration_beyond_its_scale_is_not_published() -> None:
    told = air_quality(ALL_LOW | {"O3": 900.0}, BEFORE, "daily")
    assert told.published is None
    assert told.sub_indices[3].iaqi is None


def test_an_unknown_pollutant_is_refused() -> None:
    with pytest.raises(BadRequest, match="VOC"):
        air_quality({"VOC": 1.0}, AFTER, "daily")


@pytest.mark.parametrize(
    ("index", "zh"),
    [
        (0, "优"),
        (50, "优"),
        (51, "良"),
        (100, "良"),
        (101, "轻度污染"),
        (150, "轻度污染"),
        (151, "中度污染"),
        (200, "中度污染"),
        (201, "重度污染"),
        (300, "重度污染"),
        (301, "严重污染"),
        (500, "严重污染"),
    ],
)
def test_levels_at_their_bounds(index: int, zh: str) -> None:
    assert level_of(index).zh == zh


def test_the_tables_are_in_order() -> None:
    for edition in tables().edition:
        for report in (edition.daily, edition.hourly):
            assert set(report) == set(POLLUTANTS)
            for scale in report.values():
                assert list(scale.limits) == sorted(set(scale.limits))
                assert len(scale.limits) <= len(tables().iaqi)


VALUES = st.decimals(min_value=0, max_value=5000, places=2).map(float)


@given(low=VALUES, high=VALUES, pollutant=st.sampled_from(POLLUTANTS), daily=st.booleans(), new=st.booleans())
@settings(deadline=None, max_examples=200)
def test_more_is_never_better(low: float, high: float, pollutant: str, *, daily: bool, new: bool) -> None:
    low, high = sorted((low, high))
    scale = edition_at(AFTER if new else BEFORE).scales("daily" if daily else "hourly")[pollutant]
    less, more = sub_index(low, scale), sub_index(high, scale)
    assert more is None or (less is not None and less <= more <= 500)


@given(value=VALUES, pollutant=st.sampled_from(POLLUTANTS))
@settings(deadline=None, max_examples=100)
def test_a_sub_index_is_the_next_integer_of_the_proportion(value: float, pollutant: str) -> None:
    scale = edition_at(BEFORE).scales("daily")[pollutant]
    given_value = Fraction(str(value))
    pairs = zip(
        zip(scale.limits, scale.limits[1:], strict=False),
        zip(tables().iaqi, tables().iaqi[1:], strict=False),
        strict=False,
    )
    exact = next(
        (
            i0 + (given_value - Fraction(c0)) * (i1 - i0) / (Fraction(c1) - Fraction(c0))
            for (c0, c1), (i0, i1) in pairs
            if Fraction(c0) <= given_value <= Fraction(c1)
        ),
        None,
    )
    found = sub_index(value, scale)
    assert found == scale.above if exact is None else found is not None and 0 <= found - exact < 1
