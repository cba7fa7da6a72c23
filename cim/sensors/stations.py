"""What every station protocol shares: where readings go, who may send them, and what is said of what is refused."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cim.errors import FrameRefused
from cim.model.sensing import StationReading

MOST_AHEAD = timedelta(hours=1)
"""Readings further in the future are refused: a station whose clock is wrong would hide all later values."""


class StationIntake(Protocol):
    """Keeps readings of stations.

    ``keep`` returns when the readings are committed: for each, in their order, None or why it was refused. It raises a
    StoreError when nothing could be kept; the frame is then not acknowledged and the station sends it again.
    """

    async def keep(self, readings: Sequence[StationReading]) -> Sequence[str | None]:
        """Keep readings; None or a refusal for each."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was not taken, for the operator.

    ``source`` is the peer's address, ``subject`` the station and what of it (``MN a34004``), ``code`` the stable word
    of FrameRefused, ``frame`` the frame without its password, shortened.
    """

    protocol: str
    source: str
    subject: str
    code: str
    message: str
    frame: str = ""


@dataclass(slots=True)
class Counters:
    """What a listener did since it started, ``refused`` by code; ``open`` connections there are now."""

    connections: int = 0
    open: int = 0
    bytes: int = 0
    frames: int = 0
    readings: int = 0
    repeated: int = 0
    tests: int = 0
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StationPasswords:
    """Passwords of stations: one of its own, or the one of all; a station without either is refused.

    ``check=False`` takes every password, for networks in which the address alone decides.
    """

    by_station: Mapping[str, str] = field(default_factory=dict, repr=False)
    of_all: str | None = field(default=None, repr=False)
    check: bool = True

    def in_capitals(self) -> "StationPasswords":
        """The same for a protocol whose passwords are hex digits."""
        own = {station: password.upper() for station, password in self.by_station.items()}
        return StationPasswords(own, None if self.of_all is None else self.of_all.upper(), self.check)

    def demand(self, station: str, given: str) -> None:
        """Refuse a wrong password; the text says neither the given nor the right one."""
        if not self.check:
            return
        right = self.by_station.get(station, self.of_all)
        if right is None:
            raise FrameRefused(
                "password", "no password is set for this station", where=station, remedy="set one in the server"
            )
        if not hmac.compare_digest(right.encode(), given.encode("utf-8", "surrogateescape")):
            raise FrameRefused(
                "password", "the password is wrong", where=station, remedy="correct it at the station or in the server"
            )


def demand_not_ahead(at: datetime, now: datetime | None, where: str) -> None:
    """Refuse a moment further in the future than a wrong clock's hour; without ``now`` any moment will do."""
    if now is not None and at - now > MOST_AHEAD:
        raise FrameRefused(
            "time-ahead",
            f"the time {at.isoformat()} lies in the future",
            where=where,
            remedy="set the station's clock (Beijing time)",
        )
