"""The index of a STEP file agrees with ifcopenshell's parser; hashes do not see numbers; parts hold what they need."""

import re
from pathlib import Path

import ifcopenshell
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_ifc import made_model, write_made

from cim.errors import ImportRefused
from importers.bim.step_hash import content_hashes
from importers.bim.step_index import StepIndex, index_of
from importers.bim.step_part import Parts
from importers.bim.step_text import step_text

HEAD = "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\n{}ENDSEC;\nDATA;\n"
SCHEMA = "FILE_SCHEMA(('IFC4'));\n"
TAIL = "ENDSEC;\nEND-ISO-10303-21;\n"


def written(folder: Path, body: str | bytes, head: str = HEAD.format(SCHEMA), tail: str = TAIL) -> Path:
    path = folder / "text.ifc"
    (folder / "text.ifc.clean").unlink(missing_ok=True)
    path.write_bytes(head.encode() + (body if isinstance(body, bytes) else body.encode()) + tail.encode())
    return path


def index(path: Path) -> StepIndex:
    return index_of(step_text(path, path.parent), path)


def test_it_finds_the_statements_and_references_that_the_parser_finds(tmp_path: Path) -> None:
    path = write_made(tmp_path / "made.ifc")
    found, file = index(path), ifcopenshell.open(str(path))
    assert sorted(found.ids.tolist()) == sorted(entity.id() for entity in file if entity.id())
    for place, number in enumerate(found.ids.tolist()):
        entity = file.by_id(number)
        assert found.names[found.kinds[place]] == entity.is_a().upper()
        direct = {item.id() for item in file.traverse(entity, max_levels=1)[1:] if item.id()}
        assert {int(found.ids[target]) for target in found.refs(place)} == direct


def test_texts_comments_and_blanks_do_not_mislead_it(tmp_path: Path) -> None:
    body = "#1 =\n IFCPERSON ( 'a;#9=IFCX(/*'' #2', $ ) ;/* #3=IFCX(); */#20=IFCROLE(#1,\n#1);;\n"
    found = index(written(tmp_path, body))
    assert found.ids.tolist() == [1, 20]
    assert [found.names[kind] for kind in found.kinds] == ["IFCPERSON", "IFCROLE"]
    assert found.refs(1).tolist() == [0, 0]
    assert found.refs(0).tolist() == []


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_texts_written_as_they_are_come_out_as_they_were_meant(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "#1=IFCPERSON($,'彭州市乜',$,$,$,$,$,$);\n".encode(encoding))
    text = step_text(path, path.parent)
    assert text.encoding == encoding
    part = tmp_path / "part.ifc"
    Parts(index_of(text, path), []).write([0], [], part)
    assert ifcopenshell.open(str(part)).by_id(1).FamilyName == "彭州市乜"


@pytest.mark.parametrize(
    ("body", "head", "tail"),
    [
        ("#1=IFCPERSON('a);\n", None, None),
        ("#1=IFCPERSON($);\n#1=IFCPERSON($);\n", None, None),
        ("#1 IFCPERSON($);\n", None, None),
        ("#1==IFCPERSON($);\n", None, None),
        ("#=IFCPERSON($);\n", None, None),
        ("nonsense;\n", None, None),
        ("#1=IFCPERSON($);\n", None, ""),
        ("#1=IFCPERSON($);\n", HEAD.format(""), None),
        ("#1=IFCPERSON($);\n", "DATA;\n", None),
        ("#1=IFCPERSON($);\n", "ISO-10303-21;\nHEADER;\n", None),
    ],
)
def test_what_is_no_step_text_is_refused(tmp_path: Path, body: str, head: str | None, tail: str | None) -> None:
    path = written(tmp_path, body, HEAD.format(SCHEMA) if head is None else head, TAIL if tail is None else tail)
    with pytest.raises(ImportRefused) as refused:
        index(path)
    assert refused.value.code == "unreadable"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=80))
def test_any_bytes_are_an_index_or_a_refusal(tmp_path: Path, body: bytes) -> None:
    try:
        found = index(written(tmp_path, b"#1=IFCPERSON($);\n" + body))
    except ImportRefused:
        return
    content_hashes(found)


@settings(max_examples=15, deadline=None)
@given(factor=st.integers(1, 50), shift=st.integers(0, 1000), reverse=st.booleans())
def test_hashes_are_the_same_under_any_numbers_and_order(
    tmp_path_factory: pytest.TempPathFactory, factor: int, shift: int, reverse: bool
) -> None:
    folder = tmp_path_factory.mktemp("step")
    lines = TEXT.splitlines()
    begin, end = lines.index("DATA;") + 1, lines.index("ENDSEC;", lines.index("DATA;"))
    body = [re.sub(r"#(\d+)", lambda n: f"#{int(n[1]) * factor + shift}", line) for line in lines[begin:end]]
    other = written(folder, "\n".join(reversed(body) if reverse else body) + "\n")
    there = index(other)
    moved = dict(zip(there.ids.tolist(), content_hashes(there).tolist(), strict=True))
    here = index(written(folder, "\n".join(lines[begin:end]) + "\n"))
    by_number = dict(zip(here.ids.tolist(), content_hashes(here).tolist(), strict=True))
    assert {number * factor + shift: value for number, value in by_number.items()} == moved


TEXT = made_model().to_string()


def test_a_hash_changes_with_anything_below_and_nothing_else(tmp_path: Path) -> None:
    here = index(written(tmp_path, "#1=IFCA('x');\n#2=IFCB(#1,1.);\n#3=IFCC(#2);\n#4=IFCD(2.);\n"))
    before = content_hashes(here)
    there = index(written(tmp_path, "#1=IFCA('y');\n#2=IFCB(#1,1.);\n#3=IFCC(#2);\n#4=IFCD(2.);\n"))
    assert (before == content_hashes(there)).all(axis=1).tolist() == [False, False, False, True]


def test_references_in_another_order_are_another_content(tmp_path: Path) -> None:
    one = content_hashes(index(written(tmp_path, "#1=IFCA(1);\n#2=IFCA(2);\n#3=IFCB(#1,#2);\n")))
    two = content_hashes(index(written(tmp_path, "#1=IFCA(1);\n#2=IFCA(2);\n#3=IFCB(#2,#1);\n")))
    assert not np.array_equal(one[2], two[2])


def test_who_wrote_something_and_when_is_not_part_of_it(tmp_path: Path) -> None:
    one = content_hashes(index(written(tmp_path, "#1=IFCOWNERHISTORY($,100);\n#2=IFCB('g',#1);\n")))
    two = content_hashes(index(written(tmp_path, "#1=IFCOWNERHISTORY($,200);\n#2=IFCB('g',#1);\n")))
    assert np.array_equal(one, two)


def test_circles_and_missing_statements_end(tmp_path: Path) -> None:
    found = index(written(tmp_path, "#1=IFCA(#2);\n#2=IFCB(#1,#9);\n"))
    assert found.targets.tolist() == [1, 0, -1]
    assert len(content_hashes(found)) == 2


def test_a_part_can_be_opened_and_its_relations_name_only_what_it_has(tmp_path: Path) -> None:
    path = write_made(tmp_path / "made.ifc")
    found, file = index(path), ifcopenshell.open(str(path))
    walls = file.by_type("IfcWall")
    relation = next(r for r in file.by_type("IfcRelAssociatesMaterial") if walls[0] in r.RelatedObjects)
    place, cut, layers = (
        int(found.places(np.array([item.id()]))[0]) for item in (walls[0], relation, relation.RelatingMaterial)
    )
    Parts(found, []).write([place, layers], [cut], tmp_path / "part.ifc")
    part = ifcopenshell.open(str(tmp_path / "part.ifc"))
    assert [wall.GlobalId for wall in part.by_type("IfcWall")] == [walls[0].GlobalId]
    assert [len(r.RelatedObjects) for r in part.by_type("IfcRelAssociatesMaterial")] == [1]
    assert part.by_type("IfcExtrudedAreaSolid")[0].Depth == 3000.0
