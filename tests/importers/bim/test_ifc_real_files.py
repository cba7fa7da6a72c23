"""Real IFC files against the table of their README, and damaged ones against what must be said of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cim.errors import CimError, ImportRefused
from cim.model.bim import Defect, Element, Mesh, ModelHead, Placement
from importers.importer import ReadOptions
from importers.sandbox import open_source

ANYWHERE = Placement(4523, None, 35_401_200.0, 3_428_600.0, 0.0, 1.0, 0.0, 1.0, None, "control-points")
OPENINGS = "IfcOpeningElement"


@dataclass(frozen=True)
class Expected:
    """What the README says: classes, IfcElement without openings, rooms, storeys, products, triangles, box."""

    schema: str
    classes: dict[str, int]
    elements: int
    spaces: int
    storeys: dict[str, float]
    triangles: int
    box: tuple[float, ...]


FILES = {
    "AC20-FZK-Haus.ifc": Expected(
        "IFC4",
        {"IfcMember": 42, "IfcWallStandardCase": 13, "IfcWindow": 11, "IfcDoor": 5, "IfcBeam": 4},
        102 - 17,
        7,
        {"Erdgeschoss": 0.0, "Dachgeschoss": 2.7},
        21668,
        (-3.0, -3.0, -1.0, 15.0, 13.0, 6.32),
    ),
    "Duplex_A_20110907_georeferenced.ifc": Expected(
        "IFC2X3",
        {"IfcFurnishingElement": 61, "IfcWallStandardCase": 56, "IfcWindow": 24, "IfcSlab": 21, "IfcDoor": 14},
        268 - 50,
        21,
        {"Level 1": 0.0, "Level 2": 3.1, "T/FDN": -1.25, "Roof": 6.0},
        26348,
        (-0.24, -22.18, -1.55, 9.04, 4.38, 6.63),
    ),
    "Ifc4_SampleHouse.ifc": Expected(
        "IFC4",
        {"IfcMember": 20, "IfcFurniture": 14, "IfcPlate": 6, "IfcWindow": 4, "IfcCovering": 3},
        67 - 7,
        4,
        {"Ground Floor": 0.0, "Roof": 2.5},
        25154,
        (-9.23, -2.75, -0.47, 7.63, 5.92, 3.48),
    ),
    "TestModel_IFC4Add2.ifc": Expected(
        "IFC4",
        {"IfcWindow": 7, "IfcWall": 4, "IfcDoor": 2, "IfcMember": 2, "IfcRailing": 2},
        31 - 10,
        2,
        {"标高 1": 0.0, "标高 2": 4.0},
        2824,
        (-6.09, -2.14, -0.15, 6.13, 4.08, 8.0),
    ),
    "geographic-referencing-utm.ifc": Expected(
        "IFC4X3_ADD2", {"IfcBuildingElementProxy": 1}, 1, 0, {"Storey 1": 0.0}, 14, (-0.5, -0.5, 0.0, 0.5, 0.5, 4.0)
    ),
    "blank_map_conversion_EPSG28992.ifc": Expected(
        "IFC4",
        {"IfcMember": 186, "IfcWall": 78, "IfcWindow": 69, "IfcColumn": 30, "IfcCurtainWall": 27},
        550 - 58,
        48,
        {"u4pyxnN8d1": 0.0, "w85seUQP": 3.4, "Tj9jfX68UU": 6.45},
        165364,
        (-8.85, -0.02, -0.2, 12.46, 39.26, 6.46),
    ),
    "tekla_mini_project.ifc": Expected(
        "IFC2X3",
        {"IfcBeam": 1949, "IfcElementAssembly": 1051, "IfcDiscreteAccessory": 409, "IfcMember": 228, "IfcSlab": 24},
        3687,
        0,
        {"Undefined": 0.0},
        241016,
        (-0.14, -0.2, -9.0, 37.18, 29.92, 8.0),
    ),
    "ROOT-houten_kozijnen.ifczip": Expected(
        "IFC2X3",
        {"IfcWindow": 67, "IfcWallStandardCase": 51, "IfcDoor": 30, "IfcBuildingElementProxy": 16},
        233 - 69,
        0,
        {
            "00 begane grond": 0.0,
            "01 eerste verdieping": 3.0,
            "02 tweede verdieping": 6.0,
            "03 derde verdieping": 9.0,
        },
        19808,
        (-1.0, -1.0, -0.03, 22.82, 21.45, 11.61),
    ),
    "MULTICOM-Prefab.ifc": Expected(
        "IFC2X3",
        {"IfcBeam": 216, "IfcElementAssembly": 206, "IfcDiscreteAccessory": 49, "IfcSlab": 18, "IfcReinforcingBar": 6},
        507,
        0,
        {"Undefined": 0.0},
        45988,
        (-0.29, 0.05, -0.07, 22.95, 23.38, 9.03),
    ),
    "acad2010_objects.ifc": Expected(
        "IFC2X3",
        {"IfcBuildingElementProxy": 11, "IfcWallStandardCase": 11, "IfcColumn": 8, "IfcDoor": 7, "IfcBeam": 4},
        65 - 13,
        4,
        {},
        8534,
        (-44.09, 6.84, -0.0, 69.82, 107.76, 17.27),
    ),
    "large_offset.ifc": Expected(
        "IFC4",
        {"IfcWallStandardCase": 5, "IfcBuildingElementProxy": 1, "IfcSlab": 1, "IfcWindow": 1},
        13 - 5,
        0,
        {"PLAN 01": 0.0, "PLAN 02": 3.06},
        584,
        (114502.38, 1185943.97, 0.0, 114563.8, 1185980.35, 3.0),
    ),
}
FAST = {
    "TestModel_IFC4Add2.ifc",
    "geographic-referencing-utm.ifc",
    "large_offset.ifc",
    "acad2010_objects.ifc",
    "Duplex_A_20110907_georeferenced.ifc",
}
NO_ELEMENTS = {"IfcAnnotation", "IfcGrid", "IfcReferent", "IfcAlignment", "IfcAlignmentSegment"}


@dataclass
class Read:
    head: ModelHead
    elements: list[Element]
    meshes: dict[bytes, Mesh]
    defects: list[Defect]

    def points(self, element: Element) -> NDArray[np.float64]:
        """The vertices of an element in the model."""
        matrix = np.array(element.matrix).reshape(3, 4)
        positions = self.meshes[element.mesh or b""].positions.astype(np.float64)
        return positions @ matrix[:, :3].T + matrix[:, 3]


def read(path: Path, placement: Placement | None = ANYWHERE, options: ReadOptions | None = None) -> Read:
    with open_source(path, options or ReadOptions(trust_file=True)) as source:
        records = list(source.model(source.inspection.layers[0], {}, placement))
        assert source.inspection.layers[0].feature_count == sum(records[0].counts.values())
    found = Read(records[0], [], {}, [])
    for record in records[1:]:
        if isinstance(record, Element):
            found.elements.append(record)
        elif isinstance(record, Mesh):
            found.meshes[record.hash] = record
        elif isinstance(record, Defect):
            found.defects.append(record)
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in FILES])
def test_a_real_file_gives_what_its_readme_says(real_data: Path, name: str) -> None:
    expected, found = FILES[name], read(real_data / "ifc" / name)
    counts = found.head.counts
    assert {kind: counts.get(kind) for kind in expected.classes} == expected.classes
    elements = [e for e in found.elements if e.kind == "element" and e.ifc_class not in NO_ELEMENTS]
    assert (found.head.schema, len(elements), OPENINGS in counts) == (expected.schema, expected.elements, False)
    assert len([e for e in found.elements if e.kind == "space"]) == expected.spaces
    storeys = {e.name or "": e.elevation_m for e in found.elements if e.ifc_class == "IfcBuildingStorey"}
    assert storeys == pytest.approx(expected.storeys, abs=1e-3)
    shaped = [element for element in found.elements if element.mesh and element.kind != "space"]
    triangles = sum(len(found.meshes[element.mesh or b""].triangles) for element in shaped)
    assert triangles == pytest.approx(expected.triangles, rel=0.01)
    points = [found.points(element) for element in shaped]
    box = (*np.min([p.min(axis=0) for p in points], axis=0), *np.max([p.max(axis=0) for p in points], axis=0))
    assert box == pytest.approx(expected.box, abs=0.0101)
    assert not [defect for defect in found.defects if defect.ifc_class not in NO_ELEMENTS]
    assert all(element.outline for element in shaped)


def test_large_offsets_keep_a_millimetre(real_data: Path) -> None:
    found = read(real_data / "ifc" / "large_offset.ifc")
    walls = [element for element in found.elements if element.ifc_class == "IfcWallStandardCase"]
    for wall in walls:
        assert np.abs(found.meshes[wall.mesh or b""].positions).max() < 1_000
        assert np.abs(found.points(wall)[:, 1]).max() > 1_185_000
        step = np.spacing(np.abs(found.meshes[wall.mesh or b""].positions).max())
        assert step < 1e-3


def test_a_scale_of_a_thousand_does_not_make_the_building_a_thousand_times_too_big(real_data: Path) -> None:
    found = read(real_data / "ifc" / "geographic-referencing-utm.ifc", None)
    placement = found.head.placement
    assert (placement.srid, placement.scale, placement.evidence) == (25832, 1.0, "map-conversion")
    assert (placement.east_m, placement.north_m, placement.height_m) == (458657.3, 5438232.25, 113.7)
    assert any("scale" in note for note in placement.notes)


def test_a_blank_conversion_in_millimetres_lands_in_its_country(real_data: Path) -> None:
    with open_source(real_data / "ifc" / "blank_map_conversion_EPSG28992.ifc", ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
    assert layer.srid == 28992
    assert layer.bbox is not None
    assert 149_000 < layer.bbox[0] < 150_000
    assert 413_000 < layer.bbox[1] < 414_000
    assert {"scale-blank", "map-unit", "site-disagrees", "height-datum"} == {p.code for p in layer.problems}


def test_property_sets_place_an_older_schema(real_data: Path) -> None:
    with open_source(real_data / "ifc" / "Duplex_A_20110907_georeferenced.ifc", ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
    assert (layer.srid, layer.height_datum) == (2169, "EPSG:5774")
    assert layer.crs_evidence.startswith("ePset_MapConversion")
    assert [problem.code for problem in layer.problems] == ["site-disagrees"]


def test_a_draft_schema_is_refused_by_name(real_data: Path) -> None:
    path = real_data / "ifc" / "KIT-Simple-Road-Test-Web-IFC4x3_RC2.ifc"
    with pytest.raises(ImportRefused, match="IFC4X3_RC2") as refused, open_source(path, ReadOptions(trust_file=True)):
        pass
    assert refused.value.code == "unsupported-schema"
    assert "IFC4X3_ADD2" in refused.value.remedy


DAMAGED = {
    "fail-grf002-invalid_epsg_code.ifc": "crs-unknown",
    "fail-grf002-no_espg_code.ifc": "crs-unknown",
    "fail_double_semi.ifc": "nothing-to-load",
    "fail_duplicate_id.ifc": "unreadable",
    "fail_no_header.ifc": "unreadable",
    "fail_utf8_with_bom.ifc": "nothing-to-load",
    "fail_utf_encoding.ifc": "unreadable",
    "invalid.ifc": "unknown-format",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_with_its_reason(real_data: Path, name: str) -> None:
    codes = []
    try:
        with open_source(real_data / "malformed" / "ifc" / name, ReadOptions(trust_file=True)) as source:
            codes = [problem.code for layer in source.inspection.layers for problem in layer.problems if problem.refuses]
    except ImportRefused as error:
        codes = [error.code]
        assert error.remedy
    assert DAMAGED[name] in codes


@pytest.mark.slow
def test_geometry_that_crashed_older_kernels_is_read(real_data: Path) -> None:
    found = read(real_data / "malformed" / "ifc" / "456_338_accept-errors.ifc", None)
    (mesh,) = found.meshes.values()
    assert len(mesh.triangles) == pytest.approx(9694, rel=0.01)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutants_of_a_model_end_in_a_reason_or_a_model(real_data: Path, tmp_path: Path) -> None:
    import random

    raw = (real_data / "ifc" / "large_offset.ifc").read_bytes()
    rng = random.Random(6)
    for number in range(60):
        data = bytearray(raw)
        for _ in range(rng.randint(1, 20)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 3)] = bytes(rng.randrange(256) for _ in range(rng.randint(0, 3)))
        path = tmp_path / f"{number}.ifc"
        path.write_bytes(bytes(data))
        try:
            read(path)
        except CimError as error:
            assert str(error), number
