"""What each caller can read, over HTTP, of layers, features, tiles, places and names."""

import httpx
import mapbox_vector_tile
import morecantile
import sqlalchemy as sa
from serving import Served

from cim.store import identities

PLACE = (103.9605, 30.9805)


def tile_path(layer: str = "squares", z: int = 15) -> str:
    tile = morecantile.tms.get("WebMercatorQuad").tile(*PLACE, z)
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}.mvt"


async def test_collections_are_those_the_policy_opens(served: Served) -> None:
    seen = {}
    for role in ("anonymous", "viewer", "technician", "administrator"):
        answer = (await getattr(served, role).get("/collections")).json()
        seen[role] = {c["id"] for c in answer["collections"]}
    assert seen == {
        "anonymous": {"squares"},
        "viewer": {"squares"},
        "technician": {"squares", "hidden"},
        "administrator": {"squares", "hidden"},
    }
    for path in ("/collections/hidden", "/collections/hidden/items", tile_path("hidden"), "/tiles/hidden.json"):
        answer = await served.anonymous.get(path)
        missing = await served.anonymous.get(path.replace("hidden", "nothing"))
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].replace("hidden", "") == missing.json()["detail"].replace("nothing", "")


async def test_graded_fields_are_in_no_output(served: Served) -> None:
    feature = (await served.anonymous.get("/collections/squares/items?limit=1")).json()["features"][0]
    assert set(feature["properties"]) == {"code"}
    assert "height_m" not in (await served.anonymous.get("/collections/squares/queryables")).json()["properties"]
    decoded = mapbox_vector_tile.decode((await served.anonymous.get(tile_path())).content)
    assert set(decoded["squares"]["features"][0]["properties"]) == {"code"}
    decoded = mapbox_vector_tile.decode((await served.viewer.get(tile_path())).content)
    assert set(decoded["squares"]["features"][0]["properties"]) == {"code", "height_m"}
    identified = (await served.anonymous.get(f"/identify?lon={PLACE[0]}&lat={PLACE[1]}")).json()["features"]
    assert [set(f["properties"]) for f in identified] == [{"code"}]


async def test_items_page_through_everything_once(served: Served) -> None:
    url, codes = "/collections/squares/items?limit=2", []
    while url:
        page = (await served.anonymous.get(url)).json()
        codes += [f["properties"]["code"] for f in page["features"]]
        assert page["numberMatched"] == 3
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert codes == ["甲栋", "乙栋", "丙栋"]


async def test_items_by_box_and_crs(served: Served) -> None:
    page = (await served.anonymous.get("/collections/squares/items?bbox=103.955,30.97,103.965,30.99")).json()
    assert [f["properties"]["code"] for f in page["features"]] == ["甲栋"]
    crs = "http://www.opengis.net/def/crs/EPSG/0/4490"
    turned = await served.anonymous.get("/collections/squares/items", params={"limit": 1, "crs": crs})
    assert turned.headers["content-crs"] == f"<{crs}>"
    first = turned.json()["features"][0]["geometry"]["coordinates"][0][0]
    assert first[0] < 31 < 103 < first[1]


async def test_tiles_are_versioned_cached_and_checked_by_etag(served: Served) -> None:
    path = tile_path()
    first = await served.anonymous.get(path)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "public, no-cache"
    assert (await served.anonymous.get(path + "?v=1")).headers["cache-control"].endswith("immutable")
    assert (await served.viewer.get(path + "?v=1")).headers["cache-control"] == "private, no-cache"
    again = await served.anonymous.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await served.viewer.get(path)).headers["etag"] != first.headers["etag"]
    assert (await served.anonymous.get("/tiles/squares/15/0/0.mvt")).status_code == 204


async def test_an_sql_edit_is_seen_in_tiles_and_search(served: Served) -> None:
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET code = '丁栋' WHERE code = '甲栋'"))
    await served.state.live.refresh()
    decoded = mapbox_vector_tile.decode((await served.anonymous.get(tile_path())).content)
    assert [f["properties"]["code"] for f in decoded["squares"]["features"]] == ["丁栋"]


async def test_search_finds_text_pinyin_and_initials_of_open_layers_only(served: Served) -> None:
    for q in ("甲栋", "甲", "jiadong", "jd", "JD"):
        items = (await served.technician.get("/search", params={"q": q})).json()["items"]
        assert {(i["layer"], i["title"]) for i in items} >= {("squares", "甲栋"), ("hidden", "甲栋")}
        items = (await served.anonymous.get("/search", params={"q": q})).json()["items"]
        assert {(i["layer"], i["title"]) for i in items} == {("squares", "甲栋")}


async def test_bad_requests_are_problems_that_name_the_remedy(served: Served) -> None:
    cases = {
        "/collections/squares/items?bbox=1,2,3": 400,
        "/collections/squares/items?bbox=nan,0,1,1": 400,
        "/collections/squares/items?bbox=0,50,1,10": 400,
        "/collections/squares/items?limit=0": 400,
        "/collections/squares/items?limit=x": 400,
        "/collections/squares/items?crs=EPSG:9999": 400,
        "/collections/squares/items/999999": 404,
        "/collections/squares/items/99999999999999999999": 404,
        "/collections/nothing": 404,
        "/tiles/squares/99/0/0.mvt": 400,
        "/tiles/squares/3/8/0.mvt": 400,
        "/tiles/squares/3/0/999999999.mvt": 400,
        "/tiles/squares/a/b/c.mvt": 400,
        "/identify?lon=31&lat=104": 400,
        "/identify?lon=200&lat=0": 400,
        "/identify": 400,
        "/search?q=": 400,
        "/nowhere": 404,
    }
    for path, status in cases.items():
        answer = await served.anonymous.get(path)
        assert answer.status_code == status, path
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json", path
        assert body["status"] == status
        assert body["request_id"] == answer.headers["x-request-id"]
        assert body["remedy"], path
    swapped = (await served.anonymous.get("/identify?lon=31&lat=104")).json()
    assert "swapped" in swapped["remedy"]


async def test_keys_end_when_revoked_or_wrong(served: Served) -> None:
    async with served.database.writing() as connection:
        key, secret = await identities.create_key(connection, "technician")
    client = served.client(Authorization=f"Bearer {secret}")
    desktop = httpx.BasicAuth("任何人", secret)
    assert (await client.get("/collections/hidden")).status_code == 200
    assert (await served.anonymous.get("/collections/hidden", auth=desktop)).status_code == 200
    async with served.database.writing() as connection:
        await identities.revoke_key(connection, key.key_id)
    served.state.identities.forget()
    assert (await client.get("/collections/hidden")).status_code == 401
    assert (await served.anonymous.get("/collections/hidden", auth=desktop)).status_code == 401
    for header in ("Bearer nonsense", "Basic abc", "Basic bm90aGluZw==", "Basic /w==", "Bearer ", "Digest x"):
        answer = await served.client(Authorization=header).get(tile_path())
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_login_session_csrf_and_logout(served: Served) -> None:
    async with served.database.writing() as connection:
        await identities.add_user(connection, "王工", "technician", "correct horse battery")
    client = served.client()
    wrong = await client.post("/session", json={"name": "王工", "password": "wrong"})
    assert wrong.status_code == 401
    good = await client.post("/session", json={"name": "王工", "password": "correct horse battery"})
    cookie = good.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await client.get("/collections/hidden")).status_code == 200
    assert (await client.delete("/session")).status_code == 403
    out = await client.delete("/session", headers={"X-CSRF-Token": good.json()["csrf"]})
    assert out.status_code == 200
    assert (await client.get("/collections/hidden")).status_code == 404


async def test_five_wrong_passwords_lock_the_account(served: Served) -> None:
    async with served.database.writing() as connection:
        await identities.add_user(connection, "li", "viewer", "correct horse battery")
    client = served.client()
    for _ in range(5):
        assert (await client.post("/session", json={"name": "li", "password": "x"})).status_code == 401
    locked = await client.post("/session", json={"name": "li", "password": "correct horse battery"})
    assert locked.status_code == 429


async def test_health_tells_the_truth(served: Served) -> None:
    assert (await served.anonymous.get("/healthz")).status_code == 200
    assert (await served.anonymous.get("/readyz")).json()["status"] == "ready"
    assert (await served.anonymous.get("/metrics")).status_code == 401
    text = (await served.administrator.get("/metrics")).text
    assert "cim_requests_total" in text
