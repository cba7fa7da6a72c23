"""/incidents: entry, rights, grading, the clock, work on them, conflicts, drills, the replay, the feed."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from incidents import AT, LEAK, POINT, SQUARE, made, sent, worked_on
from serving import Served, following, listening

from cim.errors import StoreError
from cim.model.incidents import may_call
from cim.store import identities

COUNTY = """
INSERT INTO cim.region (code, level, name, geom) VALUES
 ('510182', 'county', '彭州市', ST_MakeEnvelope(103.6, 30.8, 104.2, 31.5, 4490)),
 ('510182001', 'town', '天彭街道', ST_MakeEnvelope(103.9, 30.9, 104.0, 31.0, 4490))
"""


@pytest.fixture
async def county(city: Served) -> Served:
    """A server that knows its county and one town."""
    async with city.database.writing() as connection:
        await connection.execute(sa.text(COUNTY))
    return city


async def listed(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/incidents", params=query)
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["incidents"]]


async def test_a_call_becomes_an_incident_with_grade_code_region_and_clock(county: Served) -> None:
    first = await made(county.technician, figures={"dead": 3}, reporter="园区值班室 13800000000")
    assert first["code"].startswith("510182-")
    assert first["code"].endswith("-001")
    assert (first["grade"], first["region_code"], first["place_text"]) == ("III", "510182001", "彭州市天彭街道")
    assert "死亡（含失踪） 3 人 ≥ 3 人" in first["grade_rule"]
    assert [due["to"] for due in first["clock"]["reports"]] == ["city", "province"]
    assert (first["family_title"]["zh"], first["response_level"], first["drill_mark"]) == ("事故灾难", None, None)
    second = await made(county.technician)
    assert second["code"].endswith("-002")
    async with county.database.writing() as connection:
        rows = await connection.scalars(sa.text("SELECT object FROM cim.audit WHERE action = 'incident created'"))
        assert list(rows) == [first["code"], second["code"]]


async def test_places_come_in_many_forms(county: Served) -> None:
    for place in (
        {"text": "东经103度57分0秒 北纬30度58分48秒"},
        {"easting": 399_700.0, "northing": 3_429_000.0, "crs": "EPSG:4544"},
        {"lon": 103.9525, "lat": 30.9775, "datum": "GCJ-02"},
    ):
        found = await made(county.technician, place=place)
        assert found["position"] == [pytest.approx(103.95, abs=0.01), pytest.approx(30.98, abs=0.01)]
        assert found["region_code"] == "510182001"


WRONG: list[dict[str, Any]] = [
    {"place": {"lon": 30.98, "lat": 103.95}},
    {"place": {}},
    {"place": {**AT, "text": "103.9 30.9"}},
    {"place": {"lon": 103.95}},
    {"place": {"text": "彭州"}},
    {"place": {"easting": 1.0, "northing": 2.0, "crs": "EPSG:0"}},
    {"kind": "meteor"},
    {"title": "  "},
    {"title": "【演练】 "},
    {"title": "a\0b"},
    {"figures": {"dead": -1}},
    {"figures": {"area_ha": 3}},
    {"area": {"type": "Point", "coordinates": [1, 2]}},
    {"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
    {"occurred_at": "2026-11-28T08:00:00"},
    {"reported_at": "2999-01-01T00:00:00Z"},
    {"occurred_at": "2026-11-02T00:00:00Z", "reported_at": "2026-11-01T00:00:00Z"},
    {"declared_grade": "I", "declared_reason": "x"},
    {"kind": "public-health", "figures": {}, "declared_grade": "I"},
    {"response_level": "V"},
    {"surprise": 1},
]


async def test_what_cannot_be_is_refused_with_a_remedy_and_nothing_is_kept(county: Served) -> None:
    for wrong in WRONG:
        answer = await county.technician.post("/incidents", json={**LEAK, **wrong})
        assert answer.status_code == 400, (wrong, answer.text)
        assert answer.json()["remedy"], wrong
    assert await listed(county.technician, drill="all") == []


async def test_a_place_outside_the_county_is_refused_or_noted(county: Served) -> None:
    far = {"lon": 104.6, "lat": 30.98}
    refused = await county.technician.post("/incidents", json={**LEAK, "place": far})
    assert (refused.status_code, refused.json()["where"]) == (400, "place")
    taken = await made(county.technician, place=far, outside=True)
    assert (taken["outside"], taken["region_code"]) == (True, None)
    assert "域外" in taken["notes"][0]
    assert taken["code"].startswith("510182-")


async def test_without_a_boundary_it_says_that_nothing_was_checked(served: Served) -> None:
    taken = await made(served.technician)
    assert taken["code"].startswith("000000-")
    assert "未核对" in taken["notes"][0]
    assert not taken["outside"]


async def test_an_address_that_nobody_knows_is_refused(county: Served) -> None:
    answer = await county.technician.post("/incidents", json={**LEAK, "place": {"address": "月球路1号"}})
    assert answer.status_code in (400, 404)
    assert answer.json()["remedy"]


async def test_incidents_are_those_of_open_grades_and_regions(county: Served) -> None:
    public = await made(county.technician, access="public")
    internal = await made(county.technician)
    secret = await made(county.technician, access="restricted")
    for incident in (public, internal, secret):
        await worked_on(county.technician, incident["code"])
    codes = [public["code"], internal["code"], secret["code"]]
    assert set(await listed(county.anonymous)) == set(codes[:1])
    assert set(await listed(county.viewer)) == set(codes[:2])
    assert set(await listed(county.technician)) == set(codes)
    for code in (*codes[1:], "510182-1", "x" * 500):
        for part in ("", "/entries", "/tasks", "/marks", "/steps", "/replay?at=2999-01-01T00:00:00Z"):
            assert (await county.anonymous.get(f"/incidents/{code}{part}")).status_code == 404, part
    async with county.database.writing() as connection:
        await connection.execute(sa.text("INSERT INTO cim.role (name, title) VALUES ('town', '{}')"))
        right = (
            "INSERT INTO cim.role_right (role, grade, operations, region_code) VALUES ('town', :grade, :may, :region)"
        )
        for grade, region in (("internal", "510182001"), ("restricted", "510182002")):
            await connection.execute(sa.text(right), {"grade": grade, "may": ["read", "import"], "region": region})
        key = (await identities.create_key(connection, "town"))[1]
    town = county.client(Authorization=f"Bearer {key}")
    assert await listed(town) == [internal["code"]]
    await sent(town, f"{internal['code']}/entries", text="已到场")
    assert (await town.post(f"/incidents/{secret['code']}/entries", json={"text": "x"})).status_code == 404
    moved = await town.patch(
        f"/incidents/{internal['code']}", json={"revision": 3, "place": {"lon": 104.1, "lat": 30.95}}
    )
    assert moved.status_code == 403


async def test_who_may_only_read_writes_nothing(county: Served) -> None:
    code = (await made(county.technician, access="public"))["code"]
    before = (await county.technician.get(f"/incidents/{code}")).json()["entries"]
    writes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/entries", {"text": "x"}),
        ("POST", "/tasks", {"recipient": "a", "what": "b"}),
        ("POST", "/tasks/1/receipts", {"kind": "sent"}),
        ("POST", "/marks", {"geometry": {"type": "Point", "coordinates": [1, 2]}, "symbol": "x"}),
        ("PATCH", "/marks/1", {"version": 1, "label": "x"}),
        ("DELETE", "/marks/1?version=1", {}),
        ("POST", "/steps", {"plan": "chemical-leak"}),
        ("PATCH", "/steps/1", {"revision": 1, "state": "done"}),
        ("PATCH", "", {"revision": 1, "title": "x"}),
        ("POST", "/close", {"revision": 1}),
    ]
    for verb, path, body in writes:
        for client, status in ((county.anonymous, 401), (county.viewer, 403)):
            answer = await client.request(verb, f"/incidents/{code}{path}", json=body or None)
            assert answer.status_code == status, (verb, path, answer.text)
    assert (await county.viewer.post("/incidents", json=LEAK)).status_code == 403
    assert (await county.anonymous.post("/incidents", json=LEAK)).status_code == 401
    assert (await county.technician.get(f"/incidents/{code}")).json()["entries"] == before


async def test_figures_regrade_and_the_timeline_says_what_was_before(county: Served) -> None:
    code = (await made(county.technician))["code"]
    changed = await sent(county.technician, code, 200, "PATCH", revision=1, figures={"dead": 10}, note="搜救结束")
    assert (changed["grade"], changed["revision"]) == ("II", 2)
    entry = (await county.technician.get(f"/incidents/{code}/entries")).json()["entries"][-1]
    assert (entry["kind"], entry["text"], entry["author"][:4]) == ("changed", "搜救结束", "key:")
    fields = {one["field"]: (one["before"], one["after"]) for one in entry["body"]["fields"]}
    assert (fields["grade"], fields["figures"]) == (("IV", "II"), ({"dead": 0.0}, {"dead": 10.0}))


async def test_two_officers_do_not_overwrite_each_other(county: Served) -> None:
    code = (await made(county.technician))["code"]
    await sent(county.technician, code, 200, "PATCH", revision=1, figures={"dead": 3})
    late = await sent(county.administrator, code, 409, "PATCH", revision=1, title="液氯大量泄漏")
    assert "key:" in late["detail"]
    changes = {one["field"]: (one["before"], one["after"]) for one in late["changes"]}
    assert changes["figures"] == ({"dead": 0.0}, {"dead": 3.0})
    assert "title" not in changes
    assert (await county.technician.get(f"/incidents/{code}")).json()["title"] == "液氯泄漏"
    await sent(county.technician, f"{code}/marks", geometry=SQUARE, symbol="cordon")
    await sent(county.technician, f"{code}/marks/1", 200, "PATCH", version=1, label="警戒区")
    late = await sent(county.administrator, f"{code}/marks/1", 409, "PATCH", version=1, label="疏散区")
    assert {one["field"] for one in late["changes"]} >= {"label"}
    assert (await county.administrator.delete(f"/incidents/{code}/marks/1?version=1")).status_code == 409


async def test_at_the_same_moment_one_wins_and_the_other_is_told(county: Served) -> None:
    code = (await made(county.technician))["code"]
    edits = [
        county.technician.patch(f"/incidents/{code}", json={"revision": 1, "figures": {"dead": n}}) for n in range(4)
    ]
    answers = await asyncio.gather(*edits)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_tasks_go_forward_only_and_say_who_said_so(county: Served) -> None:
    code = (await made(county.technician))["code"]
    due = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    task = await sent(county.technician, f"{code}/tasks", recipient="水务局", what="查水库", due_at=due)
    assert (task["task"]["state"], task["task"]["number"]) == ("made", 1)
    await sent(county.technician, f"{code}/tasks/1/receipts", kind="received", note="已到岗")
    await sent(county.technician, f"{code}/tasks/1/receipts", 409, kind="sent")
    await sent(county.technician, f"{code}/tasks/1/receipts", 409, kind="received")
    done = await sent(county.administrator, f"{code}/tasks/1/receipts", kind="done")
    assert [one["kind"] for one in done["task"]["receipts"]] == ["received", "done"]
    assert done["task"]["receipts"][0]["author"] != done["task"]["receipts"][1]["author"]
    await sent(county.technician, f"{code}/tasks/7/receipts", 404, kind="sent")
    await sent(county.technician, f"{code}/tasks/1/receipts", 400, kind="lost")


async def test_reports_stop_the_clock(county: Served) -> None:
    reported = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    found = await made(county.technician, figures={"dead": 3}, reported_at=reported)
    code = found["code"]
    assert [due["state"] for due in found["clock"]["reports"]] == ["overdue", "due"]
    at = (datetime.now(UTC) - timedelta(minutes=90)).isoformat()
    await sent(county.technician, f"{code}/entries", kind="report", report={"to": "city", "at": at}, text="电话报告")
    found = (await county.technician.get(f"/incidents/{code}")).json()
    assert [due["state"] for due in found["clock"]["reports"]] == ["done", "due"]
    early = (datetime.now(UTC) - timedelta(hours=9)).isoformat()
    for wrong in ({"to": "city", "at": early}, {"to": "moon"}, {"to": "city", "at": "2999-01-01T00:00:00Z"}):
        await sent(county.technician, f"{code}/entries", 400, kind="report", report=wrong)
    await sent(county.technician, f"{code}/entries", 400, kind="report")
    await sent(county.technician, f"{code}/entries", 400, kind="note", text="x", report={"to": "city"})
    await sent(county.technician, f"{code}/entries", 400, kind="note", text=" ")
    await sent(county.technician, f"{code}/entries", 400, kind="created", text="x")


async def test_a_plan_becomes_a_checklist_at_the_response_level(city: Served) -> None:
    code = (await made(city.technician))["code"]
    taken = await sent(city.technician, f"{code}/steps", plan="chemical-leak")
    assert len(taken["steps"]) == 10
    first = taken["steps"][0]
    assert (first["state"], first["role"], first["revision"]) == ("open", "值班员", 1)
    await sent(city.technician, f"{code}/steps", 409, plan="chemical-leak")
    await sent(city.technician, f"{code}/steps", 404, plan="volcano")
    done = await sent(city.technician, f"{code}/steps/1", 200, "PATCH", revision=1, state="done", note="已核实")
    assert (done["step"]["author"][:4], done["step"]["note"]) == ("key:", "已核实")
    await sent(city.technician, f"{code}/steps/1", 409, "PATCH", revision=1, state="skipped")
    await sent(city.technician, f"{code}/steps/99", 404, "PATCH", revision=1, state="done")
    grave = (await made(city.technician, response_level="II"))["code"]
    assert len((await sent(city.technician, f"{grave}/steps", plan="chemical-leak"))["steps"]) == 12
    plans = (await city.anonymous.get("/incidents/plans")).json()["plans"]
    assert len(plans) == 5
    assert all(step["source"] or plan["source"] for plan in plans for step in plan["step"])


async def test_a_closed_incident_takes_entries_only(city: Served) -> None:
    code = (await made(city.technician))["code"]
    await sent(city.technician, f"{code}/close", 409, revision=7)
    closed = await sent(city.technician, f"{code}/close", 200, revision=1, note="处置完毕")
    assert (closed["state"], bool(closed["closed_at"])) == ("closed", True)
    await sent(city.technician, f"{code}/tasks", 409, recipient="a", what="b")
    await sent(city.technician, code, 409, "PATCH", revision=2, figures={"dead": 1})
    await sent(city.technician, f"{code}/steps", 409, plan="chemical-leak")
    await sent(city.technician, f"{code}/close", 409, revision=2)
    await sent(city.technician, f"{code}/entries", text="补报")
    reopened = await sent(city.technician, f"{code}/reopen", 200, revision=2)
    assert (reopened["state"], reopened["closed_at"]) == ("open", None)
    await sent(city.technician, f"{code}/explode", 400, revision=2)


async def test_a_drill_cannot_be_mistaken(city: Served) -> None:
    real = await made(city.technician)
    drill = await made(city.technician, drill=True, title="液氯泄漏桌面推演")
    assert drill["code"].startswith("YL")
    assert (drill["title"], drill["drill_mark"]) == ("【演练】液氯泄漏桌面推演", "演练")
    assert await listed(city.technician) == [real["code"]]
    assert await listed(city.technician, drill="only") == [drill["code"]]
    assert set(await listed(city.technician, drill="all")) == {real["code"], drill["code"]}
    code = drill["code"]
    await worked_on(city.technician, code)
    renamed = await sent(city.technician, code, 200, "PATCH", revision=3, title="【演练】【演练】改名")
    assert renamed["title"] == "【演练】改名"
    await sent(city.technician, code, 400, "PATCH", revision=4, drill=False)
    whole = (await city.technician.get(f"/incidents/{code}")).json()
    parts = [*whole["tasks"], *whole["marks"], *whole["steps"], *whole["entries"]]
    assert len(parts) > 20
    assert all(part["drill"] for part in parts)
    for part in ("tasks", "marks", "steps", "entries"):
        answer = (await city.technician.get(f"/incidents/{code}/{part}")).json()
        assert (answer["drill_mark"], answer["title"]) == ("演练", "【演练】改名")
    assert not may_call(drill=True, for_drills=False)
    assert may_call(drill=True, for_drills=True)
    assert may_call(drill=False, for_drills=False)
    pretending = await made(city.technician, title="【演练】其实是真的")
    assert (pretending["title"], pretending["drill"]) == ("其实是真的", False)
    news = (await city.technician.get("/incidents/feed", params={"since": 0})).json()["entries"]
    assert {one["incident"]["code"] for one in news} == {real["code"], pretending["code"]}
    asked = (await city.technician.get("/incidents/feed", params={"since": 0, "incident": code})).json()["entries"]
    assert all(one["drill_mark"] == "演练" and one["incident"]["title"].startswith("【演练】") for one in asked)
    async with city.database.writing() as connection:
        for lie in ("drill = false", "title = 'x'", "code = '510182-20261128-009'"):
            with pytest.raises(sa.exc.IntegrityError):
                async with connection.begin_nested():
                    await connection.execute(sa.text(f"UPDATE cim.incident SET {lie} WHERE drill"))


async def test_the_timeline_takes_no_change_and_no_deletion(city: Served) -> None:
    code = (await made(city.technician))["code"]
    await worked_on(city.technician, code)
    for table in ("incident_entry", "incident_receipt", "incident_mark"):
        for text in (f"UPDATE cim.{table} SET author = 'x'", f"DELETE FROM cim.{table}"):
            with pytest.raises(StoreError):
                async with city.database.writing() as connection:
                    await connection.execute(sa.text(text))


async def test_a_replay_at_each_entry_is_what_was_seen_then(city: Served) -> None:
    code = (await made(city.technician))["code"]
    seen: list[dict[str, Any]] = []

    async def look() -> None:
        seen.append((await city.technician.get(f"/incidents/{code}")).json())

    await look()
    client = city.technician
    original = client.request

    async def request_and_look(method: str, url: Any, **more: Any) -> httpx.Response:
        answer = await original(method, url, **more)
        if method != "GET":
            await look()
        return answer

    client.request = request_and_look  # type: ignore[method-assign]
    await worked_on(client, code)
    client.request = original  # type: ignore[method-assign]
    entries = seen[-1]["entries"]
    assert len(entries) == len(seen) == 14
    assert [entry["number"] for entry in entries] == list(range(1, 15))
    assert [entry["at"] for entry in entries] == sorted({entry["at"] for entry in entries})
    for entry, then in zip(entries, seen, strict=True):
        replayed = (await client.get(f"/incidents/{code}/replay", params={"at": entry["at"]})).json()
        assert replayed.pop("replayed_at")
        assert {name: then[name] for name in replayed} == replayed
    assert [len(then["marks"]) for then in seen][-3:] == [2, 1, 1]
    before = (datetime.fromisoformat(entries[0]["at"]) - timedelta(microseconds=1)).isoformat()
    assert (await client.get(f"/incidents/{code}/replay", params={"at": before})).status_code == 404
    for wrong in ("yesterday", "", ".."):
        assert (await client.get(f"/incidents/{code}/replay", params={"at": wrong})).status_code == 400


async def test_any_course_of_events_replays_as_it_was_seen(city: Served) -> None:
    """A walk through everything that can happen, edits that come too late among it."""
    client, chance = city.technician, random.Random(20261128)
    code = (await made(client))["code"]
    point = {"geometry": POINT, "symbol": "team"}
    seen: list[dict[str, Any]] = []
    for _ in range(40):
        then = (await client.get(f"/incidents/{code}")).json()
        if not seen or then["entries"] != seen[-1]["entries"]:
            seen.append(then)
        mark, task, read = (
            chance.randint(1, 4),
            chance.randint(1, 4),
            max(1, then["revision"] - (chance.random() < 0.2)),
        )
        deeds: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/entries", {"text": "记录"}),
            ("POST", "/marks", {**point, "label": str(chance.random())}),
            ("PATCH", f"/marks/{mark}", {"version": chance.randint(1, 2), "label": str(chance.random())}),
            ("DELETE", f"/marks/{mark}?version={chance.randint(1, 2)}", {}),
            ("POST", "/tasks", {"recipient": "甲", "what": "乙"}),
            ("POST", f"/tasks/{task}/receipts", {"kind": chance.choice(["sent", "received", "done"])}),
            ("PATCH", "", {"revision": read, "figures": {"dead": chance.randint(0, 40)}}),
            ("POST", "/entries", {"kind": "report", "report": {"to": chance.choice(["city", "province"])}}),
            ("POST", f"/{chance.choice(['close', 'reopen'])}", {"revision": read}),
        ]
        verb, path, body = chance.choice(deeds)
        answer = await client.request(verb, f"/incidents/{code}{path}", json=body or None)
        assert answer.status_code in (200, 201, 404, 409), answer.text
    assert len(seen) > 15
    for then in seen:
        at = then["entries"][-1]["at"]
        replayed = (await client.get(f"/incidents/{code}/replay", params={"at": at})).json()
        del replayed["replayed_at"]
        assert {name: then[name] for name in replayed} == replayed


BAD_MARKS: list[dict[str, Any]] = [
    {"geometry": {"type": "Point", "coordinates": [200, 0]}, "symbol": "x"},
    {"geometry": {"type": "Point", "coordinates": []}, "symbol": "x"},
    {"geometry": {"type": "Ball"}, "symbol": "x"},
    {"geometry": {"type": "GeometryCollection", "geometries": []}, "symbol": "x"},
    {"geometry": {"type": "Point", "coordinates": [103, 30]}, "symbol": ""},
    {"geometry": {"type": "Point", "coordinates": [103, 30]}, "symbol": "x", "style": {"a": "\0"}},
    {"geometry": {"type": "Point", "coordinates": ["a", "b"]}, "symbol": "x"},
]


async def test_marks_that_cannot_be_drawn_are_refused(served: Served) -> None:
    code = (await made(served.technician))["code"]
    for wrong in BAD_MARKS:
        await sent(served.technician, f"{code}/marks", 400, **wrong)
    await sent(served.technician, f"{code}/marks/1", 404, "PATCH", version=1, label="x")


async def test_bodies_that_are_too_long_are_refused(served: Served) -> None:
    code = (await made(served.technician))["code"]
    point = {"type": "Point", "coordinates": [103, 30]}
    await sent(served.technician, f"{code}/marks", 413, geometry=point, symbol="x", style={"a": "长" * 500_000})
    line = {"type": "LineString", "coordinates": [[103 + n / 1e6, 30] for n in range(20_001)]}
    await sent(served.technician, f"{code}/marks", 413, geometry=line, symbol="x")
    await sent(served.technician, f"{code}/entries", 400, text="x" * 10_001)


WRONG_FILTERS = ("state=x", "kind=meteor", "family=x", "grade=V", "bbox=1", "since=x", "drill=maybe")
WRONG_FILTERS += ("after=x", "limit=0", "f=xml")


async def test_filters_and_pages_hold_every_incident_once(county: Served) -> None:
    codes = [(await made(county.technician))["code"] for _ in range(5)]
    fire = await made(county.technician, kind="forest-fire", figures={"area_ha": 2}, place={"lon": 103.7, "lat": 31.2})
    assert await listed(county.technician, kind="forest-fire") == [fire["code"]]
    assert await listed(county.technician, family="natural") == [fire["code"]]
    assert await listed(county.technician, family="natural", kind="chemical-leak") == []
    assert await listed(county.technician, grade="III") == [fire["code"]]
    assert await listed(county.technician, bbox="103.6,31.1,103.8,31.3") == [fire["code"]]
    assert await listed(county.technician, state="closed") == []
    seen: list[str] = []
    address = "/incidents?limit=2&family=accident"
    while address:
        answer = (await county.technician.get(address)).json()
        seen += [one["code"] for one in answer["incidents"]]
        address = answer["links"][0]["href"] if answer["links"] else ""
    assert sorted(seen) == sorted(codes)
    features = (await county.technician.get("/incidents?f=geojson")).json()["features"]
    assert {one["id"] for one in features} == {*codes, fire["code"]}
    for wrong in [
        "state=x",
        "kind=meteor",
        "family=x",
        "grade=V",
        "bbox=1",
        "since=x",
        "drill=maybe",
        "after=x",
        "limit=0",
        "f=xml",
    ]:
        answer = await county.technician.get(f"/incidents?{wrong}")
        assert answer.status_code == 400, wrong


async def events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_two_browsers_share_what_is_drawn(county: Served) -> None:
    code = (await made(county.technician, access="public"))["code"]
    secret = (await made(county.technician, access="restricted"))["code"]
    drill = (await made(county.technician, access="public", drill=True))["code"]
    async with following(county, "/incidents/feed") as lines:
        stream = events(lines)
        assert (await anext(lines)).startswith(": incidents")
        for one in (secret, drill, code):
            await sent(county.technician, f"{one}/marks", geometry=SQUARE, symbol="cordon", label=one)
        name, told = await asyncio.wait_for(anext(stream), 10)
        assert (name, told["incident"]["code"], told["drill_mark"]) == ("incident", code, None)
        (change,) = told["entry"]["changes"]
        assert (change["of"], change["after"]["label"]) == ("mark", code)
        assert change["after"]["geometry"]["type"] == "Polygon"
    async with following(county, f"/incidents/feed?incident={drill}&since=0") as lines:
        name, told = await asyncio.wait_for(anext(events(lines)), 10)
        assert (name, told["drill_mark"], told["incident"]["title"][:4]) == ("drill", "演练", "【演练】")


async def test_what_was_missed_comes_first_and_nothing_twice(county: Served) -> None:
    code = (await made(county.technician, access="public"))["code"]
    for n in range(3):
        await sent(county.technician, f"{code}/entries", text=f"第{n}条")
    async with following(county, "/incidents/feed", **{"Last-Event-ID": "1"}) as lines:
        stream = events(lines)
        found = [(await asyncio.wait_for(anext(stream), 10))[1]["entry"] for _ in range(3)]
        await sent(county.technician, f"{code}/entries", text="第3条")
        found.append((await asyncio.wait_for(anext(stream), 10))[1]["entry"])
    assert [entry["text"] for entry in found] == ["第0条", "第1条", "第2条", "第3条"]
    polled = (await county.anonymous.get("/incidents/feed?since=2")).json()
    assert [one["entry"]["number"] for one in polled["entries"]] == [3, 4, 5]
    assert polled["seq"] == (await county.anonymous.get("/incidents/feed")).json()["seq"]


async def test_a_revoked_key_ends_the_stream(county: Served) -> None:
    async with county.database.writing() as connection:
        held, key = await identities.create_key(connection, "viewer")
    code = (await made(county.technician))["code"]
    async with (
        listening(county) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
        client.stream(
            "GET",
            "/incidents/feed",
            headers={"Accept": "text/event-stream", "Authorization": f"Bearer {key}"},
        ) as answer,
    ):
        stream = events(answer.aiter_lines())
        async with county.database.writing() as connection:
            await identities.revoke_key(connection, held.key_id)
        county.state.identities.forget()
        await sent(county.technician, f"{code}/entries", text="不给看")
        name, told = await asyncio.wait_for(anext(stream), 20)
        assert name == "end"
        assert "不给看" not in json.dumps(told, ensure_ascii=False)


async def test_modes_name_only_layers_one_may_read(city: Served) -> None:
    modes = (await city.anonymous.get("/modes")).json()["modes"]
    assert [mode["id"] for mode in modes] == ["daily", "flood-season", "holiday", "epidemic", "emergency"]
    assert all(mode["layers"] == [] and mode["absent"] == len(mode["missing"]) > 5 for mode in modes)
    why = {one["layer"]: one["why"] for mode in modes for one in mode["missing"]}
    assert (why["admin_town"], why["cameras"]) == ("no-data", "no-right")
    assert {mode["title"]["zh"][:2] for mode in modes} == {"日常", "汛期", "假期", "疫情", "应急"}


async def test_every_entry_is_audited(city: Served) -> None:
    code = (await made(city.technician))["code"]
    await worked_on(city.technician, code)
    async with city.database.writing() as connection:
        rows = await connection.scalars(
            sa.text("SELECT action FROM cim.audit WHERE object = :code ORDER BY seq"), {"code": code}
        )
        actions = list(rows)
    entries = (await city.technician.get(f"/incidents/{code}/entries")).json()["entries"]
    assert actions == [f"incident {entry['kind']}" for entry in entries]
