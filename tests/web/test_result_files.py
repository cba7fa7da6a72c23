"""Results as files: everything that is found, in each format, and nothing the caller may not see."""

import io
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import openpyxl
import pyogrio
import pytest
import sqlalchemy as sa
from publishing import publish_rows, schema, square
from serving import Served

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field, ImportMode
from cim.model.ellipsoid import ellipsoidal_areas_m2
from importers.spreadsheets import Sheet, write_workbook
from web import result_files

ITEMS = "/collections/squares/items"
FORMS = ("gpkg", "shp", "csv", "xlsx", "geojson")


async def taken(client: httpx.AsyncClient, form: str, folder: Path, path: str = ITEMS, **asked: Any) -> Path:
    """The answer as a file in a folder, under the name it is sent with."""
    answer = await client.get(path, params={"f": form, **asked})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["content-type"].startswith(result_files.MEDIA_TYPES[form].split(";")[0])
    sent = answer.headers["content-disposition"]
    name = unquote(sent.partition("filename*=UTF-8''")[2])
    assert sent.startswith(f'attachment; filename="{path.split("/")[2]}.')
    file = folder / name
    file.write_bytes(answer.content)
    return file


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The attributes of a file of any format by field name; an .xlsx by its titles."""
    if file.suffix == ".xlsx":
        header, *rows = openpyxl.load_workbook(file)["要素"].iter_rows(values_only=True)
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]
    inner = f"/vsizip/{file}/squares.shp" if file.suffix == ".zip" else file
    frame = pyogrio.read_dataframe(inner, read_geometry=False)
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


@pytest.mark.parametrize("form", FORMS)
async def test_a_file_holds_what_the_page_would(shared: Served, tmp_path: Path, form: str) -> None:
    """Filter, box, order, fields and values of fields as for items; the file is named in Chinese."""
    file = await taken(shared.viewer, form, tmp_path, filter="height_m >= 20", sortby="-height_m", bbox="103,30,104,31")
    assert file.stem == "方块_v1"
    rows = rows_of(file)
    code, height = ("编码", "高度（m）") if form == "xlsx" else ("code", "height_m")
    assert [(row[code], float(row[height])) for row in rows] == [("丙栋", 30.0), ("乙栋", 20.0)]
    only = rows_of(await taken(shared.viewer, form, tmp_path, properties="height_m", code="甲栋"))
    assert [float(row[height]) for row in only] == [10.0]
    assert code not in only[0]
    assert rows_of(await taken(shared.viewer, form, tmp_path, filter="height_m > 99")) == []


@pytest.mark.parametrize("form", FORMS)
async def test_hidden_fields_and_layers_are_in_no_file(shared: Served, tmp_path: Path, form: str) -> None:
    file = await taken(shared.anonymous, form, tmp_path)
    assert len(rows_of(file)) == 3
    whole = (
        b"".join(zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist())
        if (form in ("shp", "xlsx"))
        else file.read_bytes()
    )
    for mark in ("height_m", "高度", "&#39640;&#24230;"):
        assert mark.encode() not in whole
    for asked in ({"properties": "height_m"}, {"sortby": "height_m"}, {"filter": "height_m > 1"}, {"height_m": "10"}):
        refused = await shared.anonymous.get(ITEMS, params={"f": form, **asked})
        assert refused.status_code == 403
    assert (await shared.anonymous.get(f"/collections/hidden/items?f={form}")).status_code == 404
    assert (await shared.viewer.get(f"/collections/hidden/items?f={form}")).status_code == 404


@pytest.mark.parametrize("form", FORMS)
async def test_a_file_keeps_to_the_region(served: Served, tmp_path: Path, form: str) -> None:
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('510182001', 'town', '天彭',"
                " ST_MakeEnvelope(103.95, 30.97, 103.965, 31.0, 4490))"
            )
        )
        await connection.execute(
            sa.text("UPDATE cim.role_right SET region_code = '510182001' WHERE role = 'viewer' AND grade = 'public'")
        )
    served.state.identities.forget()
    assert len(rows_of(await taken(served.viewer, form, tmp_path))) == 1
    assert len(rows_of(await taken(served.technician, form, tmp_path))) == 3


async def test_older_versions_and_scenarios_as_files(served: Served, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    graded = served.state.live.collections["squares"].schema
    added = [("戊栋", 5.0, square(103.99, 30.98))]
    await publish_rows(served.database, added, layer=graded, mode=ImportMode.UPSERT, scenario="方案A")
    async with served.database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM city.squares WHERE code = '丙栋'"))
    await served.state.live.refresh()

    async def codes(**asked: str) -> list[str]:
        return [row["code"] for row in rows_of(await taken(served.viewer, "csv", tmp_path, **asked))]

    assert await codes() == ["甲栋", "乙栋"]
    assert await codes(datetime=before.isoformat()) == ["甲栋", "乙栋", "丙栋"]
    assert sorted(await codes(scenario="方案A")) == sorted(["甲栋", "乙栋", "戊栋"])


async def test_shapes_come_in_the_system_asked_for(shared: Served, tmp_path: Path) -> None:
    file = await taken(shared.viewer, "gpkg", tmp_path, crs="EPSG:3857", filter="code = '甲栋'")
    frame = pyogrio.read_dataframe(file)
    assert frame.crs.to_epsg() == 3857
    west, south, _, _ = frame.total_bounds
    assert (round(west), round(south)) == (11572774, 3630152)
    degrees = pyogrio.read_dataframe(await taken(shared.viewer, "shp", tmp_path, code="甲栋"))
    assert degrees.crs.to_epsg() == 4490
    assert degrees.total_bounds[0] == pytest.approx(103.96)
    names = set(zipfile.ZipFile(tmp_path / "方块_v1.zip").namelist())
    assert names == {f"squares.{part}" for part in ("shp", "dbf", "shx", "prj", "cpg")} | {"字段说明.txt"}


async def test_names_that_a_shapefile_cuts_are_told(served: Served, tmp_path: Path) -> None:
    fields = (Field("code", "text"), Field("height_m", "double"), Field("建筑容积率上限", "text"))
    await publish_rows(
        served.database, [("a", 1.0, square(104, 31))], layer=CollectionSchema("long", "Polygon", 4490, fields, "code")
    )
    await served.state.live.refresh()
    file = await taken(served.viewer, "shp", tmp_path, "/collections/long/items")
    told = zipfile.ZipFile(file).read("字段说明.txt").decode()
    assert "建筑容\t建筑容积率上限" in told
    assert "坐标系 CRS\tEPSG:4490" in told


async def test_a_workbook_explains_its_columns(shared: Served, tmp_path: Path) -> None:
    file = await taken(shared.viewer, "xlsx", tmp_path, filter="height_m < 15")
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["要素", "字段说明", "来源"]
    header, row = book["要素"].iter_rows(values_only=True)
    assert header == ("要素编号", "编码", "高度（m）", "图形面积（m²）")
    shape = pyogrio.read_dataframe(await taken(shared.viewer, "gpkg", tmp_path, code="甲栋")).geometry.to_numpy()
    assert row[1:3] == ("甲栋", 10.0)
    assert row[3] == pytest.approx(ellipsoidal_areas_m2(shape)[0], abs=0.01)
    explained = {line[1]: line for line in book["字段说明"].iter_rows(values_only=True)}
    assert explained["高度（m）"][:6] == ("C", "高度（m）", "height_m", "小数 number", "m", "Height")
    origin = dict(line[:2] for line in book["来源"].iter_rows(min_row=2, values_only=True))
    assert origin["条件 filter"] == "height_m < 15"
    assert (origin["版本 version"], origin["要素数 features"]) == (1, 1)


async def test_points_have_columns_of_coordinates_and_codes_their_names(served: Served, tmp_path: Path) -> None:
    points = schema("places", geometry="Point")
    await publish_rows(
        served.database, [("=1+1", 1.0, "SRID=4490;POINT(103.9512345 30.98)"), ("+x", None, None)], layer=points
    )
    await served.state.live.refresh()
    file = await taken(served.viewer, "xlsx", tmp_path, "/collections/places/items")
    header, first, second = openpyxl.load_workbook(file)["要素"].iter_rows(values_only=True)
    assert header == ("要素编号", "code", "height_m", "经度", "纬度")
    assert first[1:] == ("=1+1", 1.0, 103.9512345, 30.98)
    assert second[1:] == ("+x", None, None, None)
    metres = await taken(served.viewer, "xlsx", tmp_path, "/collections/places/items", crs="EPSG:3857")
    header = next(openpyxl.load_workbook(metres)["要素"].iter_rows(values_only=True))
    assert header[3:] == ("东坐标（m）", "北坐标（m）")


HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "a\x00b\x0b", "𝄞" * 3, "x" * 40_000, ""]


def test_texts_are_never_formulas_and_numbers_never_rounded(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 31, 20, 0, tzinfo=UTC)
    others = [2**53 + 1, 510182001009000001, float("nan"), float("inf"), True, None, moment, moment.date()]
    others.append(moment.date().replace(year=1850))
    write_workbook(
        tmp_path / "a.xlsx",
        [Sheet("=标题"[1:], ["=head", "b"], [[text, 1] for text in HOSTILE] + [[one, 2] for one in others])],
    )
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["标题"]
    cells = [row[0] for row in sheet.iter_rows()]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n", "b", "d"}, "no cell is a formula"
    assert [cell.value for cell in cells[:6]] == ["=head", *HOSTILE[:5]]
    assert all(cell.quotePrefix for cell in cells[:6])
    assert cells[6].value == "a\ufffdb\ufffd"
    assert len(cells[8].value) == 32_767
    found = [cell.value for cell in cells[10:]]
    assert found[:6] == ["9007199254740993", "510182001009000001", None, None, True, None]
    assert found[6] == datetime(2026, 2, 1, 4, 0)  # noqa: DTZ001 - a table program knows no zones
    assert found[8] == "1850-01-31"


REFUSED = {
    "limit=5": "limit",
    "after=5": "after",
    "crs=EPSG:3857": "crs",
    "crs=EPSG:9999": "crs",
    "filter=": "filter",
    "nothing=1": "nothing",
    "properties=nothing": "properties",
    "datetime=x": "datetime",
}


async def test_what_a_file_cannot_be_is_told(shared: Served) -> None:
    for query, place in REFUSED.items():
        answer = await shared.viewer.get(f"{ITEMS}?f=geojson&{query}")
        assert answer.status_code == 400, answer.text
        assert answer.json()["where"] == place
        assert answer.json()["remedy"]


async def test_more_than_a_file_holds_is_refused_whole(
    served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (await served.viewer.get(f"{ITEMS}?f=docx")).status_code == 400
    monkeypatch.setattr(result_files, "MOST_FEATURES", 2)
    for query in ("f=gpkg", "f=csv&filter=height_m > 0"):
        answer = await served.viewer.get(f"{ITEMS}?{query}")
        assert answer.status_code == 413
        assert "3 features" in answer.json()["detail"]
    assert len(rows_of(await taken(served.viewer, "gpkg", tmp_path, filter="height_m > 15"))) == 2
    monkeypatch.setattr(result_files, "MOST_SHAPE_BYTES", 100)
    assert (await served.viewer.get(f"{ITEMS}?f=gpkg&filter=height_m > 15")).status_code == 413
    assert list(served.state.files.root.glob("results/.partial-*")) == []
    monkeypatch.setattr(result_files, "WAIT_S", 0.01)
    for _ in range(2):
        await served.state.file_turns.acquire()
    assert (await served.viewer.get(f"{ITEMS}?f=gpkg")).status_code == 503


async def test_what_is_not_public_is_noted_when_it_leaves(served: Served, tmp_path: Path) -> None:
    await taken(served.technician, "csv", tmp_path)
    await taken(served.technician, "csv", tmp_path, "/collections/hidden/items")
    async with served.database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT object, detail FROM cim.audit WHERE action = 'export'"))
        noted = [(row.object, row.detail) for row in rows]
    assert noted == [("hidden", {"version": 1, "format": "csv", "features": 3})]


async def test_a_table_without_shapes_becomes_each_file(served: Served, tmp_path: Path) -> None:
    await publish_rows(served.database, [], layer=schema("records", geometry="none"), grade=Grade.PUBLIC)
    async with served.database.writing() as connection:
        await connection.execute(sa.text("INSERT INTO city.records (code, height_m) VALUES ('a', 1), ('b', NULL)"))
    await served.state.live.refresh()
    for form in FORMS:
        file = await taken(served.viewer, form, tmp_path, "/collections/records/items")
        if form == "shp":
            assert {name for name in zipfile.ZipFile(file).namelist() if name.isascii()} >= {"records.dbf"}
        elif form == "gpkg":
            assert sqlite3.connect(file).execute("SELECT count(*) FROM records").fetchone() == (2,)
        elif form == "xlsx":
            assert len(list(openpyxl.load_workbook(io.BytesIO(file.read_bytes()))["要素"].iter_rows())) == 3
        else:
            assert len(rows_of(file)) == 2
