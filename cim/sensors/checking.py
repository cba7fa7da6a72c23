"""What a reading must be like to be kept at all, whoever sends it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cim.model.sensing import Reading

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=1)
"""How far a moment may lie after now; a clock that is wrong by more is better set than believed."""
UNSET_CLOCK_UNTIL = datetime(1970, 1, 3, tzinfo=UTC)
UNSET_CLOCK_FROM = datetime(1969, 12, 31, tzinfo=UTC)
GREATEST, LEAST = 1e100, 1e-100
"""Squares of results are summed, and must be numbers as well."""
MOST_TEXT = 4_000


def refusals(readings: Sequence[Reading], now: datetime | None = None) -> dict[int, str]:
    """Why readings cannot be kept, by their place; what is in order is not in the answer."""
    latest = (now or datetime.now(UTC)) + AHEAD
    faults = ((place, _fault(one, latest)) for place, one in enumerate(readings))
    return {place: fault for place, fault in faults if fault}


def _fault(reading: Reading, latest: datetime) -> str:
    for at in (reading.at, reading.until, reading.result_at):
        fault = fault_of_moment(at, latest) if at is not None else ""
        if fault:
            return fault
    if reading.until is not None and reading.until < reading.at:
        return f"the time ends at {reading.until.isoformat()}, before it begins"
    return fault_of_result(reading.result)


def fault_of_moment(at: datetime, latest: datetime) -> str:
    """Why a moment cannot be that of an observation, empty where it can; ``latest`` is the last that may be."""
    if at.tzinfo is None:
        return f"the time {at.isoformat()} has no zone; write Z or an offset such as +08:00"
    if at > latest:
        return f"the time {at.isoformat()} is more than an hour ahead; set the clock of the device"
    if at < EARLIEST:
        return f"the time {at.isoformat()} lies before {EARLIEST.year}"
    if UNSET_CLOCK_FROM < at < UNSET_CLOCK_UNTIL:
        return f"the time {at.isoformat()} is that of a clock that was never set"
    return ""


def fault_of_result(result: object) -> str:
    """Why something cannot be a result; nothing where it can."""
    if isinstance(result, float) and not math.isfinite(result):
        return "the result is no finite number"
    if isinstance(result, int | float) and not isinstance(result, bool):
        return _fault_of_number(result)
    if isinstance(result, str) and len(result) > MOST_TEXT:
        return f"the text of the result has {len(result)} characters; at most {MOST_TEXT} are kept"
    return ""


def _fault_of_number(number: float) -> str:
    if abs(number) > GREATEST:
        return f"no quantity is as great as {number:.3g}"
    if 0 < abs(number) < LEAST:
        return f"no quantity is as small as {number:.3g}; send 0"
    return ""
