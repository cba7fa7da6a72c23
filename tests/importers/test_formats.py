"""Every further format through the whole import: what geopandas writes is what the layer holds."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import ImportRefused
from cim.model.imports import ImportReport
from cim.model.map_datums import from_bd09, from_gcj02, to_bd09, to_gcj02
from cim.model.reference_systems import declared_crs, declared_height_datum
from cim.store.collections import the_collection
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.plan import layer_id
from importers.registry import importer_for
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from layers.catalog import Catalog

EMPTY = Catalog({}, (), {}, {})
Write = Callable[[geopandas.GeoDataFrame, Path], None]


def places(count: int = 50) -> geopandas.GeoDataFrame:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(103.7, 104.1, count), rng.uniform(30.9, 31.2, count)
    return geopandas.GeoDataFrame(
        {"code": [f"点{n:03d}" for n in range(count)], "height_m": np.round(rng.uniform(1, 9, count), 3)},
        geometry=shapely.points(np.round(x, 7), np.round(y, 7)),
        crs=4326,
    )


def by_driver(driver: str) -> Write:
    def write(frame: geopandas.GeoDataFrame, path: Path) -> None:
        pyogrio.write_dataframe(frame, path, driver=driver)

    return write


def parquet(frame: geopandas.GeoDataFrame, path: Path) -> None:
    frame.to_parquet(path)


def zipped(frame: geopandas.GeoDataFrame, path: Path) -> None:
    folder = path.parent / "parts"
    folder.mkdir()
    pyogrio.write_dataframe(frame, folder / "places.shp", encoding="GBK")
    with zipfile.ZipFile(path, "w") as archive:
        for part in folder.iterdir():
            archive.write(part, f"交付/{part.name}")


FORMATS: dict[str, tuple[str, Write]] = {
    "FlatGeobuf": ("places.fgb", by_driver("FlatGeobuf")),
    "GeoJSON lines": ("places.geojsonl", by_driver("GeoJSONSeq")),
    "GML": ("places.gml", by_driver("GML")),
    "KML": ("places.kml", by_driver("LIBKML")),
    "OpenFileGDB": ("places.gdb", by_driver("OpenFileGDB")),
    "Parquet": ("places.parquet", parquet),
    "ZIP": ("places.zip", zipped),
}


async def load(database: Database, path: Path, layer: str, **options: object) -> list[ImportReport]:
    read = ReadOptions(trust_file=True, **options)  # type: ignore[arg-type]  # names of ReadOptions
    return await import_file(database, EMPTY, ImportRequest(path, "test", "technician", layer, options=read))


async def stored(database: Database, layer: str) -> dict[str, tuple[float, float, float]]:
    async with database.writing() as connection:
        found = await connection.execute(
            sa.text(f"SELECT code, height_m::float8, ST_X(geom), ST_Y(geom) FROM city.{layer}")
        )
        return {row[0]: (row[1], row[2], row[3]) for row in found}


@pytest.mark.parametrize("name", FORMATS)
async def test_a_format_loads_what_was_written(database: Database, tmp_path: Path, name: str) -> None:
    file, write = FORMATS[name]
    frame = places()
    write(frame, tmp_path / file)
    assert importer_for(tmp_path / file).name == name
    (report,) = await load(database, tmp_path / file, "places")
    assert (report.status, report.loaded) == ("published", len(frame)), report.message
    got = await stored(database, "places")
    for code, height, shape in zip(frame["code"], frame["height_m"], frame.geometry, strict=True):
        assert got[code] == pytest.approx((height, shape.x, shape.y), abs=1e-7)


async def test_a_kmz_is_its_kml(database: Database, tmp_path: Path) -> None:
    by_driver("LIBKML")(places(), tmp_path / "doc.kml")
    with zipfile.ZipFile(tmp_path / "places.kmz", "w") as archive:
        archive.write(tmp_path / "doc.kml", "doc.kml")
    (report,) = await load(database, tmp_path / "places.kmz", "places")
    assert report.loaded == 50


def workbook(path: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    book.save(path)
    return path


async def test_a_workbook_of_survey_points_calls_the_northing_x(database: Database, tmp_path: Path) -> None:
    rows = [("点号", "X", "Y"), ("P1", 3_430_000.5, 35_401_000.25), ("P2", 3_430_100.5, 35_401_100.25)]
    path = workbook(tmp_path / "control.xlsx", *rows)
    (report,) = await load(database, path, "control", crs="EPSG:4523")
    assert report.loaded == 2
    assert "survey-axes" in {finding.code for finding in report.findings}
    async with database.writing() as connection:
        collection = await the_collection(connection, "control")
        found = await connection.execute(sa.text("SELECT 点号, ST_X(geom), ST_Y(geom) FROM city.control ORDER BY 点号"))
        assert [tuple(row) for row in found] == [("P1", 35_401_000.25, 3_430_000.5), ("P2", 35_401_100.25, 3_430_100.5)]
    assert collection.schema.srid == 4523


async def test_codes_in_a_workbook_stay_texts_and_numbers_stay_whole(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("code", "count", "lon", "lat"), ("007", 12, 103.9, 30.9), ("", 3.5, "", ""))
    with open_source(path, ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
    assert {field.name: field.type for field in layer.fields} == {
        "code": "text",
        "count": "double",
        "lon": "double",
        "lat": "double",
    }
    assert layer.feature_count == 2


@pytest.mark.parametrize("datum", ["GCJ-02", "bd09", "BD_09"])
async def test_points_of_web_maps_are_put_back(database: Database, tmp_path: Path, datum: str) -> None:
    offset = {"GCJ-02": to_gcj02}.get(datum, to_bd09)
    true = np.array([[103.95807, 30.99011], [103.7, 31.2]])
    drawn = offset(true)
    path = tmp_path / "poi.csv"
    path.write_text("code,height_m,lng,lat\n" + "".join(f"c{n},1,{x:.9f},{y:.9f}\n" for n, (x, y) in enumerate(drawn)))
    (report,) = await load(database, path, "poi", crs="BD-09" if datum == "bd09" else datum)
    assert report.loaded == 2
    got = await stored(database, "poi")
    assert [got[f"c{n}"][1:] for n in range(2)] == [pytest.approx(tuple(p), abs=2e-8) for p in true]


def test_published_pairs_of_the_web_map_datums() -> None:
    beijing = np.array([[116.404, 39.915]])
    assert to_gcj02(beijing)[0] == pytest.approx([116.41024449916938, 39.91640428150164], abs=1e-9)
    assert to_bd09(beijing)[0] == pytest.approx([116.41662724378733, 39.922699552216216], abs=1e-9)


@given(st.floats(74.0, 134.0), st.floats(18.0, 53.0))
def test_the_datums_of_web_maps_can_be_undone(lon: float, lat: float) -> None:
    point = np.array([[lon, lat]])
    assert from_gcj02(to_gcj02(point)) == pytest.approx(point, abs=1e-8)
    assert from_bd09(to_bd09(point)) == pytest.approx(point, abs=1e-8)


def test_a_likeness_is_no_reference_system() -> None:
    text = (
        'PROJCS["TM2[TWD97]",GEOGCS["GRS80",DATUM["D_GRS_1980",SPHEROID["GRS_1980",6378137.0,298.257222101]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
        'PARAMETER["False_Easting",250000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",121.0],'
        'PARAMETER["Scale_Factor",0.9999],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )
    srid, wkt = declared_crs(text)
    assert srid is None
    assert wkt


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_compound_system_is_read_from_its_address(scheme: str) -> None:
    part = f"{scheme}://www.opengis.net/def/crs/EPSG/0"
    address = f"{scheme}://www.opengis.net/def/crs-compound?1={part}/4523&2={part}/5737"
    assert declared_crs(address) == (4523, None)
    assert declared_height_datum(address) == "EPSG:5737"
    assert declared_crs(f"{scheme}://example.org/def/crs-compound?1={part}/4523&2={part}/5737") == (None, None)


def archive_of(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return path


def refusal_of(path: Path) -> ImportRefused:
    with pytest.raises(ImportRefused) as refused, open_source(path, ReadOptions(trust_file=True)):
        pass
    return refused.value


FEATURE = json.dumps(
    {"type": "Feature", "properties": {"n": 1}, "geometry": {"type": "Point", "coordinates": [103.9, 30.9]}}
).encode()


def test_an_archive_with_names_that_lead_out_keeps_them_out(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.geojson", FEATURE)
        archive.writestr("/etc/outside.geojson", FEATURE)
        archive.writestr("good/inside.geojson", FEATURE)
        archive.writestr("__MACOSX/good/._inside.geojson", b"\x00")
    with open_source(path, ReadOptions(trust_file=True)) as source:
        (layer,) = source.inspection.layers
        assert layer.member == "good/inside.geojson"
        assert [(p.code, p.count) for p in layer.problems] == [("names-left-out", 2)]
    assert not (tmp_path.parent / "outside.geojson").exists()


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    bomb = archive_of(tmp_path / "bomb.zip", a_DOT_geojson=b" " * 80_000_000)
    assert refusal_of(bomb).code == "too-large"


def test_an_archive_of_nothing_readable_says_what_is_in_it(tmp_path: Path) -> None:
    refused = refusal_of(archive_of(tmp_path / "docs.zip", readme_DOT_txt=b"hello", notes_DOT_docx=b"\x00\x01"))
    assert refused.code == "nothing-to-load"
    assert "readme.txt" in refused.what


def test_names_in_gbk_and_equal_layers_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for folder in ("AA", "BB"):
            archive.writestr(f"{folder}/parcels.geojson", FEATURE)
    named = path.read_bytes().replace(b"AA/", "甲/".encode("gbk")).replace(b"BB/", "乙/".encode("gbk"))
    path.write_bytes(named)
    with open_source(path, ReadOptions(trust_file=True)) as source:
        assert [layer.name for layer in source.inspection.layers] == ["乙_parcels", "甲_parcels"]


def test_chinese_layer_names_get_their_pinyin() -> None:
    assert layer_id("土地利用 2023年") == "tudiliyong_2023nian"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"type":"Topology","objects":{}}', "Topology"),
        ('{"name":"彭州","coordinates":[]}', "without a GeoJSON type"),
    ],
)
def test_other_json_is_named_for_what_it_is(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    assert what in refusal_of(path).what


def test_a_parquet_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    parquet(places(), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
    assert refusal_of(tmp_path / "a.parquet").code == "unreadable"
