"""Words for statistics, and tables that cannot be used."""

from pathlib import Path

import pytest

from cim.errors import DefinitionError
from cim.sensors.describing import statistic_in_words
from cim.sensors.hj212.codes import Factor
from cim.sensors.tables import read_table


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
