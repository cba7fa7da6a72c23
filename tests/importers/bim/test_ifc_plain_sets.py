"""Sets read from their text say what ifcopenshell says of them; what is not plain is left to it."""

from pathlib import Path
from typing import Any

import ifcopenshell
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.bim.ifc_plain_sets import PlainSets
from importers.bim.ifc_units import Units
from importers.bim.ifc_values import SetReader
from importers.bim.step_index import StepIndex, index_of
from importers.bim.step_text import StepText

UNITS = Units({"LENGTHUNIT": 0.001, "AREAUNIT": 1.0, "VOLUMEUNIT": 1e-9, "MASSUNIT": 1.0})
HEAD = "ISO-10303-21;HEADER;FILE_DESCRIPTION((''),'2;1');FILE_NAME('','',(''),(''),'','','');"
HEAD += "FILE_SCHEMA(('IFC4'));ENDSEC;DATA;\n"
VALUES = st.one_of(
    st.tuples(st.sampled_from(["IfcLabel", "IfcText", "IfcIdentifier"]), st.text(max_size=12)),
    st.tuples(st.sampled_from(["IfcLengthMeasure", "IfcAreaMeasure", "IfcReal"]), st.floats(-1e9, 1e9)),
    st.tuples(st.just("IfcInteger"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.sampled_from(["IfcBoolean", "IfcLogical"]), st.booleans()),
)


def indexed(text: str) -> StepIndex:
    data = text.encode()
    begin = data.index(b"DATA;") + 5
    return index_of(StepText(data, "IFC4", begin), Path("made.ifc"))


def set_in(*statements: str) -> StepIndex:
    return indexed(HEAD + "\n".join(statements) + "\nENDSEC;\nEND-ISO-10303-21;\n")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text("abc门'\\#;(", min_size=1, max_size=6), VALUES), min_size=1, max_size=4))
def test_single_values_are_those_of_ifcopenshell(values: list[tuple[str, tuple[str, Any]]]) -> None:
    file = ifcopenshell.file(schema="IFC4")
    items = [
        file.create_entity("IfcPropertySingleValue", name, None, file.create_entity(kind, value), None)
        for name, (kind, value) in values
    ]
    made = file.create_entity("IfcPropertySet", ifcopenshell.guid.new(), None, "Pset 门", None, items)
    text = file.to_string()
    index = indexed(text)
    found = PlainSets(index, UNITS).read(int(index.of("IFCPROPERTYSET")[0]))
    if found is None:  # a control character; most are plain
        assert any(isinstance(value, str) and min(value, default="a") < " " for _, (_, value) in values)
        return
    opened = ifcopenshell.file.from_string(text)
    properties, _ = SetReader(UNITS).read([opened.by_id(made.id())])
    assert (found[0], found[1] or {}, found[2]) == ("Pset 门", properties.get("Pset 门", {}), False)


def test_quantities_are_in_our_units() -> None:
    index = set_in(
        "#1=IFCQUANTITYLENGTH('L',$,$,4000.,$);",
        "#2=IFCQUANTITYAREA('A',$,$,2.5,$);",
        "#3=IFCQUANTITYCOUNT('N','it''s',$,3.,$);",
        "#4=IFCELEMENTQUANTITY('x',$,'Qto',$,$,(#1,#2,#3));",
    )
    assert PlainSets(index, UNITS).read(3) == ("Qto", {"L": 4.0, "A": 2.5, "N": 3.0}, True)


@pytest.mark.parametrize(
    "item",
    [
        "IFCPROPERTYSINGLEVALUE('a',$,IFCLENGTHMEASURE(1.),#9)",
        "IFCPROPERTYSINGLEVALUE('a',$,IFCLABEL('\\S\\d'),$)",
        "IFCPROPERTYSINGLEVALUE('a',$,IFCNUMERICMEASURE(1),$)",
        "IFCPROPERTYSINGLEVALUE($,$,IFCLABEL('a'),$)",
        "IFCPROPERTYENUMERATEDVALUE('a',$,(IFCLABEL('b')),$)",
        "IFCQUANTITYLENGTH('a',$,#9,1.,$)",
    ],
)
def test_what_is_not_plain_is_left_to_ifcopenshell(item: str) -> None:
    index = set_in(f"#1={item};", "#2=IFCPROPERTYSET('x',$,'P',$,(#1));", "#9=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);")
    assert PlainSets(index, UNITS).read(1) is None


def test_a_set_that_refers_to_nothing_is_not_plain() -> None:
    assert PlainSets(set_in("#2=IFCPROPERTYSET('x',$,'P',$,(#77));"), UNITS).read(0) is None
