"""Classes and colours of indicators that have official ones: air after HJ 633, surface water after GB 3838."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cim.errors import BadRequest
from cim.model.units import conversion, normal_unit
from cim.sensors.air_quality import edition_at
from cim.sensors.air_quality import tables as air_tables
from cim.sensors.water_quality import Indicator, standard

AIR = {
    "so2": "SO2",
    "no2": "NO2",
    "co": "CO",
    "o3": "O3",
    "pm10": "PM10",
    "pm25": "PM2.5",
    "pm2.5": "PM2.5",
    "a21026": "SO2",
    "a21004": "NO2",
    "a21005": "CO",
    "a05024": "O3",
    "a34002": "PM10",
    "a34004": "PM2.5",
}
"""Pollutants of HJ 633 by the codes they come under."""
WATER_COLOURS = ("#0070ff", "#0070ff", "#00b050", "#ffff00", "#ff7e00", "#ff0000")
"""Classes I and II blue, III green, IV yellow, V orange, worse red: 环办〔2011〕22号."""
_WATER_ENGLISH = ("Class I", "Class II", "Class III", "Class IV", "Class V", "worse than V")


@dataclass(frozen=True, slots=True)
class IndicatorClass:
    """A class with the values that belong to it, in the unit asked for; the first that holds a value is its class."""

    zh: str
    en: str
    colour: str
    least: float | None = None
    most: float | None = None


def classes_of(code: str | None, unit: str, day: date) -> tuple[IndicatorClass, ...]:
    """The classes of an indicator on a day, the best first; none where there are no official ones for it or its unit.

    Air is judged by the limits of hourly reports.
    """
    name = (code or "").rpartition(":")[2].lower()
    if name == "aqi":
        return _levels([float(level.most) for level in air_tables().level])
    if name in AIR:
        return _of_air(AIR[name], unit, day)
    known = {each: one for one in standard().indicator for each in (one.code, *one.hj212)}
    same = name in known and _same_unit(unit, known[name].unit)
    return _of_water(known[name]) if same else ()


def _same_unit(unit: str, wanted: str) -> bool:
    return normal_unit(unit) == normal_unit(wanted) or (wanted == "1" and normal_unit(unit) in ("", "-", "ph"))


def _of_air(pollutant: str, unit: str, day: date) -> tuple[IndicatorClass, ...]:
    limits = edition_at(day).scales("hourly")[pollutant].limits[1:]
    try:
        told = conversion("mg/m3" if pollutant == "CO" else "ug/m3", unit)
    except BadRequest:
        return ()
    return _levels([told(float(limit)) for limit in limits])


def _levels(limits: Sequence[float]) -> tuple[IndicatorClass, ...]:
    """Levels up to each limit; the last of them is open."""
    levels = air_tables().level[: len(limits)]
    last = len(levels) - 1
    return tuple(
        IndicatorClass(one.zh, one.en, f"#{bytes(one.rgb).hex()}", most=None if place == last else limits[place])
        for place, one in enumerate(levels)
    )


def _of_water(indicator: Indicator) -> tuple[IndicatorClass, ...]:
    """Classes with a limit of their own: where two share one, a value is of the better."""
    names = standard().names
    if indicator.within is not None:
        low, high = indicator.within
        within = IndicatorClass(f"{low:g}–{high:g}", f"{low:g}–{high:g}", WATER_COLOURS[0], low, high)
        return (within, IndicatorClass(names[-1], _WATER_ENGLISH[-1], WATER_COLOURS[-1]))
    found = []
    for place, limit in enumerate(indicator.limits):
        if place and limit == indicator.limits[place - 1]:
            continue
        bounds = {"least": limit} if indicator.at_least else {"most": limit}
        found.append(IndicatorClass(names[place], _WATER_ENGLISH[place], WATER_COLOURS[place], **bounds))
    return (*found, IndicatorClass(names[-1], _WATER_ENGLISH[-1], WATER_COLOURS[-1]))
