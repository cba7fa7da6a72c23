"""Checking a new edition of the rules on land records before it is kept."""

from collections.abc import Mapping

from cim.analysis import idle_rules
from cim.analysis.enforcement import rules as enforcement_rules
from cim.analysis.idle_land import FIELDS
from cim.analysis.land_cycle import rules as cycle_rules
from cim.analysis.rule_sets import RuleText
from cim.errors import BadRequest


def check_record_rules(text: RuleText, fields: Mapping[str, frozenset[str]]) -> None:
    """Raise BadRequest for rules that cannot be read, or name a layer or field that is not in ``fields`` by layer."""
    wanted: list[tuple[str, tuple[str, ...]]] = []
    if text.name == enforcement_rules.NAME:
        rules = enforcement_rules.read_rules(text)
        wanted += [(rules.patches_layer, ()), (rules.land_layer, ())]
        wanted += [(each.layer, (each.date_field, each.number_field)) for each in rules.approval]
        wanted += [(each.layer, ()) for each in rules.control]
        wanted += [(each.layer, ()) for each in rules.plan]
    elif text.name == idle_rules.NAME:
        wanted.append((idle_rules.read_rules(text).layer, FIELDS))
    elif text.name == cycle_rules.NAME:
        cycle_rules.read_rules(text)
    else:
        raise BadRequest(f"the rules {text.name} cannot be checked", where="name", remedy="GET /rules lists the sets")
    for layer, names in wanted:
        if layer not in fields:
            raise BadRequest(f"there is no layer {layer!r}", where="rules", remedy="name a layer that is defined")
        missing = sorted(set(names) - fields[layer])
        if missing:
            raise BadRequest(
                f"the layer {layer} has no field {', '.join(missing)}",
                where="rules",
                remedy=f"its fields are {', '.join(sorted(fields[layer]))}",
            )
