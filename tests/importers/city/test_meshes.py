"""Meshes: placed by coordinates or by longitude and latitude, and refused where they have no place."""

from pathlib import Path

import pyproj
import pytest
import sqlalchemy as sa
import trimesh
from city_models import inspected, load, resolved, written

from cim.errors import ImportRefused
from cim.store.database import Database

OBJ = """mtllib house.mtl
v {x} {y} 560
v {x2} {y} 560
v {x2} {y2} 560
v {x} {y2} 560
usemtl red
f 1 2 3
usemtl grey
f 1/1 3/2 -1
"""


def obj(folder: Path, x: float, y: float) -> Path:
    """A plate of 10 by 8 m from two triangles."""
    (folder / "house.mtl").write_text("newmtl red\nKd 1 0 0\n")
    path = folder / "house.obj"
    path.write_text(OBJ.format(x=x, y=y, x2=x + 10, y2=y + 8))
    return path


async def test_a_mesh_in_map_coordinates_needs_only_its_system(database: Database, tmp_path: Path) -> None:
    path = obj(tmp_path, 400_000, 3_430_000)
    report = await load(database, path, "mesh", crs="EPSG:4544", height_datum="1985")
    assert (report.status, report.loaded) == ("published", 1)
    async with database.writing() as connection:
        row = (await connection.execute(sa.text("SELECT ST_Area(geom), ground_m, name FROM city.mesh"))).one()
    assert row == (pytest.approx(80), 560, "house")
    (geometry,) = resolved(await written(database, "mesh", tmp_path / "out.city.json"))["house"]["geometry"]
    assert [m["name"] for m in geometry["material"][""]["values"]] == ["red", "grey"]
    assert geometry["material"][""]["values"][0]["diffuseColor"] == [1.0, 0.0, 0.0]


async def test_a_mesh_is_placed_by_longitude_latitude_height_and_heading(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "tower.glb"
    box = trimesh.creation.box((4, 30, 2))
    box.apply_translation((2, 15, -1))
    box.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(name="stone", baseColorFactor=[128, 128, 128, 255])
    )
    path.write_bytes(trimesh.Scene([box]).export(file_type="glb"))
    report = await load(database, path, "tower", place=(103.95, 30.98, 560.0, 90.0), height_datum="1985")
    assert (report.status, report.loaded) == ("published", 1), report.message
    async with database.writing() as connection:
        row = (
            await connection.execute(
                sa.text(
                    "SELECT ground_m, roof_m, ST_SRID(geom), ST_XMin(geom), ST_YMax(geom), ST_Area(geom)"
                    " FROM city.tower"
                )
            )
        ).one()
    assert row[:3] == (560, 590, 4544)
    east, north = pyproj.Transformer.from_crs(4490, 4544, always_xy=True).transform(103.95, 30.98)
    assert row[5] == pytest.approx(8, abs=1e-3)
    assert (row[3], row[4]) == (pytest.approx(east, abs=0.05), pytest.approx(north, abs=0.05))
    (geometry,) = resolved(await written(database, "tower", tmp_path / "out.city.json"))["tower"]["geometry"]
    assert len(geometry["boundaries"]) == 12
    assert geometry["material"][""]["values"][0]["name"] == "stone"


def test_a_mesh_without_a_place_is_refused(tmp_path: Path) -> None:
    path = obj(tmp_path, 0, 0)
    for options in ({}, {"crs": "EPSG:4544"}):
        assert "--place" in inspected(path, **options).problems[-1].message
        assert not inspected(path, **options).loads


@pytest.mark.parametrize("content", [b"glTF\x02\x00\x00\x00\xff\xff\xff\xff", b"glTF" + bytes(64)])
def test_a_broken_glb_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.glb"
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match="damaged"):
        inspected(path, place=(103.95, 30.98, 0.0, 0.0))


@pytest.mark.parametrize("line", ["f 1 2 9", "f 0 1 2", "v 1 x 2", "v 1 2", "f a b c"])
def test_a_broken_obj_names_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "broken.obj"
    path.write_text(f"v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n{line}\n")
    with pytest.raises(ImportRefused, match=r"line 5|three coordinates"):
        inspected(path, place=(103.95, 30.98, 0.0, 0.0))
