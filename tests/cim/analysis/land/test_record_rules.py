"""New editions of the rules on land records are checked against the definitions before they are kept."""

import pytest

from cim.analysis.record_rules import check_record_rules
from cim.analysis.rule_sets import RuleText, shipped_rules
from cim.errors import BadRequest
from layers.catalog import load_catalog

NAMES = ("enforcement", "idle-land", "land-cycle")
FIELDS = {name: frozenset(field.name for field in known.fields) for name, known in load_catalog().layers.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_rules_name_what_there_is(name: str) -> None:
    check_record_rules(shipped_rules(name), FIELDS)


@pytest.mark.parametrize(
    ("name", "old", "new", "word"),
    [
        ("enforcement", 'layer = "heritage_zones"', 'layer = "heritage"', "no layer 'heritage'"),
        ("enforcement", 'date_field = "issued_on"', 'date_field = "day"', "no field day"),
        ("idle-land", 'layer = "land_supply"', 'layer = "land_conversion"', "no field"),
        ("land-cycle", 'later = "supply"', 'later = "sale"', "need.0.later"),
        ("land-cycle", "part_share = 0.02", "part_share = ", "Invalid value"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, old: str, new: str, word: str) -> None:
    text = shipped_rules(name).text
    assert old in text
    with pytest.raises(BadRequest, match=word):
        check_record_rules(RuleText(name, 1, text.replace(old, new)), FIELDS)


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(BadRequest, match="cannot be checked"):
        check_record_rules(RuleText("other", 1, ""), FIELDS)
