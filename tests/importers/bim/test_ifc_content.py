"""Everything an element may say comes out: properties of every kind, materials, editions, sets of sets."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ifcopenshell
import pytest
from made_ifc import made_model
from read_ifc import Read, read_here

from cim.model.bim import Classification


def wrapped(file: ifcopenshell.file, kind: str, *values: Any) -> list[Any]:
    return [file.create_entity(kind, value) for value in values]


def named(file: ifcopenshell.file, kind: str, name: str) -> Any:
    return next(item for item in file.by_type(kind) if item.Name == name)


def add_set(file: ifcopenshell.file, owner: Any, name: str, properties: Iterable[Any]) -> None:
    made = file.create_entity("IfcPropertySet", ifcopenshell.guid.new(), Name=name, HasProperties=list(properties))
    file.create_entity(
        "IfcRelDefinesByProperties",
        ifcopenshell.guid.new(),
        RelatedObjects=[owner],
        RelatingPropertyDefinition=made,
    )


def properties_of_every_kind(file: ifcopenshell.file) -> list[Any]:
    make = file.create_entity
    metre = make("IfcSIUnit", None, "LENGTHUNIT", None, "METRE")
    length = "IfcLengthMeasure"
    simple = make("IfcPropertySingleValue", "厚", None, make(length, 250.0), None)
    table = make(
        "IfcPropertyTableValue",
        "表",
        DefiningValues=wrapped(file, "IfcThermodynamicTemperatureMeasure", 10.0, 20.0),
        DefinedValues=wrapped(file, length, 1000.0, 2000.0),
    )
    return [
        make(
            "IfcPropertyEnumeratedValue",
            "状态",
            EnumerationValues=wrapped(file, "IfcLabel", "NEW", "EXISTING"),
        ),
        make("IfcPropertyBoundedValue", "范围", None, make(length, 3000.0), make(length, 1000.0), None, None),
        make("IfcPropertyBoundedValue", "设定", None, None, make(length, 1.5), metre, make(length, 2.5)),
        make("IfcPropertyListValue", "列", ListValues=wrapped(file, "IfcInteger", 1, 2, 3)),
        make("IfcPropertyListValue", "米", ListValues=wrapped(file, length, 1.5), Unit=metre),
        table,
        make("IfcComplexProperty", "组", UsageName="层", HasProperties=[simple]),
        make("IfcPropertyReferenceValue", "见", PropertyReference=make("IfcMaterial", "花岗岩")),
        make("IfcPropertySingleValue", "长", None, make(length, 1.25), metre),
        make("IfcPropertySingleValue", "空", None, None, None),
        make("IfcPropertySingleValue", "未知", None, make("IfcLogical", "UNKNOWN"), None),
        make("IfcPropertySingleValue", "引号", None, make("IfcText", "it's; #1=(a,b) \\ 门"), None),
        make("IfcPropertySingleValue", "真", None, make("IfcBoolean", True), None),
        make("IfcPropertySingleValue", "数", None, make("IfcReal", 1.5e-7), None),
    ]


def test_properties_of_every_kind_are_kept_in_our_units(tmp_path: Path) -> None:
    file = made_model()
    add_set(file, named(file, "IfcWall", "墙"), "全", properties_of_every_kind(file))
    read = written(file, tmp_path)
    assert read.named("墙").properties["全"] == {
        "状态": ["NEW", "EXISTING"],
        "范围": {"upper": 3.0, "lower": 1.0},
        "设定": {"lower": 1.5, "set": 2.5},
        "列": [1, 2, 3],
        "米": [1.5],
        "表": {"defining": [10.0, 20.0], "defined": [1.0, 2.0]},
        "组": {"厚": 0.25},
        "见": "IfcMaterial 花岗岩",
        "长": 1.25,
        "引号": "it's; #1=(a,b) \\ 门",
        "真": True,
        "数": 1.5e-7,
    }


def written(file: ifcopenshell.file, folder: Path, name: str = "model.ifc", known: Any = None) -> Read:
    file.write(str(folder / name))
    return read_here(folder / name, known)


def profiles(file: ifcopenshell.file) -> Any:
    steel = file.create_entity("IfcMaterial", "钢 Q355")
    shape = file.create_entity("IfcRectangleProfileDef", "AREA", None, None, 100.0, 200.0)
    profile = file.create_entity("IfcMaterialProfile", None, None, steel, shape)
    return file.create_entity("IfcMaterialProfileSet", "梁", MaterialProfiles=[profile])


def constituents(file: ifcopenshell.file) -> Any:
    parts = [
        file.create_entity("IfcMaterialConstituent", name, None, file.create_entity("IfcMaterial", name))
        for name in ("玻璃", "铝")
    ]
    return file.create_entity("IfcMaterialConstituentSet", "窗", MaterialConstituents=parts)


def a_list(file: ifcopenshell.file) -> Any:
    return file.create_entity("IfcMaterialList", [file.create_entity("IfcMaterial", name) for name in ("砖", "砂浆")])


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (profiles, ("钢 Q355",)),
        (lambda file: file.create_entity("IfcMaterialProfileSetUsage", profiles(file)), ("钢 Q355",)),
        (constituents, ("玻璃", "铝")),
        (a_list, ("砖", "砂浆")),
        (lambda file: file.create_entity("IfcMaterial", "木"), ("木",)),
    ],
)
def test_materials_of_every_kind_are_named(tmp_path: Path, make: Any, names: tuple[str, ...]) -> None:
    file = made_model()
    file.create_entity(
        "IfcRelAssociatesMaterial",
        ifcopenshell.guid.new(),
        RelatedObjects=[named(file, "IfcFurniture", "椅")],
        RelatingMaterial=make(file),
    )
    assert written(file, tmp_path).named("椅").materials == names


def test_a_classification_tells_its_edition_through_references_above(tmp_path: Path) -> None:
    file = made_model()
    system = file.create_entity("IfcClassification", "住建部", "2018", None, "GB/T 51269")
    above = file.create_entity("IfcClassificationReference", None, "30-11", "门", system)
    code = file.create_entity("IfcClassificationReference", None, "30-11.10", "木门", above)
    owner = [named(file, "IfcFurniture", "椅")]
    for relating in (code, system):
        file.create_entity(
            "IfcRelAssociatesClassification",
            ifcopenshell.guid.new(),
            RelatedObjects=owner,
            RelatingClassification=relating,
        )
    read = written(file, tmp_path)
    assert read.named("椅").classifications == (Classification("GB/T 51269", "30-11.10", "木门", "2018"),)


def with_a_set_of_sets(path: Path, value: str) -> Path:
    """The wall's two sets given by one relation, as IFC4 allows, with ``value`` in the first."""
    file = made_model()
    first, second = (
        file.create_entity(
            "IfcPropertySet",
            ifcopenshell.guid.new(),
            Name=name,
            HasProperties=[
                file.create_entity("IfcPropertySingleValue", "值", None, file.create_entity("IfcLabel", text), None)
            ],
        )
        for name, text in (("甲", value), ("乙", "b"))
    )
    both = file.create_entity("IfcPropertySetDefinitionSet", (first, second))
    file.create_entity(
        "IfcRelDefinesByProperties",
        ifcopenshell.guid.new(),
        RelatedObjects=[named(file, "IfcWall", "墙 2"), named(file, "IfcFurniture", "椅")],
        RelatingPropertyDefinition=both,
    )
    path.write_text(file.to_string(), "utf-8")
    return path


def test_a_set_of_sets_gives_all_its_sets_and_counts_in_hashes(tmp_path: Path) -> None:
    path = with_a_set_of_sets(tmp_path / "first.ifc", "a")
    first = read_here(path)
    for name in ("墙 2", "椅"):
        assert first.named(name).properties == {"甲": {"值": "a"}, "乙": {"值": "b"}}
    assert "甲" not in first.named("墙").properties
    (tmp_path / "second.ifc").write_text(path.read_text().replace("IFCLABEL('a')", "IFCLABEL('c')"))
    second = read_here(tmp_path / "second.ifc", first.hashes)
    assert {element.name for element in second.elements.values()} == {"墙 2", "椅"}
    assert second.named("椅").properties["甲"] == {"值": "c"}


@pytest.mark.parametrize("schema", ["IFC4X1", "IFC4X2"])
def test_schemas_between_4_and_4x3_are_read(tmp_path: Path, schema: str) -> None:
    text = made_model().to_string().replace("FILE_SCHEMA(('IFC4'))", f"FILE_SCHEMA(('{schema}'))")
    (tmp_path / "model.ifc").write_text(text)
    read = read_here(tmp_path / "model.ifc")
    assert read.head.schema == schema
    assert len(read.elements) == sum(read.head.counts.values())
    assert not read.defects
    assert read.named("墙").mesh is not None


def test_a_world_coordinate_system_moves_the_whole_and_no_shape(tmp_path: Path) -> None:
    file = made_model()
    plain = written(file, tmp_path)
    context = file.by_type("IfcGeometricRepresentationContext", include_subtypes=False)[0]
    at = file.create_entity("IfcCartesianPoint", (100_000.0, 0.0, 4_000.0))
    context.WorldCoordinateSystem = file.create_entity("IfcAxis2Placement3D", at)
    moved = written(file, tmp_path, "moved.ifc")
    before, after = plain.named("椅"), moved.named("椅")
    assert (after.mesh, after.matrix) == (before.mesh, before.matrix)
    assert after.z_min_m == pytest.approx((before.z_min_m or 0) - 4.0)
    assert moved.head.placement.east_m == pytest.approx(plain.head.placement.east_m - 100.0 * 3**0.5 / 2)
    assert moved.head.placement.north_m == pytest.approx(plain.head.placement.north_m - 50.0)
