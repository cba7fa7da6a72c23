"""The rules of idle land as data: after how many months without a start what follows, and how months are counted."""

import calendar
from datetime import date, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from cim.analysis.rule_sets import RuleText, Strict, Words, read_as

NAME = "idle-land"


class Stage(Strict):
    """What follows when building has not begun ``months`` after the agreed day; ``fee_share`` of the price is due."""

    id: str
    title: Words
    months: int = Field(gt=0, le=240)
    clause: str
    fee_share: float | None = Field(None, gt=0, le=1)
    advice: str = ""


class IdleRules(Strict):
    """A whole edition. ``reached`` says whether a term is over on its last day, or on the day after."""

    name: Literal["idle-land"]
    edition: str
    title: Words
    source: str
    layer: str = "land_supply"
    reached: Literal["on-the-day", "day-after"] = "on-the-day"
    stage: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        months = [stage.months for stage in self.stage]
        if months != sorted(set(months)):
            raise ValueError("the stages do not stand in rising order of months")
        return self

    def stage_on(self, due: date, on: date) -> Stage | None:
        """The last stage that is reached on a day for a start agreed for ``due``."""
        reached = [stage for stage in self.stage if on >= self.begins(stage, due)]
        return reached[-1] if reached else None

    def begins(self, stage: Stage, due: date) -> date:
        """The first day on which a stage is reached."""
        last = months_after(due, stage.months)
        return last if self.reached == "on-the-day" else last + timedelta(days=1)


def months_after(day: date, months: int) -> date:
    """The day of the same number some months later, the last of that month where it has none such."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def full_months(since: date, until: date) -> int:
    """How many whole months have gone by; negative before ``since``."""
    count = (until.year - since.year) * 12 + until.month - since.month
    return count if until >= months_after(since, count) else count - 1


def read_rules(text: RuleText) -> IdleRules:
    """The rules of an edition; BadRequest names the entry that cannot be used."""
    return read_as(IdleRules, text, "docs/land-records.md lists the entries")
