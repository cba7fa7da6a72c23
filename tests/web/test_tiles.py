"""Tiles over HTTP: several layers, chosen attributes, bounds, and every tile true after every kind of change."""

import asyncio
import random
import time

import httpx
import mapbox_vector_tile
import morecantile
import pytest
import sqlalchemy as sa
from publishing import Row, publish_rows, schema, square
from serving import Served
from starlette.types import Receive, Scope, Send

from cim.model.access import Grade, ReadContext
from cim.model.collection import ImportMode
from cim.store.versions import rollback
from tiles.generalise.job import generalise_behind
from web.asgi import Front
from web.client_gone import while_connected
from web.metrics import Metrics
from web.state import ServerState

GRID = morecantile.tms.get("WebMercatorQuad")
SEAT = (103.9605, 30.9805)


def path_at(lon: float, lat: float, z: int, layer: str = "squares") -> str:
    tile = GRID.tile(lon, lat, z)
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}.mvt"


def decoded(answer: httpx.Response) -> dict[str, list[str]]:
    """What a tile holds, by layer, without regard to the order of features."""
    if answer.status_code == 204:
        return {}
    assert answer.status_code == 200, answer.text
    layers = mapbox_vector_tile.decode(answer.content)
    return {name: sorted(map(repr, layer["features"])) for name, layer in layers.items()}


async def test_several_layers_in_one_tile(served: Served) -> None:
    both = await served.technician.get(path_at(*SEAT, 15, "squares,hidden,squares"))
    alone = [decoded(await served.technician.get(path_at(*SEAT, 15, name))) for name in ("squares", "hidden")]
    assert decoded(both) == alone[0] | alone[1]
    assert both.headers["cache-control"] == "private, no-cache"
    etag = {"if-none-match": both.headers["etag"]}
    assert (await served.technician.get(path_at(*SEAT, 15, "squares,hidden"), headers=etag)).status_code == 304
    assert decoded(await served.technician.get(path_at(*SEAT, 15, "squares,hidden"))) == decoded(both)
    turned = await served.technician.get(path_at(*SEAT, 15, "hidden,squares"))
    assert turned.headers["etag"] != both.headers["etag"]
    assert (await served.anonymous.get(path_at(50, 50, 15, "squares,squares"))).status_code == 204


async def test_a_layer_one_may_not_see_is_like_none(served: Served) -> None:
    answers = [
        await served.anonymous.get(path_at(*SEAT, 15, f"squares,{name}"), headers={"x": "1"})
        for name in ("hidden", "nothing")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["detail"].replace("hidden", "nothing") for answer in answers}) == 1


async def test_layers_asked_for_are_bounded_and_each_asked_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await served.technician.get(path_at(*SEAT, 15, ",".join(f"l{n}" for n in range(21))))).status_code == 400
    asked = []
    fetch = served.database.tiles.fetch

    async def counted(*arguments: object, **options: object) -> tuple[object, ...]:
        asked.append(arguments)
        return await fetch(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(served.database.tiles, "fetch", counted)
    assert (await served.technician.get(path_at(*SEAT, 16, ",".join(["squares"] * 20)))).status_code == 200
    assert len(asked) == 1
    answers = await asyncio.gather(*(served.technician.get(path_at(*SEAT, 14)) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) == 2


async def test_chosen_attributes(served: Served) -> None:
    path = path_at(*SEAT, 15)
    whole = await served.viewer.get(path)
    chosen = await served.viewer.get(path, params={"properties": "height_m"})
    features = mapbox_vector_tile.decode(chosen.content)["squares"]["features"]
    assert {tuple(feature["properties"]) for feature in features} == {("height_m",)}
    assert whole.headers["etag"] != chosen.headers["etag"]
    none = await served.viewer.get(path, params={"properties": ""})
    assert {len(f["properties"]) for f in mapbox_vector_tile.decode(none.content)["squares"]["features"]} == {0}
    graded = await served.anonymous.get(path, params={"properties": "height_m"})
    unknown = await served.anonymous.get(path, params={"properties": "nothing"})
    assert (graded.status_code, unknown.status_code) == (400, 400)
    assert graded.json()["detail"].replace("height_m", "nothing") == unknown.json()["detail"]
    versioned = await served.anonymous.get(path, params={"v": "1", "properties": "code"})
    assert versioned.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize("query", ["v=1&x=2", "x=2", "v=2", "v=", "v=01", "v=1&v=1", "%76=1"])
async def test_only_the_plain_versioned_address_is_immutable(served: Served, query: str) -> None:
    path = path_at(*SEAT, 15)
    assert (await served.anonymous.get(f"{path}?{query}")).headers["cache-control"] == "public, no-cache"
    assert (await served.anonymous.get(f"{path}?v=1")).headers["cache-control"].endswith("immutable")


async def test_a_tile_is_given_plain_to_those_who_do_not_take_gzip(served: Served) -> None:
    packed = await served.anonymous.get(path_at(*SEAT, 15))
    plain = await served.client(**{"Accept-Encoding": "identity"}).get(path_at(*SEAT, 15))
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    head = await served.anonymous.head(path_at(*SEAT, 15))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == packed.headers["content-length"]


async def test_a_tile_with_too_much_in_it_is_refused_whole(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cim.store.vector_tiles.MOST_FEATURES", 2)
    rows = [(f"n{n}", 1.0, square(104.5 + n / 1e4, 31.5)) for n in range(3)]
    await publish_rows(served.database, rows, layer=schema("crowd"))
    await served.state.live.refresh()
    answer = await served.anonymous.get(path_at(104.5, 31.5, 14, "crowd"))
    assert answer.status_code == 413
    assert "more than 2 features" in answer.json()["detail"]
    assert (await served.anonymous.get(path_at(104.51, 31.51, 17, "crowd"))).status_code == 204


async def test_an_edit_drops_the_tiles_it_touches_and_no_others(served: Served) -> None:
    near, far, low = path_at(*SEAT, 15), path_at(103.9805, 30.9805, 15), path_at(*SEAT, 8)
    before = {path: await served.anonymous.get(path) for path in (near, far, low)}
    assert decoded(before[far])
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET code = '丁栋' WHERE code = '甲栋'"))
    await served.state.live.refresh()
    for path, old in before.items():
        same = await served.anonymous.get(path, headers={"if-none-match": old.headers["etag"]})
        assert same.status_code == (304 if path == far else 200), path
    assert "丁栋" in str(decoded(await served.anonymous.get(near)))


async def test_etags_are_known_without_sql(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_at(*SEAT, 15)
    etag = (await served.anonymous.get(path)).headers["etag"]
    twin = ServerState.build(served.state.settings, served.database, served.state.catalog, served.state.files)
    await twin.live.refresh()
    served.state.tiles.cache._tiles.clear()
    monkeypatch.setattr(served.database.tiles, "fetch", None)
    assert (await served.anonymous.get(path, headers={"if-none-match": etag})).status_code == 304
    assert twin.live.changes.seq == served.state.live.changes.seq


async def test_a_tile_begun_before_a_change_is_not_kept_as_new(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = served.database.tiles.fetch
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: object, **options: object) -> tuple[object, ...]:
        row = await fetch(*arguments, **options)  # type: ignore[arg-type]
        if not begun.is_set():
            begun.set()
            await go.wait()
        return row

    monkeypatch.setattr(served.database.tiles, "fetch", slow)
    first = asyncio.create_task(served.anonymous.get(path_at(*SEAT, 15)))
    await begun.wait()
    async with served.database.writing() as connection:
        await connection.execute(sa.text("UPDATE city.squares SET code = '戊栋' WHERE code = '甲栋'"))
    await served.state.live.refresh()
    second = asyncio.create_task(served.anonymous.get(path_at(*SEAT, 15)))
    await asyncio.sleep(0.05)
    go.set()
    answers = await asyncio.gather(first, second)
    assert ["戊栋" in str(decoded(answer)) for answer in answers] == [True, True]
    assert len({answer.headers["etag"] for answer in answers}) == 1


async def test_a_client_that_left_is_no_fault_of_the_server() -> None:
    async def unanswered(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """A tile that nobody waits for any more."""

    async def nothing(*_: object) -> dict[str, object]:
        return {}

    metrics = Metrics()
    front = Front(unanswered, unanswered, metrics)
    await front({"type": "http", "method": "GET", "path": "/tiles/a/0/0/0.mvt", "headers": []}, nothing, nothing)
    counted = [line for line in metrics.text().decode().splitlines() if 'status="' in line and not line.startswith("#")]
    assert counted
    assert all('status="499"' in line for line in counted)


async def test_a_client_that_leaves_ends_its_query(served: Served) -> None:
    """The query and its connection; tests/web/cli/test_serving.py does it over a real socket."""
    statement = "SELECT 1, 1, 1, ''::bytea FROM pg_sleep(3)"
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%' AND state = 'active'"

    async def running() -> int:
        async with served.database.writing() as connection:
            return int(await connection.scalar(sa.text(sleeping + " AND pid <> pg_backend_pid()")) or 0)

    async def leave() -> dict[str, str]:
        await asyncio.sleep(0.3)
        return {"type": "http.disconnect"}

    for _ in range(3):
        began = time.monotonic()
        gone = await while_connected(leave, served.database.tiles.fetch(statement, {}, ReadContext(())))
        assert gone is None
        assert time.monotonic() - began < 2.5
        await asyncio.sleep(0.3)
        assert await running() == 0
    assert (await served.anonymous.get(path_at(*SEAT, 15))).status_code == 200


@pytest.mark.slow
async def test_after_random_changes_every_tile_is_that_of_a_fresh_server(served: Served) -> None:
    """Edits by SQL, imports, going back: kept tiles equal fresh ones, and those not touched keep their ETag."""
    chance = random.Random(20261)
    rows: dict[str, Row] = {}
    for number in range(60):
        place = (103.8 + chance.random() * 0.4, 30.8 + chance.random() * 0.4)
        rows[f"s{number}"] = (f"s{number}", 1.0, square(*place))
    layer = schema("many")
    await publish_rows(served.database, list(rows.values()), layer=layer)
    await served.state.live.refresh()
    places = [(103.8 + chance.random() * 0.4, 30.8 + chance.random() * 0.4) for _ in range(12)]
    paths = sorted({path_at(*place, z, "many") for place in places for z in (5, 9, 11, 13)})
    await settled(served)
    before = {path: await served.anonymous.get(path) for path in paths}
    kept = 0
    for step in range(14):
        await change(served, chance, rows, step)
        await settled(served)
        fresh = ServerState.build(served.state.settings, served.database, served.state.catalog, served.state.files)
        await fresh.live.refresh()
        now = {path: await served.anonymous.get(path) for path in paths}
        served.state.tiles.cache._tiles.clear()
        for path, answer in now.items():
            rebuilt = await served.anonymous.get(path)
            assert decoded(answer) == decoded(rebuilt), (step, path)
            assert answer.headers["etag"] == rebuilt.headers["etag"]
            if answer.headers["etag"] == before[path].headers["etag"]:
                assert decoded(answer) == decoded(before[path]), (step, path)
                kept += 1
        assert fresh.live.changes.seq == served.state.live.changes.seq
        before = now
    assert kept > len(paths) * 3


async def settled(served: Served) -> None:
    """Wait until the generalised content shows every layer as it is, whoever builds it."""
    live = served.state.live
    async with asyncio.timeout(60):
        while True:
            await live.refresh()
            states = {layer: live.general_state(layer) for layer in live.collections}
            if all(s and s.version == live.collections[layer].version for layer, s in states.items()):
                return
            await generalise_behind(served.database, served.state.catalog)
            await asyncio.sleep(0.02)


async def change(served: Served, chance: random.Random, rows: dict[str, Row], step: int) -> None:
    kind = ("update", "move", "delete", "insert", "upsert", "replace", "back")[step % 7]
    name = chance.choice(sorted(rows))
    if kind == "back":
        async with served.database.writing() as connection:
            number = await connection.scalar(sa.text("SELECT version FROM cim.collection WHERE id = 'many'"))
            await rollback(connection, "many", max(1, (number or 2) - 3), author="test")
        return
    if kind in {"upsert", "replace"}:
        async with served.database.writing() as connection:
            found = await connection.execute(
                sa.text("SELECT code, height_m, ST_AsEWKT(geom) FROM city.many ORDER BY code")
            )
            current = [tuple(row) for row in found]
        changed = [(code, step + 2.0 if chance.random() < 0.05 else height, shape) for code, height, shape in current]
        mode = ImportMode.UPSERT if kind == "upsert" else ImportMode.REPLACE
        await publish_rows(served.database, changed[:-1], layer=schema("many"), mode=mode, grade=Grade.PUBLIC)
        return
    statement = {
        "update": "UPDATE city.many SET height_m = :step WHERE code = :name",
        "move": "UPDATE city.many SET geom = ST_Translate(geom, 0.05, -0.03) WHERE code = :name",
        "delete": "DELETE FROM city.many WHERE code = :name",
        "insert": "INSERT INTO city.many (code, height_m, geom) SELECT CAST(:name AS text) || 'x' || :step, 1,"
        " ST_Translate(geom, -0.02, 0.01) FROM city.many LIMIT 1",
    }[kind]
    async with served.database.writing() as connection:
        await connection.execute(sa.text(statement.replace(":step", str(step))), {"name": name})
