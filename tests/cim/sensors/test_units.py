"""Units of one quantity, words for statistics, and tables that cannot be used."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest, DefinitionError
from cim.sensors.describing import statistic_in_words
from cim.sensors.hj212.codes import Factor
from cim.sensors.tables import read_table
from cim.sensors.units import convert


@pytest.mark.parametrize(
    ("value", "given_unit", "wanted", "expected"),
    [
        (42.0, "ug/m3", "ng/m3", 42_000.0),
        (0.8, "mg/m3", "ug/m3", 800.0),
        (0.05, "ug/L", "mg/L", 0.00005),
        (36.0, "m3/h", "L/s", 10.0),
        (946.0, "hPa", "kPa", 94.6),
        (7.0, "1", "1", 7.0),
    ],
)
def test_conversions_by_hand(value: float, given_unit: str, wanted: str, expected: float) -> None:
    assert convert(value, given_unit, wanted) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("pair", [("mg/L", "mg/m3"), ("ppm", "mg/m3"), ("m", "m/s"), ("", "m")])
def test_other_quantities_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(BadRequest):
        convert(1.0, *pair)


@given(value=st.floats(-1e9, 1e9), there=st.sampled_from(["mg/L", "ug/L", "ng/L", "g/L"]))
def test_there_and_back(value: float, there: str) -> None:
    assert convert(convert(value, "mg/L", there), there, "mg/L") == pytest.approx(value, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("text", ["w1 = {", 'w1 = { zh = "x" }', "w1 = 3"])
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "factors.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(DefinitionError) as refused:
        read_table(path, dict[str, Factor])
    assert refused.value.where == "factors.toml"


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        ("real-time", "实时"),
        ("real-time-converted", "实时（折算）"),
        ("hour-mean", "小时均值"),
        ("hour-greatest-converted", "小时最大值（折算）"),
        ("5-minute-sum", "5分钟累计值"),
        ("day-night-value", "夜间值"),
        ("single-value", "单次值"),
        ("day-running-hours", "日运行时间"),
        ("something-else", "something-else"),
    ],
)
def test_statistics_have_words(statistic: str, words: str) -> None:
    assert statistic_in_words(statistic) == words
