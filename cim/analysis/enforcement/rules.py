"""The rules of enforcement as data: which records grant land, which areas are controlled, what share is whole."""

from typing import Literal, Self

from pydantic import Field, model_validator

from cim.analysis.rule_sets import RuleText, Strict, Words, read_as

NAME = "enforcement"


class Approval(Strict):
    """A layer of approvals. Those that are ``grants`` make building lawful from the day in ``date_field`` on."""

    id: str
    title: Words
    layer: str
    date_field: str
    number_field: str
    grants: bool


class Control(Strict):
    """An area in which an approval alone does not settle it: more than ``limit_m2`` in it gives ``beyond``."""

    id: str
    title: Words
    layer: str
    where: str = ""
    limit_m2: float = Field(0.0, ge=0)
    beyond: Literal["partly", "suspected"]
    clause: str
    advice: str = ""


class Plan(Strict):
    """A plan of which the share of a patch inside is told; it gives no verdict."""

    id: str
    title: Words
    layer: str


class EnforcementRules(Strict):
    """A whole edition of the rules of enforcement.

    A patch of which at least ``whole_share`` is granted counts as granted, one with at most ``part_share`` as not.
    Areas in controls below ``sliver_m2`` break no rule.
    """

    name: Literal["enforcement"]
    edition: str
    title: Words
    source: str
    patches_layer: str = "change_patches"
    land_layer: str = "land_status"
    three_way: str
    sliver_m2: float = Field(1.0, ge=0, le=100)
    whole_share: float = Field(0.98, gt=0, le=1)
    part_share: float = Field(0.02, ge=0, lt=1)
    legal_clause: str
    suspected_clause: str
    approval: tuple[Approval, ...]
    control: tuple[Control, ...] = ()
    plan: tuple[Plan, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.part_share >= self.whole_share:
            raise ValueError("part_share is not below whole_share")
        if not any(approval.grants for approval in self.approval):
            raise ValueError("no approval grants anything")
        ids = [*(approval.id for approval in self.approval), *self.surrounding]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} stands twice")
        return self

    @property
    def surrounding(self) -> tuple[str, ...]:
        """The ids of the areas of which each patch's part is told: controls, then plans."""
        return (*(control.id for control in self.control), *(plan.id for plan in self.plan))


def read_rules(text: RuleText) -> EnforcementRules:
    """The rules of an edition; BadRequest names the entry that cannot be used."""
    return read_as(EnforcementRules, text, "docs/land-records.md lists the entries")
