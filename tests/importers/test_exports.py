"""What leaves the house comes back equal, in every format, and says where it came from."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import pytest
import shapely
import sqlalchemy as sa
from typer.testing import CliRunner

from cim.errors import BadRequest
from cim.model.access import Grade, ReadContext
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.exporting import FeaturePage, feature_pages
from cim.store.features import FeatureQuery
from importers.export_formats import FORMATS, export_format
from importers.exports import Exported, ExportOrder, export_srid, write_features
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog
from web.cli.main import app

EMPTY = Catalog({}, (), {}, {})
ALL = ReadContext(tuple((grade, None) for grade in Grade))
ZONE = 4523


def lots() -> geopandas.GeoDataFrame:
    """Lots with a hole, two parts, a missing value, a date and Chinese names in zone 35."""
    hole = shapely.box(35_400_000, 3_428_000, 35_400_200, 3_428_200).difference(
        shapely.box(35_400_050, 3_428_050, 35_400_060, 3_428_060)
    )
    two = shapely.MultiPolygon(
        [
            shapely.box(35_401_000, 3_428_000, 35_401_100, 3_428_100),
            shapely.box(35_402_000, 3_428_000, 35_402_030, 3_428_040),
        ]
    )
    return geopandas.GeoDataFrame(
        {
            "地块编号": ["甲1", "乙2", "丙3"],
            "建筑容积率上限": [2.5, None, 1.25],
            "地上建筑层数上限值": [18, 6, 3],
            "approved": geopandas.pd.to_datetime(["2024-01-31", "2025-06-30", None]).date,
        },
        geometry=[hole, two, shapely.box(35_403_000, 3_428_000, 35_403_010, 3_428_010)],
        crs=ZONE,
    )


async def load(database: Database, path: Path, layer: str, **options: Any) -> None:
    chosen = ReadOptions(trust_file=True, **options)
    request = ImportRequest(path, "test", "technician", layer, options=chosen)
    (report,) = await import_file(database, EMPTY, request)
    assert report.status == "published", report


@pytest.fixture
async def kept(database: Database, tmp_path: Path) -> Database:
    """A database with the layer ``lots``."""
    lots().to_file(tmp_path / "lots.gpkg")
    await load(database, tmp_path / "lots.gpkg", "lots")
    return database


async def write(database: Database, target: Path, *, srid: int | None = None, encoding: str = "UTF-8") -> Exported:
    form = export_format(None, target)
    async with database.reading(ALL) as connection:
        collection = await the_collection(connection, "lots")
        chosen = export_srid(form, collection.schema, srid)
        fields = collection.schema.fields
        order = ExportOrder(collection.schema, fields, chosen, form, target, encoding)
        query = FeatureQuery(collection, collection.schema.field_names, srid=chosen)
        pages: list[FeaturePage] = [page async for page in feature_pages(connection, query)]
    return write_features(order, iter(pages))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".geojsonl", ".fgb", ".shp", ".zip"])
async def test_a_layer_comes_back_as_it_left(kept: Database, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    done = await write(kept, target)
    assert done.features == 3
    read = f"/vsizip/{target}/out.shp" if suffix == ".zip" else target
    back = pyogrio.read_dataframe(read).sort_values("cim_fid")
    names = {old: done.renamed.get(old, old) for old in lots().columns if old != "geometry"}
    assert list(back[names["地块编号"]]) == ["甲1", "乙2", "丙3"]
    assert back[names["建筑容积率上限"]].isna().tolist() == [False, True, False]
    assert list(back[names["地上建筑层数上限值"]]) == [18, 6, 3]
    assert [str(value)[:10] for value in back["approved"]][:2] == ["2024-01-31", "2025-06-30"]
    was = lots().to_crs(back.crs) if back.crs != lots().crs else lots()
    apart = [
        a.symmetric_difference(b).area
        for a, b in zip(back.to_crs(ZONE).geometry, was.to_crs(ZONE).geometry, strict=True)
    ]
    assert max(apart) < (5.0 if suffix.startswith(".geojson") else 1e-3)


async def test_names_in_a_shapefile_are_cut_apart_and_told(kept: Database, tmp_path: Path) -> None:
    done = await write(kept, tmp_path / "out.shp", encoding="GBK")
    assert done.renamed == {"建筑容积率上限": "建筑容积率", "地上建筑层数上限值": "地上建筑层"}
    assert (tmp_path / "out.cpg").read_text() == "GBK"
    assert {path.suffix for path in done.files} >= {".shp", ".shx", ".dbf", ".prj"}


async def test_a_red_line_text_comes_back_with_its_parts_and_holes(kept: Database, tmp_path: Path) -> None:
    await write(kept, tmp_path / "out.txt", encoding="GBK")
    text = (tmp_path / "out.txt").read_text("gbk")
    assert "带号=35" in text
    assert ",2," in text, "the hole is a ring of its own"
    await load(kept, tmp_path / "out.txt", "again")
    async with kept.writing() as connection:
        rows = await connection.execute(
            sa.text(
                "SELECT parcel_no, area_ha, ST_Area(geom) AS area, ST_SRID(geom) AS srid FROM city.again ORDER BY 1"
            )
        )
        found = {row.parcel_no: row for row in rows}
    assert len(found) == 4
    assert {row.srid for row in found.values()} == {ZONE}
    assert sorted(round(row.area) for row in found.values()) == [100, 1_200, 10_000, 39_900]
    for row in found.values():
        assert row.area_ha == pytest.approx(row.area / 1e4, rel=1e-3, abs=1e-4), "declared is the ellipsoidal area"


async def test_csv_has_well_known_text_and_a_mark_for_spreadsheets(kept: Database, tmp_path: Path) -> None:
    await write(kept, tmp_path / "out.csv", srid=4490)
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert b"MULTIPOLYGON (((" in content


async def test_what_cannot_be_written_is_said_and_leaves_nothing(kept: Database, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="three-degree zone"):
        await write(kept, tmp_path / "out.txt", srid=4490)
    with pytest.raises(BadRequest, match="always in EPSG:4490"):
        await write(kept, tmp_path / "out.geojson", srid=ZONE)
    with pytest.raises(BadRequest, match="tells no format"):
        export_format(None, tmp_path / "out.doc")
    with pytest.raises(BadRequest, match="folder does not exist"):
        await write(kept, tmp_path / "absent" / "out.gpkg")
    (tmp_path / "there.gpkg").write_text("mine")
    with pytest.raises(BadRequest, match="there already"):
        await write(kept, tmp_path / "there.gpkg")
    assert (tmp_path / "there.gpkg").read_text() == "mine"
    assert names_in(tmp_path) == ["lots.gpkg", "there.gpkg"]


def test_the_command_notes_where_features_come_from(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    lots().to_file(tmp_path / "lots.gpkg")
    data = Path(tempfile.mkdtemp(prefix="cimx-", dir="/tmp"))
    data.chmod(0o755)
    request.addfinalizer(lambda: shutil.rmtree(data, ignore_errors=True))

    def cim(*words: str | Path) -> str:
        done = CliRunner().invoke(app, [*(str(word) for word in words), "--data", str(data)])
        assert done.exit_code == 0, done.output
        return done.stdout

    cim("import", tmp_path / "lots.gpkg", "--layer", "lots", "--trust-file")
    told = json.loads(cim("export", "lots", "--out", tmp_path / "out.zip", "--crs", "EPSG:4544", "--json"))
    assert told["features"] == 3
    assert set(zipfile.ZipFile(tmp_path / "out.zip").namelist()) >= {"out.shp", "out.dbf"}
    note = json.loads((tmp_path / "out.zip.lineage.json").read_text("utf-8"))
    assert note["crs"] == "EPSG:4544"
    assert note["stored_crs"] == f"EPSG:{ZONE}"
    (made,) = note["versions"]
    assert made["source_name"] == "lots.gpkg"
    assert len(made["source_sha256"]) == 64


def test_every_format_is_found_by_its_suffix() -> None:
    for known in FORMATS.values():
        for suffix in known.suffixes:
            assert export_format(None, Path(f"a{suffix}")) is known
