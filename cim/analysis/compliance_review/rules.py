"""The rules of a review as data: what is measured in which layer against which limit, by which clause."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Literal, Self

from pydantic import Field, model_validator

from cim.analysis.rule_sets import RuleText, Strict, Words, read_as
from cim.errors import BadRequest
from cim.model.analysis import Verdict

NAME = "compliance-review"
Test = Literal["occupied", "inside", "near", "plan-use", "plan-limit", "recorded"]
Measure = Literal[
    "total_m2",
    "agricultural_m2",
    "arable_m2",
    "arable_outside_basic_farmland_m2",
    "construction_m2",
    "unused_m2",
    "basic_farmland_m2",
    "collective_m2",
    "collective_basic_farmland_m2",
    "collective_arable_outside_basic_farmland_m2",
    "collective_other_m2",
]


class Rule(Strict):
    """One rule.

    ``test``: ``occupied`` the area in the layer against ``limit_m2``; ``inside`` the share in the layer against
    ``least_share``; ``near`` features within ``distance_m``; ``plan-use`` the share of the plan's parcels whose
    ``field`` fits the project's use; ``plan-limit`` the project's ``parameter`` against the least ``field`` of the
    plan's parcels; ``recorded`` what earlier business lies there. ``where`` narrows the layer (CQL2); ``beyond`` is the
    verdict when the rule is not met; ``list_fields`` are shown in the list of patches.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    title: Words
    test: Test
    layer: str
    where: str = ""
    clause: str
    limit_m2: float = 0.0
    least_share: float = Field(1.0, ge=0, le=1)
    distance_m: float = Field(0.0, ge=0, le=20_000)
    field: str | None = None
    parameter: Literal["far", "height_m", "density_pct"] | None = None
    beyond: Literal["partly", "not", "information"] = "not"
    list_fields: tuple[str, ...] = ()
    advice: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {"plan-use": ("field",), "plan-limit": ("field", "parameter"), "near": ("distance_m",)}
        for name in needs.get(self.test, ()):
            if not getattr(self, name):
                raise ValueError(f"rule {self.id}: the test {self.test} needs {name}")
        return self

    @property
    def failing(self) -> Verdict:
        """The verdict when the rule is not met."""
        return Verdict(self.beyond)


class Condition(Strict):
    """Holds when a measure (m2) is over a limit; what equals the limit is not over it."""

    measure: Measure
    over_m2: float


class Level(Strict):
    """Who approves an act when any of the conditions holds; without conditions: in all other cases."""

    authority: str
    any: tuple[Condition, ...] = ()
    clause: str = ""


class Act(Strict):
    """One of the acts that need approval: when it is needed, and at which level, by rules of its own.

    ``by_project_level`` gives the authority by the level that approves the project. ``region`` is the code (or its
    first digits) of where the act's rules hold, ``valid_from`` and ``valid_until`` when.
    """

    id: str
    title: Words
    clause: str
    region: str
    valid_from: date
    valid_until: date | None = None
    needed: Condition | None = None
    level: tuple[Level, ...] = ()
    by_project_level: dict[Literal["county", "city", "province", "state"], str] = Field(default_factory=dict)
    note: str = ""


class Replacement(Strict):
    """What must be made up for elsewhere: the area of a measure times ``factor``."""

    id: str
    title: Words
    measure: Measure
    clause: str
    factor: float = 1.0
    note: str = ""


class ReviewRules(Strict):
    """A whole edition of the rules of a review.

    ``land_layer`` holds the land status, ``bounds_layer`` says how far the data reach, ``three_way`` names the roll-up
    of land classes. Pieces below ``sliver_m2`` are not listed and break no rule, but stay in every sum. ``uses`` says
    which planned uses a project's use fits, by the beginnings of their codes.
    """

    name: Literal["compliance-review"]
    edition: str
    title: Words
    source: str
    land_layer: str = "land_status"
    basic_farmland_layer: str = "basic_farmland"
    bounds_layer: str = "admin_county"
    three_way: str
    sliver_m2: float = Field(1.0, ge=0, le=100)
    uses: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rule: tuple[Rule, ...]
    act: tuple[Act, ...] = ()
    replacement: tuple[Replacement, ...] = ()

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        for kind, entries in (("rule", self.rule), ("act", self.act), ("replacement", self.replacement)):
            ids = [entry.id for entry in entries]
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} {twice[0]} stands twice")
        return self


@lru_cache(maxsize=16)
def read_rules(text: RuleText) -> ReviewRules:
    """The rules of an edition; BadRequest names the entry that cannot be used."""
    return read_as(ReviewRules, text, "docs/compliance-review.md lists the entries", by_id=True)


def check_names(rules: ReviewRules, fields: Mapping[str, frozenset[str]]) -> None:
    """Raise BadRequest for a rule that names a layer or field that no definition has; ``fields`` by layer."""
    for rule in rules.rule:
        if rule.layer not in fields:
            raise BadRequest(
                f"rule {rule.id}: there is no layer {rule.layer!r}",
                where="rules",
                remedy="name a layer that is defined; it need not be loaded yet",
            )
        for name in (*rule.list_fields, *([rule.field] if rule.field else [])):
            if name not in fields[rule.layer]:
                raise BadRequest(
                    f"rule {rule.id}: the layer {rule.layer} has no field {name!r}",
                    where="rules",
                    remedy=f"its fields are {', '.join(sorted(fields[rule.layer]))}",
                )
