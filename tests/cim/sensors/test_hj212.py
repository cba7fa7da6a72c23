"""HJ 212: frames in a stream, the standard's own examples, what is refused and why."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from station_sessions import framed, lines, turns

from cim.errors import FrameRefused
from cim.model.sensing import BEIJING, Quality
from cim.sensors.air_quality import air_quality
from cim.sensors.describing import describe
from cim.sensors.hj212.codes import commands, factors, unit_of
from cim.sensors.hj212.crc import crc16
from cim.sensors.hj212.frames import MOST_FRAME, Fault, FrameReader, encode
from cim.sensors.hj212.parts import PartsJoiner
from cim.sensors.hj212.readings import ReadingRules, Values, command_of, data_time, read_values
from cim.sensors.hj212.redaction import shown
from cim.sensors.hj212.segment import Flag, Message, read_segment
from cim.sensors.hj212.writing import answer_to, written
from cim.sensors.indicator_classes import AIR

PUBLISHED_2017 = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)
PUBLISHED_2025 = (
    b"##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2200\r\n"
)
MN = "010000A8900016F000169DC0"
GOOD = (
    f"QN=20160801085857223;ST=32;CN=2011;PW=123456;MN={MN};Flag=5;"
    "CP=&&DataTime=20160801085857;w01018-Rtd=40.1,w01018-Flag=N&&"
)


def values(segment: str, rules: ReadingRules | None = None, now: datetime | None = None) -> Values:
    message = read_segment(segment.encode())
    command_of(message)
    at = data_time(message, now)
    assert at is not None
    return read_values(message.groups, message, at, rules or ReadingRules(), now)


def refusal_of(call: Callable[[], object]) -> FrameRefused | None:
    try:
        call()
    except FrameRefused as error:
        return error
    return None


def beijing(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BEIJING)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("frame", [PUBLISHED_2017, PUBLISHED_2025])
def test_the_published_frames(frame: bytes) -> None:
    assert FrameReader().feed(frame) == [frame[6:-6]]
    assert encode(frame[6:-6]) == frame


def test_the_crc_is_not_that_of_modbus() -> None:
    assert f"{crc16(PUBLISHED_2017[6:-6]):04X}" == "1C80"
    assert f"{crc16(b'123456789'):04X}" != "4B37"


@pytest.mark.parametrize("name", ["hj212-2017", "hj212-2025"])
def test_a_session_of_the_standard_is_read_and_answered(name: str) -> None:
    for frame, answer in turns(name):
        (segment,) = FrameReader().feed(frame)
        assert isinstance(segment, bytes)
        message = read_segment(segment)
        assert encode(answer_to(message) or b"") == answer
        if commands()[message.cn].kind == "values":
            at = data_time(message)
            assert at is not None
            read = read_values(message.groups, message, at, ReadingRules())
            assert read.readings
            assert not read.refused


def test_real_time_values_have_their_sampling_time() -> None:
    first, second = values(lines("hj212-2017")[0][1]).readings
    assert (first.factor, first.value, first.at, first.until) == ("w01001", 7.1, beijing(2016, 8, 1, 8, 58, 57), None)
    assert (second.factor, second.value, second.at) == ("w01018", 2.2, beijing(2016, 8, 1, 7))
    assert {first.statistic, second.statistic} == {"real-time"}
    assert first.station == MN


def test_hour_values_are_of_the_hour_that_begins_then() -> None:
    hour = next(text for _, text in lines("hj212-2017") if "CN=2061" in text)
    told = {(reading.factor, reading.statistic): reading for reading in values(hour).readings}
    assert {key: reading.value for key, reading in told.items() if key[0] == "w00000"} == {
        ("w00000", "hour-sum"): 63.0,
        ("w00000", "hour-least"): 16.4,
        ("w00000", "hour-mean"): 17.5,
        ("w00000", "hour-greatest"): 20.1,
    }
    assert told["w01001", "hour-mean"].at == beijing(2016, 8, 1, 8)
    assert told["w01001", "hour-mean"].until == beijing(2016, 8, 1, 9)


def test_minute_values_end_where_the_county_says() -> None:
    minute = next(text for _, text in lines("hj212-2017") if "CN=2051" in text)
    assert values(minute).readings[0].until is None
    ten = values(minute, ReadingRules(minute_interval_min=10)).readings[0]
    assert ten.until == ten.at + timedelta(minutes=10)


def test_facilities_noise_and_converted_values() -> None:
    told = [
        (reading.factor, reading.statistic, reading.value)
        for name in ("hj212-2017", "hj212-2025")
        for side, text in lines(name)
        if side == ">" and "DataTime" in text and "CN=2081" not in text
        for reading in values(text).readings
    ]
    for expected in (
        ("SB1", "state", 1.0),
        ("SB2", "day-running-hours", 2.1),
        ("LA", "real-time", 50.1),
        ("Leq", "minute-value", 50.0),
        ("a21026", "real-time-converted", 24.1),
        ("a01901", "5-minute-mean", 912.4),
        ("Leq", "single-value", 61.2),
    ):
        assert expected in told


@pytest.mark.parametrize("flag", list("NFMSDCTB"))
def test_data_flags_become_qualities(flag: str) -> None:
    (reading,) = values(GOOD.replace("Flag=N", f"Flag={flag}")).readings
    assert reading.quality is Quality(flag)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (f"MN={MN};", "", "no-mn"),
        (f"MN={MN}", "MN=", "mn"),
        ("QN=20160801085857223;", "", "no-qn"),
        ("QN=20160801085857223", "QN=20161301085857223", "qn"),
        ("PW=123456;", "", "no-password"),
        ("Flag=5;", "", "no-flag"),
        ("Flag=5", "Flag=x", "flag"),
        ("Flag=5", "Flag=300", "flag"),
        ("Flag=5", "Flag=1", "version"),
        ("Flag=5", "Flag=13", "version"),
        ("Flag=5", "Flag=7", "parts"),
        ("Flag=5", "Flag=5;PNUM=2;PNO=1", "flag"),
        ("Flag=5", "Flag=7;PNUM=2;PNO=3", "parts"),
        ("Flag=5", "Flag=9;RF=0", "rf"),
        ("Flag=5", "Flag=5;Flag=5", "head"),
        ("CN=2011", "CN=2999", "unknown-cn"),
        ("CN=2011", "CN=20", "cn"),
        ("CN=2011", "CN=1072", "cn"),
        ("CN=2011", "CN=2013", "cn"),
        ("DataTime=20160801085857", "DataTime=20160832085857", "datatime"),
        ("DataTime=20160801085857", "DataTime=2016-08-01", "datatime"),
        ("w01018-Rtd=40.1", "w01018-Rtd", "data-area"),
        ("w01018-Flag=N", "w01018-Rtd=40.1", "data-area"),
        ("CP=&&", "CP=", "data-area"),
        ("DataTime", "{0xE4,0x3E}DataTime", "encrypted"),
    ],
)
def test_a_wrong_message_is_refused_by_name(old: str, new: str, code: str) -> None:
    assert old in GOOD
    with pytest.raises(FrameRefused) as refused:
        values(GOOD.replace(old, new, 1))
    assert refused.value.code == code
    assert "123456" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Rtd=40.1", "Rtd=4o.1", "no-number"),
        ("Rtd=40.1", "Rtd=", "no-number"),
        ("Rtd=40.1", "Rtd=nan", "no-number"),
        ("Rtd=40.1", "Rtd=--", "no-number"),
        ("Rtd=40.1", "Avg=40.1", "field"),
        ("Rtd=40.1", "Foo=40.1", "field"),
        ("Flag=N&&", "Flag=Q&&", "data-flag"),
    ],
)
def test_a_wrong_value_is_refused_alone(old: str, new: str, code: str) -> None:
    text = GOOD.replace(old, new, 1).replace("&&DataTime", "&&w01001-Rtd=7.2;DataTime")
    read = values(text)
    assert [reading.factor for reading in read.readings] == ["w01001"]
    assert [error.code for error in read.refused] == [code]


def test_a_message_without_datatime_has_no_time() -> None:
    assert data_time(read_segment(GOOD.replace("DataTime=20160801085857;", "").encode())) is None


def test_a_time_in_the_future_is_refused() -> None:
    at = beijing(2016, 8, 1, 8, 58, 57)
    assert values(GOOD, now=at - timedelta(minutes=59)).readings
    with pytest.raises(FrameRefused) as refused:
        values(GOOD, now=at - timedelta(hours=2))
    assert refused.value.code == "time-ahead"


def test_values_in_another_unit_are_converted_or_refused() -> None:
    assert unit_of("w01018", "real-time") == "mg/L"
    (converted,) = values(GOOD, ReadingRules(sent_units={(MN, "w01018"): "ug/L"})).readings
    assert converted.value == pytest.approx(0.0401)
    refused = values(GOOD, ReadingRules(sent_units={("*", "w01018"): "ppm"}))
    assert not refused.readings
    assert [error.code for error in refused.refused] == ["unit"]


def air(st: str, fields: str, rules: ReadingRules | None = None) -> dict[str, tuple[float, str]]:
    """Values of a station of a system, with the units of the datastreams they go to."""
    read = values(GOOD.replace("ST=32", f"ST={st}").replace("w01018-Rtd=40.1,w01018-Flag=N", fields), rules)
    assert not read.refused
    return {one.factor: (one.value, describe(one).unit) for one in read.readings}


def test_ambient_air_is_kept_in_the_unit_of_gb_3095() -> None:
    fields = "a34004-Rtd=42000;a34002-Rtd=68500;a21026-Rtd=0.0093;a21005-Rtd=0.8;a05024-Rtd=0.075;a25002-Rtd=0.002"
    assert air("22", fields) == {
        "a34004": (42.0, "ug/m3"),
        "a34002": (68.5, "ug/m3"),
        "a21026": (9.3, "ug/m3"),
        "a21005": (0.8, "mg/m3"),
        "a05024": (75.0, "ug/m3"),
        "a25002": (0.002, "mg/m3"),
    }


def test_emissions_keep_the_unit_of_the_standard() -> None:
    assert air("31", "a21026-Rtd=18.5;a34013-Rtd=12.34") == {"a21026": (18.5, "mg/m3"), "a34013": (12.34, "mg/m3")}


@pytest.mark.parametrize("name", ["hj212-2017", "hj212-2025"])
def test_recorded_sessions_of_outlets_keep_their_numbers(name: str) -> None:
    """Every value of the recorded sessions, none of which is of ambient air, is as it was sent."""
    for side, segment in lines(name):
        message = read_segment(segment.encode()) if side == ">" else None
        if message is None or commands()[message.cn].kind != "values" or (at := data_time(message)) is None:
            continue
        for one in read_values(message.groups, message, at, ReadingRules()).readings:
            assert any(float(text) == one.value for group in message.groups for text in group.values() if _number(text))
            assert describe(one).unit == (unit_of(one.factor, one.statistic) or "")


def _number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


@given(value=st.integers(0, 99_999).map(lambda tenths: tenths / 10))
def test_what_is_sent_in_the_unit_that_is_kept_stays_as_it_is(value: float) -> None:
    rules = ReadingRules(sent_units={("*", "a34004"): "ug/m3"})
    assert air("22", f"a34004-Rtd={value}", rules) == {"a34004": (value, "ug/m3")}
    assert air("22", f"a34004-Rtd={value * 1000:.0f}") == {"a34004": (value, "ug/m3")}


def test_the_index_of_an_ambient_station_is_that_of_its_concentrations() -> None:
    kept = air("22", "a34004-Rtd=75000;a34002-Rtd=80000;a21026-Rtd=0.02;a21004-Rtd=0.04;a21005-Rtd=1;a05024-Rtd=0.1")
    found = air_quality({AIR[code]: value for code, (value, _) in kept.items()}, date(2025, 6, 1), "hourly")
    assert (found.index, found.primary, found.missing) == (100, ("PM2.5",), ())


def test_units_of_the_table() -> None:
    assert factors()["w20111"].unit == "ug/L"
    assert unit_of("a21026", "hour-sum") == "kg"
    assert unit_of("a21026", "hour-mean") == "mg/m3"
    assert unit_of("x99999", "real-time") is None


def part(number: int, *, answer: bool, own_time: bool, qn: str = "20160801085857534") -> Message:
    flag = 7 if answer else 6
    time = "DataTime=20160801080000;" if own_time else ""
    text = (
        f"QN={qn};ST=32;CN=2061;PW=123456;MN={MN};Flag={flag};PNUM=2;PNO={number};"
        f"CP=&&{time}w0000{number}-Avg=17.5,w0000{number}-Flag=N&&"
    )
    return read_segment(text.encode())


def test_parts_without_answer_are_joined_in_any_order() -> None:
    joiner = PartsJoiner()
    assert joiner.joined(part(2, answer=False, own_time=False)) is None
    whole = joiner.joined(part(1, answer=False, own_time=True))
    assert whole is not None
    assert [one.plain("DataTime") for one in whole] == ["20160801080000"] * 2
    assert [next(iter(one.groups[-1])) for one in whole] == ["w00001-Avg", "w00002-Avg"]
    assert joiner.lost(at_end=True) == []


def test_parts_with_answer_are_given_at_once() -> None:
    joiner = PartsJoiner()
    (first,) = joiner.joined(part(1, answer=True, own_time=True)) or []
    (second,) = joiner.joined(part(2, answer=True, own_time=False)) or []
    assert first.plain("DataTime") == second.plain("DataTime") == "20160801080000"


def test_parts_that_never_become_whole_are_told() -> None:
    joiner = PartsJoiner()
    joiner.joined(part(1, answer=False, own_time=True))
    assert [one.part for one in joiner.lost(at_end=True)] == [(1, 2)]
    assert joiner.lost(at_end=True) == []


NAMES = st.from_regex(r"[aw][0-9]{5}", fullmatch=True)
NUMBERS = st.decimals(min_value=-1000, max_value=10**6, places=3, allow_nan=False).map(str)
GROUPS = st.dictionaries(NAMES, NUMBERS, min_size=0, max_size=6)


@given(
    groups=GROUPS,
    flag=st.sampled_from([4, 5, 8, 9]),
    cn=st.sampled_from(["2011", "2061", "9015"]),
    mn=st.from_regex(r"[0-9A-F]{24}", fullmatch=True),
    resent=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read_again(groups: dict[str, str], flag: int, cn: str, mn: str, *, resent: bool) -> None:
    message = Message(
        qn="20260301085857223",
        st="32",
        cn=cn,
        mn=mn,
        flag=Flag.of(flag),
        groups=({"DataTime": "20260301085857"}, *({f"{name}-Rtd": text} for name, text in groups.items())),
        password="123456",
        resent=resent,
    )
    frame = encode(written(message))
    (segment,) = FrameReader().feed(frame)
    assert isinstance(segment, bytes)
    assert read_segment(segment) == message


def told(chunks: list[bytes]) -> list[bytes | tuple[str, str]]:
    reader = FrameReader()
    found = [one for chunk in chunks for one in reader.feed(chunk)]
    return [one if isinstance(one, bytes) else (one.code, one.frame) for one in found]


STREAM = b"noise#" + b"".join(frame for frame, _ in turns("hj212-2017")) + b"##00x1 broken\r\n" + framed(GOOD)


def test_byte_by_byte_is_the_same_as_at_once() -> None:
    assert told([STREAM[place : place + 1] for place in range(len(STREAM))]) == told([STREAM])
    assert len([one for one in told([STREAM]) if isinstance(one, bytes)]) == 12


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
    for one in found:
        if isinstance(one, bytes):
            assert framed(one).upper() in bytes(stream).upper()
        else:
            assert "123456" not in one[1]


@given(segment=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
@settings(deadline=None, max_examples=100)
def test_any_segment_is_read_or_refused(segment: bytes) -> None:
    refused = refusal_of(lambda: read_segment(segment))
    assert refused is None or refused.code


@given(place=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_a_message_with_one_changed_byte_is_read_or_refused(place: int, byte: int) -> None:
    raw = bytearray(GOOD.encode())
    raw[place] = byte
    assert "123456" not in shown(bytes(raw))

    def read() -> None:
        message = read_segment(bytes(raw))
        command_of(message)
        at = data_time(message)
        if at:
            read_values(message.groups, message, at, ReadingRules())

    assert "123456" not in str(refusal_of(read))


@given(place=st.integers(6, len(framed(GOOD)) - 7), byte=st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_one_changed_byte_is_always_noticed(place: int, byte: int) -> None:
    frame = bytearray(framed(GOOD))
    assume(frame[place] != byte)
    frame[place] = byte
    assert not [one for one in FrameReader().feed(bytes(frame)) if isinstance(one, bytes)]


def test_the_next_frame_is_found_after_each_kind_of_fault() -> None:
    good = framed(GOOD)
    for broken, code in (
        (good.replace(b"##", b"#x", 1), None),
        (good[:2] + b"12ab" + good[6:], "length"),
        (good[:2] + b"9999" + good[6:], "too-long"),
        (good[:2] + b"0010" + good[6:], "length"),
        (good[:2] + b"0999" + good[6:], "length"),
        (good.replace(b"40.1", b"40.2"), "crc"),
        (good[:-1], "length"),
    ):
        found = FrameReader().feed(broken + good)
        assert found[-1] == GOOD.encode(), broken
        codes = [one.code for one in found if isinstance(one, Fault)]
        assert codes[:1] == ([code] if code else [])


def test_a_cipher_is_named_as_one() -> None:
    area = bytes(range(128, 240)) + bytes(range(1, 9))
    segment = b"QN=20260301085857223;ST=31;CN=2011;PW=123456;MN=0100;Flag=9;CP=&&" + area + b"&&"
    frame = b"##%04d%sAAAA\r\n" % (len(segment), segment)
    (fault,) = FrameReader().feed(frame)
    assert isinstance(fault, Fault)
    assert fault.code == "encrypted"


def test_no_more_than_a_frame_is_held() -> None:
    reader = FrameReader()
    faults = 0
    for _ in range(200):
        faults += len(reader.feed(b"##1000" + b"x" * 500))
        assert len(reader._held) <= MOST_FRAME
    assert faults > 50


def test_a_password_is_shown_nowhere() -> None:
    message = read_segment(GOOD.encode())
    assert message.password == "123456"
    assert "123456" not in repr(message)
    assert "123456" not in shown(GOOD.encode())
    assert "654321" not in shown(GOOD.replace("w01018-Rtd=40.1", "NewPW=654321").encode())
    assert shown(GOOD.encode()).startswith("QN=20160801085857223;ST=32;CN=2011;***;MN=")
