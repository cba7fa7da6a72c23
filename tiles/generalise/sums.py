"""The sums that generalised content carries: whole numbers, so that any order of adding gives the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cim.model.general import TENTHS, GeneralPlan
from tiles.generalise.grid import Floats, Integers


@dataclass(frozen=True, slots=True)
class Sums:
    """Which column of the sums holds what: count, measure, the plan's sums, then total and number of every mean.

    A mosaic of classes has one column more, the raster samples of each class.
    """

    plan: GeneralPlan

    def base(self, measure: Floats, values: Sequence[Floats]) -> Integers:
        """Sums of single features: ground area or length, and values of the sums and means (not finite: none)."""
        known = [np.where(np.isfinite(value), value, 0.0) for value in values]
        columns = [np.ones(len(measure)), *([measure * TENTHS] if self.plan.measure_name else [])]
        for item, value in zip(self.plan.sums, known[: len(self.plan.sums)], strict=True):
            columns.append((value if item.kind == "field" else value * measure) * TENTHS)
        for value, numbers in zip(known[len(self.plan.sums) :], values[len(self.plan.sums) :], strict=True):
            columns += [value * TENTHS, np.isfinite(numbers).astype(float)]
        return np.rint(np.column_stack(columns)).astype(np.int64)

    def attributes(self, sums: Sequence[int]) -> dict[str, object]:
        """What people read of a row's sums."""
        plan = self.plan
        shown: dict[str, object] = {plan.count_name: int(sums[0])}
        if plan.measure_name:
            shown[plan.measure_name] = _number(sums[1] / TENTHS)
        first = self._means() - len(plan.sums)
        shown |= {item.name: _number(sums[first + n] / TENTHS) for n, item in enumerate(plan.sums)}
        for n, name in enumerate(plan.means):
            total, number = sums[self._means() + 2 * n : self._means() + 2 * n + 2]
            if number:
                shown[name] = _number(round(total / number / TENTHS, 2))
        return shown

    def _means(self) -> int:
        return 1 + (self.plan.measure_name is not None) + len(self.plan.sums)


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def add_up(values: Integers, starts: Integers) -> Integers:
    """Sums of the rows of each run, whose first rows are ``starts``."""
    return np.add.reduceat(values, starts, axis=0) if len(starts) else values[:0]
