"""Drawings: points, lines, areas and texts with their survey codes; DWG through a converter or not at all."""

import random
from pathlib import Path

import ezdxf
import pytest
import shapely

from cim.errors import ImportRefused
from importers import dwg
from importers.dxf import Dxf
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.registry import importer_for


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """A little survey map: a contour, a house, a control point as a block, a name, a hatch with a hole, a dimension."""
    document = ezdxf.new("R2010", setup=True)
    document.appids.add("SOUTH")
    document.layers.add("居民地")
    space = document.modelspace()
    contour = space.add_lwpolyline([(0, 0), (50, 10), (100, 0)], dxfattribs={"layer": "DGX", "elevation": 520.5})
    contour.set_xdata("SOUTH", [(1000, "201101")])
    house = space.add_lwpolyline([(0, 0), (10, 0), (10, 8), (0, 8)], close=True, dxfattribs={"layer": "居民地"})
    house.set_xdata("SOUTH", [(1000, "141111")])
    house.set_xdata("ACAD", [(1000, "x")])
    block = document.blocks.new("KZD")
    block.add_line((-1, 0), (1, 0))
    block.add_attdef("NAME", (0, 0))
    space.add_blockref("KZD", (30, 30), dxfattribs={"layer": "KZD", "rotation": 45}).add_attrib(
        "NAME", "彭01", (31, 31)
    )
    space.add_text("彭州市", height=2.5, dxfattribs={"layer": "ZJ"}).set_placement((5, 5))
    space.add_point((7, 7, 501.25))
    space.add_circle((200, 200), 10)
    space.add_arc((300, 0), 5, 0, 90)
    hatch = space.add_hatch()
    hatch.paths.add_polyline_path([(0, 100), (20, 100), (20, 120), (0, 120)], is_closed=True)
    hatch.paths.add_polyline_path([(5, 105), (10, 105), (10, 110), (5, 110)], is_closed=True, flags=0)
    space.add_linear_dim(base=(0, -5), p1=(0, 0), p2=(10, 0)).render()
    path = tmp_path / "survey.dxf"
    document.saveas(path)
    return path


def rows(path: Path, kind: str) -> list[dict[str, object]]:
    layers = {layer.name.rpartition("_")[2]: layer for layer in Dxf().inspect(path, ReadOptions())}
    found = [row for batch in Dxf().read(path, layers[kind], ReadOptions()) for row in batch.to_pylist()]
    for row in found:
        row["shape"] = shapely.from_wkb(row[GEOMETRY_COLUMN])
    return found


def test_every_kind_is_a_layer(drawing: Path) -> None:
    assert importer_for(drawing).name == "DXF"
    layers = Dxf().inspect(drawing, ReadOptions())
    assert [layer.name for layer in layers] == ["survey_points", "survey_lines", "survey_areas", "survey_texts"]
    assert all(layer.srid is None for layer in layers)
    (problem,) = layers[0].problems
    assert (problem.code, problem.message) == ("entities-left-out", "not kept: DIMENSION 1")


def test_survey_codes_and_heights(drawing: Path) -> None:
    contour = next(row for row in rows(drawing, "lines") if row["layer"] == "DGX")
    assert (contour["cass_code"], contour["elevation"]) == ("201101", 520.5)
    house = next(row for row in rows(drawing, "areas") if row["layer"] == "居民地")
    assert house["cass_code"] == "141111"
    assert house["xdata"] == '{"ACAD": ["x"]}'
    assert shapely.area(house["shape"]) == 80.0
    point = next(row for row in rows(drawing, "points") if row["entity"] == "POINT")
    assert (point["elevation"], shapely.get_x(point["shape"])) == (501.25, 7.0)


def test_blocks_are_points_with_their_linework_and_attributes(drawing: Path) -> None:
    block = next(row for row in rows(drawing, "points") if row["entity"] == "INSERT")
    assert (block["block"], block["rotation"]) == ("KZD", 45.0)
    assert any(row["entity"] == "LINE" and shapely.length(row["shape"]) == pytest.approx(2.0)
               for row in rows(drawing, "lines"))  # fmt: skip
    assert {row["text"] for row in rows(drawing, "texts")} == {"彭01", "彭州市"}


def test_curves_are_flattened_and_hatches_keep_their_holes(drawing: Path) -> None:
    areas = sorted(float(shapely.area(row["shape"])) for row in rows(drawing, "areas"))
    assert areas == [pytest.approx(80.0), pytest.approx(314.159, rel=2e-3), pytest.approx(375.0)]
    arc = next(row for row in rows(drawing, "lines") if row["entity"] == "ARC")
    assert shapely.length(arc["shape"]) == pytest.approx(7.854, rel=2e-3)


def test_mutants_end_in_a_reason_or_in_rows(drawing: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    content = drawing.read_bytes()
    refused = 0
    for number in range(12):
        place = rng.randrange(len(content))
        path = tmp_path / f"m{number}.dxf"
        path.write_bytes(content[:place] + rng.randbytes(rng.randrange(30)) + content[place + rng.randrange(200) :])
        try:
            Dxf().inspect(path, ReadOptions())
        except ImportRefused:
            refused += 1
    assert 0 <= refused <= 12


def test_a_dwg_without_a_converter_is_refused_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dwg, "SEARCH_PATH", str(tmp_path))
    path = tmp_path / "a.dwg"
    path.write_bytes(b"AC1027" + bytes(100))
    assert importer_for(path).name == "DWG"
    with pytest.raises(ImportRefused, match="none is on this machine") as refused:
        importer_for(path).inspect(path, ReadOptions())
    assert "dwg2dxf" in refused.value.remedy


def converter(folder: Path, body: str) -> None:
    program = folder / "dwg2dxf"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_a_converter_on_the_machine_is_used(drawing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converter(tmp_path, f'cp {drawing} "$3"')
    monkeypatch.setattr(dwg, "SEARCH_PATH", f"{tmp_path}:/bin:/usr/bin")
    path = tmp_path / "plan.dwg"
    path.write_bytes(b"AC1027" + bytes(100))
    assert importer_for(path).inspect(path, ReadOptions())[0].name == "plan_points"


def test_a_converter_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converter(tmp_path, "echo no such version >&2; exit 1")
    monkeypatch.setattr(dwg, "SEARCH_PATH", f"{tmp_path}:/bin:/usr/bin")
    path = tmp_path / "plan.dwg"
    path.write_bytes(b"AC1027" + bytes(100))
    with pytest.raises(ImportRefused, match="no such version"):
        importer_for(path).inspect(path, ReadOptions())
