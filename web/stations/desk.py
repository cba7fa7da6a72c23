"""What the connections of one listener share: where readings go, and who is told of refusals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from cim.errors import CimError, FrameRefused
from cim.model.sensing import StationReading
from cim.sensors.stations import Counters, Refusal, StationIntake, StationPasswords

MOST_NAMED = 5
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a listener.

    A connection ends that brings no good frame within ``first_s``, or none after another within ``idle_s`` (stations
    may report hourly), ``unread_bytes`` of bytes without one, or ``bad_in_row`` bad frames in a row, and one whose peer
    does not take an answer within ``answer_s``.
    """

    connections: int = 2_500
    connections_per_host: int = 2_500
    first_s: float = 120.0
    idle_s: float = 7_500.0
    answer_s: float = 20.0
    unread_bytes: int = 65_536
    bad_in_row: int = 50


def logged(refusal: Refusal) -> None:
    """Write a refusal to the log."""
    _log.warning(
        "a station's frame was refused",
        protocol=refusal.protocol,
        source=refusal.source,
        subject=refusal.subject,
        code=refusal.code,
        reason=refusal.message,
        frame=refusal.frame,
    )


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Desk:
    """Keeps readings and tells of refusals for a listener.

    ``now`` is the clock against which times in the future are refused; None of it takes any time.
    """

    protocol: str
    intake: StationIntake
    passwords: StationPasswords
    refused: Callable[[Refusal], None] = logged
    now: Callable[[], datetime | None] = utc_now
    limits: Limits = field(default_factory=Limits)
    counters: Counters = field(default_factory=Counters)

    def refuse(self, error: FrameRefused, source: str, subject: str, frame: str = "") -> None:
        """Count a refusal and tell of it."""
        refused = self.counters.refused
        refused[error.code] = refused.get(error.code, 0) + 1
        place = f"{subject} {error.where}" if error.where and error.where != subject else subject
        said = f"{error.what} - {error.remedy}" if error.remedy else error.what
        self.refused(Refusal(self.protocol, source, place.strip(), error.code, said, frame))

    async def keep(self, readings: Sequence[StationReading], source: str, shown: Callable[[], str]) -> int:
        """Keep readings; how many were. Their frame, ``shown`` in refusals, may be acknowledged when it is not 0."""
        try:
            reasons = await self.intake.keep(readings)
        except CimError as error:
            station = readings[0].station if readings else ""
            self.refuse(FrameRefused("store", f"nothing could be kept: {error.what}"), source, station, shown())
            return 0
        why: dict[str, list[StationReading]] = {}
        for reading, reason in zip(readings, reasons, strict=True):
            if reason is not None:
                why.setdefault(reason, []).append(reading)
        for reason, left in why.items():
            self.refuse(FrameRefused("not-kept", reason, where=_named(left)), source, left[0].station, shown())
        kept = sum(reason is None for reason in reasons)
        self.counters.readings += kept
        return kept

    def demand_sense(self, bad: int) -> None:
        """End a connection that brings one bad frame after the other."""
        if bad > self.limits.bad_in_row:
            raise FrameRefused("bad-frames", f"{bad} bad frames in a row", remedy="check the station and its line")

    def demand_frames(self, unread: int) -> None:
        """End a connection that brings bytes but no good frame."""
        if unread > self.limits.unread_bytes:
            raise FrameRefused("garbage", f"{unread} bytes without a frame", remedy="check the station's protocol")


def _named(readings: Sequence[StationReading]) -> str:
    """Factors and statistics of readings, the first few of many."""
    names = [f"{reading.factor} {reading.statistic}" for reading in readings]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
