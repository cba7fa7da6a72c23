from pathlib import Path

import ifcopenshell
import ifcopenshell.validate
import pytest

from benchmarks.generated_ifc import write


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ifc") / "small.ifc"
    write(path, 1.0)
    return path


def test_the_same_size_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    write(tmp_path / "again.ifc", 1.0)
    assert (tmp_path / "again.ifc").read_bytes() == small.read_bytes()


def test_the_file_keeps_the_schema_and_has_what_it_says(small: Path) -> None:
    model, log = ifcopenshell.open(str(small)), ifcopenshell.validate.json_logger()
    ifcopenshell.validate.validate(model, log)
    assert log.statements == []
    elements = [each for each in model.by_type("IfcElement") if not each.is_a("IfcOpeningElement")]
    assert len(elements) == write(small.with_name("counted.ifc"), 1.0)
    assert all(each.IsTypedBy or each.is_a("IfcBuildingElementProxy") for each in elements)
    assert all(each.HasAssociations for each in model.by_type("IfcWall"))
    assert model.by_type("IfcMapConversion")[0].TargetCRS.Name == "EPSG:4523"
    assert len({each.GlobalId for each in model.by_type("IfcRoot")}) == len(model.by_type("IfcRoot"))


def test_a_share_of_the_elements_changes_and_every_other_line_stays(small: Path, tmp_path: Path) -> None:
    count = write(tmp_path / "changed.ifc", 1.0, changed=0.05)
    before, after = (path.read_text("ascii").splitlines() for path in (small, tmp_path / "changed.ifc"))
    assert len(before) == len(after)
    differ = [line for line, other in zip(before, after, strict=True) if line != other]
    marks = [line for line in differ if "IFCPROPERTYSINGLEVALUE" in line]
    shapes = [line for line in differ if "IFCEXTRUDEDAREASOLID" in line or "IFCCARTESIANPOINTLIST3D" in line]
    assert len(marks) == pytest.approx(0.05 * count, rel=0.5)
    assert shapes
    quantities = [line for line in differ if "IFCQUANTITY" in line]
    assert len(differ) == len(marks) + len(shapes) + len(quantities)
    assert len(quantities) <= 3 * len(shapes)


def test_a_larger_file_is_about_as_large_as_asked(tmp_path: Path) -> None:
    write(tmp_path / "larger.ifc", 3.0)
    assert (tmp_path / "larger.ifc").stat().st_size == pytest.approx(3e6, rel=0.4)
