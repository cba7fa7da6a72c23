"""A caller limited to a region gets nothing of the features outside it from any map service."""

import mapbox_vector_tile
import skia
import sqlalchemy as sa
from lxml import etree
from serving import Served

from tiles.grid import CGCS2000_QUAD, GRIDS

WINDOW = "30.975,103.955,30.985,103.985"
"""About all three squares, of which the first lies in the region."""


async def limit(served: Served) -> None:
    """Make anonymous a role of a region that holds the first square only."""
    async with served.database.writing() as connection:
        await connection.execute(
            sa.text(
                "INSERT INTO cim.region (code, level, name, geom) VALUES ('510182001', 'town', '天彭',"
                " ST_MakeEnvelope(103.95, 30.97, 103.965, 31.0, 4490))"
            )
        )
        await connection.execute(
            sa.text("UPDATE cim.role_right SET region_code = '510182001' WHERE role = 'anonymous' AND grade = 'public'")
        )
    await served.state.live.refresh()
    served.state.identities.forget()


async def test_every_service_keeps_to_the_region(served: Served) -> None:
    get = served.anonymous.get
    asked = {
        "SERVICE": "WMS",
        "VERSION": "1.3.0",
        "REQUEST": "GetMap",
        "LAYERS": "squares",
        "CRS": "EPSG:4490",
        "BBOX": WINDOW,
        "WIDTH": "300",
        "HEIGHT": "100",
        "FORMAT": "image/png",
        "TRANSPARENT": "TRUE",
    }
    wfs = {"SERVICE": "WFS", "REQUEST": "GetFeature", "TYPENAMES": "cim:squares"}
    tile = GRIDS[CGCS2000_QUAD].matrices.tile(103.97, 30.98, 10)
    address = f"/collections/squares/tiles/{CGCS2000_QUAD}/10/{tile.y}/{tile.x}"

    async def seen() -> tuple[int, int, int, int]:
        picture = await get("/wms", params=asked)
        pixels = skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(picture.content)).toarray()[:, :, 3] > 0
        columns = pixels.any(axis=0)
        runs = int(columns[0]) + int((columns[1:] & ~columns[:-1]).sum())
        info = asked | {"REQUEST": "GetFeatureInfo", "QUERY_LAYERS": "squares", "I": "165", "J": "45"}
        found = (await get("/wms", params=info)).json()["features"]
        members = etree.fromstring((await get("/wfs", params=wfs)).content)
        decoded = mapbox_vector_tile.decode((await get(address)).content)
        counted = sum(one["properties"]["count"] for one in decoded["squares"]["features"])
        return runs, len(found), int(members.get("numberMatched")), counted

    assert await seen() == (3, 1, 3, 3)
    await limit(served)
    assert await seen() == (1, 0, 1, 1)
    by_id = wfs | {"STOREDQUERY_ID": "urn:ogc:def:query:OGC-WFS::GetFeatureById", "ID": "squares.2"}
    assert (await get("/wfs", params=by_id)).status_code == 404
