"""Kinds of incidents with the scale that grades each, and how grave some figures make an incident.

The lists are ``incident_kinds.toml``. A scale's rows go from the gravest; a row holds where any of its figures is
reached (以上 includes, 以下 excludes), the last one where none is. The response level is another matter: people decide.
"""

import math
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cim.errors import BadRequest

GradeName = Literal["I", "II", "III", "IV"]
GRADES: tuple[GradeName, ...] = ("I", "II", "III", "IV")
Figures = Mapping[str, float]
_LISTS = Path(__file__).with_name("incident_kinds.toml")
_MOST = 1e15


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Family(StrEnum):
    """The four families of emergencies."""

    NATURAL = "natural"
    ACCIDENT = "accident"
    HEALTH = "health"
    SECURITY = "security"


class Figure(_Entry):
    """A number that grades incidents: ``counted`` ones are whole, none is more than ``most``."""

    zh: str
    en: str
    unit: str
    counted: bool = False
    most: float = _MOST


class Row(_Entry):
    """One grade of a scale, from these figures on; the last row has none."""

    grade: GradeName
    zh: str
    at_least: Mapping[str, float] = {}


class Scale(_Entry):
    """A scale with its source and how that was read."""

    source: str
    checked: Literal["text", "reprint", "memory"]
    row: tuple[Row, ...] = Field(min_length=4, max_length=4)

    @property
    def figures(self) -> tuple[str, ...]:
        """The figures that the scale reads."""
        return tuple(self.row[0].at_least)


class Kind(_Entry):
    """A kind of incident; one without a scale is graded by people."""

    zh: str
    en: str
    family: Family
    clock: str
    scale: str = ""
    plan: str = ""


class ClockStep(_Entry):
    """A report to a level of government, so many minutes after the one before; for some grades, or while none is."""

    to: Literal["city", "province", "state"]
    minutes: int = Field(ge=0)
    grades: tuple[GradeName, ...] = ()
    ungraded: bool = False

    def holds(self, grade: GradeName | None) -> bool:
        """Whether the step is asked for at a grade."""
        if grade is None:
            return not self.grades
        return not self.ungraded and (not self.grades or grade in self.grades)


class Clock(_Entry):
    """The reports that are due, with the source of that."""

    source: str
    checked: Literal["text", "reprint", "memory"]
    step: tuple[ClockStep, ...]
    follow_up_h: float | None = None


class Lists(_Entry):
    """All of the file."""

    family: Mapping[Family, Mapping[str, str]]
    figure: Mapping[str, Figure]
    kind: Mapping[str, Kind]
    scale: Mapping[str, Scale]
    clock: Mapping[str, Clock]


class Grading(_Entry):
    """The grade of an incident, the row and figures that make it, and the figures that are not known yet.

    ``reason`` is for people, in Chinese. Unknown figures may raise the grade, never lower it.
    """

    grade: GradeName | None
    row: str
    reason: str
    source: str
    unknown: tuple[str, ...] = ()


@cache
def lists() -> Lists:
    """Families, figures, kinds, scales and clocks."""
    return Lists.model_validate(tomllib.loads(_LISTS.read_text("utf-8")))


def the_kind(name: str) -> Kind:
    """A kind by its name; BadRequest names those there are."""
    known = lists().kind
    if name not in known:
        raise BadRequest(f"there is no kind {name[:40]!r}", where="kind", remedy=f"one of {', '.join(known)}")
    return known[name]


def grade(kind: str, figures: Figures) -> Grading:
    """How grave an incident of a kind is by its figures, and by which row.

    Raises BadRequest for a figure that the kind's scale does not read, or that cannot be.
    """
    scale = lists().scale.get(the_kind(kind).scale)
    _refuse_wrong(kind, scale, figures)
    if scale is None:
        return Grading(grade=None, row="", reason="该类事件无数值分级标准，由人工认定", source="")
    unknown = tuple(name for name in scale.figures if name not in figures)
    if len(unknown) == len(scale.figures):
        names = "、".join(lists().figure[name].zh for name in unknown)
        return Grading(grade=None, row="", reason=f"缺少定级数据：{names}", source=scale.source, unknown=unknown)
    for row in scale.row[:-1]:
        met = [name for name, least in row.at_least.items() if figures.get(name, -math.inf) >= least]
        if met:
            reason = "；".join(f"{_said(name, figures[name])} ≥ {_amount(name, row.at_least[name])}" for name in met)
            return Grading(grade=row.grade, row=row.zh, reason=reason, source=scale.source, unknown=unknown)
    lowest, least = scale.row[-1], scale.row[-2].at_least
    known = [name for name in scale.figures if name in figures]
    reason = "；".join(f"{_said(name, figures[name])} < {_amount(name, least[name])}" for name in known)
    return Grading(grade=lowest.grade, row=lowest.zh, reason=reason, source=scale.source, unknown=unknown)


def _refuse_wrong(kind: str, scale: Scale | None, figures: Figures) -> None:
    read = scale.figures if scale else ()
    for name, value in figures.items():
        where = f"figures.{name[:40]}"
        if name not in read:
            known = ", ".join(read) or "none: people grade it"
            what = f"the scale of {kind} does not read {name[:40]!r}"
            raise BadRequest(what, where=where, remedy=f"it reads {known}")
        figure = lists().figure[name]
        if not 0 <= value <= figure.most:
            raise BadRequest(f"{value!r} cannot be", where=where, remedy=f"give a number from 0 to {figure.most:g}")
        if figure.counted and value != int(value):
            raise BadRequest(f"{value!r} is not whole", where=where, remedy="give a whole number")


def figure_texts(figures: Figures) -> list[str]:
    """Figures as people write them, in Chinese."""
    return [_said(name, value) for name, value in figures.items()]


def _said(name: str, value: float) -> str:
    return f"{lists().figure[name].zh} {_amount(name, value)}"


def _amount(name: str, value: float) -> str:
    unit = lists().figure[name].unit
    if unit == "元" and value >= 10_000:
        return f"{value / 10_000:,.10g} 万元".replace(",", "")
    return f"{value:.10g} {unit}"


def kinds_document() -> dict[str, Any]:
    """Everything a form needs to ask for an incident: families, kinds with their figures, scales and clocks."""
    return lists().model_dump(mode="json")
