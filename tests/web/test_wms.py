"""WMS: pictures with the axis order of each system, the policy, errors in every form, size caps."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
import skia
import sqlalchemy as sa
from lxml import etree
from pyproj import Transformer
from serving import Served

PLACE = (103.9605, 30.9805)
"""The middle of the first square, which is 0.001 degree wide."""
SIDE = 301
CELL_DEG = 2e-5
SYSTEMS = {
    "CRS:84": (4490, False),
    "EPSG:4490": (4490, True),
    "EPSG:4326": (4490, True),
    "EPSG:3857": (3857, False),
    "EPSG:4523": (4523, True),
    "EPSG:4544": (4544, True),
}


def box(system: str, version: str = "1.3.0") -> tuple[str, tuple[float, float, float, float]]:
    """BBOX text about the place and the box east, north: 301 pixels of about two metres."""
    srid, north_first = SYSTEMS[system]
    east, north = Transformer.from_crs(4490, srid, always_xy=True).transform(*PLACE)
    half = SIDE / 2 * (CELL_DEG if srid == 4490 else 2.0)
    bounds = (east - half, north - half, east + half, north + half)
    given = (bounds[1], bounds[0], bounds[3], bounds[2]) if north_first and version == "1.3.0" else bounds
    return ",".join(f"{value:.9f}" for value in given), bounds


def get_map(system: str = "EPSG:4490", version: str = "1.3.0", **more: str) -> dict[str, str]:
    asked = {
        "SERVICE": "WMS",
        "VERSION": version,
        "REQUEST": "GetMap",
        "LAYERS": "squares",
        "STYLES": "",
        "CRS" if version == "1.3.0" else "SRS": system,
        "BBOX": box(system, version)[0],
        "WIDTH": str(SIDE),
        "HEIGHT": str(SIDE),
        "FORMAT": "image/png",
    }
    return {name: value for name, value in (asked | more).items() if value != "-"}


def pixels(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return skia.Image.MakeFromEncoded(skia.Data.MakeWithCopy(answer.content)).toarray(
        colorType=skia.kRGBA_8888_ColorType
    )


def span(picture: np.ndarray) -> tuple[int, int, int, int]:
    """First and last column and row that are not white."""
    coloured = (picture[:, :, :3] < 250).any(axis=2)
    columns, rows = np.flatnonzero(coloured.any(axis=0)), np.flatnonzero(coloured.any(axis=1))
    return columns[0], columns[-1], rows[0], rows[-1]


@pytest.mark.parametrize(
    ("system", "version"), [(name, "1.3.0") for name in SYSTEMS] + [("EPSG:4490", "1.1.1"), ("EPSG:4523", "1.1.1")]
)
async def test_a_square_is_where_it_lies_to_a_pixel(shared: Served, system: str, version: str) -> None:
    picture = pixels(await shared.anonymous.get("/wms", params=get_map(system, version)))
    left, right, top, bottom = span(picture)
    _, bounds = box(system, version)
    srid = SYSTEMS[system][0]
    way = Transformer.from_crs(4490, srid, always_xy=True)
    cell = (bounds[2] - bounds[0]) / SIDE
    corners = [way.transform(x, y) for x in (103.96, 103.961) for y in (30.98, 30.981)]
    wanted = (
        min((e - bounds[0]) / cell for e, _ in corners),
        max((e - bounds[0]) / cell for e, _ in corners),
        min((bounds[3] - n) / cell for _, n in corners),
        max((bounds[3] - n) / cell for _, n in corners),
    )
    for found, expected in zip((left, right + 1, top, bottom + 1), wanted, strict=True):
        assert abs(found - expected) <= 1.5  # the outline is a pixel wide, half of it outside


async def test_capabilities_hold_what_the_caller_may_see(shared: Served) -> None:
    for version, layers in (("1.3.0", ".//{http://www.opengis.net/wms}Layer"), ("1.1.1", ".//Layer")):
        seen = {}
        for role in ("anonymous", "technician"):
            answer = await getattr(shared, role).get(
                "/wms", params={"service": "WMS", "request": "GetCapabilities", "version": version}
            )
            root = etree.fromstring(answer.content)
            assert root.get("version") == version
            seen[role] = {
                child.text
                for layer in root.iterfind(layers)
                for child in layer
                if etree.QName(child).localname == "Name"
            }
        assert seen == {"anonymous": {"squares"}, "technician": {"squares", "hidden"}}


async def test_pictures_follow_the_policy(shared: Served) -> None:
    refused = await shared.anonymous.get("/wms", params=get_map(LAYERS="hidden"))
    missing = await shared.anonymous.get("/wms", params=get_map(LAYERS="nothing"))
    assert (refused.status_code, missing.status_code) == (404, 404)
    assert refused.text.replace("hidden", "") == missing.text.replace("nothing", "")
    assert 'code="LayerNotDefined"' in refused.text
    allowed = await shared.technician.get("/wms", params=get_map(LAYERS="hidden"))
    assert span(pixels(allowed))
    assert allowed.headers["cache-control"] == "private, no-cache"
    info = get_map(REQUEST="GetFeatureInfo", QUERY_LAYERS="squares", I="150", J="150", INFO_FORMAT="application/json")
    found = (await shared.anonymous.get("/wms", params=info)).json()["features"]
    assert [set(feature["properties"]) for feature in found] == [{"code"}]
    found = (await shared.viewer.get("/wms", params=info)).json()["features"]
    assert found[0]["properties"] == {"code": "甲栋", "height_m": 10.0}
    for kind in ("text/plain", "text/html"):
        assert "甲栋" in (await shared.anonymous.get("/wms", params=info | {"INFO_FORMAT": kind})).text
    info = get_map(REQUEST="GetFeatureInfo", QUERY_LAYERS="hidden", I="150", J="150")
    assert (await shared.anonymous.get("/wms", params=info)).status_code == 404
    legend = {"REQUEST": "GetLegendGraphic", "FORMAT": "image/png", "LAYER": "hidden"}
    assert (await shared.anonymous.get("/wms", params=legend)).status_code == 404
    assert pixels(await shared.technician.get("/wms", params=legend)).shape[0] > 20


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"WIDTH": "100000", "HEIGHT": "100000"}, "InvalidParameterValue"),
        ({"WIDTH": "0"}, "InvalidParameterValue"),
        ({"WIDTH": "-"}, "MissingParameterValue"),
        ({"WIDTH": "9" * 40}, "InvalidParameterValue"),
        ({"BBOX": "nan,0,1,1"}, "InvalidParameterValue"),
        ({"BBOX": "0,0,inf,1"}, "InvalidParameterValue"),
        ({"BBOX": "31,103,30,104"}, "InvalidParameterValue"),
        ({"BBOX": "1,2,3"}, "InvalidParameterValue"),
        ({"CRS": "EPSG:4523", "BBOX": "1e300,1e300,2e300,2e300"}, "InvalidParameterValue"),
        ({"CRS": "EPSG:2180"}, "InvalidCRS"),
        ({"CRS": "-"}, "MissingParameterValue"),
        ({"LAYERS": "-"}, "MissingParameterValue"),
        ({"LAYERS": ",".join("abcdefgh" * 9)}, "InvalidParameterValue"),
        ({"STYLES": "fancy"}, "StyleNotDefined"),
        ({"FORMAT": "image/tiff"}, "InvalidFormat"),
        ({"BGCOLOR": "red"}, "InvalidParameterValue"),
        ({"TIME": "yesterday"}, "InvalidDimensionValue"),
        ({"TIME": "2020-01-01"}, "InvalidDimensionValue"),
        ({"REQUEST": "GetAll"}, "OperationNotSupported"),
        ({"SERVICE": "WFS"}, "InvalidParameterValue"),
    ],
)
async def test_bad_requests_are_told_in_xml(shared: Served, changed: dict[str, str], code: str) -> None:
    answer = await shared.anonymous.get("/wms", params=get_map(**changed))
    assert answer.status_code in (400, 404)
    fault = etree.fromstring(answer.content)[0]
    if code == "InvalidParameterValue" and "LAYERS" in changed:
        assert fault.get("code") in (code, "LayerNotDefined")
    else:
        assert fault.get("code") == code


async def test_errors_as_pictures(shared: Served) -> None:
    noted = pixels(await shared.anonymous.get("/wms", params=get_map(LAYERS="nothing", EXCEPTIONS="INIMAGE")))
    assert noted.shape[:2] == (SIDE, SIDE)
    assert (noted[:, :, :3] < 250).any()
    blank = pixels(
        await shared.anonymous.get("/wms", params=get_map(LAYERS="nothing", EXCEPTIONS="BLANK", TRANSPARENT="TRUE"))
    )
    assert not blank.any()
    huge = get_map(LAYERS="nothing", EXCEPTIONS="INIMAGE", WIDTH="100000", HEIGHT="100000")
    assert (await shared.anonymous.get("/wms", params=huge)).status_code == 400


async def test_colours_are_those_of_the_style(shared: Served) -> None:
    picture = pixels(await shared.anonymous.get("/wms", params=get_map(TRANSPARENT="TRUE")))
    style = (await shared.anonymous.get("/styles/squares.json")).json()["layers"][0]["paint"]
    red, green, blue = (int(style["fill-color"][at : at + 2], 16) for at in (1, 3, 5))
    middle = picture[SIDE // 2, SIDE // 2].astype(int)
    assert math.isclose(middle[3] / 255, style["fill-opacity"], abs_tol=0.01)
    for found, wanted in zip(middle[:3], (red, green, blue), strict=True):
        assert abs(found * 1 - wanted) <= 3 or abs(found - wanted * middle[3] / 255) <= 2


async def test_time_shows_the_version_of_then(served: Served) -> None:
    then = datetime.now(UTC).isoformat()
    async with served.database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM city.squares WHERE code = '甲栋'"))
    await served.state.live.refresh()
    now = get_map(TRANSPARENT="TRUE")
    assert not pixels(await served.anonymous.get("/wms", params=now)).any()
    assert pixels(await served.anonymous.get("/wms", params=now | {"TIME": then})).any()
    info = get_map(REQUEST="GetFeatureInfo", QUERY_LAYERS="squares", I="150", J="150", TIME=then)
    assert len((await served.anonymous.get("/wms", params=info)).json()["features"]) == 1


async def test_low_zooms_show_generalised_content(following: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiles.picture.MAX_FEATURES", 2)
    near = ",".join(str(value) for value in (30.95, 103.93, 31.0, 104.0))
    refused = await following.anonymous.get("/wms", params=get_map(BBOX=near, WIDTH="1400", HEIGHT="1000"))
    assert refused.status_code == 400
    assert "too many features" in refused.text
    far = get_map(BBOX="21,94,41,114", WIDTH="256", HEIGHT="256")
    await until(lambda: following.state.live.general_state("squares") is not None)
    prepared = await following.anonymous.get("/wms", params=far)
    assert "etag" in prepared.headers
    assert abs(span(pixels(prepared))[0] - 127) < 3
    async with following.database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM cim.general_state WHERE layer = 'squares'"))
    made_on_request = await following.anonymous.get("/wms", params=far)
    assert "etag" not in made_on_request.headers
    assert np.abs(np.subtract(span(pixels(made_on_request)), span(pixels(prepared)))).max() < 2


async def test_a_tile_that_stands_in_is_kept_by_nobody(following: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following.state.pictures, "_general_state", lambda layer: None)
    tile = "/wmts/rest/squares/default/WebMercatorQuad/6/26/50.png"
    first = await following.anonymous.get(tile)
    assert (first.headers["cache-control"], first.headers.get("etag")) == ("no-store", None)
    assert pixels(first)[:, :, 3].any()
    monkeypatch.undo()
    await until(lambda: following.state.live.general_state("squares") is not None)
    assert "etag" in (await following.anonymous.get(tile)).headers


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)
