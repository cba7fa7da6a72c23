"""Tilesets over HTTP: where features stand, what a change renews, who is given what, and what is refused."""

import json
from typing import Any

import httpx
import numpy as np
import pyproj
import pytest
import sqlalchemy as sa
from glb_reading import ReadTile, contents, read_glb
from gltf_validator import faults_of
from publishing import publish_rows, square
from serving import Served

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field
from cim.model.undulation import Undulation

UNDULATION_M = -39.5
GROUND_M = 500.0
HERE, NEARBY = (103.9000, 31.0000), (103.9500, 31.0300)
FIELDS = (Field("code", "text"), Field("height_m", "double"), Field("ground_m", "double"), Field("floors", "integer"))
BLOCKS = CollectionSchema("blocks", "Polygon", 4490, FIELDS, "code")
WAY = pyproj.Transformer.from_crs(4979, 4978, always_xy=True)
SIDE = 0.0002


@pytest.fixture
async def city(served: Served) -> Served:
    """Public blocks of two neighbourhoods 5 km apart on known ground, and a restricted one."""
    served.state.undulation = Undulation.constant(UNDULATION_M)
    rows = [(f"a{n}", 10.0 + n, square(HERE[0] + n * 2 * SIDE, HERE[1], SIDE)) for n in range(4)]
    rows.append(("b0", 33.0, square(*NEARBY, SIDE)))
    await publish_rows(served.database, rows, layer=BLOCKS)
    secret = CollectionSchema("vaults", "Polygon", 4490, FIELDS, "code")
    await publish_rows(served.database, [("v", 5.0, square(*HERE, SIDE))], layer=secret, grade=Grade.RESTRICTED)
    for layer in ("blocks", "vaults"):
        await edited(served, f"UPDATE city.{layer} SET ground_m = {GROUND_M}, floors = 3")
    return served


async def edited(served: Served, statement: str) -> None:
    """Change rows as somebody in psql does."""
    async with served.database.writing("psql") as connection:
        await connection.execute(sa.text(statement))
    await served.state.live.refresh()


async def tileset(client: httpx.AsyncClient, layer: str = "blocks", **query: str) -> dict[str, Any]:
    answer = await client.get(f"/3dtiles/{layer}/tileset.json", params=query or None)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def tiles(client: httpx.AsyncClient, layer: str = "blocks", **query: str) -> dict[str, ReadTile]:
    """Every tile of a layer by its address."""
    found = {}
    for uri in contents((await tileset(client, layer, **query))["root"]):
        answer = await client.get(f"/3dtiles/{layer}/{uri}")
        assert answer.status_code == 200, answer.text
        found[uri] = read_glb(answer.content)
    return found


def features(found: dict[str, ReadTile]) -> dict[str, tuple[float, ReadTile, int]]:
    """By fid: the height its row says, its tile, and its number there."""
    held: dict[str, tuple[float, ReadTile, int]] = {}
    for tile in found.values():
        for number, (fid, height) in enumerate(
            zip(tile.columns.get("fid", ()), tile.columns.get("height_m", ()), strict=True)
        ):
            assert str(fid) not in held
            held[str(fid)] = (height, tile, number)
    return held


def corner_heights(tile: ReadTile, number: int) -> np.ndarray:
    """Distinct corners of a feature as longitude, latitude and ellipsoidal height."""
    points = tile.of_feature(number).reshape(-1, 3)
    lon, lat, height = WAY.transform(*points.T, direction="INVERSE")
    return np.column_stack([lon, lat, height])


async def test_blocks_stand_where_their_rows_say_to_the_centimetre(city: Served) -> None:
    found = await tiles(city.anonymous)
    held = features(found)
    assert len(held) == 5
    async with city.database.writing("test") as connection:
        rows = (
            await connection.execute(sa.text("SELECT fid, height_m, ST_XMin(geom), ST_YMin(geom) FROM city.blocks"))
        ).all()
    for fid, height, west, south in rows:
        said, tile, number = held[str(fid)]
        assert said == pytest.approx(height)
        corners = [(x, y) for x in (west, west + SIDE) for y in (south, south + SIDE)]
        expected = [(x, y, z) for x, y in corners for z in (GROUND_M + UNDULATION_M, GROUND_M + UNDULATION_M + height)]
        want = np.array(WAY.transform(*np.array(expected).T)).T
        have = tile.of_feature(number).reshape(-1, 3)
        apart = np.linalg.norm(want[:, None] - have[None], axis=2)
        assert apart.min(axis=1).max() < 0.01
        assert apart.min(axis=0).max() < 0.01


async def test_the_validator_finds_nothing_in_tiles_of_either_kind(city: Served) -> None:
    files = {}
    for uri in contents((await tileset(city.anonymous))["root"]):
        files[uri] = (await city.anonymous.get(f"/3dtiles/blocks/{uri}")).content
    assert faults_of(files) == {}


async def test_regions_hold_what_is_in_them_and_errors_grow_smaller(city: Served) -> None:
    root = (await tileset(city.anonymous))["root"]
    found = await tiles(city.anonymous)

    def check(tile: dict[str, Any], outer: float) -> None:
        assert tile["geometricError"] <= outer
        west, south, east, north, low, high = tile["boundingVolume"]["region"]
        for uri in contents(tile):
            for number in range(found[uri].count):
                lon, lat, height = corner_heights(found[uri], number).T
                assert west - 1e-9 <= np.radians(lon).min()
                assert np.radians(lon).max() <= east + 1e-9
                assert south - 1e-9 <= np.radians(lat).min()
                assert np.radians(lat).max() <= north + 1e-9
                assert low <= height.min()
                assert height.max() <= high
        for child in tile.get("children", []):
            check(child, tile["geometricError"])

    check(root, np.inf)


async def test_a_change_renews_the_tiles_it_touches_and_no_other(city: Served) -> None:
    before = set(contents((await tileset(city.anonymous))["root"]))
    await tiles(city.anonymous)
    await edited(city, "UPDATE city.blocks SET height_m = 21 WHERE code = 'b0'")
    found = await tiles(city.anonymous)
    assert len(set(found) & before) == len(before) - 1
    heights = sorted(height for height, _, _ in features(found).values())
    assert heights == [10, 11, 12, 13, 21]
    await edited(
        city,
        "INSERT INTO city.blocks (code, height_m, ground_m, geom)"
        f" VALUES ('c', 90, 500, '{square(104.0, 31.1, SIDE)}')",
    )
    assert 90 in {height for height, _, _ in features(await tiles(city.anonymous)).values()}
    await edited(city, "DELETE FROM city.blocks WHERE code IN ('c', 'a3')")
    assert len(features(await tiles(city.anonymous))) == 4


async def test_other_times_and_scenarios_are_tilesets_of_their_own(city: Served) -> None:
    async with city.database.writing("test") as connection:
        instant = (await connection.scalar(sa.text("SELECT now()"))).isoformat().replace("+00:00", "Z")
    await edited(city, "UPDATE city.blocks SET height_m = 77 WHERE code = 'a0'")
    then = features(await tiles(city.anonymous, datetime=instant))
    assert 77 not in {height for height, _, _ in then.values()}
    assert 77 in {height for height, _, _ in features(await tiles(city.anonymous)).values()}
    rows = [("a1", 120.0, square(HERE[0] + 2 * SIDE, HERE[1], SIDE))]
    await publish_rows(city.database, rows, layer=BLOCKS, scenario="tower")
    async with city.database.writing("test") as connection:
        names = [row[0] for row in await connection.execute(sa.text("SELECT name FROM cim.scenario"))]
        table = await connection.scalar(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'scenario'"))
        await connection.execute(sa.text(f'UPDATE scenario."{table}" SET ground_m = 500'))
    await city.state.live.refresh()
    planned = features(await tiles(city.anonymous, scenario=names[0]))
    assert max(height for height, _, _ in planned.values()) == 120
    assert 120 not in {height for height, _, _ in features(await tiles(city.anonymous)).values()}
    refused = await city.anonymous.get("/3dtiles/blocks/tileset.json", params={"scenario": "no such"})
    assert refused.status_code == 404


async def test_what_cannot_stand_is_left_out_and_the_tile_is_whole(city: Served) -> None:
    await edited(city, "UPDATE city.blocks SET height_m = NULL, floors = NULL WHERE code = 'a1'")
    await edited(city, "UPDATE city.blocks SET height_m = NULL WHERE code = 'a2'")
    await edited(city, "UPDATE city.blocks SET height_m = 5000 WHERE code = 'a3'")
    await edited(city, "UPDATE city.blocks SET ground_m = NULL WHERE code = 'b0'")
    for number in ("NaN", "Infinity"):
        values = f"('{number}', '{number}', 500, '{square(HERE[0], HERE[1] + 0.01, SIDE)}')"
        await edited(city, f"INSERT INTO city.blocks (code, height_m, ground_m, geom) VALUES {values}")
    held = features(await tiles(city.anonymous))
    assert len(held) == 2
    by_storeys = next((tile, number) for height, tile, number in held.values() if height is None)
    told = (await city.anonymous.get("/3dtiles/blocks/left-out")).json()
    assert told["counts"] == {"no-height": 3, "absurd-height": 1, "no-ground": 1}
    assert {one["key"]: one["code"] for one in told["features"]} == {
        "NaN": "no-height",
        "Infinity": "no-height",
        "a1": "no-height",
        "a3": "absurd-height",
        "b0": "no-ground",
    }
    assert all(told["meanings"][code]["zh"] for code in told["counts"])
    box = ",".join(str(side) for side in (HERE[0], HERE[1], HERE[0] + 0.01, HERE[1] + 0.001))
    nearby = (await city.anonymous.get("/3dtiles/blocks/left-out", params={"bbox": box})).json()
    assert {one["key"] for one in nearby["features"]} == {"a1", "a3"}
    heights = corner_heights(*by_storeys)[:, 2]
    assert heights.max() - heights.min() == pytest.approx(9.0, abs=0.01)


async def test_each_caller_has_what_the_policy_gives(city: Served) -> None:
    for path in ("/3dtiles/vaults/tileset.json", "/3dtiles/vaults/15/25841/13398.glb", "/3dtiles/no_such/tileset.json"):
        assert (await city.anonymous.get(path)).status_code == 404
    (uri,) = contents((await tileset(city.technician, "vaults"))["root"])
    assert (await city.technician.get(f"/3dtiles/vaults/{uri}")).status_code == 200
    assert (await city.anonymous.get(f"/3dtiles/vaults/{uri}")).status_code == 404
    answer = await city.technician.get(f"/3dtiles/vaults/{uri}")
    assert answer.headers["cache-control"] == "private, no-cache"
    joined = (await city.anonymous.get("/3dtiles/tileset.json")).json()
    assert [child["extras"]["layer"] for child in joined["root"]["children"]] == ["blocks"]
    joined = (await city.technician.get("/3dtiles/tileset.json")).json()
    assert {child["extras"]["layer"] for child in joined["root"]["children"]} == {"blocks", "vaults"}


async def test_a_caller_of_a_region_has_the_features_in_it(city: Served) -> None:
    area = (
        square(HERE[0] - 0.001, HERE[1] - 0.001, 0.01)
        .replace("POLYGON", "MULTIPOLYGON")
        .replace("((", "(((")
        .replace("))", ")))")
    )
    async with city.database.writing("test") as connection:
        await connection.execute(
            sa.text(f"INSERT INTO cim.region (code, level, name, geom) VALUES ('510182001', 'town', '天彭', '{area}')")
        )
        await connection.execute(
            sa.text("UPDATE cim.role_right SET region_code = '510182001' WHERE role = 'viewer' AND grade = 'public'")
        )
    city.state.identities.forget()
    everything = await tiles(city.anonymous)
    mine = await tiles(city.viewer)
    assert len(features(everything)) == 5
    assert sorted(height for height, _, _ in features(mine).values()) == [10, 11, 12, 13]
    for uri in set(everything) - set(mine):
        plain = uri.partition("?")[0]
        answer = await city.viewer.get(f"/3dtiles/blocks/{plain}")
        assert answer.status_code == 404 or read_glb(answer.content).count <= 4


async def test_the_catalogue_says_what_stands_and_why_nothing_does(city: Served) -> None:
    catalog = (await city.anonymous.get("/catalog")).json()
    (entry,) = [layer for layer in catalog["layers"] if layer["id"] == "blocks"]
    assert entry["scene"] == {
        "tileset": "/3dtiles/blocks/tileset.json?v=2",
        "kind": "extrusion",
        "fields": ["height_m", "floors"],
    }
    assert catalog["scene"] == {"terrain": None, "tileset": "/3dtiles/tileset.json", "reason": None}
    city.state.undulation = None
    catalog = (await city.anonymous.get("/catalog")).json()
    assert "CIM_UNDULATION_M" in catalog["scene"]["reason"]["zh"]
    refused = await city.anonymous.get("/3dtiles/blocks/tileset.json")
    assert refused.status_code >= 400
    assert "CIM_UNDULATION_M" in json.dumps(refused.json())


async def test_layers_that_do_not_stand_have_no_tileset(city: Served) -> None:
    await publish_rows(city.database, [("s", 5.0, square(*HERE))])
    refused = await city.anonymous.get("/3dtiles/squares/tileset.json")
    assert refused.status_code == 404
    assert "how high" in refused.json()["detail"]


async def test_answers_are_kept_as_long_as_they_are_true_whatever_range_is_asked_for(city: Served) -> None:
    uri = next(contents((await tileset(city.anonymous))["root"]))
    answer = await city.anonymous.get(f"/3dtiles/blocks/{uri}")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "model/gltf-binary"
    again = await city.anonymous.get(f"/3dtiles/blocks/{uri}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    unnamed = await city.anonymous.get(f"/3dtiles/blocks/{uri.partition('?')[0]}")
    assert unnamed.headers["cache-control"] == "public, no-cache"
    plain = await city.anonymous.get(f"/3dtiles/blocks/{uri}", headers={"accept-encoding": "identity"})
    assert plain.content == answer.content
    assert "content-encoding" not in plain.headers
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(2_000))
    hostile = await city.anonymous.get(f"/3dtiles/blocks/{uri}", headers={"range": ranges, "accept-encoding": "gzip"})
    assert (hostile.status_code, hostile.content) == (200, answer.content)


@pytest.mark.parametrize("path", ["15/0/0", "99/1/1", "15/99999999999/1", "15/-1/0", "x/0/0"])
async def test_tiles_that_are_not_there_are_refused(city: Served, path: str) -> None:
    assert (await city.anonymous.get(f"/3dtiles/blocks/{path}.glb")).status_code in {400, 404, 422}
