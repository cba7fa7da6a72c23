"""What a report of SL 651 holds once read, whichever form it came in."""

from dataclasses import dataclass
from datetime import datetime

from cim.errors import FrameRefused
from cim.model.sensing import BEIJING

CENTURY = 2000


@dataclass(frozen=True, slots=True)
class Observed:
    """Values of one element from ``at`` on, ``step_min`` apart; None where there is none."""

    element: str
    at: datetime
    values: tuple[float | None, ...]
    station: str
    step_min: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its serial number, when it was sent, what was observed, and what of it could not be read."""

    serial: int
    sent_at: datetime
    observed: tuple[Observed, ...] = ()
    refused: tuple[FrameRefused, ...] = ()


def moment(digits: str, where: str) -> datetime:
    """A time YYMMDDHHmm or YYMMDDHHmmSS of Beijing."""
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (10, 12):
        raise FrameRefused("time", f"{where} is no time YYMMDDHHmm(SS)", where=where)
    whole = f"{CENTURY // 100}{digits}" if len(digits) == 12 else f"{CENTURY // 100}{digits}00"
    try:
        return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError as error:
        raise FrameRefused("time", f"{where} is no time that exists", where=where) from error


def step_minutes(days: int, hours: int, minutes: int) -> int:
    """A time step in minutes; 0 is the mark of an hour's twelve groups."""
    return days * 1440 + hours * 60 + minutes


def grouped(raw: bytes, group_bytes: int, decimals: int) -> tuple[float | None, ...]:
    """An hour's values of ``group_bytes`` each; all ones mean no value."""
    missing = (1 << 8 * group_bytes) - 1
    numbers = [
        int.from_bytes(raw[place : place + group_bytes]) for place in range(0, len(raw) - group_bytes + 1, group_bytes)
    ]
    scale: int = 10**decimals
    return tuple(None if number == missing else number / scale for number in numbers)
