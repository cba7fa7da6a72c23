"""Code lists and crosswalks: every code is accounted for once, and files that do not fit say where."""

from datetime import date
from pathlib import Path

import pytest

from cim.errors import DefinitionError
from layers.catalog import SHIPPED, Catalog, load_catalog
from layers.codes import CodeList, load_codes
from layers.crosswalks import load_crosswalk

CATALOG = load_catalog()
THREE_WAY = ("third-survey-three-way-0404-agricultural", "third-survey-three-way-0404-unused")
HEAD = 'from = "a"\nto = "b"\nedition = "1"\nsource = "test"\n'


def codes(*listed: str, **parents: str) -> CodeList:
    entries = [{"code": code, "name": {"zh": code, "en": code}, "parent": parents.get(code)} for code in listed]
    return CodeList.model_validate({"system": "s", "edition": "1", "source": "test", "code": entries})


LISTS = {"a": codes("1", "1A", "2", "A", A="1"), "b": codes("x", "y")}


def written(folder: Path, text: str, name: str = "walk.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", CATALOG.codes)
def test_every_list_says_its_edition_and_source(name: str) -> None:
    found = CATALOG.codes[name]
    assert found.edition
    assert found.source
    assert found.complete or found.note


@pytest.mark.parametrize("name", CATALOG.crosswalks)
def test_every_code_is_mapped_or_said_to_be_unmapped_exactly_once(name: str) -> None:
    crosswalk = CATALOG.crosswalks[name]
    assert crosswalk.missing() == ()
    assert set(crosswalk.counterparts) <= set(CATALOG.codes[crosswalk.source].names())
    assert all(found.note for found in crosswalk.counterparts.values() if found.kind in {"disputed", "unmapped"})


def test_editions_are_as_large_as_the_standards_state() -> None:
    def levels(name: str, lengths: tuple[int, ...], letters: str = "") -> list[int]:
        listed = [code.code for code in CATALOG.codes[name].code if not letters or code.code[0] in letters]
        return [sum(len(code) == length for code in listed) for length in lengths]

    assert levels("gbt-21010-2017", (4,)) == [73]
    assert levels("land-and-sea-use-2020", (2, 4, 6)) == [24, 106, 39]
    assert levels("gb-50137-2011", (1, 2, 3), "RABMWSUG") == [8, 35, 42]
    assert levels("gb-50137-2011", (1, 2, 3), "HE") == [2, 9, 14]
    assert CATALOG.codes["land-and-sea-use"].valid_from == CATALOG.codes["land-and-sea-use-2020"].valid_until
    assert CATALOG.codes["gbt-21010-2017"].valid_from == date(2017, 11, 1)


def test_the_same_digits_mean_something_else_in_another_edition() -> None:
    newer, older = (CATALOG.codes[name].names() for name in ("land-and-sea-use", "land-and-sea-use-2020"))
    assert (newer["2302"].zh, older["2302"].zh) == ("后备耕地", "田坎")
    assert (newer["1311"].zh, older["1311"].zh) == ("水工设施用地", "干渠")


def test_the_roll_ups_differ_in_other_grassland_only() -> None:
    agricultural, unused = (CATALOG.crosswalks[name] for name in THREE_WAY)
    differing = {
        code
        for code in CATALOG.codes["third-survey"].names()
        if agricultural.roll_up(code) is not None and agricultural.roll_up(code).to != unused.roll_up(code).to  # type: ignore[union-attr]  # of one list
    }
    assert differing == {"0404"}
    disputed = agricultural.roll_up("0404")
    assert disputed is not None
    assert (disputed.to, disputed.kind) == (("agricultural",), "disputed")


@pytest.mark.parametrize(
    ("code", "to"),
    [
        ("0810A", "construction"),
        ("1104A", "agricultural"),
        ("1104K", "agricultural"),
        ("08H2A", "construction"),
        ("0201K", "agricultural"),
        ("05H1", "construction"),
        ("1107", "agricultural"),
        ("1107A", "construction"),
        ("1101", "unused"),
    ],
)
def test_sub_types_go_with_their_parents_where_the_list_says_so(code: str, to: str) -> None:
    found = CATALOG.crosswalks[THREE_WAY[0]].roll_up(code)
    assert found is not None
    assert (found.code, found.to) == (code, (to,))


def test_a_code_without_a_parent_has_no_counterpart_but_its_own(tmp_path: Path) -> None:
    crosswalk = load_crosswalk(written(tmp_path, HEAD + '[[entry]]\nfrom = ["1"]\nto = ["x"]\nkind = "exact"'), LISTS)
    parent, child = crosswalk.roll_up("1"), crosswalk.roll_up("A")
    assert parent is not None
    assert child is not None
    assert (parent.kind, child.to, child.kind) == ("exact", ("x",), "broader")
    assert crosswalk.roll_up("1A") is None
    assert crosswalk.roll_up("nowhere") is None
    assert crosswalk.missing() == ("1A", "2")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD + '[[entry]]\nfrom = ["3"]\nto = ["x"]\nkind = "exact"', "entry.0: a does not have '3'"),
        (HEAD + '[[entry]]\nfrom = ["1"]\nto = ["z"]\nkind = "exact"', "entry.0: b does not have 'z'"),
        (HEAD + '[[entry]]\nfrom = ["1", "1"]\nto = ["x"]\nkind = "exact"', "'1' is mapped twice"),
        (
            HEAD + '[[entry]]\nfrom = ["1"]\nto = ["x"]\nkind = "exact"\n[[unmapped]]\nfrom = ["1"]\nwhy = "none"',
            "unmapped.0: '1' is mapped twice",
        ),
        (HEAD + '[[entry]]\nfrom = ["1"]\nto = ["x"]\nkind = "near"', "entry.0.kind"),
        (HEAD.replace('"b"', '"c"') + "entry = []", "no code list 'c'"),
        (HEAD + "entry = [", "Invalid value"),
    ],
)
def test_a_crosswalk_that_does_not_fit_names_file_and_entry(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        load_crosswalk(written(tmp_path, text), LISTS)
    assert raised.value.where == "walk.toml"
    assert what in str(raised.value)


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ('[[code]]\ncode = "1"\nname = { zh = "一", en = "one" }\nparent = "9"', "parent '9'"),
        ('[[code]]\ncode = "1"\nname = { zh = "一", en = "one" }\n' * 2, "listed twice"),
        ("complete = false\ncode = []", "what it lacks"),
        ('[[code]]\ncode = "1"', "code.0.name"),
    ],
)
def test_a_code_list_that_does_not_fit_names_its_fault(tmp_path: Path, entries: str, what: str) -> None:
    path = written(tmp_path, f'system = "s"\nedition = "1"\nsource = "test"\n{entries}', "list.toml")
    with pytest.raises(DefinitionError) as raised:
        load_codes(path)
    assert raised.value.where == "list.toml"
    assert what in str(raised.value)


def test_an_offices_own_crosswalk_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "crosswalks").mkdir()
    text = (SHIPPED / "crosswalks" / f"{THREE_WAY[0]}.toml").read_text("utf-8")
    written(tmp_path / "crosswalks", text.replace("0404 agricultural", "office"), f"{THREE_WAY[0]}.toml")
    catalog: Catalog = load_catalog((SHIPPED, tmp_path))
    assert catalog.crosswalks[THREE_WAY[0]].edition == "office"
    assert catalog.crosswalks[THREE_WAY[1]].edition == "0404 unused"


def test_a_rule_may_only_name_editions_that_exist(tmp_path: Path) -> None:
    (tmp_path / "definitions").mkdir()
    text = (SHIPPED / "definitions" / "land_status.toml").read_text("utf-8")
    rule = '[[quality]]\ncheck = "codes"\nfield = "DLBM"\neditions = ["third-survey", "nowhere"]\n\n[[quality]]'
    written(tmp_path / "definitions", text.replace("[[quality]]", rule, 1), "land_status.toml")
    with pytest.raises(DefinitionError, match="no code list 'nowhere'"):
        load_catalog((SHIPPED, tmp_path))
