"""The class of surface water after GB 3838-2002: that of its worst indicator; the limits are data beside this file."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field

from cim.errors import BadRequest
from cim.sensors.tables import Entry, read_table

WORSE = 6
"""The class below V (劣Ⅴ类) as a number."""
_TOTAL_NITROGEN, _OXYGEN = "total-nitrogen", "dissolved-oxygen"


class Indicator(Entry):
    """An indicator: its limits for classes I to V, upper ones unless ``at_least``; or the range all classes share.

    ``limits_lake`` are those of lakes and reservoirs where they differ; ``hj212`` are its factor codes.
    """

    code: str
    zh: str
    en: str
    unit: str
    hj212: tuple[str, ...]
    limits: tuple[float, ...] = ()
    limits_lake: tuple[float, ...] = ()
    within: tuple[float, float] | None = None
    at_least: bool = False
    counts: bool = True


class Standard(Entry):
    """The standard with its classes by number, from 1."""

    edition: str
    since: date = Field(alias="from")
    classes: tuple[str, ...]
    names: tuple[str, ...]
    states: tuple[str, ...]
    dissolved_oxygen_saturation_percent: float
    indicator: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True)
class WaterQuality:
    """The class (1 to 5, 6 worse than V) of a water body, None when no indicator could be judged.

    ``determining`` are the indicators of that class, unless it is I; ``by_indicator`` the class of each that counts,
    ``left_out`` the given ones that do not count or have no usable value.
    """

    edition: str
    number: int | None
    name: str | None
    state: str | None
    determining: tuple[str, ...]
    by_indicator: Mapping[str, int]
    left_out: tuple[str, ...]


@functools.cache
def standard() -> Standard:
    """The shipped limits."""
    return read_table(Path(__file__).with_suffix(".toml"), Standard)


def water_quality(
    values: Mapping[str, float | None],
    *,
    lake: bool = False,
    with_total_nitrogen: bool = False,
    oxygen_saturation_percent: float | None = None,
) -> WaterQuality:
    """The class by values of indicators, in their units of the table.

    Water temperature, faecal coliforms and, unless asked for, total nitrogen do not count (环办〔2011〕22号). Oxygen at
    90 % of saturation is class I whatever its concentration. BadRequest for a name that is no indicator.
    """
    known = {indicator.code: indicator for indicator in standard().indicator}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadRequest(
            f"{unknown[0][:30]!r} is no indicator of {standard().edition}",
            where="indicator",
            remedy="use the codes of the table",
        )
    classes: dict[str, int] = {}
    left_out: list[str] = []
    for code, value in values.items():
        counts = known[code].counts or (with_total_nitrogen and code == _TOTAL_NITROGEN)
        if not counts or value is None or not math.isfinite(value) or value < 0:
            left_out.append(code)
        elif code == _OXYGEN and _saturated(oxygen_saturation_percent):
            classes[code] = 1
        else:
            classes[code] = class_of(value, known[code], lake=lake)
    return _summed(classes, tuple(left_out))


def class_of(value: float, indicator: Indicator, *, lake: bool = False) -> int:
    """The class of one indicator's value: the best whose limit it keeps; a range kept is class I, else worse than V."""
    if indicator.within is not None:
        low, high = indicator.within
        return 1 if low <= value <= high else WORSE
    limits = indicator.limits_lake if lake and indicator.limits_lake else indicator.limits
    for number, limit in enumerate(limits, 1):
        if value >= limit if indicator.at_least else value <= limit:
            return number
    return WORSE


def _saturated(percent: float | None) -> bool:
    return percent is not None and percent >= standard().dissolved_oxygen_saturation_percent


def _summed(classes: Mapping[str, int], left_out: tuple[str, ...]) -> WaterQuality:
    worst = max(classes.values(), default=None)
    return WaterQuality(
        edition=standard().edition,
        number=worst,
        name=None if worst is None else standard().names[worst - 1],
        state=None if worst is None else standard().states[worst - 1],
        determining=tuple(code for code, number in classes.items() if number == worst and number > 1),
        by_indicator=dict(classes),
        left_out=left_out,
    )
