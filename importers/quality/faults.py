"""A fault of a delivery, and the tally of a check."""

from dataclasses import dataclass, field

import shapely

from layers.quality import QualityRule

KEPT_FAULTS = 10_000
"""Faults kept in detail for each rule; the counts are always exact."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``row`` is 1-based as in the file, None for the whole layer; ``shape`` is in storage coordinates."""

    row: int | None
    message: str
    shape: shapely.Geometry | None = None


@dataclass(slots=True)
class Tally:
    """What a rule found: how many it looked at, how many are wrong, and the first of them."""

    rule: QualityRule
    examined: int = 0
    count: int = 0
    faults: list[Fault] = field(default_factory=list)
    note: str = ""

    def add(self, fault: Fault) -> None:
        """Count a fault and keep it while there is room."""
        self.count += 1
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(fault)
