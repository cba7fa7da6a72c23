"""From a message of HJ 212 to readings of its station."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cim.errors import BadRequest, FrameRefused
from cim.model.sensing import Quality, StationReading
from cim.model.units import conversion
from cim.sensors.hj212.codes import AMBIENT_AIR, FOLDER, Command, commands, kept_unit, unit_of
from cim.sensors.hj212.segment import Group, Message, moment
from cim.sensors.stations import demand_not_ahead
from cim.sensors.tables import Entry, read_table

SCHEME = "hj212"
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,10})?([eE][+-]?[0-9]{1,2})?")
_FLAGS = frozenset("NFMSDCTB")
DIGITS = 12
"""Digits that are kept of a converted value; no station sends as many."""


class Suffix(Entry):
    """What a field suffix is the statistic of, and in which spans it may stand."""

    statistic: str
    spans: tuple[str, ...]


class Suffixes(Entry):
    """The field suffixes of the standard; ``silent`` ones carry no value."""

    silent: frozenset[str]
    suffix: Mapping[str, Suffix]


@functools.cache
def suffixes() -> Suffixes:
    """Field suffixes of both editions."""
    return read_table(FOLDER / "statistics.toml", Suffixes)


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """How a county reads its stations.

    ``minute_interval_min`` is the span of "minute values" (CN 2051), which the frames do not say; without it they have
    no end. ``sent_units`` names, by (station or ``*``, factor), the unit a station really sends; such values are turned
    into the unit they are kept in, or refused when that cannot be.
    """

    minute_interval_min: int | None = None
    sent_units: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def in_kept_unit(self, value: float, station: str, factor: str, statistic: str, *, ambient: bool) -> float:
        """A value in the unit it is kept in."""
        sent = self.sent_units.get((station, factor)) or self.sent_units.get(("*", factor))
        if statistic.endswith("-sum"):
            return value
        wanted = kept_unit(factor, statistic, ambient=ambient)
        if wanted is None:
            if sent is None:
                return value
            raise FrameRefused("unit", f"{factor} is in no table, so no unit is prescribed", where=factor)
        try:
            told = conversion(sent or unit_of(factor, statistic) or wanted, wanted)
        except BadRequest as error:
            raise FrameRefused("unit", error.what, where=factor, remedy=error.remedy) from error
        return value if told.is_none else float(f"{told(value):.{DIGITS}g}")


@dataclass(frozen=True, slots=True)
class Values:
    """Readings of a message, and the single values that were refused."""

    readings: tuple[StationReading, ...]
    refused: tuple[FrameRefused, ...] = ()


def command_of(message: Message) -> Command:
    """The command of a message; FrameRefused when it is unknown or not for this side."""
    command = commands().get(message.cn)
    if command is None:
        raise FrameRefused("unknown-cn", f"there is no command {message.cn}", where="CN")
    if command.kind in ("centre", "unsupported"):
        why = "only a centre sends it" if command.kind == "centre" else "it is not taken"
        raise FrameRefused("cn", f"command {message.cn} ({command.en}): {why}", where="CN")
    return command


def data_time(message: Message, now: datetime | None = None) -> datetime | None:
    """The time the values of a message belong to; None when there is none, as in a later part."""
    text = message.plain("DataTime")
    if text is None:
        return None
    at = moment(text, "DataTime", "datatime")
    demand_not_ahead(at, now, "DataTime")
    return at


def read_values(
    groups: Sequence[Group],
    message: Message,
    at: datetime,
    rules: ReadingRules,
    now: datetime | None = None,
) -> Values:
    """The readings of the groups of one or more parts of a message.

    ``at`` is the DataTime: the moment of real-time values, the start of means. A value that is no number or stands in
    the wrong command is refused alone; the others are given.
    """
    command = command_of(message)
    until, ambient = _until(at, command, rules), message.st == AMBIENT_AIR
    readings: list[StationReading] = []
    refused: list[FrameRefused] = []
    for factor, suffix, text, group in _fields(groups):
        try:
            statistic = _statistic(suffix, command, factor)
            value = rules.in_kept_unit(_number(text, factor), message.mn, factor, statistic, ambient=ambient)
            begun = _sampled(group, factor, now) if command.span == "real-time" else None
            readings.append(
                StationReading(
                    scheme=SCHEME,
                    station=message.mn,
                    factor=factor,
                    statistic=statistic,
                    at=begun or at,
                    value=value,
                    until=until,
                    quality=_quality(group, factor),
                    ambient=ambient,
                )
            )
        except FrameRefused as error:
            refused.append(error)
    return Values(tuple(readings), tuple(refused))


def _fields(groups: Sequence[Group]) -> Iterator[tuple[str, str, str, Group]]:
    """Factor, suffix and value of the fields that carry a value."""
    for group in groups:
        for name, text in group.items():
            factor, dash, suffix = name.partition("-")
            if dash and suffix not in suffixes().silent:
                yield factor, suffix, text, group


def _until(at: datetime, command: Command, rules: ReadingRules) -> datetime | None:
    minutes = rules.minute_interval_min if command.span == "minute" else command.span_min
    return at + timedelta(minutes=minutes) if minutes else None


def _statistic(suffix: str, command: Command, factor: str) -> str:
    known = suffixes().suffix.get(suffix)
    if known is None:
        raise FrameRefused("field", f"there is no field {suffix}", where=f"{factor}-{suffix}")
    if command.span not in known.spans:
        raise FrameRefused("field", f"{suffix} does not belong to {command.en}", where=f"{factor}-{suffix}")
    return known.statistic.format(span=command.span)


def _number(text: str, factor: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise FrameRefused("no-number", f"{text[:20]!r} is no number", where=factor)
    return float(text)


def _quality(group: Group, factor: str) -> Quality:
    flag = group.get(f"{factor}-Flag", "N")
    if flag not in _FLAGS or len(flag) != 1:
        raise FrameRefused("data-flag", f"{flag[:8]!r} is no data flag", where=f"{factor}-Flag")
    return Quality(flag)


def _sampled(group: Group, factor: str, now: datetime | None) -> datetime | None:
    """When the sample was taken, where that is said: an analyser repeats the value of one sample."""
    text = group.get(f"{factor}-SampleTime")
    if text is None:
        return None
    at = moment(text, f"{factor}-SampleTime", "sampletime")
    demand_not_ahead(at, now, factor)
    return at
