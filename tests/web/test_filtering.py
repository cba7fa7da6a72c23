"""Filters, orders, chosen fields, older versions and scenarios over HTTP, and what they must not tell."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from publishing import publish_rows, schema, square
from serving import Served

from cim.model.access import Grade
from cim.model.collection import ImportMode
from cim.store.versions import prune

ITEMS = "/collections/squares/items"
A_BOX = "POLYGON((103.955 30.97, 103.965 30.97, 103.965 30.99, 103.955 30.99, 103.955 30.97))"


async def codes(client: httpx.AsyncClient, path: str = ITEMS, **asked: Any) -> list[str]:
    answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["numberMatched"] >= page["numberReturned"] == len(page["features"])
    return [feature["properties"]["code"] for feature in page["features"]]


FOUND = {
    "code = '甲栋'": ["甲栋"],
    "\"code\" LIKE '%栋' AND NOT code IN ('甲栋', '丙栋')": ["乙栋"],
    "height_m BETWEEN 15 AND 40": ["乙栋", "丙栋"],
    "height_m / 10 = 3": ["丙栋"],
    "height_m / 0 = 3": [],
    f"S_INTERSECTS(geom, {A_BOX})": ["甲栋"],
    f"S_WITHIN(geom, {A_BOX})": ["甲栋"],
    f"S_CONTAINS({A_BOX}, geometry)": ["甲栋"],
    f"S_DISJOINT(geom, {A_BOX})": ["乙栋", "丙栋"],
    "S_INTERSECTS(geom, BBOX(103.975, 30.97, 103.985, 30.99))": ["丙栋"],
    "S_INTERSECTS(geom, BBOX(103.975, 30.97, -170, 30.99))": ["丙栋"],
    "S_EQUALS(geom, geom)": ["甲栋", "乙栋", "丙栋"],
    "CASEI(code) = CASEI('乙栋')": ["乙栋"],
    "code IS NULL": [],
}


@pytest.mark.parametrize("text", FOUND)
async def test_filters_of_each_kind(shared: Served, text: str) -> None:
    assert await codes(shared.viewer, filter=text) == FOUND[text]


async def test_filters_in_json_and_in_other_systems(shared: Served) -> None:
    tree = {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"property": "height_m"}, 15]},
            {"op": "s_intersects", "args": [{"property": "geom"}, {"bbox": [103.95, 30.9, 103.975, 31]}]},
        ],
    }
    assert await codes(shared.viewer, **{"filter": json.dumps(tree), "filter-lang": "cql2-json"}) == ["乙栋"]
    turned = "S_INTERSECTS(geom, BBOX(30.97, 103.955, 30.99, 103.965))"
    for crs in ("EPSG:4490", "http://www.opengis.net/def/crs/EPSG/0/4326"):
        assert await codes(shared.viewer, **{"filter": turned, "filter-crs": crs}) == ["甲栋"]
    metres = "S_INTERSECTS(geom, BBOX(11572217, 3629000, 11573331, 3633000))"
    assert await codes(shared.viewer, **{"filter": metres, "filter-crs": "EPSG:3857"}) == ["甲栋"]


REFUSED = {
    "filter=height_m%20%3D%20'10'": "height_m",
    "filter=code%20%3E%205": "single quotes",
    "filter=code%20%3D": "too early",
    "filter=": "empty",
    "filter=DATE('2026-13-01')%20%3D%20code": "day",
    "filter=pg_sleep(5)%20%3D%201": "pg_sleep",
    "filter=S_INTERSECTS(geom%2CPOLYGON((0%200%2C1%201%2C1%200%2C0%201%2C0%200)))": "valid",
    "filter=S_INTERSECTS(geom%2CPOINT(200%200))": "world",
    "filter=S_INTERSECTS(code%2CPOINT(2%200))": "not a geometry",
    "filter=code&filter-lang=cql2-text": "truth value",
    "filter=true&filter-lang=sql": "cql2",
    "filter=true&filter-crs=EPSG:9999": "EPSG:9999",
    "filter=%7B%7D&filter-lang=cql2-json": "{}",
    "filter=NaN&filter-lang=cql2-json": "NaN",
    "filter=" + "(" * 5000 + "true" + ")" * 5000: "deeper",
    "filter=" + "NOT%20" * 200 + "true": "deeper",
    "filter=" + "x" * 16_400: "longer",
    "sortby=nothing": "nothing",
    "properties=nothing": "nothing",
    "nothing=1": "nothing",
    "height_m=tall": "tall",
    "after=xyz": "next link",
    "sortby=code&after=7": "next link",
    "sortby=code&after=WyJcdTAwMDAiLDFd": "next link",
    "datetime=yesterday": "yesterday",
    "datetime=2026-01-01T00:00:00": "zone",
    "datetime=2026-02-01/2026-01-01": "interval",
    "datetime=..": "instant",
    "scenario=nothing": "nothing",
    "scenario=a/b": "a/b",
}


@pytest.mark.parametrize("query", REFUSED)
async def test_what_cannot_be_used_is_told_with_a_remedy(shared: Served, query: str) -> None:
    answer = await shared.viewer.get(f"{ITEMS}?{query}")
    assert answer.status_code == (404 if query == "scenario=nothing" else 400), answer.text
    problem = answer.json()
    assert problem["remedy"]
    assert REFUSED[query] in json.dumps(problem, ensure_ascii=False)


@pytest.mark.parametrize("form", ["filter={} = 10", "filter={} IS NULL", "sortby=-{}", "properties={}", "{}=10"])
async def test_a_hidden_field_answers_as_one_that_does_not_exist(shared: Served, form: str) -> None:
    name, _, value = form.partition("=")
    told = []
    for field in ("height_m", "nonsense"):
        asked = {name.format(field): value.format(field)}
        answer = await shared.anonymous.get(ITEMS, params=asked)
        assert answer.status_code == 403
        problem = answer.json()
        told.append({part: text.replace(field, "") for part, text in problem.items() if isinstance(text, str)})
        told[-1].pop("request_id")
    assert told[0] == told[1]


async def test_a_filter_does_not_widen_what_is_seen(shared: Served) -> None:
    assert (await shared.anonymous.get("/collections/hidden/items?filter=true")).status_code == 404
    feature = (await shared.anonymous.get(f"{ITEMS}?filter=code LIKE '甲%'")).json()["features"][0]
    assert set(feature["properties"]) == {"code"}


async def test_sorted_and_filtered_pages_hold_everything_once(served: Served) -> None:
    rows = [(f"s{n:03}", float(n % 7) if n % 5 else None, square(103.9 + n / 1000, 30.9)) for n in range(60)]
    await publish_rows(served.database, rows, layer=schema("many"))
    await served.state.live.refresh()
    url = "/collections/many/items?limit=7&sortby=-height_m,code&filter=code <> 's003'"
    seen: list[tuple[float | None, str]] = []
    while url:
        page = (await served.viewer.get(url)).json()
        seen += [(f["properties"]["height_m"], f["properties"]["code"]) for f in page["features"]]
        assert page["numberMatched"] == 59
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    kept = [(height, code) for code, height, _ in rows if code != "s003"]
    assert seen == sorted(kept, key=lambda one: (one[0] is None, -(one[0] or 0), one[1]))


async def test_values_and_fields_by_name(shared: Served) -> None:
    assert await codes(shared.viewer, height_m="20") == ["乙栋"]
    both = await shared.viewer.get(f"{ITEMS}?code=甲栋&code=乙栋")
    assert both.json()["numberMatched"] == 0
    assert await codes(shared.viewer, code="丙栋", bbox="103,30,104,31") == ["丙栋"]
    page = (await shared.viewer.get(f"{ITEMS}?properties=height_m&sortby=code")).json()
    assert [set(f["properties"]) for f in page["features"]] == [{"height_m"}] * 3
    assert [f["properties"] for f in (await shared.viewer.get(f"{ITEMS}?properties=")).json()["features"]] == [{}] * 3


async def test_queryables_are_what_filters_take(shared: Served) -> None:
    for client, names in ((shared.anonymous, {"code", "geom"}), (shared.viewer, {"code", "height_m", "geom"})):
        document = (await client.get("/collections/squares/queryables")).json()
        assert set(document["properties"]) == names
        assert document["$id"].endswith("/collections/squares/queryables")
        for name in names:
            assert (await client.get(ITEMS, params={"filter": f'"{name}" IS NOT NULL'})).status_code == 200
    classes = (await shared.anonymous.get("/conformance")).json()["conformsTo"]
    assert "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2" in classes


async def test_an_instant_picks_the_version_valid_at_it(served: Served) -> None:
    before = datetime.now(UTC)
    await asyncio.sleep(0.05)
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET code = '丁栋' WHERE code = '甲栋'"))
        await connection.execute(sa.text("DELETE FROM city.squares WHERE code = '丙栋'"))
    await served.state.live.refresh()
    now, day = ["乙栋", "丁栋"], before.date().isoformat()
    assert sorted(await codes(served.viewer)) == sorted(now)
    old = ["甲栋", "乙栋", "丙栋"]
    for instant in (before.isoformat(), f"{day}/{before.isoformat()}", f"../{before.isoformat()}"):
        assert await codes(served.viewer, datetime=instant) == old
        assert await codes(served.viewer, datetime=instant, filter=f"S_INTERSECTS(geom, {A_BOX})") == ["甲栋"]
    for instant in (f"{before.isoformat()}/..", "2200-01-01", "2200-01-01T00:00:00+08:00"):
        assert sorted(await codes(served.viewer, datetime=instant)) == sorted(now)
    assert await codes(served.viewer, datetime="1999-12-31") == []
    page = (await served.viewer.get(ITEMS, params={"datetime": before.isoformat()})).json()
    assert (page["version"], page["numberMatched"]) == (1, 3)
    fid = page["features"][2]["id"]
    assert (await served.viewer.get(f"{ITEMS}/{fid}")).status_code == 404
    assert (await served.viewer.get(f"{ITEMS}/{fid}", params={"datetime": before.isoformat()})).status_code == 200
    async with served.database.writing() as connection:
        await prune(connection, "squares", 1)
    gone = await served.viewer.get(ITEMS, params={"datetime": before.isoformat()})
    assert gone.status_code == 404
    assert "removed to save space" in gone.json()["detail"]


async def test_scenarios_are_looked_at_and_listed_by_who_may_read_their_layers(served: Served) -> None:
    rows = [("甲栋", 99.0, square(103.96, 30.98)), ("戊栋", 5.0, square(103.99, 30.98))]
    graded = served.state.live.collections["squares"].schema
    await publish_rows(served.database, rows, layer=graded, mode=ImportMode.UPSERT, scenario="方案A")
    await publish_rows(served.database, rows[:1], layer=schema("hidden"), grade=Grade.RESTRICTED, scenario="密案")
    assert await codes(served.viewer) == ["甲栋", "乙栋", "丙栋"]
    assert sorted(await codes(served.viewer, scenario="方案A")) == sorted(["甲栋", "乙栋", "丙栋", "戊栋"])
    assert await codes(served.viewer, scenario="方案A", filter="height_m > 50") == ["甲栋"]
    assert await codes(served.viewer, scenario="方案A", sortby="-code", limit=1) == ["甲栋"]
    page = (await served.anonymous.get(ITEMS, params={"scenario": "方案A"})).json()
    assert page["numberMatched"] == 4
    assert {name for f in page["features"] for name in f["properties"]} == {"code"}
    both = {"scenario": "方案A", "datetime": "2026-01-01"}
    assert (await served.viewer.get(ITEMS, params=both)).status_code == 400
    seen = {}
    for role in ("anonymous", "technician"):
        listed = (await getattr(served, role).get("/scenarios")).json()["scenarios"]
        seen[role] = {entry["name"]: entry["layers"] for entry in listed}
    assert set(seen["anonymous"]) == {"方案A"}
    assert set(seen["technician"]) == {"方案A", "密案"}
    (layer,) = seen["anonymous"]["方案A"]
    assert (layer["layer"], layer["added"], layer["changed"], layer["removed"]) == ("squares", 1, 1, 0)
    assert len((await served.viewer.get(layer["items"])).json()["features"]) == 4
    for path in ("/scenarios/密案", f"{ITEMS}?scenario=密案"):
        assert (await served.anonymous.get(path)).status_code == 404
        assert (await served.technician.get(path)).status_code == 200
