"""/alarms: lists, history, what people do, rules, receivers, and the feed."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import sqlalchemy as sa
from sensing import made_datastreams, made_rule
from serving import Served, following, listening

from cim.model.sensing import Reading
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store import identities

ABOVE = {"kind": "threshold", "above": 50.0}
RULE = {"name": "水位超警", "severity": "orange", "condition": ABOVE}
JSON = {"Accept": "text/event-stream"}


async def raised(
    served: Served, count: int = 1, grade: str = "public", region: str | None = None, **rule: Any
) -> list[str]:
    """Codes of alarms just raised, of one datastream each."""
    streams = await made_datastreams(served.database, count, grade=grade, region_code=region)
    for stream in streams:
        await made_rule(served.database, ABOVE, datastream=stream, **rule)
    async with served.database.writing() as connection:
        for stream in streams:
            await connection.execute(
                sa.text(
                    "WITH l AS (INSERT INTO sensing.location (name, encoding_type, location, geom)"
                    " VALUES ('x', '', '{}', ST_SetSRID(ST_MakePoint(103.9, 30.9), 4490)) RETURNING id)"
                    " INSERT INTO sensing.thing_location"
                    " SELECT d.thing, l.id FROM l, sensing.datastream d WHERE d.id = :id"
                ),
                {"id": stream},
            )
    await breach(served, streams)
    return await codes_of(served, streams)


async def breach(served: Served, streams: list[int], value: float = 99.0) -> None:
    now = datetime.now(UTC)
    await Intake(served.database, [AlarmJudge()]).keep([Reading(stream, now, value) for stream in streams])


async def codes_of(served: Served, streams: list[int]) -> list[str]:
    async with served.database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT datastream, code FROM cim.event ORDER BY happened_at"))
        found = {row.datastream: row.code for row in rows}
    return [found[stream] for stream in streams]


async def told(client: httpx.AsyncClient, **query: Any) -> list[str]:
    answer = await client.get("/alarms", params=query)
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["alarms"]]


async def test_alarms_are_those_of_open_grades_and_regions(served: Served) -> None:
    public = await raised(served)
    internal = await raised(served, grade="internal", region="510182001003")
    secret = await raised(served, grade="restricted")
    assert set(await told(served.anonymous)) == set(public)
    assert set(await told(served.viewer)) == {*public, *internal}
    assert set(await told(served.technician)) == {*public, *internal, *secret}
    for code in (*internal, *secret, "A1", "x" * 500):
        assert (await served.anonymous.get(f"/alarms/{code}")).status_code == 404
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE sensing.thing SET grade = 'restricted' WHERE grade = 'public'"))
    assert await told(served.anonymous) == []


async def test_filters_hold_together(served: Served) -> None:
    (first,) = await raised(served, severity="red")
    (second,) = await raised(served, severity="blue")
    assert await told(served.anonymous) == [second, first]
    assert await told(served.anonymous, severity="red") == [first]
    assert await told(served.anonymous, severity=["red", "blue"], state="raised") == [second, first]
    assert await told(served.anonymous, state="cleared") == []
    assert await told(served.anonymous, bbox="103.8,30.8,104,31") == [second, first]
    assert await told(served.anonymous, bbox="104,30.8,105,31") == []
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await told(served.anonymous, since=later) == []
    one = (await served.anonymous.get(f"/alarms/{first}")).json()
    assert await told(served.anonymous, datastream=one["datastream"]) == [first]
    assert await told(served.anonymous, rule=one["rule"], severity="blue") == []
    assert (one["history"][0]["action"], one["position"]) == ("raise", [103.9, 30.9])


WRONG = "state=x severity=pink bbox=1,2,3 since=yesterday datastream=0 datastream=99999999999 limit=0 after=x"
WRONG += " after=2026-01-01~A1 after=2026-01-01T00:00:00Z~ rule=-1 f=xml"


async def test_filters_that_cannot_be_meant_are_refused(served: Served) -> None:
    for query in WRONG.split():
        answer = await served.anonymous.get(f"/alarms?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["remedy"], query


async def test_pages_hold_every_alarm_once(served: Served) -> None:
    codes = await raised(served, 7)
    seen: list[str] = []
    address = "/alarms?limit=3"
    while address:
        answer = (await served.anonymous.get(address)).json()
        seen += [one["code"] for one in answer["alarms"]]
        address = answer["links"][0]["href"] if answer["links"] else ""
        await raised(served)
    assert [code for code in seen if code in codes] == sorted(codes, key=seen.index)
    assert len(set(seen)) == len(seen)
    assert set(codes) <= set(seen)


async def test_alarms_as_features(served: Served) -> None:
    (code,) = await raised(served)
    answer = await served.anonymous.get("/alarms", params={"f": "geojson"})
    assert answer.headers["content-type"].startswith("application/geo+json")
    (feature,) = answer.json()["features"]
    assert (feature["id"], feature["geometry"]["coordinates"]) == (code, [103.9, 30.9])


async def test_people_act_with_the_right_for_the_grade_and_region(served: Served) -> None:
    (code,) = await raised(served, region="510182001003")
    assert (await served.anonymous.post(f"/alarms/{code}/acknowledge")).status_code == 401
    assert (await served.viewer.post(f"/alarms/{code}/acknowledge")).status_code == 403
    done = await served.technician.post(f"/alarms/{code}/acknowledge", json={"note": "已派人"})
    assert (done.status_code, done.json()["state"]) == (200, "acknowledged")
    assert (await served.technician.post(f"/alarms/{code}/acknowledge")).status_code == 409
    assert (await served.technician.post(f"/alarms/{code}/comment")).status_code == 400
    assert (await served.technician.post(f"/alarms/{code}/comment", json={"note": "a\0b"})).status_code == 400
    assert (await served.technician.post(f"/alarms/{code}/explode")).status_code == 400
    assert (await served.technician.post(f"/alarms/{code}/escalate", json={"receiver": "x"})).status_code == 400
    await served.technician.post(f"/alarms/{code}/escalate", json={"severity": "red"})
    await served.technician.post(f"/alarms/{code}/clear")
    found = (await served.anonymous.get(f"/alarms/{code}")).json()
    assert (found["state"], found["severity"], found["acknowledged_by"][:4]) == ("cleared", "red", "key:")
    assert [step["action"] for step in found["history"]] == ["raise", "acknowledge", "escalate", "clear"]
    assert found["history"][1]["note"] == "已派人"
    async with served.database.writing() as connection:
        rows = await connection.scalars(sa.text("SELECT action FROM cim.audit WHERE action LIKE 'alarm%' ORDER BY seq"))
        assert list(rows) == ["alarm acknowledge", "alarm escalate", "alarm clear"]


async def test_what_the_server_notes_is_told_in_the_language_of_the_reader(served: Served) -> None:
    (code,) = await raised(served)
    one = (await served.anonymous.get(f"/alarms/{code}")).json()
    await breach(served, [one["datastream"]], 1.0)
    for language, word in (("zh", "数值已恢复正常"), ("en", "the value is back within its limits")):
        found = (await served.anonymous.get(f"/alarms/{code}", headers={"Accept-Language": language})).json()
        assert (found["state"], found["history"][-1]["note"]) == ("cleared", word)


async def test_a_right_in_one_town_does_not_reach_another(served: Served) -> None:
    (here,) = await raised(served, region="510182001003")
    (there,) = await raised(served, region="510182101003")
    async with served.database.writing() as connection:
        await connection.execute(sa.text("INSERT INTO cim.role (name, title) VALUES ('town', '{}')"))
        await connection.execute(
            sa.text(
                "INSERT INTO cim.role_right (role, grade, operations, region_code)"
                " VALUES ('town', 'public', '{read,import}', '510182001'), ('town', 'public', '{read}', NULL)"
            )
        )
        secret = (await identities.create_key(connection, "town"))[1]
    client = served.client(Authorization=f"Bearer {secret}")
    assert (await client.post(f"/alarms/{here}/acknowledge")).status_code == 200
    assert (await client.post(f"/alarms/{there}/acknowledge")).status_code == 403


async def test_rules_are_kept_changed_and_removed(served: Served) -> None:
    streams = await made_datastreams(served.database, 1)
    body = {
        **RULE,
        "datastream": streams[0],
        "escalation": [{"after_min": 5}],
        "quiet": {"begin": "22:00", "end": "07:00"},
    }
    for client, status in ((served.anonymous, 401), (served.technician, 403)):
        assert (await client.post("/alarms/rules", json=body)).status_code == status
    made = await served.administrator.post("/alarms/rules", json=body)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert (await served.technician.get(f"/alarms/rules/{number}")).json() == made.json()
    assert (await served.anonymous.get("/alarms/rules")).status_code == 401
    await breach(served, streams)
    renamed = await served.administrator.put(f"/alarms/rules/{number}", json={**body, "name": "改名"})
    assert renamed.status_code == 200
    assert await told(served.anonymous, state="raised") != []
    await served.administrator.put(f"/alarms/rules/{number}", json={**body, "condition": {**ABOVE, "above": 500}})
    assert await told(served.anonymous, state="raised") == []
    assert (await served.administrator.delete(f"/alarms/rules/{number}")).status_code == 204
    assert (await served.administrator.get(f"/alarms/rules/{number}")).status_code == 404
    assert len(await told(served.anonymous, state="cleared")) == 1


WRONG_RULES: list[dict[str, Any]] = [
    {"datastream": 2_000_000_000},
    {"datastream": None},
    {"severity": "pink"},
    {"condition": {"kind": "threshold"}},
    {"name": ""},
    {"escalation": [{"after_min": 5, "receiver": "nobody"}]},
    {"region_code": "x"},
    {"other": 1},
]


async def test_rules_that_cannot_be_meant_are_refused(served: Served) -> None:
    streams = await made_datastreams(served.database, 1)
    for change in WRONG_RULES:
        answer = await served.administrator.post("/alarms/rules", json={**RULE, "datastream": streams[0], **change})
        assert answer.status_code == 400, change
        assert answer.json()["detail"], change
    assert (await served.administrator.get("/alarms/rules")).json() == {"rules": []}


async def test_receivers_keep_their_secret_and_lie_in_open_networks(served: Served) -> None:
    body = {"name": "desk", "url": "https://1.1.1.1/hook", "region_code": "510182"}
    assert (await served.technician.post("/alarms/receivers", json=body)).status_code == 403
    made = await served.administrator.post("/alarms/receivers", json=body)
    assert made.status_code == 201, made.text
    assert len(made.json()["secret"]) > 40
    assert (await served.administrator.post("/alarms/receivers", json=body)).status_code == 409
    listed = (await served.administrator.get("/alarms/receivers")).json()["receivers"]
    assert [one["name"] for one in listed] == ["desk"]
    assert "secret" not in listed[0]
    for url in (
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://[::ffff:7f00:1]/",
        "ftp://1.1.1.1/",
        "http://a@1.1.1.1/",
    ):
        for answer in (
            await served.administrator.post("/alarms/receivers", json={"name": "other", "url": url}),
            await served.administrator.put("/alarms/receivers/desk", json={"url": url}),
        ):
            assert answer.status_code == 400, url
            assert "CIM_WEBHOOK_PRIVATE" in answer.json()["remedy"]
    assert (await served.administrator.put("/alarms/receivers/none", json={"url": body["url"]})).status_code == 404
    assert (await served.administrator.delete("/alarms/receivers/desk")).status_code == 204
    assert (await served.administrator.get("/alarms/deliveries")).json() == {"deliveries": []}
    assert (await served.administrator.post("/alarms/deliveries/1/again")).status_code == 404


async def events(lines: AsyncIterator[str], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(15):
        while len(found) < count:
            line = await anext(lines)
            if line.startswith("data:"):
                found.append(json.loads(line[5:]))
    return found


async def test_the_feed_tells_what_happens_and_is_resumed(served: Served) -> None:
    async with listening(served) as address, httpx.AsyncClient(base_url=address, timeout=30, headers=JSON) as client:
        async with client.stream("GET", "/alarms/feed") as answer:
            lines = answer.aiter_lines()
            assert (await anext(lines)).startswith(":")
            await raised(served, grade="restricted")
            (code,) = await raised(served)
            (first,) = await events(lines, 1)
        assert (first["alarm"]["code"], first["step"]["action"]) == (code, "raise")
        await served.technician.post(f"/alarms/{code}/acknowledge")
        headers = {"Last-Event-ID": str(first["step"]["seq"])}
        async with client.stream("GET", "/alarms/feed", headers=headers) as answer:
            lines = answer.aiter_lines()
            assert [one["step"]["action"] for one in await events(lines, 1)] == ["acknowledge"]
            await served.technician.post(f"/alarms/{code}/comment", json={"note": "x"})
            assert [one["step"]["action"] for one in await events(lines, 1)] == ["comment"]
        assert (await client.get("/alarms/feed", headers={"Last-Event-ID": "x"})).status_code == 400


async def test_the_feed_by_poll(served: Served) -> None:
    begin = (await served.anonymous.get("/alarms/feed")).json()
    assert begin["steps"] == []
    await raised(served, severity="red")
    await raised(served, severity="blue")
    await raised(served, grade="internal")
    answer = (await served.anonymous.get("/alarms/feed", params={"since": begin["seq"], "severity": "red"})).json()
    assert [one["alarm"]["severity"] for one in answer["steps"]] == ["red"]
    assert (await served.anonymous.get("/alarms/feed", params={"since": -1})).status_code == 400


async def test_the_feed_goes_on_after_the_database_cut_the_connection(served: Served) -> None:
    async with following(served, "/alarms/feed") as lines:
        await anext(lines)
        async with served.database.writing() as connection:
            await connection.execute(
                sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            )
        (code,) = await raised(served)
        assert [one["alarm"]["code"] for one in await events(lines, 1)] == [code]


async def test_a_revoked_key_ends_the_feed(served: Served) -> None:
    async with served.database.writing() as connection:
        key, secret = await identities.create_key(connection, "technician")
    async with following(served, "/alarms/feed", Authorization=f"Bearer {secret}") as lines:
        await anext(lines)
        async with served.database.writing() as connection:
            await identities.revoke_key(connection, key.key_id)
        served.state.identities.forget()
        await raised(served, grade="restricted")
        (last,) = await events(lines, 1)
    assert "revoked" in last["detail"]
