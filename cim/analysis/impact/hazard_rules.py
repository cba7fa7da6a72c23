"""The grade of a major hazard source 重大危险源: R = alpha * sum(beta * q / Q), GB 18218-2018 as the facts have it."""

from collections.abc import Sequence
from dataclasses import dataclass

ALPHAS = ((100, 2.0), (50, 1.5), (30, 1.2), (1, 1.0), (0, 0.5))
"""By residents within 500 m outside of the plant: so many or more."""
GRADES = ((100.0, 1), (50.0, 2), (10.0, 3), (0.0, 4))
GRADE_NAMES = {1: "一级", 2: "二级", 3: "三级", 4: "四级"}
OUTSIDE_M = 500.0


@dataclass(frozen=True, slots=True)
class Stock:
    """A substance of a unit: what is there and its critical quantity, in tonnes, and its factor."""

    name: str
    quantity_t: float
    critical_t: float
    beta: float

    @property
    def share(self) -> float:
        """Its part of the sum: beta * q / Q."""
        return self.beta * self.quantity_t / self.critical_t


def alpha_of(residents: int) -> float:
    """The factor for the people exposed outside."""
    return next(alpha for least, alpha in ALPHAS if residents >= least)


def grade_of(r: float) -> int:
    """The grade, 1 the highest."""
    return next(grade for least, grade in GRADES if r >= least)


def r_of(stocks: Sequence[Stock], residents: int) -> float:
    """R of a unit."""
    return alpha_of(residents) * sum(stock.share for stock in stocks)
