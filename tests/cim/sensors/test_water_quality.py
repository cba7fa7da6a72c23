"""The class of surface water against classes read off GB 3838-2002 by hand, and its general rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.model.units import conversion
from cim.sensors.hj212.codes import factors
from cim.sensors.water_quality import WORSE, class_of, standard, water_quality

INDICATORS = {indicator.code: indicator for indicator in standard().indicator}


@pytest.mark.parametrize(
    ("code", "value", "number"),
    [
        ("dissolved-oxygen", 7.5, 1),
        ("dissolved-oxygen", 7.49, 2),
        ("dissolved-oxygen", 6.0, 2),
        ("dissolved-oxygen", 5.0, 3),
        ("dissolved-oxygen", 3.0, 4),
        ("dissolved-oxygen", 2.0, 5),
        ("dissolved-oxygen", 1.99, 6),
        ("permanganate-index", 2.0, 1),
        ("permanganate-index", 6.01, 4),
        ("permanganate-index", 15.01, 6),
        ("cod", 15.0, 1),
        ("cod", 20.0, 3),
        ("bod5", 3.0, 1),
        ("bod5", 3.5, 3),
        ("ammonia-nitrogen", 0.15, 1),
        ("ammonia-nitrogen", 1.0, 3),
        ("ammonia-nitrogen", 2.01, 6),
        ("total-phosphorus", 0.2, 3),
        ("mercury", 0.0001, 3),
        ("volatile-phenols", 0.005, 3),
        ("petroleum", 0.06, 4),
        ("ph", 6.0, 1),
        ("ph", 9.0, 1),
        ("ph", 9.1, 6),
        ("ph", 5.9, 6),
    ],
)
def test_classes_by_hand(code: str, value: float, number: int) -> None:
    assert class_of(value, INDICATORS[code]) == number


def test_the_worst_indicator_decides() -> None:
    told = water_quality({"ph": 7.8, "dissolved-oxygen": 8.2, "permanganate-index": 2.6, "ammonia-nitrogen": 0.8})
    assert (told.number, told.name, told.state) == (3, "Ⅲ类", "良好")
    assert told.determining == ("ammonia-nitrogen",)
    assert told.by_indicator["permanganate-index"] == 2


def test_two_determining_indicators() -> None:
    told = water_quality({"cod": 35.0, "total-phosphorus": 0.35, "ph": 7.0})
    assert (told.number, told.determining) == (5, ("cod", "total-phosphorus"))


def test_water_worse_than_v() -> None:
    told = water_quality({"ammonia-nitrogen": 5.0})
    assert (told.number, told.name, told.state) == (WORSE, "劣Ⅴ类", "重度污染")


def test_class_one_has_no_determining_indicator() -> None:
    assert water_quality({"cod": 5.0}).determining == ()


def test_nitrogen_temperature_and_coliforms_do_not_count_by_themselves() -> None:
    values = {"cod": 10.0, "total-nitrogen": 5.0, "water-temperature": 30.0, "faecal-coliforms": 90_000.0}
    told = water_quality(values)
    assert told.number == 1
    assert set(told.left_out) == {"total-nitrogen", "water-temperature", "faecal-coliforms"}
    assert water_quality(values, with_total_nitrogen=True).determining == ("total-nitrogen",)


def test_lakes_have_their_own_phosphorus() -> None:
    assert water_quality({"total-phosphorus": 0.06}).number == 2
    assert water_quality({"total-phosphorus": 0.06}, lake=True).number == 4


def test_saturated_oxygen_is_class_one() -> None:
    assert water_quality({"dissolved-oxygen": 6.8}).number == 2
    assert water_quality({"dissolved-oxygen": 6.8}, oxygen_saturation_percent=92.0).number == 1


@pytest.mark.parametrize("bad", [None, float("nan"), -0.1])
def test_values_that_cannot_be_used_are_left_out(bad: float | None) -> None:
    told = water_quality({"cod": bad})
    assert (told.number, told.name, told.left_out) == (None, None, ("cod",))


def test_an_unknown_indicator_is_refused() -> None:
    with pytest.raises(BadRequest, match="plankton"):
        water_quality({"plankton": 1.0})


def test_the_table_is_in_order_and_its_codes_are_known() -> None:
    assert sum(indicator.counts for indicator in INDICATORS.values()) == 21
    for indicator in INDICATORS.values():
        for limits in (indicator.limits, indicator.limits_lake):
            assert list(limits) == sorted(limits, reverse=indicator.at_least)
            assert len(limits) in (0, 5)
        for code in indicator.hj212:
            assert conversion(factors()[code].unit, indicator.unit)(1.0) > 0


@given(
    code=st.sampled_from([name for name, one in INDICATORS.items() if one.limits]),
    pair=st.tuples(*[st.floats(0, 100)] * 2),
)
@settings(deadline=None, max_examples=150)
def test_worse_values_never_give_a_better_class(code: str, pair: tuple[float, float]) -> None:
    better, worse = sorted(pair, reverse=INDICATORS[code].at_least)
    assert class_of(better, INDICATORS[code]) <= class_of(worse, INDICATORS[code])
