"""Stations over real TCP connections: acknowledged after the commit, never before; what is refused and told."""

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from station_sessions import framed, lines, turns

from cim.errors import StoreUnavailable
from cim.model.sensing import BEIJING, StationReading
from cim.sensors.hj212.frames import encode as hj212_frame
from cim.sensors.hj212.readings import ReadingRules
from cim.sensors.sl651.frames import Control, Frame, encode
from cim.sensors.sl651.writing import confirmation, report
from cim.sensors.stations import Refusal, StationPasswords
from data_samples.stations import (
    PASSWORD,
    SENT_UNITS,
    WATER_PASSWORD,
    Hj212Station,
    county_gauges,
    county_stations,
    keep_speaking,
    speak,
)
from web.stations.desk import Limits, logged
from web.stations.hj212 import Hj212Listener, KeptSegments
from web.stations.listening import StationListener
from web.stations.sl651 import Sl651Listener

HOST = "127.0.0.1"
MN = "010000A8900016F000169DC0"
PASSWORDS = StationPasswords(of_all="123456")
NOON = datetime(2026, 8, 13, 12, tzinfo=BEIJING)


def upload(value: str = "40.1", *, qn: str = "20260813115900001", mn: str = MN, password: str = "123456") -> bytes:
    text = (
        f"QN={qn};ST=32;CN=2011;PW={password};MN={mn};Flag=9;"
        f"CP=&&DataTime=20260813115900;w01018-Rtd={value},w01018-Flag=N;w01001-Rtd=7.1,w01001-Flag=N&&"
    )
    return hj212_frame(text.encode())


def heard(qn: str = "20260813115900001", mn: str = MN) -> bytes:
    return hj212_frame(f"QN={qn};ST=91;CN=9014;PW=123456;MN={mn};Flag=8;CP=&&&&".encode())


class FakeIntake:
    """Keeps readings in memory; holds back, refuses or fails as a test asks."""

    def __init__(self) -> None:
        self.kept: list[StationReading] = []
        self.calls = 0
        self.open = asyncio.Event()
        self.open.set()
        self.slow_stations: set[str] = set()
        self.failing = False
        self.reason: Callable[[StationReading], str | None] = lambda _: None

    async def keep(self, readings: Sequence[StationReading]) -> Sequence[str | None]:
        self.calls += 1
        if readings[0].station in self.slow_stations:
            await asyncio.Event().wait()
        await self.open.wait()
        if self.failing:
            raise StoreUnavailable("the database is away")
        reasons = [self.reason(reading) for reading in readings]
        self.kept += [reading for reading, reason in zip(readings, reasons, strict=True) if reason is None]
        return reasons


class Served:
    """A listener with what it kept and refused."""

    def __init__(self) -> None:
        self.intake = FakeIntake()
        self.refusals: list[Refusal] = []

    def codes(self) -> list[str]:
        return [refusal.code for refusal in self.refusals]


class Peer:
    """One client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, told: bytes) -> None:
        self.writer.write(told)
        await self.writer.drain()

    async def hears(self, count: int) -> bytes:
        async with asyncio.timeout(30):
            return await self.reader.readexactly(count)

    async def hears_nothing(self, for_s: float = 0.15) -> bool:
        """Whether the connection stays, and silent."""
        try:
            async with asyncio.timeout(for_s):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    async def ends(self) -> bool:
        async with asyncio.timeout(30):
            return await self.reader.read(1) == b""


@contextlib.asynccontextmanager
async def connected(listener: StationListener) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection(HOST, listener.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def hj212(
    served: Served,
    limits: Limits | None = None,
    passwords: StationPasswords = PASSWORDS,
    rules: ReadingRules | None = None,
    now: datetime | None = NOON,
) -> AsyncIterator[Hj212Listener]:
    listener = Hj212Listener(
        HOST,
        0,
        served.intake,
        passwords,
        rules=rules,
        refused=served.refusals.append,
        now=lambda: now,
        limits=limits,
    )
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


@contextlib.asynccontextmanager
async def sl651(
    served: Served, password: str, now: datetime | None = None, *, confirm: bool = True
) -> AsyncIterator[Sl651Listener]:
    listener = Sl651Listener(
        HOST,
        0,
        served.intake,
        StationPasswords(of_all=password),
        confirm=confirm,
        refused=served.refusals.append,
        now=lambda: now,
    )
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("name", ["hj212-2017", "hj212-2025"])
async def test_a_recorded_session_is_answered_as_printed(name: str) -> None:
    served = Served()
    async with hj212(served) as listener, connected(listener) as peer:
        for frame, answer in turns(name):
            assert answer is not None
            await peer.say(frame)
            assert await peer.hears(len(answer)) == answer
    assert served.refusals == []
    assert len(served.intake.kept) == listener.desk.counters.readings > 0


async def test_a_session_byte_by_byte_gives_the_same_answers() -> None:
    served = Served()
    frames = turns("hj212-2017")
    async with hj212(served) as listener, connected(listener) as peer:
        for byte in b"".join(frame for frame, _ in frames[:3]):
            await peer.say(bytes([byte]))
        expected = b"".join(answer or b"" for _, answer in frames[:3])
        assert await peer.hears(len(expected)) == expected


async def test_the_acknowledgement_waits_for_the_commit() -> None:
    served = Served()
    served.intake.open.clear()
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload())
        await until(lambda: served.intake.calls == 1)
        assert await peer.hears_nothing()
        served.intake.open.set()
        assert await peer.hears(len(heard())) == heard()
        assert len(served.intake.kept) == 2


async def test_the_same_frame_again_is_acknowledged_and_adds_nothing() -> None:
    served = Served()
    async with hj212(served) as listener:
        for _ in range(3):
            async with connected(listener) as peer:
                await peer.say(upload())
                assert await peer.hears(len(heard())) == heard()
    assert served.intake.calls == 1
    assert len(served.intake.kept) == 2
    assert listener.desk.counters.repeated == 2


async def test_another_value_under_the_same_number_is_kept() -> None:
    served = Served()
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload() + upload("41.0"))
        assert await peer.hears(2 * len(heard())) == heard() * 2
    assert served.intake.calls == 2


async def test_nothing_is_acknowledged_while_the_store_fails() -> None:
    served = Served()
    served.intake.failing = True
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload())
        assert await peer.hears_nothing()
        assert served.codes() == ["store"]
        served.intake.failing = False
        await peer.say(upload())
        assert await peer.hears(len(heard())) == heard()
    assert len(served.intake.kept) == 2


async def test_a_frame_of_which_nothing_was_kept_is_not_acknowledged() -> None:
    served = Served()
    served.intake.reason = lambda reading: f"no datastream for {reading.factor}"
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload())
        assert await peer.hears_nothing()
    assert served.codes() == ["not-kept", "not-kept"]
    assert served.refusals[0].subject == f"{MN} w01018 real-time"


async def test_values_refused_for_the_same_reason_are_told_together() -> None:
    served = Served()
    served.intake.reason = lambda _: "the station is not registered"
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload())
        assert await peer.hears_nothing(0.05)
    (refusal,) = served.refusals
    assert refusal.subject == f"{MN} w01018 real-time, w01001 real-time"
    assert refusal.message == "the station is not registered"


async def test_a_frame_kept_in_part_is_acknowledged_and_the_rest_told() -> None:
    served = Served()
    served.intake.reason = lambda reading: "unknown" if reading.factor == "w01001" else None
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload())
        assert await peer.hears(len(heard())) == heard()
        served.intake.reason = lambda _: None
        await peer.say(upload())
        assert await peer.hears(len(heard())) == heard()
    assert served.codes() == ["not-kept"]
    assert served.intake.calls == 2


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (upload().replace(b"40.1", b"40.2"), "crc"),
        (upload()[:2] + b"0100" + upload()[6:], "length"),
        (upload(password="654321"), "password"),
        (framed(f"QN=20260813115900001;ST=32;CN=2011;PW=123456;MN={MN};Flag=9;CP=&&w01018-Rtd=1&&"), "no-datatime"),
        (framed("QN=20260813115900001;ST=32;CN=2011;PW=123456;Flag=9;CP=&&DataTime=20260813115900&&"), "no-mn"),
        (framed(f"QN=20260813115900001;ST=32;CN=2999;PW=123456;MN={MN};Flag=9;CP=&&&&"), "unknown-cn"),
        (framed(f"QN=20260813115900001;ST=32;CN=2011;PW=123456;MN={MN};Flag=1;CP=&&&&"), "version"),
        (
            framed(f"QN=20260813115900001;ST=32;CN=2011;PW=123456;MN={MN};Flag=9;CP=&&DataTime=20260814115900&&"),
            "time-ahead",
        ),
    ],
)
async def test_what_is_wrong_is_refused_by_name_and_the_next_frame_taken(frame: bytes, code: str) -> None:
    served = Served()
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(frame)
        assert await peer.hears_nothing(0.05)
        await peer.say(upload())
        assert await peer.hears(len(heard())) == heard()
    assert served.codes()[0] == code
    assert served.refusals[0].source.startswith(f"{HOST}:")
    assert len(served.intake.kept) == 2
    for refusal in served.refusals:
        assert "123456" not in repr(refusal)
        assert "654321" not in repr(refusal)


async def test_a_value_that_is_no_number_is_refused_and_the_others_kept() -> None:
    served = Served()
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload("4o.1"))
        assert await peer.hears(len(heard())) == heard()
    assert served.codes() == ["no-number"]
    assert [reading.factor for reading in served.intake.kept] == ["w01001"]


async def test_passwords_of_their_own_and_none() -> None:
    served = Served()
    passwords = StationPasswords(by_station={MN: "654321"})
    async with hj212(served, passwords=passwords) as listener, connected(listener) as peer:
        await peer.say(upload(password="654321"))
        await peer.hears(len(heard()))
        await peer.say(upload(mn="A" * 24))
        assert await peer.hears_nothing()
    assert served.codes() == ["password"]
    assert "123456" not in repr(passwords)
    assert "654321" not in repr(passwords)


async def test_no_password_reaches_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    served = Served()
    async with hj212(served, Limits(bad_in_row=1_000)) as listener, connected(listener) as peer:
        wrong = upload(password="654321")
        for place in range(0, len(wrong), 3):
            await peer.say(wrong[:place] + b"~" + wrong[place + 1 :])
        await peer.say(wrong + upload())
        await peer.hears(len(heard()))
    assert len(served.refusals) > 40
    for refusal in served.refusals:
        logged(refusal)
    told = capsys.readouterr()
    assert "crc" in told.out + told.err
    assert "654321" not in told.out + told.err
    assert "123456" not in told.out + told.err


async def test_parts_that_never_become_whole_are_told_at_the_end() -> None:
    served = Served()
    part = f"QN=20260813115900001;ST=32;CN=2061;PW=123456;MN={MN};Flag=10;PNUM=2;PNO=1;CP=&&DataTime=20260813100000&&"
    async with hj212(served) as listener:
        async with connected(listener) as peer:
            await peer.say(framed(part))
        await until(lambda: bool(served.refusals))
    assert served.codes() == ["parts"]


async def test_a_slow_store_and_a_silent_peer_hold_up_nobody() -> None:
    served = Served()
    served.intake.slow_stations = {"B" * 24}
    async with hj212(served) as listener, connected(listener) as slow, connected(listener) as silent:
        await slow.say(upload(mn="B" * 24) * 50)
        await silent.say(upload()[:40])
        begun = time.monotonic()
        for number in range(20):
            async with connected(listener) as peer:
                await peer.say(upload(qn=f"2026081311590{number:04d}"))
                await peer.hears(len(heard()))
        assert time.monotonic() - begun < 2
        assert await slow.hears_nothing(0.02)


async def test_a_connection_that_says_nothing_is_ended() -> None:
    served = Served()
    async with hj212(served, Limits(first_s=0.2)) as listener, connected(listener) as peer:
        await peer.say(b"##01")
        assert await peer.ends()
    assert served.codes() == ["silent"]


async def test_a_station_that_falls_silent_is_ended() -> None:
    served = Served()
    async with hj212(served, Limits(idle_s=0.2)) as listener, connected(listener) as peer:
        await peer.say(upload())
        await peer.hears(len(heard()))
        assert await peer.ends()
    assert served.codes() == ["silent"]


async def test_a_peer_that_takes_no_answers_is_ended() -> None:
    served = Served()
    async with hj212(served, Limits(answer_s=0.2)) as listener:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, (HOST, listener.port))
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(line, upload() * 5_000))
        await until(lambda: served.codes() == ["silent"])
        await until(lambda: listener.desk.counters.open == 0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        line.close()
    assert listener.desk.counters.frames < 5_000


async def test_garbage_is_ended() -> None:
    served = Served()
    async with hj212(served, Limits(unread_bytes=20_000)) as listener, connected(listener) as peer:
        with contextlib.suppress(OSError):
            await peer.say(b"x" * 200_000)
        with contextlib.suppress(OSError):
            assert await peer.ends()
        await until(lambda: bool(served.refusals))
    assert served.codes() == ["garbage"]


async def test_bad_frames_in_a_row_end_a_connection() -> None:
    served = Served()
    async with hj212(served, Limits(bad_in_row=5)) as listener, connected(listener) as peer:
        await peer.say(upload(password="654321") * 30)
        with contextlib.suppress(OSError):
            assert await peer.ends()
    assert served.codes() == ["password"] * 6 + ["bad-frames"]


async def test_there_is_room_for_so_many_connections() -> None:
    served = Served()
    async with hj212(served, Limits(connections=2)) as listener:
        async with connected(listener) as first, connected(listener) as second:
            await first.say(upload(qn="20260813115900002"))
            await first.hears(len(heard()))
            async with connected(listener) as third:
                assert await third.ends()
            await second.say(upload())
            assert await second.hears(len(heard())) == heard()
        await until(lambda: listener.desk.counters.open == 0)
        async with connected(listener) as again:
            await again.say(upload())
            assert await again.hears(len(heard())) == heard()
    assert served.codes() == ["connections"]


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 6_000:
        pytest.skip(f"2 000 connections need 6 000 open files, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 6_000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_two_thousand_stations_at_once() -> None:
    served = Served()
    async with hj212(served) as listener:
        peers: list[Peer] = []
        for _ in range(20):
            opened = await asyncio.gather(*(asyncio.open_connection(HOST, listener.port) for _ in range(100)))
            peers += [Peer(reader, writer) for reader, writer in opened]

        async def one(place: int, peer: Peer) -> bool:
            mn = f"{place:024d}"
            await peer.say(upload(mn=mn))
            return await peer.hears(len(heard(mn=mn))) == heard(mn=mn)

        assert all(await asyncio.gather(*(one(place, peer) for place, peer in enumerate(peers))))
        assert listener.desk.counters.open == 2_000
        for peer in peers:
            peer.writer.close()
        await until(lambda: listener.desk.counters.open == 0)
    assert len({reading.station for reading in served.intake.kept}) == 2_000
    assert served.refusals == []


def test_only_so_many_segments_are_remembered() -> None:
    kept = KeptSegments(most=3)
    for number in range(5):
        kept.add(b"%d" % number)
    assert [b"%d" % number in kept for number in range(5)] == [False, False, True, True, True]


async def test_stopping_ends_connections() -> None:
    served = Served()
    async with hj212(served) as listener, connected(listener) as peer:
        await peer.say(upload())
        await peer.hears(len(heard()))
        await listener.stop()
        assert await peer.ends()


async def test_the_county_speaks_hj212() -> None:
    served = Served()
    stations = county_stations()
    moments = [NOON - timedelta(minutes=minute) for minute in (2, 1)]
    async with hj212(
        served, passwords=StationPasswords(of_all=PASSWORD), rules=ReadingRules(sent_units=SENT_UNITS)
    ) as listener:
        heard_of = await asyncio.gather(*(speak(one, HOST, listener.port, moments) for one in stations[:45]))
    assert heard_of == [2] * 45
    assert served.refusals == []
    told = {(reading.station, reading.factor, reading.at): reading.value for reading in served.intake.kept}
    assert len(told) == len(served.intake.kept)
    fine = told[stations[0].mn, "a34004", moments[0]]
    assert 1 < fine < 100
    assert isinstance(stations[0], Hj212Station)
    assert stations[0].frame(NOON) == stations[0].frame(NOON)


async def test_stations_keep_speaking_until_they_are_stopped() -> None:
    served = Served()
    async with hj212(served, passwords=StationPasswords(of_all=PASSWORD)) as listener:
        moments = iter(NOON - timedelta(minutes=minute) for minute in range(1_000))

        async def no_pause(_: float) -> None:
            await asyncio.sleep(0)

        talking = asyncio.create_task(
            keep_speaking(
                county_stations()[:3],
                HOST,
                listener.port,
                every=timedelta(minutes=1),
                now=lambda: next(moments),
                pause=no_pause,
            )
        )
        await until(lambda: listener.desk.counters.frames >= 9)
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    assert len({reading.at for reading in served.intake.kept}) >= 9


async def test_the_county_speaks_sl651_in_both_forms() -> None:
    served = Served()
    gauges = county_gauges()
    assert {gauge.as_text for gauge in gauges} == {False, True}
    async with sl651(served, WATER_PASSWORD, NOON) as listener:
        heard_of = await asyncio.gather(
            *(speak(gauge, HOST, listener.port, [NOON - timedelta(minutes=5), NOON]) for gauge in gauges)
        )
    assert heard_of == [2] * len(gauges)
    assert served.refusals == []
    assert {reading.factor for reading in served.intake.kept} == {"39", "27", "20", "38"}
    assert {reading.station for reading in served.intake.kept} == {gauge.address for gauge in gauges}


async def test_published_reports_of_sl651() -> None:
    served = Served()
    session = turns("sl651")
    async with sl651(served, "1234") as listener, connected(listener) as peer:
        await peer.say(session[0][0])
        assert await peer.hears_nothing(0.05)
        await peer.say(session[1][0])
        answer = await peer.hears(25)
        printed = session[1][1]
        assert printed is not None
        assert answer[:16] == printed[:16]
        assert answer[-3] == printed[-3] == Control.ESC
        await peer.say(session[2][0])
        assert await peer.hears_nothing(0.05)
    assert served.codes() == ["password"]
    assert served.intake.kept == []
    assert listener.desk.counters.tests == 1


async def test_sl651_confirms_after_the_commit_and_stays_silent_about_what_is_bad() -> None:
    served = Served()
    served.intake.open.clear()
    frame = report("0012345678", "A5C3", 0x32, 7, NOON, NOON, [("39", 584.2), ("20", 3.5)])
    confirmed = confirmation(Frame(False, 1, "0012345678", 0x32, b"", Control.ETX, "A5C3"), 7, NOON)
    async with sl651(served, "A5C3", NOON) as listener, connected(listener) as peer:
        await peer.say(frame[:-1] + bytes([frame[-1] ^ 1]) + frame)
        await until(lambda: served.intake.calls == 1)
        assert await peer.hears_nothing()
        served.intake.open.set()
        assert await peer.hears(len(confirmed)) == confirmed
        await peer.say(report("0012345678", "A5C4", 0x32, 8, NOON, NOON, [("39", 584.2)]))
        assert await peer.hears_nothing(0.05)
    assert served.codes() == ["crc", "password"]
    assert listener.desk.counters.refused == {"crc": 1, "password": 1}
    assert [reading.value for reading in served.intake.kept] == [584.2, 3.5]
    assert "A5C3" not in repr(served.refusals)
    assert "A5C4" not in repr(served.refusals)


async def test_a_relay_speaks_only_for_stations_of_the_same_password() -> None:
    served = Served()
    body = report("0012345679", "A5C3", 0x32, 7, NOON, NOON, [("39", 584.2)])[14:-3]
    relayed = encode(Frame(False, 1, "0012345678", 0x32, body, Control.ETX, "A5C3"))
    listener = Sl651Listener(
        HOST,
        0,
        served.intake,
        StationPasswords(by_station={"0012345678": "A5C3", "0012345679": "BEEF"}),
        refused=served.refusals.append,
        now=lambda: NOON,
    )
    await listener.start()
    async with connected(listener) as peer:
        await peer.say(relayed)
        assert await peer.hears_nothing()
    await listener.stop()
    assert served.codes() == ["password"]
    assert served.intake.kept == []


async def test_sl651_without_confirmations_is_mode_m1() -> None:
    served = Served()
    async with sl651(served, "a5c3", NOON, confirm=False) as listener, connected(listener) as peer:
        await peer.say(report("0012345678", "A5C3", 0x32, 7, NOON, NOON, [("39", 584.2)]))
        assert await peer.hears_nothing()
    assert len(served.intake.kept) == 1


async def test_sl651_asks_for_a_missing_packet() -> None:
    served = Served()
    body = report("0012345678", "A5C3", 0x34, 9, NOON, NOON, [("39", 584.2), ("20", 3.5)])[14:-3]
    packets = [
        encode(Frame(False, 1, "0012345678", 0x34, text, end, "A5C3", packet=(number, 2)))
        for number, text, end in ((1, body[:20], Control.ETB), (2, body[20:], Control.ETX))
    ]
    async with sl651(served, "A5C3", NOON) as listener, connected(listener) as peer:
        await peer.say(packets[1])
        again = await peer.hears(28)
        assert (again[-3], again[14:17].hex()) == (Control.NAK, "002001")
        await peer.say(packets[0])
        confirmed = await peer.hears(28)
        assert (confirmed[-3], confirmed[14:17].hex()) == (Control.ESC, "002002")
    assert [reading.value for reading in served.intake.kept] == [584.2, 3.5]
    assert served.refusals == []


async def test_a_future_time_of_a_real_clock_is_refused() -> None:
    served = Served()
    ahead = datetime.now(UTC) + timedelta(days=1)
    async with hj212(served, now=datetime.now(UTC)) as listener, connected(listener) as peer:
        text = next(text for _, text in lines("hj212-2017"))
        moment = ahead.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")
        await peer.say(framed(text.replace("DataTime=20160801085857", f"DataTime={moment}")))
        assert await peer.hears_nothing()
    assert served.codes() == ["time-ahead"]
