"""Addresses in parts, whatever way they are written."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.model.address import DoorNumber, parse_address
from cim.model.address_text import number_of
from cim.model.likeness import likeness


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "四川省成都市彭州市天彭街道梨园路一百二十三号附３号（旧粮站）",
            {
                "province": "四川省",
                "city": "成都市",
                "county": "彭州市",
                "town": "天彭街道",
                "street": "梨园路",
                "number": DoorNumber(123, "3"),
                "notes": ("旧粮站",),
            },
        ),
        ("彭州市濛阳街道白塘社区8组305号之二", {"village": "白塘社区", "group": "8", "number": DoorNumber(305, "2")}),
        ("天彭街道梨园路15 3栋2单元501室", {"number": DoorNumber(15), "building": "3", "unit": "2", "room": "501"}),
        ("梨园路5号，天彭街道，彭州市", {"county": "彭州市", "town": "天彭街道", "street": "梨园路"}),
        ("桂花镇丽桂公路8号1幢3-8-3", {"street": "丽桂公路", "building": "1", "unit": "3", "floor": "8", "room": "3"}),
        ("三楼社区三组二十号三楼", {"village": "三楼社区", "group": "3", "number": DoorNumber(20), "floor": "3"}),
        ("牡丹路12 一楼", {"number": DoorNumber(12), "floor": "1"}),
        ("彭州市市民巷24号1104", {"county": "彭州市", "street": "市民巷", "number": DoorNumber(24), "room": "1104"}),
        ("G317国道25号", {"street": "G317国道", "number": DoorNumber(25)}),
        ("二号桥路7号", {"street": "二号桥路", "number": DoorNumber(7)}),
        ("梨园路十五", {"street": "梨园路", "number": DoorNumber(15)}),
        ("敖平镇金村村53组2113-4号", {"village": "金村村", "group": "53", "number": DoorNumber(2113, "4")}),
        ("梨园路 28 号 甲", {"number": DoorNumber(28)}),
        ("梨园路28甲号", {"number": DoorNumber(28, "甲")}),
        ("5号楼2单元", {"building": "5", "unit": "2", "number": None}),
        ("电话02883701234", {"number": None}),
        ("", {"number": None, "street": ""}),
    ],
)
def test_parts(text: str, parts: dict[str, object]) -> None:
    found = parse_address(text)
    assert {name: getattr(found, name) for name in parts} == parts


@pytest.mark.parametrize(
    ("numeral", "value"),
    [("一百二十三", 123), ("十", 10), ("二十", 20), ("一千零五", 1005), ("一二三", 123), ("百", 100)],
)
def test_numerals(numeral: str, value: int) -> None:
    assert number_of(numeral) == value


@given(number=st.integers(1, 9999), sub=st.integers(1, 99))
def test_a_number_is_the_same_in_every_way_of_writing(number: int, sub: int) -> None:
    wide = str(number).translate({ord(one): 0xFF10 + int(one) for one in string.digits})
    for text in (
        f"梨园路{number}号附{sub}号",
        f"梨园路{wide}号之{sub}",
        f"梨园路 {number}－{sub} 号",
        f"梨园路{number}—{sub}",
    ):
        assert parse_address(text).number == DoorNumber(number, str(sub)), text


@given(st.text(max_size=60) | st.text(alphabet="彭州市天街道路村组号附之-栋0123456789一二十百（( ，", max_size=60))
def test_any_text_is_read_and_every_piece_stands_in_it_in_order(text: str) -> None:
    parts, at = parse_address(text), 0
    for piece in (*parts.before, *parts.behind):
        at = parts.text.index(piece, at) + len(piece)
    assert parts.number is None or 0 <= parts.number.main < 10**9


@given(
    st.text(alphabet="梨园路桂苑街天彭道", min_size=1, max_size=6),
    st.text(alphabet="梨园路桂苑街天彭道", min_size=1, max_size=6),
)
def test_likeness_is_a_share_equal_for_both_and_one_for_equals(one: str, other: str) -> None:
    assert 0.0 <= likeness(one, other) <= 1.0
    assert likeness(one, other) == pytest.approx(likeness(other, one))
    assert (likeness(one, other) == 1.0) == (one == other)


def test_sound_counts_less_than_shape_and_the_kind_less_than_the_stem() -> None:
    assert likeness("梨园路", "犁园路") > likeness("梨园路", "桂园路")
    assert likeness("文庙街", "文庙路") > likeness("文庙路", "文化路")
    assert likeness("天彭", "天彭街道") > 0.9
