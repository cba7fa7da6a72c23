"""WMTS: tiles of both grids, by parameters and by address, as each caller may see them."""

import mapbox_vector_tile
import numpy as np
import pytest
import skia
import sqlalchemy as sa
from lxml import etree
from serving import Served

from tiles.grid import CGCS2000_QUAD, GRIDS

PLACE = (103.9605, 30.9805)
WMTS = "{http://www.opengis.net/wmts/1.0}"
OWS = "{http://www.opengis.net/ows/1.1}"


def get_tile(tms: str = CGCS2000_QUAD, z: int = 16, **more: str) -> dict[str, str]:
    tile = GRIDS[tms].matrices.tile(*PLACE, z)
    asked = {
        "SERVICE": "WMTS",
        "REQUEST": "GetTile",
        "VERSION": "1.0.0",
        "LAYER": "squares",
        "STYLE": "default",
        "FORMAT": "image/png",
        "TILEMATRIXSET": tms,
        "TILEMATRIX": str(z),
        "TILEROW": str(tile.y),
        "TILECOL": str(tile.x),
    }
    return asked | more


def decoded(content: bytes) -> np.ndarray:
    return skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(content)).toarray(colorType=skia.kRGBA_8888_ColorType)


@pytest.mark.parametrize("tms", list(GRIDS))
async def test_parameters_and_addresses_give_the_same_tile(shared: Served, tms: str) -> None:
    asked = get_tile(tms)
    one = await shared.anonymous.get("/wmts", params=asked)
    assert (one.status_code, one.headers["content-type"]) == (200, "image/png")
    path = f"/wmts/rest/squares/default/{tms}/16/{asked['TILEROW']}/{asked['TILECOL']}"
    assert (await shared.anonymous.get(f"{path}.png")).content == one.content
    picture = decoded(one.content)
    assert picture.shape == (256, 256, 4)
    bounds = GRIDS[tms].bbox(16, int(asked["TILECOL"]), int(asked["TILEROW"]))
    column = round((PLACE[0] - bounds[0]) / (bounds[2] - bounds[0]) * 256)
    row = round((bounds[3] - PLACE[1]) / (bounds[3] - bounds[1]) * 256)
    assert picture[min(row, 255), min(column, 255), 3] > 0
    known = await shared.anonymous.get(f"{path}.png", headers={"if-none-match": one.headers["etag"]})
    assert known.status_code == 304
    vector = await shared.anonymous.get(f"{path}.mvt")
    assert "squares" in mapbox_vector_tile.decode(vector.content)
    assert vector.headers["etag"] != one.headers["etag"]
    info = (await shared.anonymous.get(f"{path}/{min(row, 255)}/{min(column, 255)}.json")).json()
    assert [feature["properties"] for feature in info["features"]] == [{"code": "甲栋"}]
    kvp = asked | {
        "REQUEST": "GetFeatureInfo",
        "I": str(min(column, 255)),
        "J": str(min(row, 255)),
        "INFOFORMAT": "application/json",
    }
    assert (await shared.anonymous.get("/wmts", params=kvp)).json() == info


async def test_capabilities_describe_both_grids(shared: Served) -> None:
    for path in ("/wmts?service=WMTS&request=GetCapabilities", "/wmts/1.0.0/WMTSCapabilities.xml"):
        root = etree.fromstring((await shared.anonymous.get(path)).content)
        layers = [layer.findtext(f"{OWS}Identifier") for layer in root.iter(f"{WMTS}Layer")]
        assert layers == ["squares"]
        sets = {s.findtext(f"{OWS}Identifier"): s for s in root.iter(f"{WMTS}TileMatrixSet") if len(s)}
        national = sets[CGCS2000_QUAD]
        assert national.findtext(f"{OWS}SupportedCRS") == "urn:ogc:def:crs:EPSG::4490"
        matrices = list(national.iter(f"{WMTS}TileMatrix"))
        assert [m.findtext(f"{OWS}Identifier") for m in matrices] == [str(z) for z in range(1, 21)]
        assert matrices[0].findtext(f"{WMTS}TopLeftCorner") == "90.0 -180.0"
    root = etree.fromstring((await shared.technician.get(path)).content)
    assert {layer.findtext(f"{OWS}Identifier") for layer in root.iter(f"{WMTS}Layer")} == {"squares", "hidden"}


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"LAYER": "hidden"}, 400, "InvalidParameterValue"),
        ({"LAYER": ""}, 400, "MissingParameterValue"),
        ({"TILEMATRIX": "0"}, 400, "InvalidParameterValue"),
        ({"TILEMATRIX": "9999999999"}, 400, "InvalidParameterValue"),
        ({"TILEROW": "999999"}, 400, "TileOutOfRange"),
        ({"TILECOL": "-1"}, 400, "InvalidParameterValue"),
        ({"TILECOL": "9" * 99}, 400, "InvalidParameterValue"),
        ({"TILEMATRIXSET": "Other"}, 400, "InvalidParameterValue"),
        ({"FORMAT": "image/gif"}, 400, "InvalidParameterValue"),
        ({"STYLE": "fancy"}, 400, "InvalidParameterValue"),
        ({"REQUEST": "Other"}, 400, "InvalidParameterValue"),
        ({"STYLE": ""}, 400, "MissingParameterValue"),
        ({"FORMAT": ""}, 400, "MissingParameterValue"),
        ({"SERVICE": ""}, 400, "MissingParameterValue"),
    ],
)
async def test_bad_requests_are_told_in_xml(shared: Served, changed: dict[str, str], status: int, code: str) -> None:
    answer = await shared.anonymous.get("/wmts", params=get_tile(**changed))
    assert answer.status_code == status
    assert etree.fromstring(answer.content)[0].get("exceptionCode") == code


async def test_an_edit_changes_the_tile(served: Served) -> None:
    before = await served.anonymous.get("/wmts", params=get_tile())
    async with served.database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM city.squares WHERE code = '甲栋'"))
    await served.state.live.refresh()
    after = await served.anonymous.get("/wmts", params=get_tile())
    assert after.headers["etag"] != before.headers["etag"]
    assert not decoded(after.content).any()
