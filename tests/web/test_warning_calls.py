"""What a warning affects, whom it calls, and what becomes of calls, on layers of the sample."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from cap_messages import XML, cap
from clones import Clones
from receiving_messages import Received, receiving
from sample_server import SAMPLES
from serving import Served, serving

from cim.model.warning_reading import read_alert
from cim.sensors.outbound import private_networks
from cim.sensors.warning_messages import send_warnings
from cim.sensors.warning_watch import look
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.receivers import Receiver, add_receiver
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

LOCAL = private_networks("127.0.0.1")
FILES = ("admin_county.geojson", "admin_town.geojson", "admin_village.gpkg", "geohazards.csv", "schools.csv")
FILES += ("hazards.geojson", "contacts.csv")
RING = "31.15,103.80 31.15,103.90 31.25,103.90 31.25,103.80 31.15,103.80"
"""In the mountains of the county: several villages, points of danger."""


@pytest.fixture(scope="module")
def sample(clones: Clones) -> Any:
    """A database with the layers that answer for people."""
    with clones.made() as logins:
        yield logins


@pytest.fixture
async def county(sample: Any, tmp_path: Path) -> AsyncIterator[Served]:
    """A server over the sample's layers; warnings of tests before are gone."""
    database = Database(sample.reader_url, sample.writer_url, pool_size=4)
    catalog = load_catalog()
    async with database.writing() as connection:
        filled = await connection.scalar(sa.text("SELECT count(*) FROM cim.collection"))
    for name in FILES if not filled else ():
        options = ReadOptions(crs="EPSG:4490" if name.endswith(".csv") else None, trust_file=True)
        request = ImportRequest(SAMPLES / name, "test", "administrator", name.split(".")[0], options=options)
        (report,) = await import_file(database, catalog, request)
        assert report.status == "published", report.message
    (tmp_path / "files").mkdir()
    async with serving(database, catalog, FileStore(tmp_path / "files")) as application:
        yield application
        async with database.writing() as connection:
            await connection.execute(sa.text("DELETE FROM sensing.receiver"))


async def sent(served: Served, identifier: str, **shape: Any) -> str:
    body = cap(identifier, ring=shape.pop("ring", RING), **shape)
    answer = await served.technician.post("/warnings", content=body, headers=XML)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def sql(served: Served, text: str, **values: object) -> None:
    async with served.database.writing() as connection:
        await connection.execute(sa.text(text), values)


async def features(served: Served, layer: str) -> list[dict[str, Any]]:
    return list((await served.technician.get(f"/collections/{layer}/items?limit=1000")).json()["features"])


async def inside(served: Served, layer: str, ring: str = RING) -> list[str]:
    """Keys of the features that meet the ring, by shapely."""
    area = shapely.Polygon(read_alert(cap(ring=ring)).infos[0].areas[0].polygons[0])
    found = await features(served, layer)
    key = "code" if layer.startswith("admin") else "id"
    return sorted(one["properties"][key] for one in found if area.intersects(shapely.geometry.shape(one["geometry"])))


async def test_what_is_affected_equals_what_lies_inside_and_the_rest_is_told(county: Served) -> None:
    code = await sent(county, "AFF")
    found = (await county.technician.get(f"/warnings/{code}/affected?limit=1000")).json()
    for group, layer, field in (
        ("villages", "admin_village", ""),
        ("geohazards", "geohazards", "threatened"),
        ("schools", "schools", "students"),
    ):
        keys = await inside(county, layer)
        told = found["groups"][group]
        assert [row["key"] for row in told["items"]] == keys, group
        assert told["count"] == len(keys)
        if field:
            rows = [one["properties"] for one in await features(county, layer)]
            assert told["sums"][field] == sum(row[field] for row in rows if row["id"] in keys)
    assert found["groups"]["people"] is None
    assert {"population", "hospitals", "organisations"} <= {one["layer"] for one in found["missing"]}
    assert all(row["contacts"][0]["phone"] for row in found["groups"]["villages"]["items"])
    few = (await county.technician.get(f"/warnings/{code}/affected?limit=1")).json()["groups"]["villages"]
    assert (few["count"], len(few["items"])) == (len(await inside(county, "admin_village")), 1)
    stranger = (await county.anonymous.get(f"/warnings/{code}/affected")).json()
    assert stranger["groups"]["geohazards"] is None
    assert "contacts" not in stranger["groups"]["villages"]["items"][0]
    assert "contacts" in {one["layer"] for one in stranger["missing"]}


async def test_the_call_list_has_everybody_who_answers_for_a_place_once(county: Served) -> None:
    code = await sent(county, "LIST")
    for client, status in ((county.anonymous, 401), (county.viewer, 403)):
        assert (await client.post(f"/warnings/{code}/calls")).status_code == status
    made = (await county.technician.post(f"/warnings/{code}/calls")).json()
    wanted = {key for layer in ("admin_village", "admin_town", "geohazards", "schools", "hazards")
              for key in await inside(county, layer)}  # fmt: skip
    assert {one["key"] for call in made["calls"] for one in call["subjects"]} == wanted
    assert (made["answer_within_min"], made["channels"], made["without"]) == (15.0, ["log", "webhook"], [])
    village = next(call for call in made["calls"] if call["duty"] == "village")
    assert [step["duty"] for step in village["next"]] == ["town", "county"]
    again = (await county.technician.post(f"/warnings/{code}/calls")).json()
    assert (again["called"], again["already_called"]) == (0, made["called"])
    listed = (await county.technician.get(f"/warnings/{code}/calls")).json()
    assert listed["counts"]["waiting"] == made["called"]
    assert (await county.anonymous.get(f"/warnings/{code}/calls")).json()["calls"] == []
    assert (await county.viewer.get(f"/warnings/{code}/calls")).json()["receipts"] == []
    assert "phone" not in (await county.anonymous.get(f"/warnings/{code}")).text


async def test_the_silent_are_followed_by_the_next_level(county: Served) -> None:
    code = await sent(county, "SILENT", ring="31.20,103.85 31.20,103.851 31.201,103.851 31.201,103.85 31.20,103.85")
    made = (await county.technician.post(f"/warnings/{code}/calls")).json()["calls"]
    village = next(call for call in made if call["duty"] == "village")
    town = next(call for call in made if call["duty"] == "town")
    path = f"/warnings/{code}/calls/{town['id']}/confirm"
    assert (await county.viewer.post(path)).status_code == 404
    assert (await county.technician.post(path, json={"note": "电话"})).json()["state"] == "confirmed"
    await look(county.database)
    assert (await states(county, code))[village["name"]] == "waiting"
    await overdue(county, code)
    found = await states(county, code)
    assert (found[village["name"]], found[town["name"]]) == ("silent", "waiting")
    taken = (await county.technician.get(f"/warnings/{code}/calls")).json()
    again = next(call for call in taken["calls"] if call["id"] == town["id"])
    assert village["subjects"][0] in again["subjects"]
    await overdue(county, code)
    found = await states(county, code)
    assert (found[town["name"]], found["彭州市应急值班室"]) == ("silent", "waiting")
    late = await county.technician.post(f"/warnings/{code}/calls/{village['id']}/confirm")
    assert late.json()["state"] == "confirmed"
    await overdue(county, code)
    receipts = (await county.technician.get(f"/warnings/{code}/calls")).json()["receipts"]
    assert receipts[-1]["note"] == "no answer, and nobody is left to call"
    await look(county.database)
    assert len((await county.technician.get(f"/warnings/{code}/calls")).json()["receipts"]) == len(receipts)


async def overdue(served: Served, code: str) -> None:
    text = "UPDATE cim.warning_call SET answer_by = now() - interval '1 s' WHERE warning = :code"
    await sql(served, text, code=code)
    await look(served.database)


async def states(served: Served, code: str) -> dict[str, str]:
    found = (await served.technician.get(f"/warnings/{code}/calls")).json()["calls"]
    return {call["name"]: call["state"] for call in found}


async def test_what_is_over_expires_and_its_calls_are_withdrawn(county: Served) -> None:
    code = await sent(county, "OVER")
    await county.technician.post(f"/warnings/{code}/calls")
    await sql(county, "UPDATE cim.warning SET expires = now() - interval '1 s' WHERE code = :code", code=code)
    await overdue(county, code)
    one = (await county.technician.get(f"/warnings/{code}")).json()
    assert one["state"] == "expired"
    assert set((await states(county, code)).values()) == {"withdrawn"}
    assert (await county.technician.post(f"/warnings/{code}/calls")).status_code == 409
    ended = await sent(county, "END")
    await county.technician.post(f"/warnings/{ended}/calls")
    await sent(county, "CANCEL", kind="Cancel", refers="END")
    assert set((await states(county, ended)).values()) == {"withdrawn"}


async def made_receiver(served: Served, desk: Received, name: str, **more: Any) -> None:
    values = {"severities": ("orange",), "grades": ("public", "internal", "restricted"), "warnings": True, **more}
    async with served.database.writing() as connection:
        url = f"http://127.0.0.1:{desk.port}/hook"
        await add_receiver(connection, Receiver(name, url, **values), "s3cret", "tester")


async def test_messages_are_signed_and_drills_go_only_where_they_may(county: Served) -> None:
    small = "31.20,103.85 31.20,103.851 31.201,103.851 31.201,103.85 31.20,103.85"
    with receiving() as real, receiving() as drills, receiving() as alarms:
        await made_receiver(county, real, "real")
        await made_receiver(county, drills, "drills", drills=True)
        await made_receiver(county, alarms, "alarms", warnings=False)
        drill = await sent(county, "DRILL", status="Exercise", ring=small)
        await county.technician.post(f"/warnings/{drill}/calls")
        assert await send_warnings(county.database) > 0
        assert drills.posts == []
        await sql(county, "UPDATE cim.warning_delivery SET next_at = now()")
        while await send_warnings(county.database, LOCAL):
            pass
        assert real.posts == alarms.posts == []
        told = [json.loads(body) for _, body in drills.posts]
        assert len(told) > 1
        assert all(one["drill"] and one["warning"]["title"].startswith("【演练") for one in told)
        await sent(county, "REAL", ring=small)
        await county.technician.post("/warnings/REAL/calls")
        while await send_warnings(county.database, LOCAL):
            pass
        headers, body = real.posts[0]
        moment, _, mac = headers["x-cim-signature"].partition(",v1=")
        text = f"{moment[2:]}.".encode() + body
        assert hmac.new(b"s3cret", text, hashlib.sha256).hexdigest() == mac
        messages = [json.loads(body) for _, body in real.posts]
    called = next(one for one in messages if one["step"]["action"] == "called")
    assert not called["drill"]
    page = await county.anonymous.get(called["call"]["confirm"])
    assert "确认收到" in page.text
    assert (await states(county, "REAL"))[called["call"]["name"]] == "waiting"
    done = await county.anonymous.post(called["call"]["confirm"])
    assert "已确认收到" in done.text
    assert (await states(county, "REAL"))[called["call"]["name"]] == "confirmed"
    await county.anonymous.post(called["call"]["confirm"])
    receipts = (await county.technician.get("/warnings/REAL/calls")).json()["receipts"]
    mine = [step["action"] for step in receipts if step["call"] == called["call"]["id"]]
    assert sorted(set(mine)) == ["called", "confirmed", "delivered"]
    assert mine.count("confirmed") == 1
    assert (await county.anonymous.get("/warnings/confirm/" + "x" * 43)).status_code == 404
    assert called["call"]["confirm"] not in (await county.technician.get("/warnings/REAL/calls")).text


async def test_a_place_outside_the_county_is_told(county: Served) -> None:
    body = cap("FAR", ring="39.9,116.3 39.9,116.4 40.0,116.4 40.0,116.3 39.9,116.3")
    made = await county.technician.post("/warnings", content=body, headers=XML)
    assert made.json()["findings"] == ["its area meets no region of this county"]
    codes = "<area><areaDesc>x</areaDesc><geocode><valueName>c</valueName><value>{}</value></geocode></area>"
    known = await county.technician.post(
        "/warnings", content=cap("CODE", ring="", more=codes.format("510182101000")), headers=XML
    )
    assert (known.json()["findings"], known.json()["region_code"]) == ([], "510182101")
    unknown = cap("NONE", ring="", more=codes.format("999999"), lasts=timedelta(hours=1))
    told = (await county.technician.post("/warnings", content=unknown, headers=XML)).json()["findings"]
    assert told[0] == "no region is held of the codes 999999"
