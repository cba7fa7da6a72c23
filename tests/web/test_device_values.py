"""/devices/streams, /devices/values, /devices/trends: what is measured, one hour of all, the last hours of some."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from made_devices import device, make_devices, make_stream, observe
from serving import Served

from cim.model.access import Grade
from cim.sensors.indicator_classes import classes_of

HOUR = timedelta(hours=1)
MILLIGRAMS = {"name": "milligram per litre", "symbol": "mg/L", "definition": "http://qudt.org/vocab/unit/MilliGM-PER-L"}
DAY = date(2026, 11, 1)


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
async def city(served: Served) -> Served:
    """Two public air stations and an internal one, and a pole that measures nothing."""
    await make_devices(
        served.database, [device("A1"), device("A2"), device("A3", grade=Grade.INTERNAL), device("P1", "pole")]
    )
    streams = {code: await make_stream(served.database, code) for code in ("A1", "A2", "A3")}
    water = await make_stream(served.database, "A2", "w01009", MILLIGRAMS)
    await observe(
        served.database, streams["A1"], [(this_hour() - 2 * HOUR, 10.0), (this_hour() - 2 * HOUR + HOUR / 2, 30.0)]
    )
    await observe(served.database, streams["A1"], [(this_hour() - 2 * HOUR + HOUR / 3, 900.0)], "D")
    await observe(served.database, streams["A2"], [(this_hour() - HOUR, 80.0)])
    await observe(served.database, streams["A3"], [(this_hour() - 2 * HOUR, 70.0)])
    await observe(served.database, water, [(this_hour() - HOUR, 6.5)])
    return served


async def test_what_is_measured_is_told_with_official_classes(city: Served) -> None:
    told = (await city.anonymous.get("/devices/streams")).json()
    by_code = {one["code"]: one for one in told["properties"]}
    assert (by_code["pm25"]["devices"], by_code["pm25"]["unit"]) == (2, "µg/m³")
    assert [one["most"] for one in by_code["pm25"]["classes"]][-1] is None
    assert [one["zh"] for one in by_code["w01009"]["classes"]] == ["Ⅰ类", "Ⅱ类", "Ⅲ类", "Ⅳ类", "Ⅴ类", "劣Ⅴ类"]
    assert told["device"] == ["A1", "A2", "A2"]
    assert [told["properties"][place]["code"] for place in told["property"]] == ["pm25", "pm25", "w01009"]
    assert len((await city.viewer.get("/devices/streams")).json()["device"]) == 4


async def test_values_of_one_hour_and_day_are_those_a_caller_may_see(city: Served) -> None:
    async def told(client: Any, at: datetime, **more: str) -> dict[str, Any]:
        answer = await client.get("/devices/values", params={"property": "pm25", "at": at.isoformat(), **more})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    hour = await told(city.anonymous, this_hour() - 2 * HOUR + timedelta(minutes=59))
    assert (hour["code"], hour["mean"], hour["least"], hour["greatest"]) == (["A1"], [20.0], [10.0], [30.0])
    assert (hour["count"], hour["flagged"]) == ([2], [1])
    assert (await told(city.viewer, this_hour() - 2 * HOUR))["code"] == ["A1", "A3"]
    day = await told(city.anonymous, this_hour() - HOUR, bucket="day")
    assert day["start"].endswith("T00:00:00+08:00")
    assert day["mean"][day["code"].index("A2")] == 80.0
    assert (await told(city.anonymous, this_hour() - timedelta(days=700)))["code"] == []


async def test_trends_of_some_devices(city: Served) -> None:
    params: dict[str, Any] = {"device": "A1,A2,A3,P1,nothing", "hours": 3}
    told = (await city.anonymous.get("/devices/trends", params=params)).json()["devices"]
    assert told["A1"]["mean"] == [20.0, None, None]
    assert (told["A2"]["mean"], told["A2"]["unit"], set(told)) == ([None, 80.0, None], "µg/m³", {"A1", "A2"})
    of_water = await city.anonymous.get("/devices/trends", params={**params, "property": "w01009"})
    assert of_water.json()["devices"]["A2"]["mean"] == [None, 6.5, None]


REFUSED = [
    "values?property=pm25",
    "values?at=2026-11-01T00:00:00Z",
    "values?property=pm25&at=yesterday",
    "values?property=pm25&at=2026-11-01T00:00:00",
    "values?property=moonlight&at=2026-11-01T00:00:00Z",
    "values?property=pm25&at=2026-11-01T00:00:00Z&bucket=minute",
    "values?property=a%00b&at=2026-11-01T00:00:00Z",
    "trends",
    "trends?device=,",
    "trends?device=a%00b",
    "trends?device=" + ",".join(f"D{number}" for number in range(201)),
    "trends?device=A1&hours=0",
    "trends?device=A1&hours=745",
]


async def test_what_cannot_be_meant_is_refused(city: Served) -> None:
    for query in REFUSED:
        answer = await city.anonymous.get(f"/devices/{query}")
        assert answer.status_code == 400, query


def class_named(code: str, unit: str, value: float) -> str:
    classes = classes_of(code, unit, DAY)
    held = (
        one for one in classes if (one.least is None or value >= one.least) and (one.most is None or value <= one.most)
    )
    return next(held).zh


OFFICIAL = [
    ("pm25", "µg/m³", 35.0, "优"), ("pm25", "µg/m³", 60.5, "轻度污染"),
    ("hj212:a34004", "mg/m3", 0.2, "重度污染"),
    ("a21005", "mg/m3", 4.0, "优"), ("so2", "ug/m3", 5000.0, "中度污染"),
    ("aqi", "", 260.0, "重度污染"), ("aqi", "", 900.0, "严重污染"),
    ("w01009", "mg/L", 7.6, "Ⅰ类"), ("dissolved-oxygen", "mg/L", 1.0, "劣Ⅴ类"), ("w21003", "mg/L", 0.5, "Ⅱ类"),
    ("w01001", "1", 6.0, "6–9"), ("ph", "", 9.5, "劣Ⅴ类"), ("w01018", "mg/L", 15.0, "Ⅰ类"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "unit", "value", "name"), OFFICIAL)
def test_official_classes(code: str, unit: str, value: float, name: str) -> None:
    assert class_named(code, unit, value) == name


def test_there_are_no_classes_for_what_has_none() -> None:
    for code, unit in (("temperature", "°C"), ("pm25", "ppm"), ("w01009", "%"), (None, ""), ("", "mg/L")):
        assert classes_of(code, unit, DAY) == ()
