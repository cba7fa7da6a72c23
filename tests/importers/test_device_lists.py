"""Lists of devices: columns by Chinese and English names, codes given out, bindings checked, an exact account."""

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from made_devices import make_regions
from models import building, import_made

from cim.model.device_codes import is_device_code
from cim.model.imports import ImportReport
from cim.store.database import Database
from cim.store.tables import asset, asset_alias
from importers.importer import ReadOptions
from importers.inspection import Inspection
from importers.run import ImportRequest, import_file
from importers.sandbox import network_isolation, open_source
from importers.sensing.columns import reads_as
from layers.catalog import load_catalog

LIST = """设备编码,设备名称,设备类型,布设场景,权属单位,国标编码,所属杆件,经度,纬度,安装日期,颜色
G-1,人民路1号杆,杆,市政,城管局,,,103.90,31.00,2024年5月1日,灰
C-1,路口摄像机,摄像机,交通,公安局,51018200081326000001,G-1,,,2024/5/2,
A-1,空气站一,空气站,生态,环保局,,,104.10,31.00,,
"""
TRUSTED = ReadOptions("EPSG:4490", trust_file=not network_isolation().isolated)


async def take(
    database: Database, path: Path, layer: str = "devices", options: ReadOptions = TRUSTED, **more: Any
) -> ImportReport:
    request = ImportRequest(path, "test", "administrator", layer, options=options, **more)
    (report,) = await import_file(database, load_catalog([]), request)
    return report


def written(tmp_path: Path, text: str, name: str = "devices.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


async def held(database: Database) -> dict[str, Any]:
    """The devices by their names, with their aliases."""
    async with database.writing() as connection:
        x, y = (sa.func.ST_X(asset.c.geom).label("lon"), sa.func.ST_Y(asset.c.geom).label("lat"))
        rows = (await connection.execute(sa.select(asset, x, y))).mappings().all()
        aliases = (await connection.execute(sa.select(asset_alias))).mappings().all()
    return {
        row["name"]: {**row, "aliases": {a["scheme"]: a["code"] for a in aliases if a["asset"] == row["code"]}}
        for row in rows
    }


async def test_a_list_is_read_by_its_chinese_columns(database: Database, tmp_path: Path) -> None:
    await make_regions(database)
    path = written(tmp_path, LIST)
    report = await take(database, path)
    assert (report.status, report.read, report.loaded, len(report.rejected)) == ("published", 3, 3, 0), report
    devices = await held(database)
    pole, camera, air = (devices[name] for name in ("人民路1号杆", "路口摄像机", "空气站一"))
    assert all(is_device_code(one["code"]) for one in devices.values())
    assert [one["code"][:8] for one in (pole, camera, air)] == ["510182PL", "510182VC", "510182AQ"]
    assert (pole["placement"], pole["owner"], str(pole["installed_on"])) == ("municipal", "城管局", "2024-05-01")
    assert pole["properties"] == {"颜色": "灰", "position_from": "given"}
    assert camera["aliases"] == {"gb28181": "51018200081326000001", "list": "C-1"}
    assert camera["parent"] == pole["code"]
    assert (camera["lon"], camera["lat"], camera["properties"]["position_from"]) == (103.9, 31.0, "parent")
    assert (air["region_code"], air["grade"]) == ("510182002001", "internal")
    again = await take(database, path)
    assert (again.status, again.message) == ("unchanged", "0 added, 0 changed, 3 unchanged")
    changed = await take(database, written(tmp_path, LIST.replace("城管局", "市政所")))
    assert changed.message == "0 added, 1 changed, 2 unchanged"
    assert (await held(database))["人民路1号杆"]["code"] == pole["code"]


async def test_what_is_wrong_with_a_row_is_its_reason(database: Database, tmp_path: Path) -> None:
    rows = [
        ("code,name,kind,placement,gb_code,parent,installed_on,floor,lon,lat", ""),
        ("X1,good,air,ecology,,,,,103.9,31.0", ""),
        ("X2,no place,air,,,,,,,", "no position"),
        ("X3,no placement,air,moon,,,,,103.9,31.0", "no placement"),
        ("X4,wrong code,camera,,123,,,,103.9,31.0", "no code of GB/T 28181"),
        ("X5,no parent,air,,,NOPE,,,103.9,31.0", "no device NOPE"),
        ("X6,no day,air,,,,soon,,103.9,31.0", "no day"),
        ("X7,no storey,air,,,,,two,103.9,31.0", "whole number"),
        (",no code,air,,,,,,103.9,31.0", "no code"),
        ("X1,again near,air,,,,,,103.90001,31.0", "skipped"),
        ("X1,again far,air,,,,,,103.95,31.0", "given in row 1 already"),
        ("X8,child of none,air,,,X2,,,103.9,31.0", "was rejected"),
    ]
    report = await take(database, written(tmp_path, "\n".join(row for row, _ in rows)))
    assert report.read == len(rows) - 1
    assert (report.status, report.loaded, report.skipped) == ("partial", 1, 1)
    reasons = {row.row: row.reason for row in report.rejected} | {row.row: row.repair for row in report.repaired}
    for number, (_, word) in enumerate(rows[1:], 1):
        assert word in reasons.get(number, ""), (number, reasons)
    assert [finding.code for finding in report.findings] == ["positions-differ"]
    assert len(await held(database)) == 1


async def test_a_list_binds_to_storeys_and_elements_of_models(database: Database, tmp_path: Path) -> None:
    model = building()
    await import_made(database, model)
    parts = {one.name: one.global_id for one in model.elements}
    text = "编码,类型,模型,楼层标识,楼层,构件\n"
    text += f"T1,温湿度,hospital,,,{parts['门 2']}\nT2,温湿度,hospital,{parts['1层']},,\n"
    text += f"T3,温湿度,hospital,{parts['1层']},,{parts['门 2']}\nT4,温湿度,hospital,,,gone\nT5,温湿度,nowhere,,,\n"
    text += "T6,烟感,hospital,,3层,\nT7,烟感,hospital,,9,\n"
    report = await take(database, written(tmp_path, text))
    assert [row.row for row in report.rejected] == [3, 4, 5, 7]
    devices = await held(database)
    assert (devices["T1"]["storey"], devices["T1"]["storey_number"]) == (parts["2层"], 2)
    assert devices["T1"]["space"] == parts["房间 2"]
    assert (devices["T6"]["storey"], devices["T6"]["storey_number"]) == (parts["3层"], 3)
    assert (devices["T2"]["storey_number"], devices["T2"]["properties"]["position_from"]) == (1, "model")


async def test_codes_of_ours_are_kept_and_two_devices_do_not_share_one(database: Database, tmp_path: Path) -> None:
    head = "code,name,kind,gb_code,oid,lon,lat\n"
    first = await take(
        database, written(tmp_path, head + "A,one,camera,51018200081326000001,,103.9,31\nB,two,air,,1.2.3,103.9,31\n")
    )
    assert first.loaded == 2
    ours = (await held(database))["one"]["code"]
    named = await take(database, written(tmp_path, head + f"{ours.lower()},uno,camera,,,103.9,31\n"))
    assert named.message == "0 added, 1 changed, 0 unchanged"
    assert (await held(database))["uno"]["code"] == ours
    other = await take(database, written(tmp_path, head + "A,some pole,pole,,,103.9,31\n"))
    assert "a kind does not change" in other.message
    mixed = await take(database, written(tmp_path, head + "C,three,camera,51018200081326000001,1.2.3,103.9,31\n"))
    assert mixed.status == "refused"
    assert "several devices" in mixed.message


async def test_refused_as_a_whole_nothing_changes(database: Database, tmp_path: Path) -> None:
    path = written(tmp_path, LIST)
    assert (await take(database, path, options=ReadOptions(trust_file=TRUSTED.trust_file))).findings[
        0
    ].code == "crs-missing"
    assert (await take(database, written(tmp_path, "a,b\n1,2\n", "none.csv"))).findings[0].code == "no-code"
    assert (await take(database, path, scenario="x")).findings[0].code == "not-for-sensing"
    swapped = "code,kind,lon,lat\nA,air,31.0,103.9\n"
    assert (await take(database, written(tmp_path, swapped, "swapped.csv"))).status == "refused"
    dry = await take(database, path, dry_run=True)
    assert (dry.status, dry.loaded) == ("unchanged", 3)
    assert await held(database) == {}


async def test_workbooks_and_geojson_are_lists_too(database: Database, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in LIST.splitlines():
        sheet.append(line.split(","))
    book.save(tmp_path / "devices.xlsx")
    assert (await take(database, tmp_path / "devices.xlsx")).loaded == 3
    feature = {"type": "Feature", "properties": {"code": "J1", "kind": "rain", "floor": 2}, "geometry": None}
    feature["geometry"] = {"type": "Point", "coordinates": [103.9, 31.0]}
    path = written(tmp_path, json.dumps({"type": "FeatureCollection", "features": [feature]}), "devices.geojson")
    assert (await take(database, path, options=ReadOptions(trust_file=TRUSTED.trust_file))).loaded == 1
    assert (await held(database))["J1"]["storey_number"] == 2


def test_what_a_table_could_be_is_told_before_anything_changes(tmp_path: Path) -> None:
    def inspected(text: str) -> Inspection:
        with open_source(written(tmp_path, text), TRUSTED) as source:
            return source.inspection

    (layer,) = json.loads(inspected(LIST).to_json())["layers"]
    assert layer["reads_as"]["layer"] == "devices"
    assert layer["reads_as"]["columns"]["gb28181"] == "国标编码"
    (layer,) = json.loads(inspected("a,b\n1,2\n").to_json())["layers"]
    assert layer["reads_as"] is None


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (["city", "country", "date.utc", "location", "parameter", "value", "unit"], "long"),
        (["监测时间", "站点编码", "PM2.5(μg/m³)", "PM10"], "wide"),
        (["time", "A1/pm25 (µg/m3)", "A2/pm25"], "wide"),
        (["code", "kind", "lon", "lat"], "devices"),
        (["name", "height_m"], None),
        (["code", "name"], None),
    ],
)
def test_columns_are_recognised(names: list[str], form: str | None) -> None:
    found = reads_as(names)
    assert (found.form if found else None) == form


async def test_the_stations_of_the_real_list(database: Database, tmp_path: Path, real_data: Path) -> None:
    path = real_data / "sensors" / "air_quality_stations.csv"
    if not path.is_file():
        pytest.skip("air_quality_stations.csv is not among the real files beside the checkout")
    report = await take(database, path)
    assert report.read == 66
    assert report.loaded + report.skipped + len(report.rejected) == 66
    assert (report.skipped, len(report.rejected)) != (0, 0)
    print(report.loaded, report.skipped, [row.reason for row in report.rejected], report.findings)


async def test_a_surveyed_place_outlasts_a_derived_one_and_circles_are_refused(
    database: Database, tmp_path: Path
) -> None:
    head = "code,name,kind,parent,lon,lat\n"
    await take(database, written(tmp_path, head + "P,pole,pole,,103.9,31.0\nD,one,air,,103.95,31.05\nE,two,air,P,,\n"))
    again = await take(database, written(tmp_path, head + "D,,,P,,\n"))
    assert again.message == "0 added, 1 changed, 0 unchanged"
    devices = await held(database)
    assert (devices["one"]["lon"], devices["one"]["properties"]["position_from"]) == (103.95, "given")
    assert (devices["one"]["kind"], devices["one"]["parent"]) == ("air", devices["pole"]["code"])
    assert devices["two"]["properties"]["position_from"] == "parent"
    surveyed = await take(database, written(tmp_path, head + "E,,,,103.99,31.0\n"))
    assert surveyed.loaded == 1
    devices = await held(database)
    assert (devices["two"]["lon"], devices["two"]["properties"]["position_from"]) == (103.99, "given")
    circle = await take(database, written(tmp_path, head + "P,,,D,,\n"))
    assert (circle.status, "hang on itself" in circle.message) == ("refused", True)
    assert (await held(database))["pole"]["parent"] is None
