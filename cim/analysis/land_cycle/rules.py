"""The rules of the land cycle as data: which stage needs which before it."""

from typing import Literal

from pydantic import Field

from cim.analysis.rule_sets import RuleText, Strict, Words, read_as

NAME = "land-cycle"
Stage = Literal["prereview", "conversion", "expropriation", "supply", "registration"]


class Need(Strict):
    """The land of the stage ``later`` should have gone through the stage ``earlier``, and before it."""

    id: str
    title: Words
    later: Stage
    earlier: Stage
    clause: str


class CycleRules(Strict):
    """A whole edition; gaps of at most ``part_share`` of the later stage's land are none."""

    name: Literal["land-cycle"]
    edition: str
    title: Words
    source: str
    sliver_m2: float = Field(1.0, ge=0, le=100)
    part_share: float = Field(0.02, ge=0, lt=1)
    need: tuple[Need, ...] = ()


def read_rules(text: RuleText) -> CycleRules:
    """The rules of an edition; BadRequest names the entry that cannot be used."""
    return read_as(CycleRules, text, "docs/land-records.md lists the entries")
