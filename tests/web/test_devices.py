"""Devices over HTTP: found by what they are and say, one with all that belongs to it, seen only by those who may."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from clones import Clones
from made_devices import device, make_devices, make_regions, make_stream, observe
from models import building, import_made
from serving import Served
from squares import squares_apart

from cim.model.access import Grade
from cim.model.device_codes_other import Alias
from cim.store.tables import asset

WEST, EAST = (103.9, 31.0), (104.1, 31.0)


def ago(**span: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**span)


@pytest.fixture
async def city(served: Served) -> Served:
    """A pole with a camera, three air stations in two towns, one of them internal."""
    await set_up(served)
    return served


@pytest.fixture(scope="module")
async def seen(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """``city`` for the tests that change nothing."""
    async with squares_apart(clones, tmp_path_factory.mktemp("devices")) as served:
        await set_up(served)
        yield served


async def set_up(served: Served) -> None:
    """Make the devices of ``city``, and what they observed."""
    await make_regions(served.database)
    await make_devices(
        served.database,
        [
            device("P1", "pole", name="人民路1号杆", placement="municipal", owner="城管局", lon=WEST[0], lat=WEST[1]),
            device("A1", placement="ecology", owner="环保局", lon=WEST[0] + 0.01, lat=WEST[1]),
            device("A2", placement="ecology", owner="环保局", lon=EAST[0], lat=EAST[1]),
            device("A3", placement="weather", owner="气象局", lon=EAST[0] + 0.01, lat=EAST[1], grade=Grade.INTERNAL),
        ],
    )
    camera = Alias("gb28181", "51018200081326000001", "2016")
    await make_devices(served.database, [device("C1", "camera", parent="P1", aliases=(camera,), placement="traffic")])
    streams = {code: await make_stream(served.database, code) for code in ("A1", "A2", "A3")}
    await observe(served.database, streams["A1"], [(ago(minutes=45), 180.0), (ago(minutes=5), 20.0)])
    await observe(served.database, streams["A2"], [(ago(days=2), 90.0)])
    await observe(served.database, streams["A3"], [(ago(minutes=5), 300.0)])


async def codes(client: httpx.AsyncClient, query: str = "", **more: Any) -> list[str]:
    answer = await client.get(f"/devices?limit=100&{query}")
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["devices"]]


FOUND = [
    ("", ["A1", "A2", "C1", "P1"]),
    ("placement=ecology", ["A1", "A2"]),
    ("placement=生态,市政", ["A1", "A2", "P1"]),
    ("kind=空气站", ["A1", "A2"]),
    ("region=510182001", ["A1", "C1", "P1"]),
    ("region=510182002001", ["A2"]),
    ("region=510182", ["A1", "A2", "C1", "P1"]),
    ("owner=环保局", ["A1", "A2"]),
    ("state=online", ["A1"]),
    ("state=offline", ["A2"]),
    ("state=none", ["C1", "P1"]),
    ("parent=P1", ["C1"]),
    ("bbox=103.895,30.9,103.905,31.1", ["C1", "P1"]),
    ("property=PM25", ["A1", "A2"]),
    ("property=pm25&value>=75", ["A2"]),
    ("property=pm25&value>=75&window=1h", []),
    ("property=pm25&value>=75&window=1h&on=any", ["A1"]),
    ("property=pm25&value>=75&window=30min&on=any", []),
    ("property=pm25&value>=10&value<=50", ["A1"]),
    ("q=人民路", ["P1"]),
    ("q=51018200081326000001", ["C1"]),
    ("q=%25", []),
]


async def test_devices_are_found(seen: Served) -> None:
    for query, found in FOUND:
        assert await codes(seen.anonymous, query) == found, query


SORTED = [
    ("code", ["A1", "A2", "A3", "C1", "P1"]),
    ("-code", ["P1", "C1", "A3", "A2", "A1"]),
    ("name", ["A1", "A2", "A3", "C1", "P1"]),
    ("-owner", ["A3", "A1", "A2", "P1", "C1"]),
    ("state", ["A1", "A3", "A2", "C1", "P1"]),
    ("-state", ["C1", "P1", "A2", "A1", "A3"]),
    ("value", ["A1", "A2", "A3", "C1", "P1"]),
    ("-value", ["A3", "A2", "A1", "C1", "P1"]),
    ("at", ["A2", "A1", "A3", "C1", "P1"]),
]


@pytest.mark.parametrize(("by", "order"), SORTED)
async def test_devices_are_sorted_over_all_pages(city: Served, by: str, order: list[str]) -> None:
    """Whatever the size of the pages; devices without a value come last, those that are equal in the order of codes."""
    if by == "name":
        names = {"A1": "安定站", "A2": "北君平站", "A3": "丹景山站", "C1": "龙门山站", "P1": "小鱼洞站"}
        async with city.database.writing() as connection:
            for code, name in names.items():
                await connection.execute(sa.update(asset).where(asset.c.code == code).values(name=name))
    for size in (1, 2, 100):
        address: str | None = f"/devices?limit={size}&sortby={by}"
        met: list[str] = []
        while address:
            document = (await city.viewer.get(address)).json()
            assert document["numberMatched"] == 5
            met += [one["code"] for one in document["devices"]]
            address = next((one["href"] for one in document["links"] if one["rel"] == "next"), None)
        assert met == order


async def test_values_are_those_of_the_property(city: Served) -> None:
    stream = await make_stream(city.database, "A1", "noise")
    await observe(city.database, stream, [(ago(minutes=1), 900.0)])
    assert await codes(city.anonymous, "property=pm25&sortby=-value") == ["A2", "A1"]
    body = {"sortby": "-value", "limit": 1, "property": "pm25"}
    first = (await city.anonymous.post("/devices", json=body)).json()
    second = (await city.anonymous.post("/devices", json={**body, "after": first["after"]})).json()
    assert [one["devices"][0]["code"] for one in (first, second)] == ["A2", "A1"]
    assert second["after"] is None


@pytest.mark.parametrize(
    "query",
    ["sortby=colour", "sortby=value&after=A1", "sortby=at&after=WyJ4IiwgIkExIl0", "sortby=value&after=WyJ4IiwgIkExIl0",
     "sortby=name&after=WzEsICJBMSJd", "sortby=name&after=W10", "after=a%00b", "sortby=name&after=%E4%B8%AD"],
)  # fmt: skip
async def test_an_order_or_place_that_is_none_is_refused(seen: Served, query: str) -> None:
    answer = await seen.anonymous.get(f"/devices?{query}")
    assert answer.status_code == 400, answer.text
    assert "after" in answer.text or "sortby" in answer.text


async def test_a_threshold_holds_for_normal_values_only(city: Served) -> None:
    (stream,) = [one["id"] for one in (await city.anonymous.get("/devices/A1")).json()["datastreams"]]
    await observe(city.database, stream, [(ago(minutes=2), 999.0)], "D")
    assert await codes(city.anonymous, "property=pm25&value>=500&window=1h&on=any") == []


async def test_devices_inside_a_polygon_by_address_and_posted(seen: Served) -> None:
    ring = [[103.895, 30.99], [103.92, 30.99], [103.92, 31.01], [103.895, 31.01], [103.895, 30.99]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    assert await codes(seen.anonymous, f"polygon={json.dumps(polygon)}") == ["A1", "C1", "P1"]
    answer = await seen.anonymous.post(
        "/devices", json={"polygon": polygon, "kind": "air", "property": "pm25", "at_least": 15, "f": "geojson"}
    )
    assert answer.headers["content-type"] == "application/geo+json"
    (feature,) = answer.json()["features"]
    assert (feature["id"], feature["geometry"]["coordinates"]) == ("A1", [103.91, 31.0])


async def test_pages_follow_each_other(seen: Served) -> None:
    address: str | None = "/devices?limit=2&kind=air,pole,camera"
    met = []
    while address:
        document = (await seen.viewer.get(address)).json()
        assert document["numberMatched"] == 5
        met += [one["code"] for one in document["devices"]]
        address = next((link["href"] for link in document["links"] if link["rel"] == "next"), None)
    assert met == ["A1", "A2", "A3", "C1", "P1"]


REFUSED = [
    ("placement=月球", "placement"),
    ("value>=5", "property"),
    ("property=pm25&window=1h", "bound"),
    ("property=pm25&value>=5&window=1y", "window"),
    ("property=pm25&value>=5&window=40d", "31 days"),
    ("property=pm25&value>=5&on=any", "since when"),
    ("property=nothing", "observed"),
    ("property=pm25&value>=nan", "value"),
    ("polygon={", "polygon"),
    ('polygon={"type":"Point","coordinates":[1,2]}', "polygon"),
    ('polygon={"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}', "valid"),
    ('polygon={"type":"Polygon","coordinates":[[[0,0],[500000,1],[0,1],[0,0]]]}', "world"),
    ("bbox=1,2,3", "bbox"),
    ("q=%00", "character"),
    ("state=asleep", "state"),
    ("limit=0", "limit"),
]


async def test_what_cannot_be_asked_is_refused_with_a_remedy(seen: Served) -> None:
    for query, word in REFUSED:
        answer = await seen.anonymous.get(f"/devices?{query}")
        assert answer.status_code == 400, query
        assert word in answer.text, query


async def test_a_device_with_all_that_belongs_to_it(seen: Served) -> None:
    pole = (await seen.anonymous.get("/devices/P1")).json()
    assert pole["children"] == [{"code": "C1", "name": "C1", "kind": "camera", "state": "none"}]
    assert (pole["region_code"], pole["region_name"], pole["state"]) == ("510182001001", "西村", "none")
    camera = (await seen.anonymous.get("/devices/51018200081326000001")).json()
    assert (camera["code"], camera["parent"]) == ("C1", "P1")
    assert camera["aliases"][0]["parts"]["network"]["name"] == "政务网"
    assert camera["geometry"]["coordinates"] == list(WEST), "where its pole is"
    air = (await seen.anonymous.get("/devices/A1")).json()
    (stream,) = air["datastreams"]
    assert stream["latest"]["value"] == 20.0
    assert stream["unit"]["symbol"] == "µg/m³"
    assert air["uptime"]["expected_hours"] in {0, 1}


async def test_what_may_not_be_seen_is_not_there(seen: Served) -> None:
    assert await codes(seen.viewer, "kind=air") == ["A1", "A2", "A3"]
    for address in ("/devices/A3", "/devices/A3/series", "/id/A3"):
        hidden = await seen.anonymous.get(address)
        missing = await seen.anonymous.get(address.replace("A3", "A9"))
        assert hidden.status_code == missing.status_code == 404
        assert hidden.json()["detail"].replace("A3", "A9") == missing.json()["detail"]
        assert (await seen.viewer.get(address)).status_code == 200
    for address in (
        "/devices",
        "/devices/latest",
        "/devices/directory",
        "/devices?f=csv",
        "/devices/uptime?from=2026-01-01T00:00:00Z",
    ):
        text = (await seen.anonymous.get(address)).text
        assert "气象局" not in text
        assert "A3" not in text


async def test_a_right_in_a_town_opens_the_devices_of_its_villages(city: Served) -> None:
    async with city.database.writing() as connection:
        await connection.execute(sa.text("UPDATE cim.role_right SET region_code = '510182002' WHERE role = 'viewer'"))
    await city.state.live.refresh()
    city.state.identities.forget()
    client = city.viewer
    assert await codes(client) == ["A2", "A3"]
    latest = (await client.get("/devices/latest", params={"property": "pm25"})).json()
    assert latest["code"] == ["A2", "A3"]
    assert (await client.get("/devices/A1")).status_code == 404
    assert (await client.get("/devices/directory")).json()["count"] == 2


async def test_a_child_does_not_tell_of_a_pole_that_is_hidden(city: Served) -> None:
    async with city.database.writing() as connection:
        await connection.execute(sa.update(asset).where(asset.c.code == "P1").values(grade="restricted"))
    camera = (await city.anonymous.get("/devices/C1")).json()
    assert camera["parent"] is None
    assert "P1" not in json.dumps(camera)
    assert await codes(city.anonymous, "parent=P1") == []


async def test_all_devices_at_a_glance(city: Served) -> None:
    answer = await city.anonymous.get("/devices/latest", params={"property": "pm25"})
    held = answer.json()
    assert held["code"] == ["A1", "A2", "C1", "P1"]
    assert held["value"] == [20.0, 90.0, None, None]
    assert held["state"] == ["online", "offline", "none", "none"]
    assert held["at"][0] == pytest.approx(ago(minutes=5).timestamp(), abs=60)
    assert (held["lon"][1], held["lat"][1]) == EAST
    again = await city.anonymous.get(
        "/devices/latest", params={"property": "pm25"}, headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    (stream,) = [one["id"] for one in (await city.anonymous.get("/devices/A2")).json()["datastreams"]]
    await observe(city.database, stream, [(ago(minutes=1), 91.0)])
    newer = await city.anonymous.get(
        "/devices/latest", params={"property": "pm25"}, headers={"if-none-match": answer.headers["etag"]}
    )
    assert newer.json()["value"][1] == 91.0


async def test_the_directory_adds_up(seen: Served) -> None:
    tree = (await seen.viewer.get("/devices/directory")).json()
    assert (tree["count"], tree["online"], tree["offline"], tree["none"]) == (5, 2, 1, 2)
    west, east = tree["children"]
    assert (west["code"], west["name"], west["count"]) == ("510182001", "西镇", 3)
    assert [(node["name"], node["count"]) for node in east["children"]] == [("生态", 1), ("气象", 1)]
    assert east["children"][1]["children"][0]["code"] == "气象局"

    def total(node: dict[str, Any]) -> None:
        if "children" in node:
            assert node["count"] == sum(child["count"] for child in node["children"])
            for child in node["children"]:
                total(child)

    total(tree)
    assert (await seen.viewer.get("/devices/directory?by=owner")).json()["children"][0]["level"] == "owner"
    assert (await seen.viewer.get("/devices/directory?by=owner,owner")).status_code == 400


async def test_uptime_is_the_share_of_hours_that_have_a_value(city: Served) -> None:
    start = datetime(2026, 9, 30, 16, tzinfo=UTC)  # midnight of 1 October in Beijing
    (stream,) = [one["id"] for one in (await city.anonymous.get("/devices/A2")).json()["datastreams"]]
    await observe(city.database, stream, [(start + timedelta(hours=hour), 1.0) for hour in range(0, 48, 2)])
    await observe(city.database, stream, [(start + timedelta(hours=1), 1.0)], "D")
    query = {"from": start.isoformat(), "to": (start + timedelta(hours=48)).isoformat(), "by": "owner"}
    (group,) = (await city.anonymous.get("/devices/uptime", params=query)).json()["groups"]
    told = {
        name: group[name] for name in ("group", "month", "devices", "expected_hours", "heard_hours", "normal_hours")
    }
    assert told == {
        "group": "环保局", "month": "2026-10", "devices": 1,
        "expected_hours": 48, "heard_hours": 25, "normal_hours": 24,
    }  # fmt: skip
    assert group["uptime"] == round(25 / 48, 4)
    table = await city.anonymous.get("/devices/uptime", params={**query, "f": "csv", "by": "placement"})
    assert list(csv.reader(io.StringIO(table.text.lstrip("\ufeff"))))[1][:3] == ["ecology", "生态", "2026-10"]
    assert (await city.anonymous.get("/devices/uptime?from=2020-01-01T00:00:00Z")).status_code == 400
    assert (await city.anonymous.get("/devices/uptime?from=yesterday")).status_code == 400


async def test_a_series_has_every_bucket_and_marks_the_empty_ones(city: Served) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    (stream,) = [one["id"] for one in (await city.anonymous.get("/devices/A2")).json()["datastreams"]]
    await observe(city.database, stream, [(start, 10.0), (start + timedelta(minutes=30), 30.0)])
    await observe(city.database, stream, [(start + timedelta(hours=2), 5.0)], "D")
    query = {"from": start.isoformat(), "to": (start + timedelta(hours=4)).isoformat()}
    held = (await city.anonymous.get("/devices/A2/series", params=query)).json()
    assert held["count"] == [2, 0, 0, 0]
    assert held["mean"] == [20.0, None, None, None]
    assert (held["least"][0], held["greatest"][0]) == (10.0, 30.0)
    assert held["flagged"] == [0, 0, 1, 0]
    assert held["gap"] == [False, True, False, True]
    fine = (await city.anonymous.get("/devices/A2/series", params={**query, "bucket": "1800"})).json()
    assert fine["count"] == [1, 1, 0, 0, 0, 0, 0, 0]
    month = (await city.anonymous.get("/devices/A2/series", params={**query, "bucket": "month"})).json()
    assert (month["start"], month["count"]) == (["2026-10-01T00:00:00+08:00"], [2])
    table = (await city.anonymous.get("/devices/A2/series", params={**query, "f": "csv"})).text
    assert list(csv.reader(io.StringIO(table.lstrip("\ufeff"))))[1][1:3] == ["2", "20.0"]


NO_SERIES = [
    "bucket=5",
    "bucket=week",
    "from=2020-01-01T00:00:00Z&bucket=10",
    "from=2026-01-01T00:00:00",
    "datastream=0",
]


async def test_a_series_that_cannot_be_given_is_refused(seen: Served) -> None:
    for query in NO_SERIES:
        assert (await seen.anonymous.get(f"/devices/A2/series?{query}")).status_code == 400, query


async def test_a_list_can_be_taken_home_and_no_cell_is_a_formula(city: Served) -> None:
    await make_devices(city.database, [device("X1", name="=1+1", aliases=(Alias("oid", "1.2.156.1"),))])
    text = (await city.anonymous.get("/devices?f=csv")).text
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [row["code"] for row in rows] == ["A1", "A2", "C1", "P1", "X1"]
    assert rows[4]["name"] == "'=1+1"
    assert rows[2]["aliases"] == "gb28181:51018200081326000001"


async def test_every_code_has_one_address(city: Served) -> None:
    model = building(storeys=1)
    (door,) = [one for one in model.elements if one.name == "防火门 1"]
    await import_made(city.database, model, grade=Grade.INTERNAL)
    await city.state.live.refresh()
    camera = (await city.anonymous.get("/id/51018200081326000001")).json()["objects"]
    assert [(one["type"], one["scheme"], one["primary_code"]) for one in camera] == [("device", "gb28181", "C1")]
    assert {link["rel"] for link in camera[0]["links"]} == {"device"}, "there is no layer of cameras to see"
    assert (await city.anonymous.get("/id/c1")).json()["objects"][0]["primary_code"] == "C1"
    (element,) = (await city.viewer.get(f"/id/{door.global_id}")).json()["objects"]
    assert (element["type"], element["class"]) == ("element", "IfcDoor")
    assert (await city.anonymous.get(f"/id/{door.global_id}")).status_code == 404
    thing = (await city.anonymous.get("/devices/A1")).json()["links"]
    number = next(link["href"].rsplit("/", 1)[1] for link in thing if link["rel"] == "thing")
    assert (await city.anonymous.get(f"/id/{number}")).json()["objects"][0]["links"][1]["href"].endswith("/devices/A1")
    for nothing in ("51018200081326999999", "%00", "x" * 300, "Things(99999)"):
        assert (await city.anonymous.get(f"/id/{nothing}")).status_code in {400, 404}


async def hospital(city: Served, grade: Grade = Grade.PUBLIC) -> dict[str, str]:
    """A model of a building; the GlobalIds of its parts by name."""
    model = building()
    await import_made(city.database, model, grade=grade, building_code="510182001001B001")
    await city.state.live.refresh()
    return {one.name: one.global_id for one in model.elements}


async def test_a_device_is_bound_to_an_element_and_takes_its_place(city: Served) -> None:
    parts = await hospital(city)
    answer = await city.technician.patch(
        "/devices/C1", json={"model": "hospital", "element": parts["门 2"], "lon": None, "lat": None}
    )
    assert answer.status_code == 200, answer.text
    held = answer.json()
    assert held["binding"] == {
        "model": "hospital", "storey": parts["2层"], "storey_number": 2,
        "space": parts["房间 2"], "element": parts["门 2"],
    }, "there is no layer of buildings to see"  # fmt: skip
    assert held["properties"]["position_from"] == "element"
    lon, lat = held["geometry"]["coordinates"]
    assert abs(lon - 103.95) < 0.01, "where the model stands"
    assert abs(lat - 31.0) < 0.05
    assert await codes(city.anonymous, "model=hospital&storey_number=2") == ["C1"]
    assert await codes(city.anonymous, f"model=hospital&storey={parts['2层']}") == ["C1"]
    assert await codes(city.anonymous, "storey_number=3") == []
    async with city.database.writing() as connection:
        traces = await connection.execute(sa.text("SELECT actor, detail FROM cim.audit WHERE action = 'bind'"))
        assert [row.detail["element"] for row in traces] == [parts["门 2"]]


CHANGES: list[tuple[dict[str, Any], int, str]] = [
    ({"element": "door"}, 400, "no model"),
    ({"model": "nowhere"}, 404, "model"),
    ({"model": "hospital", "storey": "门 1"}, 400, "no storey"),
    ({"model": "hospital", "storey": "1层", "element": "门 2"}, 400, "is on storey"),
    ({"model": "hospital", "storey": "1层", "storey_number": 3}, 400, "on storey 1"),
    ({"model": "hospital", "space": "门 1"}, 400, "no space"),
    ({"model": "hospital", "element": "gone"}, 400, "has no element"),
    ({"model": "hospital", "building_code": "other"}, 404, "building"),
    ({"parent": "C1"}, 400, "hang on itself"),
    ({"parent": "nothing"}, 404, "parent"),
    ({"lon": 103.9}, 400, "two numbers"),
    ({"lon": 31.0, "lat": 103.9}, 400, "swapped"),
    ({"placement": "月球"}, 400, "placement"),
    ({"colour": "red"}, 400, "colour"),
    ({}, 400, "nothing is changed"),
    ({"owner": "\x00"}, 400, "character"),
]


async def test_a_binding_that_does_not_hold_is_refused(city: Served) -> None:
    parts = await hospital(city)
    before = (await city.technician.get("/devices/C1")).json()
    for change, status, word in CHANGES:
        named = {name: parts.get(value, value) if isinstance(value, str) else value for name, value in change.items()}
        answer = await city.technician.patch("/devices/C1", json=named)
        assert (answer.status_code, word in answer.text) == (status, True), (change, answer.text)
    assert (await city.technician.get("/devices/C1")).json() == before


async def test_only_those_who_may_import_bind_and_only_to_what_they_see(city: Served) -> None:
    parts = await hospital(city, Grade.DRAFT)
    change = {"model": "hospital", "element": parts["门 1"]}
    assert (await city.anonymous.patch("/devices/C1", json=change)).status_code == 401
    assert (await city.viewer.patch("/devices/C1", json=change)).status_code == 403
    done = await city.administrator.patch("/devices/C1", json=change)
    assert done.status_code == 200, done.text
    told = (await city.anonymous.get("/devices/C1")).json()
    assert told["binding"] == {}, "the model is a draft"
    assert parts["门 1"] not in json.dumps(told)
    assert (await city.anonymous.get("/devices?model=hospital")).status_code == 404
    assert await codes(city.anonymous, f"storey={parts['1层']}") == []
    assert await codes(city.anonymous, "storey_number=1") == []


async def test_the_next_free_code_of_gb28181_is_told_to_those_who_import(city: Served) -> None:
    query = {"centre": "51018200", "industry": "08", "type": "132", "network": "6"}
    told = (await city.technician.get("/id/next", params=query)).json()
    assert (told["code"], told["parts"]["edition"]) == ("51018200081326000002", "2022")
    assert (await city.anonymous.get("/id/next", params=query)).status_code == 401
    assert (await city.technician.get("/id/next", params={**query, "type": "099"})).status_code == 400
    assert (await city.technician.get("/id/next", params={**query, "centre": "5101820"})).status_code == 400
