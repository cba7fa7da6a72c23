"""Series of values: long, wide and as JSON lines; units compared, zones asked for, an exact account."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from made_devices import device, make_devices, make_stream
from sensing import CELSIUS

from cim.errors import BadRequest
from cim.model.imports import ImportReport
from cim.store.database import Database
from cim.store.sensing_tables import datastream, observation
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from importers.sandbox import network_isolation
from importers.sensing.moments import moment_of, zone_named
from layers.catalog import load_catalog

TRUST = not network_isolation().isolated


async def take(
    database: Database,
    path: Path,
    timezone: str | None = None,
    *,
    layer: str | None = "observations",
    dry: bool = False,
) -> ImportReport:
    options = ReadOptions("EPSG:4490" if layer == "devices" else None, trust_file=TRUST, timezone=timezone)
    request = ImportRequest(path, "test", "administrator", layer, options=options, dry_run=dry)
    (report,) = await import_file(database, load_catalog([]), request)
    return report


def written(tmp_path: Path, text: str, name: str = "series.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


async def kept(database: Database) -> dict[tuple[str, str], float]:
    """Values by the name of their datastream and their moment in UTC."""
    o, d = observation.c, datastream.c
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.select(d.name, o.phenomenon_time, o.value).select_from(
                observation.join(datastream, d.id == o.datastream_id)
            )
        )
        return {(row.name, f"{row.phenomenon_time.astimezone(UTC):%d %H:%M}"): row.value for row in rows}


@pytest.fixture
async def stations(database: Database) -> Database:
    """Two air stations, one with a datastream of PM2.5 in µg/m³ and of temperature."""
    await make_devices(database, [device("A1", lon=103.9, lat=31.0), device("A2", lon=104.0, lat=31.0)])
    await make_stream(database, "A1")
    await make_stream(database, "A1", "temperature", CELSIUS)
    return database


async def test_a_long_table_fills_and_makes_datastreams(stations: Database, tmp_path: Path) -> None:
    text = """监测时间,站点编码,指标,数值,单位
2026-10-01 08:00,A1,PM2.5,35,微克/立方米
2026-10-01T09:00:00+08:00,A1,pm25,0.04,mg/m3
2026/10/1 8:00,A2,PM2.5,12,ug/m3
2026/10/1 8:00,A2,PM2.5,12,ug/m3
2026-10-01 08:00,A1,temperature,20,℃
2026-10-01 09:00,A1,temperature,50,°F
2026-10-01 08:00,A9,PM2.5,1,ug/m3
2026-10-01 08:00,A1,PM2.5,0.1,ppm
2026-10-01 08:00,A1,temperature,20,ug/m3
2026-10-01 08:00,A2,NO2,--,ug/m3
2026-10-01 08:00,A2,NO2,much,ug/m3
2026-10-01 08:00,A2,SO2,5,
2026-13-01 08:00,A1,PM2.5,35,ug/m3
2099-10-01 08:00,A1,PM2.5,35,ug/m3
"""
    report = await take(stations, written(tmp_path, text), "+08:00")
    assert (report.status, report.read, report.loaded, report.skipped) == ("partial", 14, 5, 2), report
    reasons = {row.row: row.reason for row in report.rejected}
    for row, word in {
        7: "no device with the code A9", 8: "temperature and pressure", 9: "the datastream is in °C", 11: "no number",
        12: "unit of SO2 is not given", 13: "no moment", 14: "ahead",
    }.items():  # fmt: skip
        assert word in reasons.pop(row), row
    assert not reasons
    assert [row.repair for row in report.repaired] == ["skipped: no value of NO2"]
    assert await kept(stations) == {
        ("A1 pm25", "01 00:00"): 35.0,
        ("A1 pm25", "01 01:00"): pytest.approx(40.0),
        ("PM2.5 A2", "01 00:00"): 12.0,
        ("A1 temperature", "01 00:00"): 20.0,
        ("A1 temperature", "01 01:00"): pytest.approx(10.0),
    }
    again = await take(stations, written(tmp_path, text), "+08:00")
    assert (again.status, again.loaded, again.skipped) == ("unchanged", 0, 7)
    corrected = await take(stations, written(tmp_path, text.replace("PM2.5,35,微", "PM2.5,36,微")), "+08:00")
    assert (corrected.loaded, corrected.status) == (1, "partial")
    assert (await kept(stations))[("A1 pm25", "01 00:00")] == 36.0


async def test_a_time_without_a_zone_is_refused_unless_it_is_said(stations: Database, tmp_path: Path) -> None:
    text = "time,station,parameter,value,unit\n2026-10-01 08:00,A1,pm25,1,ug/m3\n2026-10-01T08:00:00Z,A1,pm25,2,ug/m3\n"
    report = await take(stations, written(tmp_path, text))
    assert [row.row for row in report.rejected] == [1]
    assert "--timezone" in report.rejected[0].reason
    utc = await take(stations, written(tmp_path, text.replace("time,", "date.utc,").replace(",1,", ",3,")))
    assert not utc.rejected
    with pytest.raises(BadRequest):
        zone_named("Mars/Olympus")


async def test_a_wide_table_has_a_value_in_every_column(stations: Database, tmp_path: Path) -> None:
    text = "时间,站点编码,PM2.5(μg/m³),NO2 (ug/m3),temperature\n"
    text += "2026-10-01 08:00,A1,35,20,18.5\n2026-10-01 09:00,A1,36,,19\n"
    report = await take(stations, written(tmp_path, text), "Asia/Shanghai")
    assert (report.read, report.loaded, report.skipped, len(report.rejected)) == (6, 5, 1, 0), report
    values = await kept(stations)
    assert values[("A1 temperature", "01 01:00")] == 19.0
    assert values[("NO2 A1", "01 00:00")] == 20.0
    by_station = "time,A1/pm25,A2/pm25 (ug/m3)\n2026-10-02T00:00:00Z,1,2\n"
    assert (await take(stations, written(tmp_path, by_station))).loaded == 2


async def test_json_lines_are_observations_by_their_content(stations: Database, tmp_path: Path) -> None:
    async with stations.writing() as connection:
        stream = await connection.scalar(sa.select(datastream.c.id).where(datastream.c.name == "A1 pm25"))
    lines = [
        {"Datastream": {"@iot.id": stream}, "phenomenonTime": "2026-10-01T00:00:00Z/2026-10-01T01:00:00Z", "result": 5},
        {"station": "A2", "property": "pm25", "time": "2026-10-01T00:00:00Z", "value": 6.5, "unit": "µg/m³"},
        {"Datastream": {"@iot.id": 99999}, "phenomenonTime": "2026-10-01T00:00:00Z", "result": 5},
        {"Datastream": {"@iot.id": stream}, "phenomenonTime": "2026-10-01T02:00:00Z", "result": "wet"},
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\nnot json\n"
    report = await take(stations, written(tmp_path, text, "observations.jsonl"), layer=None)
    assert (report.layer, report.read, report.loaded) == ("observations", 5, 2), report
    assert [row.row for row in report.rejected] == [3, 4, 5]
    assert (await kept(stations))[("pm25 A2", "01 00:00")] == 6.5


async def test_a_dry_run_writes_nothing_and_no_series_is_refused(stations: Database, tmp_path: Path) -> None:
    text = "time,station,parameter,value,unit\n2026-10-01T08:00:00Z,A2,pm25,1,ug/m3\n"
    report = await take(stations, written(tmp_path, text), dry=True)
    assert (report.status, report.loaded) == ("unchanged", 1)
    async with stations.writing() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(datastream)) == 2
    assert (await take(stations, written(tmp_path, "a,b\n1,2\n"))).findings[0].code == "no-series"


async def test_the_real_series_is_kept_whole(database: Database, real_data: Path) -> None:
    folder = real_data / "sensors"
    if not (folder / "air_quality_long.csv").is_file():
        pytest.skip("air_quality_long.csv is not among the real files beside the checkout")
    await take(database, folder / "air_quality_stations.csv", layer="devices")
    report = await take(database, folder / "air_quality_long.csv")
    with (folder / "air_quality_long.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert report.read == len(rows)
    assert report.loaded + report.skipped + len(report.rejected) == report.read
    expected = {(row["location"], row["parameter"], row["date.utc"]) for row in rows}
    assert report.loaded + report.skipped == len(rows)
    values = await kept_count(database)
    assert values == len(expected)
    print(report.message, Counter(row.reason for row in report.rejected))


async def kept_count(database: Database) -> int:
    async with database.writing() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(observation)) or 0)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-31T08:00:00+08:00", None, datetime(2026, 1, 31, 0, 0, tzinfo=UTC)),
        ("2026-01-31 00:00:00+00:00", None, datetime(2026, 1, 31, 0, 0, tzinfo=UTC)),
        ("2026/1/31 8:00", "+08:00", datetime(2026, 1, 31, 0, 0, tzinfo=UTC)),
        ("2026年1月31日 8时", "北京时间", datetime(2026, 1, 31, 0, 0, tzinfo=UTC)),
        ("2026年1月31日8时30分", "Asia/Shanghai", datetime(2026, 1, 31, 0, 30, tzinfo=UTC)),
        ("20260131080000", "+08:00", datetime(2026, 1, 31, 0, 0, tzinfo=UTC)),
        ("20260131080000", None, None),
        ("2026-02-30 08:00", "+08:00", None),
        ("2026-01-31", "+08:00", None),
        ("1769817600", "+08:00", None),
        ("24:00", "+08:00", None),
    ],
)
def test_moments_as_tables_write_them(text: str, zone: str | None, expected: datetime | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match=r"zone|moment"):
            moment_of(text, zone_named(zone))
    else:
        assert moment_of(text, zone_named(zone)) == expected
