"""Rules of quality of a layer: what is checked before a version is published, and what a fault leads to."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

Check = Literal[
    "codes",
    "code-name",
    "range",
    "pattern",
    "unique",
    "declared-area",
    "duplicates",
    "slivers",
    "overlaps",
    "gaps",
    "inside",
    "completeness",
]
Action = Literal["refuse", "repair", "quarantine", "warn"]
REPAIRABLE: frozenset[Check] = frozenset({"code-name", "duplicates"})
WHOLE_LAYER: frozenset[Check] = frozenset({"gaps", "completeness"})
"""Checks whose faults belong to no single row, so that none can be set aside."""
OF_ONE_FIELD: frozenset[Check] = frozenset({"range", "pattern", "unique", "declared-area", "code-name"})

SQUARE_METRES = {"": 1.0, "m²": 1.0, "hm²": 1e4, "km²": 1e6, "亩": 2000 / 3}
"""Units a declared area may have, in m2."""
HAS_EDITIONS: frozenset[Check] = frozenset({"codes", "code-name"})


class QualityRule(BaseModel):
    """One rule.

    ``codes``: values of fields with a code list are of that list: of ``field``, or of all that have no such rule of
    their own. With ``editions``, names of code lists, they are of the one list that explains most rows. ``code-name``:
    ``field`` holds the name of the code in ``of``, as one of the ``editions`` gives it where there are some.
    ``range``: ``least`` to ``most``. ``pattern``: the whole value matches. ``unique``: no value twice.
    ``declared-area``: ``field``, in its unit, agrees with the ellipsoidal area to ``tolerance`` (a share).
    ``duplicates``: no shape twice. ``slivers``: no area under ``least`` m2, none thinner than ``thinness`` (4 pi area /
    perimeter squared). ``overlaps`` and ``gaps`` of more than ``least`` m2. ``inside``: within the regions of
    ``level``. ``completeness``: the areas sum up to those regions' to ``tolerance``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    check: Check
    action: Action = "warn"
    field: str | None = None
    of: str | None = None
    least: float | None = None
    most: float | None = None
    thinness: float | None = None
    tolerance: float = 0.01
    pattern: str | None = None
    level: str = "county"
    editions: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.action == "repair" and self.check not in REPAIRABLE:
            raise ValueError(f"{self.check} cannot be repaired; use refuse, quarantine or warn")
        self._editions_fit()
        if self.action == "quarantine" and self.check in WHOLE_LAYER:
            raise ValueError(f"{self.check} is of the whole layer: no row can be set aside; use refuse or warn")
        if self.check in OF_ONE_FIELD and self.field is None:
            raise ValueError(f"{self.check} needs a field")
        if self.check == "code-name" and self.of is None:
            raise ValueError("code-name needs the field of the code as `of`")
        if self.check == "pattern" and self.pattern is None:
            raise ValueError("pattern needs a pattern")
        if self.check == "range" and self.least is None and self.most is None:
            raise ValueError("range needs least or most")
        return self

    def _editions_fit(self) -> None:
        if not self.editions:
            return
        if self.check not in HAS_EDITIONS:
            raise ValueError(f"{self.check} knows no editions")
        if self.field is None:
            raise ValueError("editions are of one field; name it as `field`")
        if self.action == "repair":
            raise ValueError("which of several editions names it right is not known; use refuse, quarantine or warn")

    @property
    def title(self) -> str:
        """The rule as a report names it."""
        return f"{self.check} {self.field}" if self.field else self.check
