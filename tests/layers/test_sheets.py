"""Templates of map sheets: the shipped ones load, an office replaces them, faults are named with file and entry."""

from pathlib import Path

import pytest

from cim.errors import DefinitionError
from layers.catalog import SHIPPED, load_catalog
from layers.sheet import load_sheet, sheet_style

TEMPLATE = (SHIPPED / "sheets" / "compliance-review.toml").read_text("utf-8")


def with_template(folder: Path, text: str, name: str = "compliance-review") -> Path:
    (folder / "sheets").mkdir(exist_ok=True)
    path = folder / "sheets" / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_templates_load_and_show_layers_that_exist() -> None:
    catalog = load_catalog()
    assert {"land-status", "compliance-review", "plan"} <= catalog.sheets.keys()
    assert catalog.sheets["land-status"].paper_mm == (420, 297)
    assert catalog.sheets["compliance-review"].paper_mm == (210, 297)
    for sheet in catalog.sheets.values():
        assert {entry.id for entry in sheet.layer} <= catalog.layers.keys()


def test_an_office_replaces_a_template_by_its_name(tmp_path: Path) -> None:
    with_template(tmp_path, TEMPLATE.replace("建设项目用地合规性审查图", "本局审查图"))
    catalog = load_catalog((SHIPPED, tmp_path))
    assert catalog.sheets["compliance-review"].title.zh == "本局审查图"
    assert "land-status" in catalog.sheets


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('paper = "A4"', 'paper = "B5"', "paper"),
        ('paper = "A4"', 'paper = "A4"\nfolded = true', "folded"),
        ("box = [10, 30, 190, 186]", "box = [10, 30, 201, 186]", "map reaches over the edge"),
        ("box = [10, 30, 190, 186]", "box = [10, 30, -190, 186]", "map.box"),
        ("box = [10, 30, 190, 186]", "box = [10, 30, nan, 186]", "map.box"),
        ("size_pt = 20", "size_pt = 2000", "text.0.size_pt"),
        ("{project}", "{nonsense}", "nonsense"),
        ("{project}", "{project.__class__}", "project"),
        ("{project}", "{project!r}", "braces"),
        ("{project}", "{project", "expected '}'"),
        ("{not_drawn}", "", "not_drawn"),
        ('project = { zh = "", en = "" }', 'date = { zh = "", en = "" }', "date"),
        ('id = "eco_redline"', 'id = "land_status"', "listed twice"),
        ('id = "eco_redline"', 'id = "nowhere"', "layer.2: there is no layer 'nowhere'"),
        ("land_status-fill", "land_status-fall", "layer.0: there is no style layer 'land_status-fall'"),
        ('id = "basic_farmland"', 'id = "basic_farmland"\nclasses = "XX"', "layer.1: there is no field 'XX'"),
        ('id = "basic_farmland"', 'id = "basic_farmland"\nstyle = "xx"', "layer.1: there is no style 'xx'"),
        ('id = "compliance-review"', 'id = "other"', "the id is 'other'"),
        ('paper = "A4"', "paper = ", "Invalid value"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in TEMPLATE
    with_template(tmp_path, TEMPLATE.replace(old, new))
    with pytest.raises(DefinitionError) as raised:
        load_catalog((SHIPPED, tmp_path))
    assert named in str(raised.value)
    assert raised.value.where.startswith("compliance-review.toml")
    assert raised.value.remedy


def test_a_sheet_hides_and_repaints_parts_of_a_style(tmp_path: Path) -> None:
    entry = load_sheet(with_template(tmp_path, TEMPLATE)).layer[3]
    assert entry.id == "urban_boundary"
    style = load_catalog().styles["urban_boundary"].layers
    drawn = sheet_style(entry.model_copy(update={"paint": {"urban_boundary-line": {"line-color": "#000000"}}}), style)
    assert [part["id"] for part in drawn] == ["urban_boundary-line"]
    assert drawn[0]["paint"]["line-color"] == "#000000"
    assert drawn[0]["paint"]["line-dasharray"] == style[1]["paint"]["line-dasharray"]
    assert style[1]["paint"]["line-color"] != "#000000"
