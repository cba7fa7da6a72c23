"""Codes of devices: ours with its check character, those of GB/T 28181 by edition, and those of others."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.model.device_codes import (
    DeviceCode,
    has_right_check,
    is_device_code,
    next_device_code,
    parse_device_code,
)
from cim.model.device_codes_gb28181 import gb_tables, next_gb_code, parse_gb_code
from cim.model.device_codes_other import checked_alias
from cim.model.device_kinds import kind_named, kinds, letters_of, placement_named, placements

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODES = st.builds(
    DeviceCode,
    st.from_regex(r"[1-9][0-9]{5}", fullmatch=True),
    st.sampled_from([kind.letters for kind in kinds().values()]),
    st.integers(1, 999_999),
)


def test_the_check_is_that_of_published_numbers() -> None:
    """A number with a check by ISO 7064 MOD 37,36 that others gave out: a GRid."""
    assert has_right_check("A12425GABC1234002M")
    assert not has_right_check("A12425GABC1234002N")


@given(CODES)
def test_a_code_is_read_as_it_was_written(code: DeviceCode) -> None:
    text = str(code)
    assert parse_device_code(text) == code
    spaced = f"{text[:6]}-{text[6:8].lower()} {text[8:]}"
    assert parse_device_code(spaced) == code
    assert is_device_code(text)
    assert not is_device_code(spaced)


@given(CODES, st.integers(0, 14), st.sampled_from(LETTERS))
def test_every_single_wrong_character_is_found(code: DeviceCode, place: int, letter: str) -> None:
    text = str(code)
    if text[place] == letter:
        return
    with pytest.raises(BadRequest):
        parse_device_code(text[:place] + letter + text[place + 1 :])


def test_nearly_every_swap_of_neighbours_is_found() -> None:
    found = missed = 0
    for serial in range(1, 2_000, 7):
        text = str(DeviceCode("510182", "AQ", serial))
        for left, right in itertools.pairwise(range(8, 14)):
            if text[left] != text[right]:
                swapped = [*text]
                swapped[left], swapped[right] = swapped[right], swapped[left]
                found, missed = (
                    found + (not has_right_check("".join(swapped))),
                    missed + has_right_check("".join(swapped)),
                )
    assert missed <= (found + missed) * 0.02


def test_numbers_go_on_after_the_highest() -> None:
    first = next_device_code("510182", "AQ", [])
    assert first.startswith("510182AQ000001")
    seventh = str(DeviceCode("510182", "AQ", 7))
    assert next_device_code("510182", "AQ", [first, seventh, "BETR801"]) == str(DeviceCode("510182", "AQ", 8))
    with pytest.raises(BadRequest, match="all 999999"):
        next_device_code("510182", "AQ", [str(DeviceCode("510182", "AQ", 999_999))])


@pytest.mark.parametrize("text", ["", "510182AQ000017", "510182aq00001X7", "５10182AQ0000017", "510182AQ0000000", "\0"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_device_code(text)


def test_a_code_of_gb28181_is_read_by_its_edition() -> None:
    code = parse_gb_code("51018200081326000001")
    told = code.document()
    assert (told["centre"], told["serial"], told["edition"]) == ("51018200", "000001", "2016")
    assert told["industry"]["name"] == "城市管理接入"
    assert told["type"]["name"] == "网络摄像机 IPC"
    assert told["network"]["name"] == "政务网"
    assert parse_gb_code(str(code), "2022").document()["network"]["name"] == "电子政务外网"


def test_editions_mean_different_things_by_the_same_digits() -> None:
    electricity = "51018200441321000001"
    assert parse_gb_code(electricity, "2016").document()["industry"]["name"] == "电力企业接入"
    assert parse_gb_code(electricity, "2022").document()["industry"]["name"] == "建筑业接入"
    assert set(gb_tables("2016")) == set(gb_tables("2022")) == {"industry", "type", "network"}
    for edition in ("2016", "2022"):
        assert len(gb_tables(edition)["network"]) == 10
        for number in range(100):
            assert parse_gb_code(f"51018200{number:02d}1320000001", edition).industry == f"{number:02d}"


@pytest.mark.parametrize(
    ("text", "edition", "word"),
    [
        ("5101820008132600000", None, "20 digits"),
        ("510182000813260000011", None, "20 digits"),
        ("5101820008132600000X", None, "20 digits"),
        ("00018200081326000001", None, "province"),
        ("51018200080906000001", None, "no type 090"),
        ("51018200081326000001", "2011", "edition"),
    ],
)
def test_a_wrong_code_of_gb28181_says_what_is_wrong(text: str, edition: str | None, word: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_gb_code(text, edition)
    assert word in str(caught.value)


def test_the_next_free_code_of_gb28181_fills_gaps() -> None:
    used = ["51018200081326000001", "51018200081326000003", "51018200081327000002", "nonsense"]
    assert str(next_gb_code("51018200", "08", "132", "6", used)) == "51018200081326000002"
    with pytest.raises(BadRequest):
        next_gb_code("51018200", "08", "099", "6", [])


@pytest.mark.parametrize(
    ("scheme", "code"),
    [
        ("oid", "1.2.156.3008.1.17"),
        ("oid", "2.999"),
        ("ecode", "1" + "0001" + "12345678"),
        ("ecode", "3" + "00010" + "AB12"),
        ("ecode", "4" + "00010" + "任意"),
        ("hj212", "510182000000000000000001"),
        ("sl651", "0060123456"),
        ("supplier", "SN 77/4"),
    ],
)
def test_codes_of_others_are_kept(scheme: str, code: str) -> None:
    assert checked_alias(scheme, code).code == code


@pytest.mark.parametrize(
    ("scheme", "code"),
    [
        ("oid", "1"),
        ("oid", "3.1"),
        ("oid", "1.40.1"),
        ("oid", "1.2.03"),
        ("ecode", "0000112"),
        ("ecode", "1" + "0001"),
        ("ecode", "2" + "0001" + "1" * 29),
        ("ecode", "1" + "0001" + "A1"),
        ("hj212", "abc"),
        ("sl651", "zz60123456"),
        ("gb28181", "1"),
        ("x y", "1"),
        ("supplier", ""),
        ("supplier", "a\0b"),
        ("supplier", "x" * 201),
    ],
)
def test_codes_that_are_none_are_refused(scheme: str, code: str) -> None:
    with pytest.raises(BadRequest):
        checked_alias(scheme, code)


def test_the_ten_placements_and_the_kinds_are_found_by_any_name() -> None:
    assert len(placements()) == 10
    assert placement_named(" 管廊 ") == placement_named("utility-tunnel") == placement_named("Utility Tunnel")
    with pytest.raises(BadRequest, match="placement"):
        placement_named("月球")
    assert kind_named("空气站") == "air"
    assert kind_named("Ozone Sonde") == "ozone sonde"
    assert letters_of("ozone sonde") == "ZZ"
    letters = [kind.letters for kind in kinds().values()]
    assert len(letters) == len(set(letters))
