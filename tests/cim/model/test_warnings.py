"""CAP 1.2 read and written: round trips, every fault with its place; national identifiers; colours; call lists."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cim.errors import BadRequest, TooLarge
from cim.model.alarms import Severity as Colour
from cim.model.sensing import BEIJING
from cim.model.warning_areas import alert_shape, geocodes_of
from cim.model.warning_calls import Subject, call_list
from cim.model.warning_course import Contact
from cim.model.warning_ids import LENGTH, national_id, parsed_id
from cim.model.warning_reading import MOST_BYTES, read_alert
from cim.model.warning_xml import alert_xml
from cim.model.warnings import (
    CATEGORIES,
    CERTAINTIES,
    RESPONSES,
    SCOPES,
    SEVERITIES,
    URGENCIES,
    Alert,
    Area,
    Circle,
    Info,
    MessageType,
    Reference,
    Resource,
    Status,
    colour_of,
)

MADE = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>51018241600000_20260704123000_0</identifier>
  <sender>51018241600000</sender>
  <sent>2026-07-04T12:30:00+08:00</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <info>
    <language>zh-CN</language>
    <category>Met</category>
    <event>山洪灾害气象风险</event>
    <urgency>Immediate</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <expires>2026-07-04T18:30:00+08:00</expires>
    <headline>山洪灾害气象风险橙色预警</headline>
    <area>
      <areaDesc>龙门山镇</areaDesc>
      <polygon>31.10,103.80 31.10,103.90 31.20,103.90 31.20,103.80 31.10,103.80</polygon>
      <circle>31.05,103.85 2.5</circle>
      <geocode><valueName>GB/T 2260</valueName><value>510182000000</value></geocode>
    </area>
  </info>
</alert>
"""
words = st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters=""), min_size=1, max_size=12)
tokens = st.text(st.characters(codec="utf-8", categories=("L", "N"), exclude_characters=""), min_size=1, max_size=20)
moments = st.integers(946_684_800, 4_070_908_800).map(lambda second: datetime.fromtimestamp(second, BEIJING))
pairs = st.lists(st.tuples(words, words), max_size=2).map(tuple)
places = st.tuples(
    st.integers(-18_000_000, 18_000_000).map(lambda n: n / 1e5),
    st.integers(-9_000_000, 9_000_000).map(lambda n: n / 1e5),
)
rings = st.lists(places, min_size=3, max_size=6).map(lambda ring: (*ring, ring[0]))
circles = st.builds(Circle, places, st.integers(0, 2_000_000).map(lambda n: n / 100))
areas = st.builds(
    Area,
    words,
    st.lists(rings, max_size=2).map(tuple),
    st.lists(circles, max_size=2).map(tuple),
    pairs,
    st.none() | st.integers(0, 9000).map(float),
    st.none() | st.integers(0, 9000).map(float),
)
resources = st.builds(Resource, words, words, st.none() | st.integers(0, 10**9), words, words)
infos = st.builds(
    Info,
    event=words,
    urgency=st.sampled_from(URGENCIES),
    severity=st.sampled_from(SEVERITIES),
    certainty=st.sampled_from(CERTAINTIES),
    categories=st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3).map(tuple),
    language=st.sampled_from(("zh-CN", "en-US")),
    responses=st.lists(st.sampled_from(RESPONSES), max_size=2).map(tuple),
    audience=words,
    event_codes=pairs,
    effective=st.none() | moments,
    onset=st.none() | moments,
    expires=st.none() | moments,
    sender_name=words,
    headline=words,
    description=words,
    parameters=pairs,
    resources=st.lists(resources, max_size=2).map(tuple),
    areas=st.lists(areas, max_size=2).map(tuple),
)
alerts = st.builds(
    Alert,
    identifier=tokens,
    sender=tokens,
    sent=moments,
    status=st.sampled_from(Status),
    kind=st.just(MessageType.UPDATE),
    scope=st.sampled_from(SCOPES),
    source=words,
    codes=st.lists(words, max_size=2).map(tuple),
    note=words,
    references=st.lists(st.builds(Reference, tokens, tokens, moments), min_size=1, max_size=3).map(tuple),
    infos=st.lists(infos, min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=40)
@given(alerts)
def test_what_is_written_reads_equal(alert: Alert) -> None:
    assert read_alert(alert_xml(alert)) == alert


def test_a_made_message_says_what_it_says() -> None:
    alert = read_alert(MADE.encode())
    assert alert.sent == datetime(2026, 7, 4, 4, 30, tzinfo=UTC)
    assert (alert.colour, alert.title, alert.drill) == (Colour.ORANGE, "山洪灾害气象风险橙色预警", False)
    (area,) = alert.infos[0].areas
    assert area.polygons[0][0] == (103.80, 31.10)
    assert area.circles == (Circle((103.85, 31.05), 2.5),)
    assert geocodes_of(alert) == ["510182"]
    shape = alert_shape(alert)
    assert shape is not None
    assert shape.contains(shapely.Point(103.85, 31.15))
    assert shape.contains(shapely.Point(103.85, 31.05 + 2.4 / 110.9))
    assert not shape.contains(shapely.Point(103.85, 31.05 - 2.6 / 110.9))
    drill = read_alert(MADE.replace("Actual", "Exercise").encode())
    assert drill.drill
    assert drill.title.startswith("【演练")


FAULTS = [
    ("31.10,103.80</polygon>", "31.10,103.81</polygon>", "not closed", "polygon[1] (line 20)"),
    ("31.10,103.80 31.10,103.90 31.20,103.90 31.20,103.80 31.10,103.80", "31.1,103.8 31.1,103.8", "fewer", "polygon"),
    ("31.05,103.85 2.5", "103.85,31.05 2.5", "swapped", "circle[1] (line 21)"),
    ("31.05,103.85 2.5", "31.05 103.85 2.5", "no place and radius", "circle"),
    ("31.05,103.85 2.5", "31.05,103.85 -1", "radius", "circle"),
    ("31.05,103.85 2.5", "nan,103.85 1", "no number", "circle"),
    ("<status>Actual", "<status>actual", "cannot be 'actual'", "status[1] (line 6)"),
    ("<severity>Severe</severity>", "", "info has no severity", "info[1]"),
    ("<event>山洪灾害气象风险</event>", "<event> </event>", "event is empty", "event[1]"),
    ("2026-07-04T12:30:00+08:00", "2026-07-04T04:30:00Z", "no moment", "sent[1]"),
    ("2026-07-04T12:30:00+08:00", "2026-13-04T04:30:00+08:00", "no moment", "sent[1]"),
    ("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>", "twice", "scope[2]"),
    ("<scope>Public</scope>", "<scope>Public</scope><colour>red</colour>", "no element 'colour'", "colour[1]"),
    ("51018241600000_20260704123000_0", "a b", "blanks", "identifier[1]"),
    ("<msgType>Alert", "<msgType>Update", "names no other", "alert"),
    ("</scope>", "</scope><references>a,b</references>", "names no message", "references[1]"),
    ("</headline>", "<b/></headline>", "elements where text", "headline[1]"),
    ("cap:1.2", "cap:1.1", "no message of CAP 1.2", "alert"),
    ("</alert>", "", "well-formed", "line"),
    ('<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE alert [<!ENTITY a "b">]>', "document type", "line 1"),
]


@pytest.mark.parametrize(("old", "new", "what", "where"), FAULTS)
def test_every_fault_is_named_with_its_place(old: str, new: str, what: str, where: str) -> None:
    assert old in MADE
    with pytest.raises(BadRequest) as caught:
        read_alert(MADE.replace(old, new, 1).encode())
    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.remedy


def test_hostile_documents_are_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY x "' + "y" * 1000 + '"><!ENTITY z "' + "&x;" * 1000 + '">]><a>&z;</a>'
    file = '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + MADE.partition("?>")[2].replace(
        "龙门山镇", "&x;"
    )
    for text in (bomb, file, "", "\0", "<a" * 100_000):
        with pytest.raises(BadRequest):
            read_alert(text.encode())
    with pytest.raises(TooLarge):
        read_alert(b" " * (MOST_BYTES + 1))


def test_a_signature_is_passed_over() -> None:
    signed = MADE.replace("</alert>", '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><x/></Signature></alert>')
    assert read_alert(signed.encode()) == read_alert(MADE.encode())


@pytest.mark.parametrize(
    ("ring", "what"),
    [
        ("48.1,11.5 48.1,11.6 48.2,11.6 48.1,11.5", "outside China"),
        ("31.1,103.8 31.2,103.9 31.2,103.8 31.1,103.9 31.1,103.8", "not valid"),
    ],
)
def test_areas_that_cannot_be_meant_are_refused(ring: str, what: str) -> None:
    text = MADE.replace("31.10,103.80 31.10,103.90 31.20,103.90 31.20,103.80 31.10,103.80", ring)
    text = text.replace("<circle>31.05,103.85 2.5</circle>", "")
    with pytest.raises(BadRequest, match=what):
        alert_shape(read_alert(text.encode()))


def test_low_longitudes_given_first_are_told_as_swapped() -> None:
    text = MADE.replace(
        "31.10,103.80 31.10,103.90 31.20,103.90 31.20,103.80 31.10,103.80", "80,40 80,41 81,41 81,40 80,40"
    )
    with pytest.raises(BadRequest, match="swapped"):
        alert_shape(read_alert(text.replace("<circle>31.05,103.85 2.5</circle>", "").encode()))


@given(
    st.from_regex(r"\A[0-9]{14}\Z").filter(str.isascii),
    st.integers(-30_000_000_000, 32_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.integers(0, 9),
)
def test_national_identifiers_come_back(issuer: str, moment: datetime, serial: int) -> None:
    made = national_id(issuer, moment, serial)
    assert len(str(made)) == LENGTH
    assert parsed_id(str(made)) == made
    assert made.entered_at == moment.replace(microsecond=0)


def test_national_identifiers_are_beijing_time_and_checked() -> None:
    made = national_id("51018241600000", datetime(2026, 7, 4, 20, 30, tzinfo=UTC))
    assert str(made) == "51018241600000_20260705043000_0"
    assert (made.area, made.sector, made.unit, made.extension) == ("510182", "416", "000", "00")
    wrong = "51018241600000_20261304043000_0 51018241600000_20260704043000_x x５1018241600000_20260704043000_0 a"
    assert [parsed_id(text) for text in wrong.split()] == [None] * 4
    for issuer, serial in (("5101", 0), ("51018241600000", 10)):
        with pytest.raises(BadRequest):
            national_id(issuer, datetime.now(UTC), serial)


def test_the_colour_is_that_of_the_parameter_else_of_the_severity() -> None:
    def colour(severity: str, *parameters: tuple[str, str]) -> Colour | None:
        return colour_of(Info("x", "Unknown", severity, "Unknown", ("Met",), parameters=parameters))

    assert [colour(severity) for severity in SEVERITIES] == [*Colour, None]
    assert colour("Minor", ("预警级别", "Ⅰ级")) is Colour.RED
    assert colour("Unknown", ("color", "Yellow")) is Colour.YELLOW
    assert colour("Minor", ("color", "green"), ("other", "red")) is Colour.BLUE


def contact(key: str, duty: str, subject: str, region: str) -> Contact:
    return Contact(key, key, duty, "1", region, subject)


def test_one_call_a_person_and_the_levels_above_in_order() -> None:
    directory = [
        contact("v", "village", "510182101003", "510182101003"),
        contact("t", "town", "510182101", "510182101"),
        contact("c", "county", "510182", "510182"),
        contact("m", "monitor", "GH1", "510182101003"),
        contact("m2", "monitor", "GH2", "510182101009"),
        contact("v", "village", "510182101004", "510182101004"),
    ]
    subjects = [
        Subject("admin_village", "510182101003", "甲村"),
        Subject("admin_village", "510182101004", "乙村"),
        Subject("geohazards", "GH1", "一号"),
        Subject("geohazards", "GH2", "二号"),
        Subject("schools", "S1", "小学"),
    ]
    found = call_list(subjects, directory)
    assert [(one.contact.key, len(one.subjects)) for one in found.calls] == [("v", 2), ("m", 1), ("m2", 1)]
    assert [[step["key"] for step in one.ladder] for one in found.calls] == [["t", "c"], ["v", "t", "c"], ["t", "c"]]
    assert [one.key for one in found.without] == ["S1"]


def test_the_oldest_offsets_are_kept_as_moments() -> None:
    text = MADE.replace("2026-07-04T12:30:00+08:00", "2026-07-03T21:30:00-07:00")
    moment = read_alert(text.encode()).sent
    assert moment == datetime(2026, 7, 3, 21, 30, tzinfo=timezone(timedelta(hours=-7)))
    assert etree.fromstring(alert_xml(read_alert(text.encode()))).findtext("{*}sent") == "2026-07-04T12:30:00+08:00"
