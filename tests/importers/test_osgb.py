"""Models in OSGB are known by their content, told of without a converter, and become footprints with one."""

import zipfile
from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa

from cim.errors import ImportRefused
from cim.model.reference_systems import way_to_storage
from cim.store.database import Database
from importers import osgb
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.osgb import MAGICS, Osgb
from importers.osgb_folder import stands_for_its_size
from importers.plan import layer_id
from importers.registry import importer_for
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from layers.catalog import Catalog

HEAD = MAGICS[0] + bytes(24)
METADATA = '<?xml version="1.0" encoding="utf-8"?><ModelMetadata version="1"><SRS>{}</SRS>{}</ModelMetadata>'
ORIGIN = "<SRSOrigin>400000,3430000,500</SRSOrigin>"
OBJ = "mtllib tile.mtl\nv -10 -20 -3\nv 90 30.5 12\nvn 0 0 1\nvt 500 500\nv 0 0 0 1 1 1\nf 1 2 3\n"


def model(folder: Path, srs: str = "EPSG:4543", origin: str = ORIGIN, tiles: int = 2) -> Path:
    for number in range(tiles):
        tile = folder / "Data" / f"Tile_+00{number}_+000"
        tile.mkdir(parents=True)
        (tile / f"{tile.name}.osgb").write_bytes(HEAD)
        for level in ("L17_0", "L18_00", "L18_01"):
            (tile / f"{tile.name}_{level}.osgb").write_bytes(HEAD * 10)
    (folder / "metadata.xml").write_text(METADATA.format(srs, origin), "utf-8")
    return folder


def converter(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / "osgconv"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setattr(osgb, "SEARCH_PATH", str(folder))


def writes_obj(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mesh.obj").write_text(OBJ)
    converter(folder / "bin", monkeypatch, f'cp {folder / "mesh.obj"} "$2"')


@pytest.fixture(autouse=True)
def _no_converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osgb, "SEARCH_PATH", str(tmp_path / "nothing"))


def test_a_model_is_known_by_its_metadata_and_a_tile_by_its_header(tmp_path: Path) -> None:
    assert importer_for(model(tmp_path / "Production_1")).name == "OSGB"
    for number, magic in enumerate(MAGICS):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(magic + bytes(20))
        assert importer_for(path).name == "OSGB"
    other = model(tmp_path / "other")
    (other / "metadata.xml").write_text("<metadata/>")
    assert not Osgb().recognises(b"", other)


def test_an_inspection_tells_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    (layer,) = Osgb().inspect(model(tmp_path / "Production_1"), ReadOptions())
    assert (layer.name, layer.geometry_type, layer.feature_count, layer.srid) == ("Production_1", "Polygon", 2, 4543)
    assert "SRS EPSG:4543" in layer.crs_evidence
    assert "SRSOrigin 400000, 3430000, 500" in layer.crs_evidence
    problems = {p.code: p for p in layer.problems}
    assert problems["tiles-found"].message == "2 tiles in 8 files of 0.0 MB"
    assert problems["no-converter"].refuses
    assert "openscenegraph" in problems["no-converter"].message
    assert not layer.loads
    assert {f.name: f.samples[:1] for f in layer.fields} == {
        "tile": ("Tile_+000_+000",),
        "levels": ("3",),
        "files": ("4",),
        "bytes": (str(len(HEAD) * 31),),
        "min_height_m": (),
        "max_height_m": (),
    }


def test_reading_without_a_converter_names_the_package(tmp_path: Path) -> None:
    path = model(tmp_path / "m")
    (layer,) = Osgb().inspect(path, ReadOptions())
    with pytest.raises(ImportRefused, match="osgconv") as refused:
        list(Osgb().read(path, layer, ReadOptions()))
    assert refused.value.code == "no-converter"
    assert "openscenegraph" in refused.value.remedy


def test_a_converter_makes_footprints_at_the_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes_obj(tmp_path, monkeypatch)
    path = model(tmp_path / "m")
    (layer,) = Osgb().inspect(path, ReadOptions())
    assert layer.loads
    (batch,) = Osgb().read(path, layer, ReadOptions())
    rows = batch.to_pylist()
    assert [row["tile"] for row in rows] == ["Tile_+000_+000", "Tile_+001_+000"]
    assert shapely.from_wkb(rows[0][GEOMETRY_COLUMN]).bounds == (399_990.0, 3_429_980.0, 400_090.0, 3_430_030.5)
    assert (rows[0]["min_height_m"], rows[0]["max_height_m"], rows[0]["levels"]) == (497.0, 512.0, 3)


def test_a_tile_that_fails_has_no_geometry_and_a_model_of_such_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model(tmp_path / "m")
    (tmp_path / "mesh.obj").write_text(OBJ)
    fails = f'case "$1" in *+001*) echo no plugin >&2; exit 1;; *) cp {tmp_path / "mesh.obj"} "$2";; esac'
    converter(tmp_path / "bin", monkeypatch, fails)
    (layer,) = Osgb().inspect(path, ReadOptions())
    (batch,) = Osgb().read(path, layer, ReadOptions())
    assert [row[GEOMETRY_COLUMN] is None for row in batch.to_pylist()] == [False, True]
    converter(tmp_path / "bin", monkeypatch, "echo no plugin >&2; exit 1")
    with pytest.raises(ImportRefused, match=r"Tile_\+001_\+000: no plugin"):
        list(Osgb().read(path, layer, ReadOptions()))


@pytest.mark.parametrize("mesh", ["v 1 2\n", "v a b c\n", "v nan 0 0\n", "# nothing\n"])
def test_meshes_without_usable_vertices_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mesh: str) -> None:
    path = model(tmp_path / "m", tiles=1)
    converter(tmp_path / "bin", monkeypatch, f"printf '{mesh.strip()}' > \"$2\"")
    (layer,) = Osgb().inspect(path, ReadOptions())
    with pytest.raises(ImportRefused, match="no vertices"):
        list(Osgb().read(path, layer, ReadOptions()))


@pytest.mark.parametrize(
    ("srs", "srid", "has_wkt"),
    [
        ("EPSG:4543", 4543, False),
        ("EPSG:4543+5737", 4543, False),
        ("ENU:31.0,103.9", None, True),
        ("local", None, False),
    ],
)
def test_systems_of_the_metadata(tmp_path: Path, srs: str, srid: int | None, has_wkt: bool) -> None:
    (layer,) = Osgb().inspect(model(tmp_path / "m", srs), ReadOptions())
    assert (layer.srid, layer.crs_wkt is not None) == (srid, has_wkt)
    if not srid and not has_wkt:
        assert "not a known system" in layer.crs_evidence


def test_a_tangent_plane_leads_to_storage(tmp_path: Path) -> None:
    (layer,) = Osgb().inspect(model(tmp_path / "m", "ENU:31.0,103.9", ""), ReadOptions())
    way = way_to_storage(layer.srid, layer.crs_wkt)
    east, north = shapely.get_coordinates(way.apply(shapely.points([[0.0, 0.0], [954.8, 1108.6]])))[1]
    assert (east, north) == pytest.approx((103.91, 31.01), abs=2e-5)


@pytest.mark.parametrize("origin", ["<SRSOrigin>a,b,c</SRSOrigin>", "<SRSOrigin>nan,0,0</SRSOrigin>"])
def test_an_origin_that_is_none_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ImportRefused, match="SRSOrigin"):
        Osgb().inspect(model(tmp_path / "m", origin=origin), ReadOptions())


def test_metadata_with_a_document_type_is_not_read(tmp_path: Path) -> None:
    path = model(tmp_path / "m")
    kind = '<!DOCTYPE ModelMetadata [<!ENTITY leak SYSTEM "file:///etc/hostname">]>'
    (path / "metadata.xml").write_text(f"{kind}<ModelMetadata><SRS>&leak;</SRS></ModelMetadata>")
    assert not Osgb().recognises(b"", path)
    (path / "metadata.xml").write_bytes(b"\xff\xfe<ModelMetadata")
    assert not Osgb().recognises(b"", path)


def test_a_model_without_tiles_is_refused(tmp_path: Path) -> None:
    path = model(tmp_path / "m", tiles=1)
    next(path.rglob("Tile_+000_+000.osgb")).unlink()
    with pytest.raises(ImportRefused, match="no tiles"):
        Osgb().inspect(path, ReadOptions())


def test_the_child_sees_finer_levels_by_name_and_size_and_no_links(tmp_path: Path) -> None:
    path = model(tmp_path / "m")
    secret = tmp_path / "secret.osgb"
    secret.write_bytes(bytes(10_000))
    (path / "Data" / "Tile_+000_+000" / "Tile_+000_+000_L19_0.osgb").symlink_to(secret)
    assert stands_for_its_size(path / "Data" / "Tile_1" / "Tile_1_L19_0.osgb")
    with open_source(path, ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
        top, finer = (next(source._file.rglob(f"Tile_+000_+000{end}.osgb")) for end in ("", "_L17_0"))
        assert top.read_bytes() == HEAD
        assert finer.read_bytes() == bytes(len(HEAD) * 10)
    assert layer.feature_count == 2
    assert {f.name: f.samples[0] for f in layer.fields if f.samples}["files"] == "4"


@pytest.mark.parametrize("inner", ["", "交付/"])
def test_a_model_in_a_zip_is_one_layer(tmp_path: Path, inner: str) -> None:
    path = model(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        for part in path.rglob("*"):
            archive.write(part, f"{inner}{part.relative_to(path).as_posix()}")
    (layer,) = importer_for(tmp_path / "m.zip").inspect(tmp_path / "m.zip", ReadOptions())
    assert layer.feature_count == 2
    assert layer_id(layer.name)


async def test_an_import_without_a_converter_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = model(tmp_path / "m")
    request = ImportRequest(path, "test", "technician", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request)
    assert report.status == "refused"
    assert "openscenegraph" in report.message
    async with database.writing() as connection:
        assert (await connection.execute(sa.text("SELECT count(*) FROM cim.collection"))).scalar_one() == 0
