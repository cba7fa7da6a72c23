"""Stations that speak HJ 212."""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from datetime import datetime

from cim.errors import FrameRefused
from cim.sensors.hj212.frames import Fault, FrameReader, encode
from cim.sensors.hj212.parts import PartsJoiner
from cim.sensors.hj212.readings import SCHEME, ReadingRules, Values, command_of, data_time, read_values
from cim.sensors.hj212.redaction import shown
from cim.sensors.hj212.segment import Message, read_segment
from cim.sensors.hj212.writing import answer_to
from cim.sensors.stations import Refusal, StationIntake, StationPasswords
from web.stations.desk import Desk, Limits, logged, utc_now
from web.stations.listening import StationListener

REMEMBERED = 50_000
"""So many kept segments are known again when a station sends them once more."""


class KeptSegments:
    """Digests of the newest segments that were kept whole; the same one again adds nothing."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, segment: bytes) -> bool:
        return _digest(segment) in self._digests

    def add(self, segment: bytes) -> None:
        """Remember a segment."""
        self._digests[_digest(segment)] = None
        while len(self._digests) > self._most:
            self._digests.popitem(last=False)


def _digest(segment: bytes) -> bytes:
    return hashlib.blake2b(segment, digest_size=16).digest()


class Hj212Listener(StationListener):
    """Listens for stations of HJ 212, editions 2017 and 2025.

    A frame is acknowledged (9014, notices 9013) where its Flag asks for it, after its readings are committed; a frame
    that is refused is not, since a centre has no negative answer in this standard, and the station sends it again.
    """

    def __init__(
        self,
        host: str,
        port: int,
        intake: StationIntake,
        passwords: StationPasswords,
        *,
        rules: ReadingRules | None = None,
        refused: Callable[[Refusal], None] = logged,
        now: Callable[[], datetime | None] = utc_now,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(host, port, Desk(SCHEME, intake, passwords, refused, now, limits or Limits()))
        self._rules = rules or ReadingRules()
        self._kept = KeptSegments()

    def conversation(self, source: str) -> "Hj212Conversation":
        """The conversation of a new connection."""
        return Hj212Conversation(self.desk, self._rules, self._kept, source)


class Hj212Conversation:
    """One connection of a station, or of a logger that passes several on."""

    def __init__(self, desk: Desk, rules: ReadingRules, kept: KeptSegments, source: str) -> None:
        self.good = self.bad = 0
        self._desk, self._rules, self._kept, self._source = desk, rules, kept, source
        self._reader, self._parts = FrameReader(), PartsJoiner()

    async def answers(self, received: bytes) -> AsyncGenerator[bytes, None]:
        """Take bytes; give the acknowledgements, each after what it acknowledges is kept."""
        for found in self._reader.feed(received):
            self._desk.demand_sense(self.bad)
            self._desk.counters.frames += 1
            if isinstance(found, Fault):
                self.bad += 1
                self._desk.refuse(found.refused(), self._source, "", found.frame)
                continue
            answer = await self._answer(found)
            if answer is not None:
                yield encode(answer)

    def ended(self) -> None:
        """Tell of parts whose message never became whole."""
        self._tell_lost(at_end=True)

    async def _answer(self, segment: bytes) -> bytes | None:
        subject, before = "", self.good
        try:
            message = read_segment(segment)
            subject = message.mn
            self._desk.passwords.demand(message.mn, message.password)
            command = command_of(message)
            self.good, self.bad = self.good + 1, 0
            taken = command.kind != "values" or await self._values(segment, message)
            return answer_to(message) if taken else None
        except FrameRefused as error:
            self.bad += self.good == before
            self._desk.refuse(error, self._source, subject, shown(segment))
            return None

    async def _values(self, segment: bytes, message: Message) -> bool:
        """Whether the readings of a message are kept, now or before."""
        if segment in self._kept:
            self._desk.counters.repeated += 1
            return True
        messages = self._parts.joined(message)
        self._tell_lost()
        if messages is None:
            return True
        values = [self._read(one) for one in messages]
        readings = [reading for one in values for reading in one.readings]
        refused = [error for one in values for error in one.refused]
        for error in refused:
            self._desk.refuse(error, self._source, message.mn, shown(segment))
        if not readings:
            return not refused
        kept = await self._desk.keep(readings, self._source, lambda: shown(segment))
        if kept == len(readings) and not refused:
            self._kept.add(segment)
        return kept > 0

    def _read(self, message: Message) -> Values:
        now = self._desk.now()
        at = data_time(message, now)
        if at is None:
            raise FrameRefused("no-datatime", "DataTime is missing", where="DataTime")
        return read_values(message.groups, message, at, self._rules, now)

    def _tell_lost(self, *, at_end: bool = False) -> None:
        for part in self._parts.lost(at_end=at_end):
            self._desk.refuse(
                FrameRefused("parts", f"part {part.part} of a message whose other parts did not come", where=part.qn),
                self._source,
                part.mn,
            )
