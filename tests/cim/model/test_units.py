"""Units of one quantity, by hand and by their rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.model.units import conversion, normal_unit


@pytest.mark.parametrize(
    ("given_unit", "wanted", "value", "expected"),
    [
        ("mg/m3", "µg/m³", 0.04, 40.0),
        ("μg·m-3", "ug/m3", 5.0, 5.0),
        ("℃", "degC", 20.0, 20.0),
        ("°F", "°C", 212.0, 100.0),
        ("K", "℃", 273.15, 0.0),
        ("hPa", "kPa", 1013.25, 101.325),
        ("km/h", "m/s", 36.0, 10.0),
        ("furlong", "furlong", 3.0, 3.0),
        ("ppm", "ppb", 1.0, 1000.0),
        ("ug/m3", "ng/m3", 42.0, 42_000.0),
        ("mg/m3", "ug/m3", 0.8, 800.0),
        ("ug/L", "mg/L", 0.05, 0.00005),
        ("mg/L", "g/m3", 7.0, 7.0),
        ("m3/h", "L/s", 36.0, 10.0),
        ("m3/d", "m3/h", 24.0, 1.0),
        ("hPa", "kPa", 946.0, 94.6),
        ("mS/cm", "uS/cm", 0.5, 500.0),
        ("t", "kg", 0.25, 250.0),
        ("mV", "V", 12_500.0, 12.5),
        ("1", "无量纲", 7.0, 7.0),
    ],
)
def test_conversions_by_hand(given_unit: str, wanted: str, value: float, expected: float) -> None:
    assert conversion(given_unit, wanted)(value) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("powers", [("ng/m3", "ug/m3", 0.001), ("ug/m3", "ng/m3", 1000.0), ("cm", "mm", 10.0)])
def test_powers_of_ten_are_exact(powers: tuple[str, str, float]) -> None:
    assert conversion(*powers[:2]).factor == powers[2]


@pytest.mark.parametrize(
    ("one", "other"),
    [("ppm", "mg/m3"), ("m", "°C"), ("furlong", "m"), ("", "m"), ("db", "db(a)"), ("m", "m/s"), ("kg", "kg/h")],
)
def test_units_that_are_not_the_same_kind_are_refused(one: str, other: str) -> None:
    with pytest.raises(BadRequest):
        conversion(one, other)


def test_the_same_unit_has_one_spelling() -> None:
    assert {normal_unit(text) for text in ("μg/m³", "ug/m3", "µg/m3", "微克/立方米", "ug·m-3")} == {"µg/m3"}


KINDS = [
    ["ng/m3", "ug/m3", "mg/m3", "g/m3", "ng/L", "ug/L", "mg/L", "g/L"],
    ["Pa", "hPa", "kPa", "MPa"],
    ["°C", "K", "°F"],
    ["L/s", "m3/h", "m3/d", "m3/s"],
]


@given(
    pair=st.sampled_from(KINDS).flatmap(lambda units: st.tuples(st.sampled_from(units), st.sampled_from(units))),
    value=st.floats(-1e6, 1e6),
)
def test_there_and_back_is_the_same_value(pair: tuple[str, str], value: float) -> None:
    one, other = pair
    assert conversion(other, one)(conversion(one, other)(value)) == pytest.approx(value, rel=1e-9, abs=1e-6)
