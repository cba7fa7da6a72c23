"""Moments as tables write them: with a zone, or in the zone that was said for the table."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from cim.errors import BadRequest

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_PLAIN = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[ T]*(\d{1,2})[:时](?:(\d{1,2})(?:[:分](\d{1,2}(?:\.\d+)?)秒?|分)?)?"
)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(\d{3})?")
_ZONES = {"utc": UTC, "z": UTC, "gmt": UTC, "beijing": ZoneInfo("Asia/Shanghai"), "北京时间": ZoneInfo("Asia/Shanghai")}


def zone_named(text: str | None) -> tzinfo | None:
    """A zone by name or offset: Asia/Shanghai, +08:00, 北京时间, UTC; BadRequest where there is none."""
    if text is None:
        return None
    plain = text.strip()
    if plain.casefold() in _ZONES:
        return _ZONES[plain.casefold()]
    offset = _OFFSET.fullmatch(plain)
    if offset and int(offset[2]) < 15 and int(offset[3]) < 60:
        length = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(length if offset[1] == "+" else -length)
    try:
        return ZoneInfo(plain)
    except (ValueError, OSError, KeyError):
        raise BadRequest(
            f"{text[:40]!r} is no time zone", where="--timezone", remedy="write +08:00 or Asia/Shanghai"
        ) from None


def zone_of_column(column: str) -> tzinfo | None:
    """The zone that a column's name tells, such as ``date.utc`` or ``时间(北京时间)``."""
    plain = column.casefold()
    if "北京" in plain:
        return _ZONES["北京时间"]
    return UTC if re.search(r"(^|[^a-z])utc($|[^a-z])", plain) else None


def moment_of(text: str, zone: tzinfo | None) -> datetime:
    """A moment with its zone; ValueError says what is wrong, in words for the row's reason."""
    plain = text.strip()
    at = _read(plain)
    if at is None:
        raise ValueError(f"{plain[:40]!r} is no moment; write 2026-01-31T08:00:00+08:00")
    if at.tzinfo is not None:
        return at
    if zone is None:
        raise ValueError(f"the time {plain[:40]} has no zone; give --timezone +08:00")
    return at.replace(tzinfo=zone)


def _read(text: str) -> datetime | None:
    try:
        if len(text) > 10 and not text.isdecimal():
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    match = _PLAIN.fullmatch(text) or _DIGITS.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (float(part or 0) for part in match.groups()[:6])
    try:
        whole = datetime.combine(date(int(year), int(month), int(day)), time(int(hour), int(minute)))
    except ValueError:
        return None
    return whole + timedelta(seconds=second) if second < 60 else None
