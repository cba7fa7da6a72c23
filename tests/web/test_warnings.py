"""/warnings: taking CAP, states by reference in any order, drills apart, drafts from alarms, the feed, who may what."""

import asyncio
import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
import sqlalchemy as sa
from cap_messages import RING, XML, cap
from lxml import etree
from sensing import made_datastreams, made_rule
from serving import Served, following

from cim.errors import StoreError
from cim.model.sensing import Reading
from cim.model.warning_reading import read_alert
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

ZH = {"Accept-Language": "zh-CN"}
CHINESE = re.compile("[\u4e00-\u9fff]")


async def sent(served: Served, body: bytes, status: int = 201) -> dict[str, Any]:
    answer = await served.technician.post("/warnings", content=body, headers=XML)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def states(served: Served) -> dict[str, str]:
    answer = await served.technician.get("/warnings?limit=1000")
    return {one["code"]: one["state"] for one in answer.json()["warnings"]}


async def test_a_message_is_kept_as_it_came_and_found(served: Served) -> None:
    body = cap("51018241600000_20260704123000_0")
    made = await sent(served, body)
    code = made["code"]
    assert (made["colour"], made["level"], made["state"], made["drill"]) == ("orange", "II", "active", False)
    assert made["findings"] == []
    assert (await served.anonymous.get(f"/warnings/{code}?f=cap")).content == body
    one = (await served.anonymous.get(f"/warnings/{code}")).json()
    assert one["message"]["infos"][0]["event"] == "暴雨"
    assert one["national_id"]
    assert [step["action"] for step in one["history"]] == ["received"]
    feature = (await served.anonymous.get(f"/warnings/{code}?f=geojson")).json()
    assert [103.9, 30.9] in feature["geometry"]["coordinates"][0][0]
    for query, count in (
        ("colour=orange&state=active&bbox=103.8,30.8,103.95,30.95", 1),
        ("colour=red", 0),
        ("bbox=104.1,30.8,104.2,30.9", 0),
        ("drill=true", 0),
        ("f=geojson", 1),
    ):
        found = (await served.anonymous.get(f"/warnings?{query}")).json()
        assert len(found.get("warnings", found.get("features"))) == count, query


async def test_what_comes_again_changes_nothing_and_other_content_is_refused(served: Served) -> None:
    await sent(served, cap("A"))
    again = await sent(served, cap("A").replace(b"><", b">\n <"), 200)
    assert (again["code"], again["new"]) == ("A", False)
    await sent(served, cap("A", severity="Extreme"), 409)
    one = (await served.anonymous.get("/warnings/A")).json()
    assert len(one["history"]) == 1
    odd = await sent(served, cap("a/b?c"))
    assert odd["code"].startswith("W-")
    assert (await served.anonymous.get(f"/warnings/{odd['code']}")).json()["identifier"] == "a/b?c"
    assert (await sent(served, cap("feed")))["code"].startswith("W-")


MESSAGES = {
    "A": {},
    "U": {"kind": "Update", "refers": "A"},
    "V": {"kind": "Update", "refers": "A U"},
    "C": {"kind": "Cancel", "refers": "V"},
}
SETTLED = {"A": "updated", "U": "updated", "V": "cancelled", "C": "done"}


async def test_the_order_of_arrival_does_not_matter(served: Served) -> None:
    for number, order in enumerate(itertools.permutations(MESSAGES)):
        if number % 3:
            continue
        for name in order:
            shape = MESSAGES[name]
            refers = " ".join(f"{one}{number}" for one in shape.get("refers", "").split())
            await sent(served, cap(f"{name}{number}", shape.get("kind", "Alert"), refers))
        found = await states(served)
        assert {name: found[f"{name}{number}"] for name in MESSAGES} == SETTLED, order


async def test_references_that_have_no_power_are_told(served: Served) -> None:
    await sent(served, cap("A"))
    early = await sent(served, cap("B", "Update", "Z"))
    assert "Z" in early["findings"][0]
    assert "is not held" in early["findings"][0]
    drill = await sent(served, cap("X", "Cancel", "A", status="Exercise"))
    assert "status Actual" in drill["findings"][0]
    other = cap("Y", "Cancel", "A", sender="other").replace(b"other,A", b"met,A")
    assert "another sender" in (await sent(served, other))["findings"][0]
    assert (await states(served))["A"] == "active"


BAD = [
    (cap(ring=RING[:-4] + "3.91"), "polygon", "not closed"),
    (cap(ring=" ".join(",".join(reversed(pair.split(","))) for pair in RING.split())), "polygon", "swapped"),
    (cap(ring="48,11 48,12 49,12 48,11"), "area", "outside China"),
    (b"<alert>", "line", "well-formed"),
    (b'<!DOCTYPE a [<!ENTITY b "c">]>' + cap(), "line 1", "document type"),
    (cap(severity="Bad"), "severity", "cannot be 'Bad'"),
    (cap(kind="Update"), "alert", "names no other"),
]


async def test_bad_messages_are_refused_whole(served: Served) -> None:
    for body, where, what in BAD:
        answer = await served.technician.post("/warnings", content=body, headers=XML)
        assert answer.status_code == 400, (what, answer.text)
        problem = answer.json()
        assert what in problem["detail"]
        assert where in problem["where"]
        assert problem["remedy"]
        chinese = (await served.technician.post("/warnings", content=body, headers=XML | ZH)).json()
        assert CHINESE.search(chinese["detail"]), chinese
        assert CHINESE.search(chinese["remedy"]), chinese
    assert await states(served) == {}


async def test_what_is_doubtful_is_told(served: Served) -> None:
    over = await sent(served, cap("A", lasts=timedelta(minutes=1)))
    assert (over["state"], over["findings"]) == ("expired", ["it had expired when it came"])
    named = "<parameter><valueName>预警级别</valueName><value>红色</value></parameter>"
    doubtful = await sent(served, cap("B", severity="Minor", more=named, ring=""))
    assert doubtful["colour"] == "red"
    assert doubtful["findings"][0].startswith("it names no place")
    assert "would be blue" in doubtful["findings"][1]
    colourless = await sent(served, cap("C", severity="Unknown"))
    assert (colourless["colour"], "no colour" in colourless["findings"][0]) == (None, True)
    chinese = await served.technician.get("/warnings/A", headers={"Accept-Language": "zh"})
    assert chinese.json()["findings"] == ["收到时已过期"]
    assert (await served.technician.get("/warnings/B/affected")).status_code == 400
    assert (await served.technician.get("/warnings?bbox=1,2&state=active")).status_code == 400
    assert (await served.technician.post("/warnings", content=b"x", headers={"Content-Type": "a/b"})).status_code == 400
    huge = await served.technician.post("/warnings", content=b" " * 3_000_000, headers=XML)
    assert huge.status_code == 413


async def test_a_drill_is_marked_and_not_for_strangers(served: Served) -> None:
    for status in ("Exercise", "Test", "System"):
        made = await sent(served, cap(status, status=status))
        assert made["drill"]
        assert made["title"].startswith("【")
        assert (await served.anonymous.get(f"/warnings/{status}")).status_code == 404
        assert (await served.viewer.get(f"/warnings/{status}")).json()["drill"]
    assert (await served.viewer.get("/warnings?drill=false")).json()["warnings"] == []
    await sent(served, cap("REAL"))
    atom = etree.fromstring((await served.viewer.get("/warnings.atom")).content)
    entries = {one.findtext("{*}title"): one.find("{*}category").get("term") for one in atom.iter("{*}entry")}
    assert entries.pop("暴雨预警") == "actual"
    assert set(entries.values()) == {"drill"}
    (link,) = etree.fromstring((await served.anonymous.get("/warnings.atom")).content).iterfind("{*}entry/{*}link")
    assert read_alert((await served.anonymous.get(link.get("href"))).content).identifier == "REAL"


async def test_rights_are_asked(served: Served) -> None:
    for client, status in ((served.anonymous, 401), (served.viewer, 403)):
        for path in ("/warnings", "/warnings/drafts?alarm=x"):
            assert (await client.post(path, content=cap(), headers=XML if "alarm" not in path else {})).status_code in (
                status,
                400,
            )
        assert (await client.post("/warnings", content=cap(), headers=XML)).status_code == status
    async with served.database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT count(*) FROM cim.warning"))
        assert rows.scalar() == 0


FORM: dict[str, Any] = {
    "status": "Actual",
    "event": "山洪",
    "headline": "山洪红色预警",
    "colour": "red",
    "expires": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
    "issuer": "51018241600000",
    "area": {"circle": {"lon": 103.9, "lat": 31.1, "radius_km": 2}},
}


async def test_the_form_issues_updates_and_cancels(served: Served) -> None:
    first = await served.technician.post("/warnings", json=FORM)
    assert first.status_code == 201, first.text
    code = first.json()["code"]
    assert len(code) == 31
    xml = (await served.anonymous.get(f"/warnings/{code}?f=cap")).content
    assert read_alert(xml).colour == "red"
    ring = {"type": "Polygon", "coordinates": [[[103.8, 31], [103.9, 31], [103.9, 31.1], [103.8, 31]]]}
    update = {**FORM, "msgType": "Update", "references": [code], "area": {"polygon": ring}, "colour": "orange"}
    second = (await served.technician.post("/warnings", json=update)).json()
    cancel = {**update, "msgType": "Cancel", "references": [second["code"]]}
    third = (await served.technician.post("/warnings", json=cancel)).json()
    found = await states(served)
    assert [found[one] for one in (code, second["code"], third["code"])] == ["updated", "cancelled", "done"]
    assert (await served.anonymous.get(f"/warnings/{code}")).json()["replaced_by"] == second["code"]


WRONG_FORMS: list[dict[str, Any]] = [
    {"status": "Real"},
    {"expires": "2026-01-01T00:00:00"},
    {"area": {}},
    {"area": {"polygon": {"type": "Point", "coordinates": [1, 2]}}},
    {"area": {"circle": {"lon": 31, "lat": 103, "radius_km": 1}}},
    {"issuer": "1"},
    {"issuer": None},
    {"msgType": "Update"},
    {"references": ["x"]},
    {"headline": "a\u0001b"},
    {"category": ["Rain"]},
    {"other": 1},
]


async def test_forms_that_cannot_be_meant_are_refused(served: Served) -> None:
    for change in WRONG_FORMS:
        answer = await served.technician.post("/warnings", json={**FORM, **change})
        assert answer.status_code == 400, (change, answer.text)
        assert answer.json()["remedy"], change
        chinese = (await served.technician.post("/warnings", json={**FORM, **change}, headers=ZH)).json()
        assert CHINESE.search(chinese["detail"]), chinese
        assert CHINESE.search(chinese["remedy"]), chinese
    assert await states(served) == {}


async def alarm(served: Served) -> str:
    (stream,) = await made_datastreams(served.database, 1)
    await made_rule(served.database, {"kind": "threshold", "above": 50.0}, datastream=stream, severity="yellow")
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text(
                "WITH l AS (INSERT INTO sensing.location (name, encoding_type, location, geom)"
                " VALUES ('x', '', '{}', ST_SetSRID(ST_MakePoint(103.9, 30.9), 4490)) RETURNING id)"
                " INSERT INTO sensing.thing_location SELECT d.thing, l.id FROM l, sensing.datastream d WHERE d.id = :id"
            ),
            {"id": stream},
        )
    await Intake(served.database, [AlarmJudge()]).keep([Reading(stream, datetime.now(UTC), 99.0)])
    async with served.database.writing() as connection:
        return str(await connection.scalar(sa.text("SELECT code FROM cim.event")))


async def test_an_alarm_becomes_a_draft_that_is_issued_by_a_second_step(served: Served) -> None:
    code = await alarm(served)
    asked = {"issuer": "51018241600000", "radius_km": 2}
    answer = await served.technician.post(f"/warnings/drafts?alarm={code}", json=asked)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["state"], made["colour"], made["drill"], made["alarm"]) == ("draft", "yellow", True, code)
    draft = made["code"]
    for client in (served.anonymous, served.viewer):
        assert (await client.get(f"/warnings/{draft}")).status_code == 404
    shape = (await served.technician.get(f"/warnings/{draft}")).json()["geometry"]
    lats = [y for _, y in shape["coordinates"][0][0]]
    assert max(lats) - min(lats) == pytest.approx(4 / 110.85, rel=0.01)
    path = f"/warnings/{draft}/issue"
    assert (await served.technician.post(path, json={})).status_code == 400
    late = await served.technician.post(path, json={"status": "Actual", "expires": "2020-01-01T00:00:00Z"})
    assert late.status_code == 400
    done = await served.technician.post(path, json={"status": "Actual", "headline": "改", "colour": "red"})
    assert (done.json()["state"], done.json()["colour"], done.json()["title"]) == ("active", "red", "改")
    assert (await served.technician.post(path, json={"status": "Actual"})).status_code == 409
    xml = read_alert((await served.anonymous.get(f"/warnings/{draft}?f=cap")).content)
    assert (xml.status, xml.infos[0].severity) == ("Actual", "Extreme")
    other = (await served.technician.post(f"/warnings/drafts?alarm={code}", json=asked)).json()["code"]
    assert (await served.technician.post(f"/warnings/{other}/discard")).status_code == 204
    assert (await served.technician.post(f"/warnings/{other}/issue", json={"status": "Test"})).status_code == 409
    assert (await served.technician.post("/warnings/drafts?alarm=A1", json=asked)).status_code == 404
    async with served.database.writing() as connection:
        rows = await connection.scalars(
            sa.text("SELECT action FROM cim.audit WHERE action LIKE 'warning%' ORDER BY seq")
        )
        told = ["warning drafted", "warning issued", "warning drafted", "warning draft discarded"]
        assert list(rows) == told


async def test_history_is_only_added_to(served: Served) -> None:
    await sent(served, cap())
    for text in ("UPDATE cim.warning_step SET note = 'x'", "DELETE FROM cim.warning_step"):
        with pytest.raises(StoreError):
            async with served.database.writing() as connection:
                await connection.execute(sa.text(text))


async def test_the_feed_tells_drills_by_another_name(served: Served) -> None:
    await sent(served, cap("A"))
    polled = (await served.anonymous.get("/warnings/feed?since=0")).json()
    assert [one["step"]["action"] for one in polled["steps"]] == ["received"]
    async with following(served, "/warnings/feed", Authorization=served.viewer.headers["Authorization"]) as lines:
        assert (await anext(lines)).startswith(":")
        await sent(served, cap("X", status="Exercise"))
        await sent(served, cap("C", "Cancel", "A"))
        found: list[tuple[str, dict[str, Any]]] = []
        async with asyncio.timeout(15):
            name = ""
            while len(found) < 3:
                line = await anext(lines)
                name = line[7:] if line.startswith("event:") else name
                if line.startswith("data:"):
                    found.append((name, json.loads(line[5:])))
    assert [(name, one["drill"], one["step"]["action"]) for name, one in found] == [
        ("drill", True, "received"),
        ("warning", False, "received"),
        ("warning", False, "cancelled"),
    ]
    hidden = (await served.anonymous.get("/warnings/feed?since=0")).json()["steps"]
    assert all(not one["drill"] for one in hidden)


async def test_pages_hold_every_warning_once(served: Served) -> None:
    for number in range(5):
        await sent(served, cap(f"P{number}"))
    seen: list[str] = []
    address = "/warnings?limit=2"
    while address:
        answer: httpx.Response = await served.anonymous.get(address)
        seen += [one["code"] for one in answer.json()["warnings"]]
        address = answer.json()["links"][0]["href"] if answer.json()["links"] else ""
    assert sorted(seen) == [f"P{number}" for number in range(5)]


async def test_the_picture_of_an_incident_tells_of_the_warnings_over_it(served: Served) -> None:
    await sent(served, cap("A"))
    await sent(served, cap("drill", status="Exercise"))
    for place, told in (([103.95, 30.95], ["A"]), ([104.1, 31.3], [])):
        body = {"inputs": {"place": place, "radii_m": [300, 900]}}
        answer = (await served.viewer.post("/processes/incident-picture/execution", json=body)).json()
        (table,) = [one for one in answer["tables"] if one["id"] == "warnings"]
        assert [row["code"] for row in table["rows"]] == told
        assert answer["summary"]["warnings"] == len(told)
        assert bool(table["note"]) == (not told)


def layer_file(folder: Path, layer: str, at: tuple[float, float], side: float, **facts: object) -> Path:
    """A file of one feature: a square, or a point where it has no side."""
    lon, lat = at
    shape = shapely.box(lon, lat, lon + side, lat + side) if side else shapely.Point(at)
    feature = {"type": "Feature", "geometry": shapely.geometry.mapping(shape), "properties": facts}
    (folder / f"{layer}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return folder / f"{layer}.geojson"


async def test_homes_without_a_record_of_people_are_not_nobody(served: Served, tmp_path: Path) -> None:
    here, elsewhere = (103.95, 31.03), (104.05, 31.2)
    house = layer_file(tmp_path, "buildings", here, 1e-4, building_code="510182001009000001", use="residential")
    record = {"record_id": "P1", "building_code": "510182001009000009", "persons": 12}
    for path in (house, layer_file(tmp_path, "population", elsewhere, 0, **record)):
        request = ImportRequest(path, "test", "administrator", path.stem, options=ReadOptions(trust_file=True))
        (report,) = await import_file(served.database, load_catalog(), request)
        assert report.status == "published", report.message
    await served.state.live.refresh()
    code = (await sent(served, cap("HOMES", ring=around(here))))["code"]
    found = (await served.technician.get(f"/warnings/{code}/affected")).json()
    assert found["groups"]["people"]["sums"]["persons"] is None
    reasons = [one["reason"] for one in found["missing"] if one["layer"] == "population"]
    assert reasons == ["1 homes lie inside, and no record of people does"]
    code = (await sent(served, cap("ALONE", ring=around(elsewhere))))["code"]
    found = (await served.technician.get(f"/warnings/{code}/affected")).json()
    assert found["groups"]["people"]["sums"]["persons"] == 12


def around(at: tuple[float, float]) -> str:
    """The ring of a warning around a place: CAP has the latitude first."""
    west, south, east, north = at[0] - 0.01, at[1] - 0.01, at[0] + 0.01, at[1] + 0.01
    return f"{south},{west} {south},{east} {north},{east} {north},{west} {south},{west}"
