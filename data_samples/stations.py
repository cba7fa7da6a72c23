"""The sample county's stations as they would speak: HJ 212 and SL 651 over TCP, with values that follow the day."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cim.sensors.hj212.codes import factors
from cim.sensors.hj212.frames import Fault, FrameReader, encode
from cim.sensors.hj212.segment import read_segment
from cim.sensors.hj212.writing import upload, written
from cim.sensors.sl651.codes import elements
from cim.sensors.sl651.writing import report
from data_samples.sensors import AIR, POLLUTION, WATER
from data_samples.station_courses import (
    AIR_COURSES,
    GAS_COURSES,
    HYDROLOGY_COURSES,
    SEWAGE_COURSES,
    WATER_COURSES,
    Course,
    value_of,
)

PASSWORD, WATER_PASSWORD = "123456", "A000"
ANSWER_S = 10.0
REPEATS = 3
HYDROLOGY = 8
AIR_MN = [f"510182AQ{k:016d}" for k in range(1, AIR + 1)]
SENT_UNITS = {(mn, code): "ug/m3" for mn in AIR_MN for code in ("a34004", "a34002", "a21026", "a21004", "a05024")}
"""The air stations here send micrograms, as such stations do; the listener is told so (ReadingRules.sent_units)."""


@dataclass(frozen=True, slots=True)
class Hj212Station:
    """A station of HJ 212: its MN, system code and the courses of its factors; ``version`` 1 is 2017, 2 is 2025."""

    mn: str
    st: str
    courses: Mapping[str, Course]
    version: int = 1
    password: str = field(default=PASSWORD, repr=False)

    def frame(self, at: datetime, *, cn: str = "2011") -> bytes:
        """The frame of a moment: real-time values (2011), or the means of the hour that begins then (2061)."""
        shown = {code: self._shown(code, at) for code in self.courses}
        values = {
            code: {"Rtd": text, "Flag": "N"} if cn == "2011" else {"Min": text, "Avg": text, "Max": text, "Flag": "N"}
            for code, text in shown.items()
        }
        message = upload(self.mn, cn, at, values, sent_at=at, st=self.st, password=self.password, version=self.version)
        return encode(written(message))

    def _shown(self, code: str, at: datetime) -> str:
        value = max(0.0, value_of(self.mn, code, self.courses[code], at))
        return f"{value:.{2 if factors()[code].unit in ('mg/L', 'mg/m3', '1') else 1}f}"

    def heard(self, received: bytes) -> bool:
        """Whether bytes of the centre are its answer."""
        answers = [found for found in FrameReader().feed(received) if not isinstance(found, Fault)]
        return any(read_segment(answer).cn == "9014" for answer in answers)


@dataclass(frozen=True, slots=True)
class Sl651Station:
    """A station of SL 651: its address of ten digits and the courses of its elements."""

    address: str
    courses: Mapping[str, Course]
    as_text: bool = False
    password: str = field(default=WATER_PASSWORD, repr=False)

    def frame(self, at: datetime) -> bytes:
        """The timed report (32H) of a moment."""
        values = [
            (code, round(max(0.0, value_of(self.address, code, course, at)), elements()[code].decimals))
            for code, course in self.courses.items()
        ]
        serial = int(at.timestamp() // 60) % 65_535 + 1
        return report(self.address, self.password, 0x32, serial, at, at, values, as_text=self.as_text)

    def heard(self, received: bytes) -> bool:
        """Whether bytes of the centre are its confirmation (ESC or EOT before the CRC)."""
        end = len(received) - (5 if self.as_text else 3)
        return end > 0 and received[end] in (0x1B, 0x04)


Station = Hj212Station | Sl651Station


def county_stations() -> list[Hj212Station]:
    """The stations of HJ 212 that the sample layers name: air, water, and outlets of both kinds."""
    air = [Hj212Station(mn, "22", AIR_COURSES, version=1 + k % 2) for k, mn in enumerate(AIR_MN, 1)]
    water = [Hj212Station(f"510182WQ{k:016d}", "21", WATER_COURSES, version=2) for k in range(1, WATER + 1)]
    outlets = [
        Hj212Station(
            f"510182PS{k:016d}",
            "32" if k % 5 == 0 else "31",
            SEWAGE_COURSES if k % 5 == 0 else GAS_COURSES,
        )
        for k in range(1, POLLUTION + 1)
    ]
    return [*air, *water, *outlets]


def county_gauges() -> list[Sl651Station]:
    """River gauges of SL 651, some in the ASCII form."""
    return [Sl651Station(f"00601{k:05d}", HYDROLOGY_COURSES, as_text=k % 4 == 0) for k in range(1, HYDROLOGY + 1)]


async def speak(station: Station, host: str, port: int, moments: Sequence[datetime]) -> int:
    """Send the frames of some moments over one connection, each up to three times; how many were acknowledged."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        return sum([await _sent(station.frame(at), station, reader, writer) for at in moments])
    finally:
        writer.close()
        await writer.wait_closed()


async def _sent(frame: bytes, station: Station, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    for _ in range(REPEATS):
        writer.write(frame)
        await writer.drain()
        try:
            async with asyncio.timeout(ANSWER_S):
                received = await reader.read(4096)
        except TimeoutError:
            continue
        if not received:
            return False
        if station.heard(received):
            return True
    return False


async def keep_speaking(
    stations: Sequence[Station],
    host: str,
    port: int,
    *,
    every: timedelta,
    now: Callable[[], datetime],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Let stations report until cancelled, spread over each interval; one that fails to connect tries again later."""

    async def one(place: int, station: Station) -> None:
        await pause(every.total_seconds() * place / len(stations))
        while True:
            with contextlib.suppress(OSError):
                await speak(station, host, port, [now()])
            await pause(every.total_seconds())

    async with asyncio.TaskGroup() as group:
        for place, station in enumerate(stations):
            group.create_task(one(place, station))
