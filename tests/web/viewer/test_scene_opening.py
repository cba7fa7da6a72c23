"""Into the 3D view and back in a real browser: one place and the same records as the flat map; or why there is none."""

import re
from pathlib import Path

import pytest
from made_city import put, ring
from playwright.async_api import Page
from scene_browsing import UNDULATION_M, SceneBrowser, roof_of

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from web.settings import ServerSettings

GROUND_M = 530.0
HOUSES = [
    (code, 12.0 + 6 * number, 60.0 * (number % 3), 60.0 * (number // 3)) for number, code in enumerate("abcdefghi")
]
"""Code, height, and metres east and north of the corner of the made city."""
LON, LAT = (sum(part) / 4 for part in zip(*ring(60, 60, 30, 20)[:4], strict=True))


@pytest.fixture
async def layers(urls: DatabaseUrls, tmp_path: Path) -> dict[str, str]:
    """Nine houses and nothing of the sample."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    houses = [
        ({"building_code": code, "floors": 4, "height_m": height, "ground_m": GROUND_M}, (east, north, 30.0, 20.0))
        for code, height, east, north in HOUSES
    ]
    await put(database, tmp_path, "buildings", houses)
    await database.close()
    return {}


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings(undulation_m=UNDULATION_M)


async def says_why_there_is_none(page: Page, scene: SceneBrowser) -> None:
    """Press the button on a server that has no undulation."""
    catalog = await scene.told("/catalog")
    catalog["scene"] = {"terrain": None, "tileset": None, "reason": {"zh": "尚未设置大地水准面差距", "en": "none"}}
    await page.route("**/catalog", lambda route: route.fulfill(json=catalog))
    await page.reload()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.get_by_role("button", name="三维").click()
    await page.locator(".scene-none", has_text="大地水准面").wait_for()
    assert await page.locator(".scene").count() == 0
    assert not await page.evaluate("performance.getEntriesByType('resource').some(one => one.name.includes('/view-'))")
    await page.unroute("**/catalog")


async def test_buildings_are_picked_and_told_and_the_place_stays(page: Page, scene: SceneBrowser) -> None:
    await says_why_there_is_none(page, scene)
    await scene.open(f"#quality=low&view=16/{LAT}/{LON}", folded=True)
    await scene.look(LON, LAT, 400, 0, -75)
    statistics = await scene.handle("scene.statistics")
    assert statistics["tilesFailed"] == 0
    assert statistics["triangles"] > 90
    houses = (await scene.told("/collections/buildings/items?limit=20"))["features"]
    spots = {one["id"]: await scene.at(roof_of(one)) for one in houses}
    assert [(await scene.pick(spot)).get("fid") for spot in spots.values()] == list(spots)
    await scene.click(spots[houses[4]["id"]])
    await page.wait_for_selector(".results.open details")
    told = await page.locator(".results").inner_text()
    assert houses[4]["properties"]["building_code"] in told
    assert str(houses[4]["properties"]["height_m"]).removesuffix(".0") in told

    held = re.search(r"3d=([-\d./]+)", page.url)
    assert held is not None
    lat, lon = (float(part) for part in held[1].split("/")[:2])
    assert abs(lat - LAT) < 0.01 > abs(lon - LON)
    await page.get_by_role("button", name="三维").click()
    await page.wait_for_selector(".scene", state="detached")
    assert "3d=" not in page.url
    flat = re.search(r"view=[\d.]+/([\d.]+)/([\d.]+)", page.url)
    assert flat is not None
    assert abs(float(flat[1]) - LAT) < 0.002 > abs(float(flat[2]) - LON)
    assert await page.evaluate("window.onemapScene === undefined")
