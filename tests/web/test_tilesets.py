"""OGC API Tiles: grids, tilesets and tiles of both grids as each caller may see them."""

import mapbox_vector_tile
import pytest
from serving import Served

from tiles.grid import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD

PLACE = (103.9605, 30.9805)


def address(tms: str, z: int, layer: str = "squares") -> str:
    tile = GRIDS[tms].matrices.tile(*PLACE, z)
    return f"/collections/{layer}/tiles/{tms}/{z}/{tile.y}/{tile.x}"


async def test_the_way_from_landing_page_to_tile(served: Served) -> None:
    get = served.anonymous.get
    rels = {link["rel"]: link["href"] for link in (await get("/")).json()["links"]}
    grids = (await get(rels["http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"])).json()["tileMatrixSets"]
    assert [one["id"] for one in grids] == [WEB_MERCATOR_QUAD, CGCS2000_QUAD]
    listed = (await get(rels["related"])).json()["tilesets"]
    assert len(listed) == 2
    for item in listed:
        links = {link["rel"]: link["href"] for link in item["links"]}
        document = (await get(links["self"])).json()
        scheme = (await get(links["http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"])).json()
        assert document["crs"] == scheme["crs"] == item["crs"]
        limits = next(one for one in document["tileMatrixSetLimits"] if one["tileMatrix"] == "15")
        template = next(link for link in document["links"] if link["rel"] == "item")
        url = template["href"].replace("{tileMatrix}", "15")
        url = url.replace("{tileRow}", str(limits["minTileRow"])).replace("{tileCol}", str(limits["minTileCol"]))
        answer = await get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == template["type"]
        assert answer.headers["cache-control"].endswith("immutable")
        assert "squares" in mapbox_vector_tile.decode(answer.content)
    assert (
        "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core" in (await get("/conformance")).json()["conformsTo"]
    )


@pytest.mark.parametrize("tms", list(GRIDS))
async def test_positions_in_tiles_are_those_of_the_grid(served: Served, tms: str) -> None:
    answer = await served.viewer.get(address(tms, 15))
    decoded = mapbox_vector_tile.decode(answer.content)["squares"]
    feature = next(f for f in decoded["features"] if f["properties"]["code"] == "甲栋")
    tile = GRIDS[tms].matrices.tile(*PLACE, 15)
    bounds = GRIDS[tms].square(15, tile.x, tile.y)
    corner = (103.96, 30.98)
    if tms == WEB_MERCATOR_QUAD:
        corner = GRIDS[tms].matrices.xy(*corner)
    wanted = (
        (corner[0] - bounds.west) / (bounds.east - bounds.west) * 4096,
        (corner[1] - bounds.south) / (bounds.north - bounds.south) * 4096,
    )
    near = min(feature["geometry"]["coordinates"][0], key=lambda p: abs(p[0] - wanted[0]) + abs(p[1] - wanted[1]))
    assert abs(near[0] - wanted[0]) <= 1
    assert abs(near[1] - wanted[1]) <= 1


async def test_tiles_follow_the_policy(served: Served) -> None:
    seen = mapbox_vector_tile.decode((await served.anonymous.get(address(CGCS2000_QUAD, 14))).content)
    assert set(seen["squares"]["features"][0]["properties"]) == {"code"}
    for path in (
        "/collections/hidden/tiles",
        "/collections/hidden/tiles/CGCS2000Quad",
        address(CGCS2000_QUAD, 14, "hidden"),
    ):
        assert (await served.anonymous.get(path)).status_code == 404
        answer = await served.technician.get(path)
        assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "hidden" not in (await served.anonymous.get("/tilesets")).text


async def test_etag_empty_and_bad_tiles(served: Served) -> None:
    path = address(CGCS2000_QUAD, 14)
    first = await served.anonymous.get(path)
    again = await served.anonymous.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await served.anonymous.get("/collections/squares/tiles/CGCS2000Quad/14/0/0")).status_code == 204
    for bad in ("CGCS2000Quad/0/0/0", "CGCS2000Quad/1/1/0", "WebMercatorQuad/23/0/0", "CGCS2000Quad/1/x/0"):
        assert (await served.anonymous.get(f"/collections/squares/tiles/{bad}")).status_code == 400, bad
    assert (await served.anonymous.get("/collections/squares/tiles/Nothing/1/0/0")).status_code == 404
