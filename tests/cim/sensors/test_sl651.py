"""SL 651: frames in a stream, published reports, both forms, packets, what is refused and why."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_sessions import turns

from cim.errors import FrameRefused
from cim.model.sensing import BEIJING, StationReading
from cim.sensors.sl651.codes import elements, function_of
from cim.sensors.sl651.crc import crc16
from cim.sensors.sl651.frames import MOST_FRAME, Control, Frame, encode
from cim.sensors.sl651.hex_body import bcd
from cim.sensors.sl651.packets import PacketJoiner
from cim.sensors.sl651.readings import read_report, readings_of
from cim.sensors.sl651.stream import Fault, FrameReader
from cim.sensors.sl651.writing import asked_again, confirmation, report

SESSION = turns("sl651")
STATION, PASSWORD = "0012345678", "A5C3"
AT = datetime(2026, 8, 13, 14, 30, tzinfo=BEIJING)
SENT = AT + timedelta(seconds=12)
VALUES = [("39", 584.213), ("20", 3.5), ("27", 42.125), ("38", 12.61), ("02", -4.5)]


def only(frame: bytes) -> Frame:
    (found,) = FrameReader().feed(frame)
    assert isinstance(found, Frame)
    return found


def readings(frame: bytes, now: datetime | None = None) -> list[StationReading]:
    return readings_of(read_report(only(frame)), now)


def hex_frame(function: int, text: str, *, serial: int = 1) -> bytes:
    body = bytes.fromhex(f"{serial:04X}260813143012{text}")
    return encode(Frame(False, 1, STATION, function, body, Control.ETX, PASSWORD))


def text_frame(function: int, text: str) -> bytes:
    return encode(Frame(True, 1, STATION, function, f"0001260813143012{text}".encode(), Control.ETX, PASSWORD))


def refusal_of(call: Callable[[], object]) -> FrameRefused | None:
    try:
        call()
    except FrameRefused as error:
        return error
    return None


def test_the_crc_is_that_of_modbus() -> None:
    assert crc16(b"123456789") == 0x4B37


@pytest.mark.parametrize(("frame", "answer"), SESSION)
def test_published_reports_are_read_and_confirmed(frame: bytes, answer: bytes | None) -> None:
    found = only(frame)
    told = read_report(found)
    assert encode(found) == frame
    if answer is not None:
        assert confirmation(found, told.serial, told.sent_at) == answer


def test_the_published_hour() -> None:
    told = {(reading.factor, reading.at.strftime("%H:%M")): reading for reading in readings(SESSION[4][0])}
    rain = told["F4", "10:20"]
    assert (rain.value, rain.statistic, rain.until) == (
        2.0,
        "5-minute-sum",
        datetime(2017, 7, 18, 10, 25, tzinfo=BEIJING),
    )
    assert ("F4", "10:25") not in told
    assert told["F5", "10:20"].value == 0.49
    assert told["39", "11:00"].value == 10.49
    assert told["26", "11:00"].value == 4.0
    assert told["38", "11:00"].value == 10.99
    assert {reading.station for reading in told.values()} == {"0011223344"}


@pytest.mark.parametrize("as_text", [False, True])
def test_a_report_comes_back_in_both_forms(as_text: bool) -> None:
    frame = report(STATION, PASSWORD, 0x32, 7, SENT, AT, VALUES, as_text=as_text)
    assert read_report(only(frame)).serial == 7
    assert read_report(only(frame)).sent_at == SENT
    assert [(one.factor, one.value, one.at, one.station) for one in readings(frame)] == [
        (code, value, AT, STATION) for code, value in VALUES
    ]


def test_even_periods_in_both_forms() -> None:
    head = f"F1F1{STATION}48F0F02608131430"
    from_hex = readings(hex_frame(0x31, f"{head}0418000005392300584213FFFFFFFF00584215"))
    from_text = readings(text_frame(0x31, f"ST {STATION} H TT 2608131430 DRN05 Z VT 584.213 12.6 M 12.5 584.215 12.4 "))
    levels = [(AT, 584.213), (AT + timedelta(minutes=10), 584.215)]
    assert [(one.at, one.value) for one in from_hex] == levels
    assert [(one.at, one.value) for one in from_text if one.factor == "39"] == levels
    assert [one.value for one in from_text if one.factor == "38"] == [12.6, 12.5, 12.4]


def test_groups_of_an_hour_in_the_ascii_form() -> None:
    groups = "05" + "FF" * 10 + "0A"
    told = readings(text_frame(0x34, f"ST {STATION} P TT 2608131435 DRP {groups} ZT 00000000 PT 107.5 "))
    assert [(one.factor, one.value, one.at.strftime("%H:%M")) for one in told] == [
        ("F4", 0.5, "14:30"),
        ("F4", 1.0, "15:25"),
        ("26", 107.5, "14:35"),
    ]


def test_groups_of_an_hour_in_an_even_report() -> None:
    told = readings(text_frame(0x31, f"ST {STATION} P TT 2608131435 DRH00 DRP {'02' * 12} "))
    assert [one.value for one in told] == [0.2] * 12


def test_a_sum_is_of_the_period_before_its_time() -> None:
    (hour, day) = readings(hex_frame(0x32, f"F1F1{STATION}50F0F026081314301A190001251F19000480"))
    assert (hour.statistic, hour.at, hour.until, hour.value) == ("hour-sum", AT - timedelta(hours=1), AT, 12.5)
    assert (day.statistic, day.at, day.value) == ("day-sum", AT - timedelta(days=1), 48.0)


def test_a_second_station_in_one_report() -> None:
    told = readings(hex_frame(0x32, f"F1F1{STATION}50F0F026081314302019000035F1F1001234567950F0F026081314312019000040"))
    assert [(one.station, one.value) for one in told] == [(STATION, 3.5), ("0012345679", 4.0)]


def test_values_set_by_hand() -> None:
    told = readings(hex_frame(0x35, "F2F2" + b"Z 584.21 Q 42.1 ".hex()))
    assert [(one.factor, one.value, one.at) for one in told] == [("39", 584.21, SENT), ("27", 42.1, SENT)]


@pytest.mark.parametrize(
    ("raw", "decimals", "value"),
    [("00012345", 3, 12.345), ("FF0045", 1, -4.5), ("FFFF", 1, None), ("00", 0, 0.0), ("FF012345", 2, -123.45)],
)
def test_bcd_numbers(raw: str, decimals: int, value: float | None) -> None:
    assert bcd(bytes.fromhex(raw), decimals) == value


@pytest.mark.parametrize(
    ("function", "text", "code"),
    [
        (0x99, "", "unknown-function"),
        (0x36, "", "function"),
        (0x32, "2019000035", "no-time"),
        (0x32, "F0F02613131430", "time"),
        (0x32, "F0F0260813143020190000", "text"),
        (0x32, f"F1F0{STATION}48", "text"),
        (0x31, "F0F0260813143039230584213", "time-step"),
        (0x31, "F0F026081314300418AA00053923", "time-step"),
        (0x32, "F3F3FFD8", "picture"),
        (0x32, "F0F02608131430FDF60102", "element"),
    ],
)
def test_a_wrong_report_is_refused_by_name(function: int, text: str, code: str) -> None:
    text = text if len(text) % 2 == 0 else f"{text}0"
    refused = refusal_of(lambda: readings(hex_frame(function, text)))
    assert refused is not None
    assert refused.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TT 2608131430 XX 3.5 ", "element"),
        ("TT 2608131430 Z 3,5 ", "no-number"),
        ("TT 2608131430 DRP 0G ", "no-number"),
    ],
)
def test_a_wrong_value_is_refused_alone(text: str, code: str) -> None:
    told = read_report(only(text_frame(0x32, f"ST {STATION} H {text}PJ 3.5 ")))
    assert [error.code for error in told.refused] == [code]
    assert [(one.factor, one.value) for one in readings_of(told)] == [("20", 3.5)]


def test_a_bad_bcd_value_is_refused_alone() -> None:
    told = read_report(only(hex_frame(0x32, "F0F0260813143020190000AA38121261")))
    assert [error.code for error in told.refused] == ["no-number"]
    assert [(one.factor, one.value) for one in readings_of(told)] == [("38", 12.61)]


def test_a_time_in_the_future_is_refused() -> None:
    frame = report(STATION, PASSWORD, 0x32, 7, SENT, AT, VALUES)
    assert readings(frame, AT)
    refused = refusal_of(lambda: readings(frame, AT - timedelta(hours=2)))
    assert refused is not None
    assert refused.code == "time-ahead"


def told(chunks: list[bytes]) -> list[Frame | Fault]:
    reader = FrameReader()
    return [one for chunk in chunks for one in reader.feed(chunk)]


TEXT_FRAME = report(STATION, PASSWORD, 0x32, 7, SENT, AT, VALUES, as_text=True)
STREAM = b"noise\x7e" + b"".join(frame for frame, _ in SESSION) + TEXT_FRAME + b"\x01" + SESSION[1][0]


def test_byte_by_byte_is_the_same_as_at_once() -> None:
    assert told([STREAM[place : place + 1] for place in range(len(STREAM))]) == told([STREAM])
    assert len([one for one in told([STREAM]) if isinstance(one, Frame)]) == len(SESSION) + 2


@given(data=st.data())
@settings(deadline=None, max_examples=80)
def test_changed_streams_never_break_the_reader(data: st.DataObject) -> None:
    stream = bytearray(STREAM)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(stream) - 1))
        change = data.draw(st.sampled_from(["set", "drop", "add"]))
        if change == "drop":
            del stream[place]
        elif change == "add":
            stream.insert(place, data.draw(st.integers(0, 255)))
        else:
            stream[place] = data.draw(st.integers(0, 255))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    chunks = [bytes(stream[a:b]) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = told(chunks)
    assert found == told([bytes(stream)])
    assert all(encode(one).upper() in bytes(stream).upper() for one in found if isinstance(one, Frame))
    assert PASSWORD not in repr(found)


@given(
    body=st.binary(min_size=1, max_size=120),
    function=st.sampled_from([0x30, 0x31, 0x32, 0x34, 0x35]),
    as_text=st.booleans(),
)
@settings(deadline=None, max_examples=80)
def test_any_text_is_read_or_refused(body: bytes, function: int, *, as_text: bool) -> None:
    begin = b"0001260813143012" if as_text else bytes.fromhex("0001260813143012")
    frame = Frame(as_text, 1, STATION, function, begin + body, Control.ETX, PASSWORD)
    refused = refusal_of(lambda: readings_of(read_report(frame)))
    assert refused is None or refused.code


@given(
    values=st.lists(
        st.tuples(st.sampled_from(["39", "20", "27", "38", "02", "46", "4C"]), st.integers(-9999, 9999)), max_size=8
    ),
    as_text=st.booleans(),
    serial=st.integers(1, 65_535),
)
@settings(deadline=None, max_examples=80)
def test_what_is_written_is_read_again(values: list[tuple[str, int]], *, as_text: bool, serial: int) -> None:
    sent = [(code, number / 10 ** elements()[code].decimals) for code, number in values]
    frame = report(STATION, PASSWORD, 0x33, serial, SENT, AT, sent, as_text=as_text)
    assert [(one.factor, one.value) for one in readings(frame)] == sent


def test_the_next_frame_is_found_after_each_kind_of_fault() -> None:
    good = SESSION[1][0]
    for broken, code in (
        (good[:12] + b"\x00" + good[13:], "length"),
        (good[:13] + b"\x09" + good[14:], "head"),
        (good[:11] + b"\x80" + good[12:], "direction"),
        (good[:-1] + b"\x00", "crc"),
        (good[:20] + b"\x77" + good[21:], "crc"),
    ):
        found = FrameReader().feed(broken + good + b"\x00" * MOST_FRAME)
        assert only(good) in found, code
        assert [one.code for one in found if isinstance(one, Fault)][:1] == [code]


@pytest.mark.parametrize("frame", [SESSION[1][0], TEXT_FRAME])
def test_a_length_that_says_too_much_does_not_hold_up_the_next_frame(frame: bytes) -> None:
    width = 1 if frame.startswith(b"\x7e") else 2
    place = (2 if width == 1 else 1) + 9 * width
    longer = frame[:place] + (b"\x0f\xff" if width == 1 else b"0FFF") + frame[place + 2 * width :]
    reader = FrameReader()
    assert reader.feed(longer) == []
    found = reader.feed(frame)
    assert [one.code for one in found if isinstance(one, Fault)][:1] == ["length"]
    assert found[-1] == only(frame)


def packets(count: int, *, as_text: bool = False) -> list[Frame]:
    whole = only(report(STATION, PASSWORD, 0x34, 9, SENT, AT, VALUES * 6, as_text=as_text))
    size = -(-len(whole.body) // count)
    return [
        Frame(
            as_text,
            1,
            STATION,
            0x34,
            whole.body[place * size : (place + 1) * size],
            Control.ETX if place == count - 1 else Control.ETB,
            PASSWORD,
            packet=(place + 1, count),
        )
        for place in range(count)
    ]


@pytest.mark.parametrize("as_text", [False, True])
def test_packets_are_joined(as_text: bool) -> None:
    joiner = PacketJoiner()
    sent = [only(encode(packet)) for packet in packets(3, as_text=as_text)]
    assert sent == packets(3, as_text=as_text)
    assert [joiner.joined(packet).whole for packet in sent[:2]] == [None, None]
    whole = joiner.joined(sent[2]).whole
    assert whole is not None
    assert len(readings_of(read_report(whole))) == len(VALUES) * 6


def test_a_missing_packet_is_asked_for_twice_and_then_given_up() -> None:
    first, _, last = packets(3)
    joiner = PacketJoiner()
    assert joiner.joined(first).missing is None
    assert joiner.joined(last).missing == 2
    assert joiner.joined(last).missing == 2
    refused = refusal_of(lambda: joiner.joined(last))
    assert refused is not None
    assert refused.code == "packets"


def test_a_packet_sent_again_completes_the_report() -> None:
    first, second, last = packets(3)
    joiner = PacketJoiner()
    joiner.joined(first)
    assert joiner.joined(last).missing == 2
    whole = joiner.joined(second).whole
    assert whole is not None
    assert whole.body == b"".join(packet.body for packet in packets(3))


def test_missing_packets_are_asked_for_one_after_the_other() -> None:
    sent = packets(5)
    joiner = PacketJoiner()
    joiner.joined(sent[0])
    assert [joiner.joined(sent[place]).missing for place in (4, 1, 2)] == [2, 3, 4]
    assert joiner.joined(sent[3]).whole is not None


def test_confirmations_name_packets() -> None:
    last = packets(3)[2]
    confirmed = confirmation(last, 9, SENT, stay=False)
    assert confirmed[13] == Control.SYN
    assert confirmed[14:17].hex() == "003003"
    assert confirmed[-3] == Control.EOT
    again = asked_again(last, 2, 0, SENT)
    assert again[14:17].hex() == "003002"
    assert again[-3] == Control.NAK
    assert crc16(again[:-2]).to_bytes(2) == again[-2:]


def test_a_password_is_shown_nowhere() -> None:
    frame = only(TEXT_FRAME)
    assert frame.password == PASSWORD
    assert PASSWORD not in repr(frame)


def test_functions_of_the_table() -> None:
    assert function_of(0x2F).kind == "link"
    assert function_of(0x30).kind == "test"
    assert {code for code, element in elements().items() if element.ascii in ("Z", "PJ", "Q", "VT")} == {
        "39",
        "20",
        "27",
        "38",
    }
