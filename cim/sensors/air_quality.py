"""Air quality index after HJ 633, by the edition in force on a day; the tables are data beside this file."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal

from pydantic import Field

from cim.errors import BadRequest
from cim.sensors.tables import Entry, read_table

Report = Literal["daily", "hourly"]
POLLUTANTS = ("SO2", "NO2", "CO", "O3", "PM10", "PM2.5")
_PRIMARY_ABOVE = 50
_EXCEEDING_ABOVE = 100


class Level(Entry):
    """A level: up to which index, its names, its colour's name and RGB."""

    most: int
    zh: str
    en: str
    colour_zh: str
    rgb: tuple[int, int, int]


class Scale(Entry):
    """How a pollutant is judged: by the mean of ``hours``, between ``limits`` in ug/m3 (CO: mg/m3).

    ``above`` is the sub-index over the last limit, None where there is none; ``decimals`` to which a concentration is
    rounded first (half to even), None where it is not.
    """

    hours: int
    limits: tuple[Decimal, ...]
    above: int | None = None
    decimals: int | None = None


class Edition(Entry):
    """An edition: from when, and its scales.

    An index up to ``incomplete_not_published_up_to`` of fewer than six pollutants is not published.
    """

    id: str
    since: date = Field(alias="from")
    incomplete_not_published_up_to: int
    daily: Mapping[str, Scale]
    hourly: Mapping[str, Scale]

    def scales(self, report: Report) -> Mapping[str, Scale]:
        """The scales of a report."""
        return self.daily if report == "daily" else self.hourly


class Tables(Entry):
    """All editions with what they share."""

    iaqi: tuple[int, ...]
    level: tuple[Level, ...]
    edition: tuple[Edition, ...]


@dataclass(frozen=True, slots=True)
class SubIndex:
    """A pollutant's part: its concentration as judged, and its sub-index; None where the scale ends."""

    pollutant: str
    concentration: float
    iaqi: int | None


@dataclass(frozen=True, slots=True)
class AirQuality:
    """The air quality of a day or an hour.

    ``primary`` are the pollutants of the greatest sub-index where that is above 50, ``exceeding`` those above 100,
    ``missing`` the pollutants without a value that can be used. ``index`` and ``level`` are None when none has one;
    ``published`` is the index where the edition lets it be published: not where a concentration lies beyond its scale.
    """

    report: Report
    edition: str
    index: int | None
    level: Level | None
    published: int | None
    sub_indices: tuple[SubIndex, ...]
    primary: tuple[str, ...]
    exceeding: tuple[str, ...]
    missing: tuple[str, ...]


@functools.cache
def tables() -> Tables:
    """The shipped editions, levels and colours."""
    return read_table(Path(__file__).with_suffix(".toml"), Tables)


def edition_at(day: date) -> Edition:
    """The edition in force on a day of Beijing."""
    known = [edition for edition in tables().edition if edition.since <= day]
    if not known:
        raise BadRequest(f"no edition of HJ 633 was in force on {day}", where="day", remedy="ask for a later day")
    return max(known, key=lambda edition: edition.since)


def sub_index(value: float, scale: Scale) -> int | None:
    """The sub-index of a concentration: between its limits in proportion, up to the next integer."""
    given = _rounded(value, scale.decimals)
    steps = tables().iaqi
    for place in range(1, len(scale.limits)):
        low, high = scale.limits[place - 1], scale.limits[place]
        if given <= high:
            share = Fraction(given - low) / Fraction(high - low)
            return math.ceil(steps[place - 1] + share * (steps[place] - steps[place - 1]))
    return scale.above


def air_quality(concentrations: Mapping[str, float | None], day: date, report: Report) -> AirQuality:
    """The index of concentrations by pollutant, in ug/m3 (CO: mg/m3), each the mean its scale asks for.

    A value that is missing, no number or negative counts as missing; BadRequest for a pollutant that is not one of six.
    """
    unknown = sorted(set(concentrations) - set(POLLUTANTS))
    if unknown:
        raise BadRequest(
            f"{unknown[0][:20]!r} is no pollutant of HJ 633", where="pollutant", remedy=", ".join(POLLUTANTS)
        )
    edition = edition_at(day)
    scales = edition.scales(report)
    parts: list[SubIndex] = []
    missing: list[str] = []
    for pollutant in POLLUTANTS:
        value = concentrations.get(pollutant)
        if value is None or not math.isfinite(value) or value < 0:
            missing.append(pollutant)
            continue
        scale = scales[pollutant]
        parts.append(SubIndex(pollutant, float(_rounded(value, scale.decimals)), sub_index(value, scale)))
    return _summed(edition, report, parts, tuple(missing))


def level_of(index: int) -> Level:
    """The level of an index."""
    return next((level for level in tables().level if index <= level.most), tables().level[-1])


def _summed(edition: Edition, report: Report, parts: list[SubIndex], missing: tuple[str, ...]) -> AirQuality:
    judged = {part.pollutant: part.iaqi for part in parts if part.iaqi is not None}
    index = max(judged.values(), default=None)
    beyond = any(part.iaqi is None for part in parts)
    hidden = index is None or beyond or (bool(missing) and index <= edition.incomplete_not_published_up_to)
    return AirQuality(
        report=report,
        edition=edition.id,
        index=index,
        level=None if index is None else level_of(index),
        published=None if hidden else index,
        sub_indices=tuple(parts),
        primary=tuple(name for name, one in judged.items() if one == index and one > _PRIMARY_ABOVE),
        exceeding=tuple(name for name, one in judged.items() if one > _EXCEEDING_ABOVE),
        missing=missing,
    )


def _rounded(value: float, decimals: int | None) -> Decimal:
    given = Decimal(str(value))
    return given if decimals is None else given.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
