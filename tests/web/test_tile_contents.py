"""Tiles of chosen rows: filtered, of the past, under a scenario, generalised; each under the policy."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import mapbox_vector_tile
import morecantile
import sqlalchemy as sa
from httpx import AsyncClient, Response
from publishing import publish_rows, schema, square
from serving import Served

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field, ImportMode
from tiles.generalise.job import generalise_behind

SEAT = (103.9605, 30.9805)


def address(layer: str = "squares", z: int = 12, **parameters: str) -> str:
    tile = morecantile.tms.get("WebMercatorQuad").tile(*SEAT, z)
    query = "&".join(f"{name.replace('_', '-')}={quote(value)}" for name, value in parameters.items())
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}.mvt" + (f"?{query}" if query else "")


def features(answer: Response, layer: str = "squares") -> list[dict[str, Any]]:
    assert answer.status_code in {200, 204}, answer.text
    decoded: dict[str, Any] = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    return list(decoded.get(layer, {}).get("features", []))


async def codes(client: AsyncClient, **parameters: str) -> set[str]:
    return {f["properties"]["code"] for f in features(await client.get(address(z=14, **parameters)))}


async def count(client: AsyncClient, z: int = 10, **parameters: str) -> int:
    found = features(await client.get(address(z=z, **parameters)))
    return sum(f["properties"]["count"] for f in found)


async def edit(served: Served, statement: str) -> None:
    async with served.database.writing("test") as connection:
        await connection.execute(sa.text(statement))
    await served.state.live.refresh()


async def test_a_filter_narrows_a_tile_in_both_languages(served: Served) -> None:
    whole = address(z=11)
    assert sum(f["properties"]["count"] for f in features(await served.viewer.get(whole))) == 3
    assert await count(served.viewer, z=11, filter="height_m > 15") == 2
    text = '{"op":"=","args":[{"property":"code"},"甲栋"]}'
    assert await count(served.viewer, z=11, filter=text, filter_lang="cql2-json") == 1
    near = "S_INTERSECTS(geom, BBOX(103.955, 30.97, 103.9615, 30.99))"
    assert await codes(served.viewer, filter=near) == {"甲栋"}


async def test_what_a_filter_may_not_ask_is_refused(served: Served) -> None:
    hidden = await served.anonymous.get(address(filter="height_m > 15"))
    assert hidden.status_code == 403
    unknown = await served.viewer.get(address(filter="nothing = 1"))
    assert (unknown.status_code, unknown.json()["where"]) == (400, "filter")
    for wrong in ({"filter": "("}, {"filter": "code = 1"}, {"filter": "true", "filter_lang": "sql"}):
        answer = await served.viewer.get(address(**wrong))
        assert answer.status_code == 400, answer.text
    assert (await served.anonymous.get(address("hidden", filter="code = 'x'"))).status_code == 404


async def test_a_filtered_tile_follows_edits_and_is_known_again(served: Served) -> None:
    first = await served.viewer.get(address(z=14, filter="height_m > 15"))
    again = await served.viewer.get(
        address(z=14, filter="height_m > 15"), headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert first.headers["cache-control"] == "private, no-cache"
    await edit(served, "UPDATE city.squares SET height_m = 99 WHERE code = '甲栋'")
    after = await served.viewer.get(
        address(z=14, filter="height_m > 15"), headers={"If-None-Match": first.headers["etag"]}
    )
    assert after.status_code == 200
    assert "甲栋" in {f["properties"]["code"] for f in features(after)}


async def test_a_tile_of_the_past_shows_the_version_valid_then(served: Served) -> None:
    before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    await asyncio.sleep(0.01)
    await edit(served, "DELETE FROM city.squares WHERE code = '甲栋'")
    assert await codes(served.viewer) == {"乙栋"}
    assert await codes(served.viewer, datetime=before) == {"甲栋", "乙栋"}
    assert await count(served.viewer, z=10) == 2
    assert await count(served.viewer, z=10, datetime=before) == 3
    early = await served.viewer.get(address(datetime="1999-01-01T00:00:00Z"))
    assert early.status_code in {204, 404}
    assert (await served.viewer.get(address(datetime="yesterday"))).status_code == 400


async def test_a_scenario_that_nobody_made_is_not_found(served: Served) -> None:
    answer = await served.viewer.get(address(scenario="north"))
    assert (answer.status_code, answer.json()["where"]) == (404, "scenario")


async def test_a_scenario_adds_changes_and_is_seen_at_every_zoom(served: Served) -> None:
    fields = (schema().fields[0], Field("height_m", "double", Grade.INTERNAL))
    graded = CollectionSchema("squares", "Polygon", 4490, fields, "code")
    rows = [("丁栋", 70.0, square(103.962, 30.98)), ("甲栋", 90.0, square(103.96, 30.98))]
    await publish_rows(served.database, rows, layer=graded, mode=ImportMode.UPSERT, scenario="方案A")
    assert await codes(served.viewer, scenario="方案A") == {"甲栋", "乙栋", "丁栋"}
    assert await codes(served.viewer, scenario="方案A", filter="height_m > 60") == {"甲栋", "丁栋"}
    assert await codes(served.viewer) == {"甲栋", "乙栋"}
    assert await count(served.viewer, z=9, scenario="方案A") == 4
    assert await count(served.viewer, z=9) == 3


async def test_low_zooms_are_generalised_and_say_so(served: Served) -> None:
    for behind in (True, False):
        far, near = await served.viewer.get(address(z=9)), await served.viewer.get(address(z=15))
        assert far.headers["cim-generalised"] == "true"
        assert "cim-generalised" not in near.headers
        assert sum(f["properties"]["count"] for f in features(far)) == 3, behind
        await generalise_behind(served.database, served.state.catalog)
        await served.state.live.refresh()
    await edit(served, "DELETE FROM city.squares WHERE code = '乙栋'")
    assert await count(served.viewer, z=9) == 2


async def test_aggregates_carry_no_figure_of_a_hidden_field(served: Served) -> None:
    await generalise_behind(served.database, served.state.catalog)
    await served.state.live.refresh()
    (seen,) = {frozenset(f["properties"]) for f in features(await served.anonymous.get(address(z=9)))}
    assert "height_m" not in seen


async def test_a_caller_of_one_region_gets_only_its_features_at_every_zoom(served: Served) -> None:
    async with served.database.writing("test") as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('510182001', 'town', '镇',"
                " ST_Multi(ST_MakeEnvelope(103.955, 30.97, 103.965, 30.99, 4490)))"
            )
        )
        await connection.execute(
            sa.text("UPDATE cim.role_right SET region_code = '510182001' WHERE role = 'viewer' AND grade = :grade"),
            {"grade": Grade.PUBLIC},
        )
    await generalise_behind(served.database, served.state.catalog)
    await served.state.live.refresh()
    served.state.identities.forget()
    assert await count(served.viewer, z=9) == 1
    assert await count(served.technician, z=9) == 3


async def test_a_filter_holds_for_every_layer_of_a_composite_tile(served: Served) -> None:
    answer = await served.technician.get(address("squares,hidden", z=15, filter="code = '甲栋'"))
    decoded = mapbox_vector_tile.decode(answer.content)
    assert {name: len(layer["features"]) for name, layer in decoded.items()} == {"squares": 1, "hidden": 1}
