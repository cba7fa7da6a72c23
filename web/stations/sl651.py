"""Stations that speak SL 651."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime

from cim.errors import FrameRefused
from cim.sensors.sl651.codes import function_of
from cim.sensors.sl651.frames import Frame
from cim.sensors.sl651.packets import PacketJoiner
from cim.sensors.sl651.readings import SCHEME, read_report, readings_of
from cim.sensors.sl651.report import Report
from cim.sensors.sl651.stream import Fault, FrameReader
from cim.sensors.sl651.writing import asked_again, confirmation
from cim.sensors.stations import Refusal, StationIntake, StationPasswords
from web.stations.desk import Desk, Limits, logged, utc_now
from web.stations.listening import StationListener


class Sl651Listener(StationListener):
    """Listens for stations of SL 651 in its HEX/BCD and ASCII form, modes M1, M2 and M3.

    A report is confirmed after its readings are committed (``confirm`` off: mode M1, never); ``stay`` asks stations to
    remain connected. A bad frame is not answered (6.3.1.2 b); a missing packet of M3 is asked for again (NAK). The
    report of a relay may hold values of other stations whose password is the same.
    """

    def __init__(
        self,
        host: str,
        port: int,
        intake: StationIntake,
        passwords: StationPasswords,
        *,
        confirm: bool = True,
        stay: bool = True,
        refused: Callable[[Refusal], None] = logged,
        now: Callable[[], datetime | None] = utc_now,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(host, port, Desk(SCHEME, intake, passwords.in_capitals(), refused, now, limits or Limits()))
        self._confirm, self._stay = confirm, stay

    def conversation(self, source: str) -> "Sl651Conversation":
        """The conversation of a new connection."""
        return Sl651Conversation(self.desk, source, confirm=self._confirm, stay=self._stay)


class Sl651Conversation:
    """One connection of a station, or of a relay that passes several on."""

    def __init__(self, desk: Desk, source: str, *, confirm: bool, stay: bool) -> None:
        self.good = self.bad = 0
        self._desk, self._source, self._confirm, self._stay = desk, source, confirm, stay
        self._reader, self._packets = FrameReader(), PacketJoiner()

    async def answers(self, received: bytes) -> AsyncGenerator[bytes, None]:
        """Take bytes; give the confirmations, each after what it confirms is kept."""
        for found in self._reader.feed(received):
            self._desk.demand_sense(self.bad)
            self._desk.counters.frames += 1
            if isinstance(found, Fault):
                self.bad += 1
                self._desk.refuse(found.refused(), self._source, "")
                continue
            for answer in await self._heard(found):
                if self._confirm:
                    yield answer

    def ended(self) -> None:
        """Nothing is left to tell: what was not confirmed the station sends again."""

    async def _heard(self, frame: Frame) -> list[bytes]:
        shown = f"function {frame.function:02X}, {len(frame.body)} bytes of text"
        before = self.good
        try:
            self._desk.passwords.demand(frame.station, frame.password)
            function_of(frame.function)
            self.good, self.bad = self.good + 1, 0
            joined = self._packets.joined(frame)
            if joined.missing is not None:
                return [asked_again(frame, joined.missing, 0, self._sending_time())]
            return await self._taken(joined.whole, shown) if joined.whole else []
        except FrameRefused as error:
            self.bad += self.good == before
            self._desk.refuse(error, self._source, frame.station, shown)
            return []

    async def _taken(self, frame: Frame, shown: str) -> list[bytes]:
        """The confirmation of a whole report once its readings are kept."""
        kind = function_of(frame.function).kind
        if kind == "reply":
            return []
        report = read_report(frame)
        if kind == "link":
            return []
        if kind == "test":
            self._desk.counters.tests += 1
        elif not await self._kept(report, frame, shown):
            return []
        return [confirmation(frame, report.serial, self._sending_time(), stay=self._stay)]

    async def _kept(self, report: Report, frame: Frame, shown: str) -> bool:
        for error in report.refused:
            self._desk.refuse(error, self._source, frame.station, shown)
        for station in {observed.station for observed in report.observed} - {frame.station}:
            self._desk.passwords.demand(station, frame.password)
        readings = readings_of(report, self._desk.now())
        if not readings:
            return not report.refused
        return await self._desk.keep(readings, self._source, lambda: shown) > 0

    def _sending_time(self) -> datetime:
        return self._desk.now() or datetime.now(UTC)
