"""Small files of every format, good and bad, through the whole import."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import pyogrio
import pytest
import shapely
import sqlalchemy as sa

from cim.errors import ImportRefused
from cim.model.collection import ImportMode
from cim.model.imports import ImportReport
from cim.store.collections import all_collections, the_collection
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.plan import layer_id
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

EMPTY = Catalog({}, (), {}, {})


async def load(database: Database, path: Path, layer: str | None = None, **options: object) -> list[ImportReport]:
    mode = options.pop("mode", ImportMode.REPLACE)
    key = options.pop("key", None)
    read = ReadOptions(trust_file=True, **options)  # type: ignore[arg-type]  # names of ReadOptions
    request = ImportRequest(path, "test", "technician", layer, mode=mode, key=key, options=read)  # type: ignore[arg-type]
    return await import_file(database, EMPTY, request)


async def rows(database: Database, layer: str, what: str = "*") -> list[dict[str, object]]:
    async with database.writing() as connection:
        found = await connection.execute(sa.text(f"SELECT {what} FROM city.{layer} ORDER BY fid"))
        return [dict(row) for row in found.mappings()]


def squares(count: int, crs: str = "EPSG:4490", size: float = 0.001) -> geopandas.GeoDataFrame:
    west, south = (103.9, 30.9) if crs == "EPSG:4490" else (35_400_000.0, 3_420_000.0)
    step = size * 2
    shapes = [shapely.box(west + n * step, south, west + n * step + size, south + size) for n in range(count)]
    return geopandas.GeoDataFrame(
        {"code": [f"c{n}" for n in range(count)], "名称": ["地块"] * count}, geometry=shapes, crs=crs
    )


def features(*geometries: object) -> str:
    listed = [{"type": "Feature", "properties": {"n": n}, "geometry": g} for n, g in enumerate(geometries)]
    return json.dumps({"type": "FeatureCollection", "features": listed})


POINT = {"type": "Point", "coordinates": [103.9, 30.9]}
SQUARE = {"type": "Polygon", "coordinates": [[[103.9, 30.9], [103.91, 30.9], [103.91, 30.91], [103.9, 30.9]]]}
BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[103.9, 30.9], [103.91, 30.91], [103.91, 30.9], [103.9, 30.91], [103.9, 30.9]]],
}


async def test_a_gbk_shapefile_in_a_zoned_system_is_stored_as_delivered(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "dltb.shp"
    squares(5, "EPSG:4523", 100.0).to_file(path, encoding="GBK")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    (report,) = await load(database, path, key="code")
    assert (report.status, report.loaded) == ("published", 5)
    async with database.writing() as connection:
        collection = await the_collection(connection, "dltb")
    assert collection.schema.srid == 4523
    assert collection.bbox is not None
    assert 103 < collection.bbox[0] < 105
    assert (await rows(database, "dltb"))[0]["名称"] == "地块"
    derived = await rows(
        database, "dltb", "fid, (SELECT max(ST_Distance(ST_Transform(geom, 3857), geom_3857)) AS off FROM history.dltb)"
    )
    assert float(str(derived[0]["off"])) < 1e-6


async def test_every_layer_of_a_geopackage(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    squares(3).to_file(path, layer="First Layer")
    squares(4).to_file(path, layer="second")
    reports = await load(database, path)
    assert [(r.layer, r.loaded) for r in reports] == [("first_layer", 3), ("second", 4)]
    (again,) = await load(database, path, "second")
    assert (again.status, again.version) == ("unchanged", None)


async def test_a_bare_array_and_a_collection_of_features(database: Database, tmp_path: Path) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(json.loads(features(SQUARE, SQUARE))["features"]), "utf-8")
    (report,) = await load(database, bare)
    assert (report.status, report.loaded) == ("published", 2)


async def test_a_table_needs_its_system_and_keeps_long_codes(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "cameras.csv"
    codes = ["51018200081326000001", "51018200081326000002", "00018200081326000003"]
    text = "编码,经度,纬度,高\n" + "".join(f"{code},103.9{n},30.98,{n}.5\n" for n, code in enumerate(codes))
    path.write_bytes((text + "x,,,\n").encode("gb18030"))
    (refused,) = await load(database, path, "cams")
    assert refused.status == "refused"
    assert "--crs" in refused.message
    (report,) = await load(database, path, "cams", crs="EPSG:4490", key="编码")
    assert (report.status, report.read, report.loaded) == ("partial", 4, 3)
    assert [(r.row, r.reason) for r in report.rejected] == [(4, "no geometry")]
    assert [row["编码"] for row in await rows(database, "cams")] == codes


async def test_accounts_close_and_name_rows_rejected_and_repaired(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "mixed.geojson"
    path.write_text(features(SQUARE, None, BOW_TIE, SQUARE), "utf-8")
    (report,) = await load(database, path)
    assert (report.status, report.read, report.loaded) == ("partial", 4, 3)
    assert [r.row for r in report.rejected] == [2]
    assert [r.row for r in report.repaired] == [3]
    assert "made valid" in report.repaired[0].repair


async def test_mixed_kinds_are_refused_and_parted_on_demand(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "plan.geojson"
    path.write_text(features(SQUARE, POINT, POINT), "utf-8")
    (report,) = await load(database, path)
    assert (report.status, report.findings[0].code) == ("refused", "mixed-geometry")
    assert "--split" in report.message
    reports = await load(database, path, split=True)
    assert {(r.layer, r.loaded) for r in reports} == {("plan_area", 1), ("plan_point", 2)}


async def test_equal_features_without_a_key_are_all_kept(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "same.geojson"
    listed = [{"type": "Feature", "properties": {"a": 1}, "geometry": POINT}] * 3
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}), "utf-8")
    (report,) = await load(database, path)
    assert report.loaded == 3
    assert (await load(database, path))[0].status == "unchanged"


async def test_duplicate_keys_are_refused_and_nothing_changes(database: Database, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.gpkg", tmp_path / "bad.gpkg"
    squares(3).to_file(good)
    twice = squares(4)
    twice.loc[3, "code"] = "c0"
    twice.to_file(bad)
    await load(database, good, "lots", key="code")
    (report,) = await load(database, bad, "lots", key="code")
    assert (report.status, report.findings[0].code) == ("refused", "duplicate-keys")
    assert "c0 (2 times)" in report.message
    assert len(await rows(database, "lots")) == 3
    (report,) = await load(database, good, "lots", key="code")
    assert report.status == "unchanged"


async def test_a_missing_prj_is_refused_with_the_way_out(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "noprj.shp"
    squares(2, "EPSG:4523", 100.0).to_file(path)
    path.with_suffix(".prj").unlink()
    (report,) = await load(database, path)
    assert report.findings[0].code == "crs-missing"
    assert "--crs" in report.message
    (report,) = await load(database, path, crs="EPSG:4523")
    assert report.status == "published"
    (wrong,) = await load(database, path, "other", crs="EPSG:4544")
    assert wrong.findings[0].code == "zone-disagrees"


def _empty(folder: Path) -> Path:
    path = folder / "empty.shp"
    path.touch()
    return path


def _folder(folder: Path) -> Path:
    return folder


def _vrt(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"hidden{suffix}"
        path.write_text(
            "<OGRVRTDataSource><OGRVRTLayer name='a'><SrcDataSource>/etc/passwd</SrcDataSource>"
            "</OGRVRTLayer></OGRVRTDataSource>"
        )
        return path

    return make


def _binary(folder: Path) -> Path:
    path = folder / "what.bin"
    path.write_bytes(bytes(range(256)))
    return path


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_empty, "empty-file"),
        (_folder, "not-a-file"),
        (_vrt(".gpkg"), "unknown-format"),
        (_vrt(".shp"), "unknown-format"),
        (_vrt(".geojson"), "unknown-format"),
        (_vrt(".csv"), "unknown-format"),
        (_binary, "unknown-format"),
    ],
)
async def test_what_is_no_known_file_is_refused(
    database: Database, tmp_path: Path, make: Callable[[Path], Path], code: str
) -> None:
    with pytest.raises(ImportRefused) as refusal:
        await load(database, make(tmp_path))
    assert refusal.value.code == code
    assert refusal.value.remedy
    assert "root:" not in str(refusal.value)
    async with database.writing() as connection:
        assert await all_collections(connection) == {}


@pytest.mark.parametrize(
    ("file", "options", "loaded", "repaired"),
    [
        ("chinese_poly.shp", {}, 1, 0),
        ("paris_bike_stations_mercator.gpkg", {}, 1226, 0),
        ("dutch_addresses_28992.gpkg", {}, 2481, 0),
        ("busstop_shanghai.geojson", {}, 49, 0),
        ("pengzhou_510182_fc.json", {}, 1, 1),
        ("pengzhou_510182_datav.json", {}, 1, 1),
        ("footprint-with-height.geojson", {}, 177, 0),
        ("airports.csv", {"crs": "EPSG:4326"}, 3376, 0),
    ],
)
async def test_real_files(
    database: Database, real_data: Path, file: str, options: dict[str, str], loaded: int, repaired: int
) -> None:
    (report,) = await load(database, real_data / "gis" / file, "real", **options)
    assert (report.loaded, len(report.repaired)) == (loaded, repaired)
    if file == "chinese_poly.shp":
        assert (await rows(database, "real"))[0]["name"] == "黑龙江省"


async def test_real_malformed_files_end_in_a_reason(database: Database, real_data: Path) -> None:
    for kind in ("shp", "gpkg", "geojson"):
        for path in sorted((real_data / "malformed" / kind).iterdir()):
            try:
                for report in await load(database, path, layer_id(f"m_{path.stem}_{path.suffix[1:]}")):
                    assert report.read == report.loaded + len(report.rejected) + report.skipped
                    assert report.status != "refused" or report.message
            except ImportRefused:
                continue


def test_pyogrio_knows_no_driver_that_the_child_forgets_to_skip() -> None:
    from importers.sandbox import _SKIPPED_DRIVERS

    needed = {"ESRI Shapefile", "GPKG", "GeoJSON", "GeoJSONSeq", "FlatGeobuf", "GML", "KML", "LIBKML", "OpenFileGDB"}
    needed |= {"MEM", "OSM"}
    assert set(pyogrio.list_drivers()) - set(_SKIPPED_DRIVERS) <= needed
