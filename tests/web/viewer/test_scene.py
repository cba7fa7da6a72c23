"""The 3D view in a real browser: the same place, layers and records as the flat map, and its tools."""

import asyncio
import math
import random
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from browsing import log_in
from playwright.async_api import Page, Response

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from web.settings import ServerSettings

UNDULATION_M = -39.5
SEAT = (103.9455, 30.9865)
VIEW = f"#quality=low&view=16/{SEAT[1]}/{SEAT[0]}"
OPEN = "body[data-scene=open]"


@pytest.fixture
def layers() -> dict[str, str]:
    """Buildings under the county's outline, and the heights below them."""
    return {"admin_county": "geojson", "dem": "", "buildings": "gpkg"}


@pytest.fixture
def settings() -> ServerSettings:
    """A server that knows its undulation."""
    return ServerSettings(undulation_m=UNDULATION_M)


async def handle(page: Page, code: str, *given: Any) -> Any:
    """What the page's handle of the scene answers."""
    return await page.evaluate(f"given => {{ const scene = window.onemapScene; return {code}; }}", list(given))


async def settled(page: Page) -> None:
    """Wait until everything this view needs is drawn; the page's policy forbids the driver's own way of waiting."""
    async with asyncio.timeout(90):
        while not await page.evaluate("window.onemapScene?.ready() ?? false"):
            await page.wait_for_timeout(300)
    await page.wait_for_timeout(2_500)


async def picked_at(page: Page, place: tuple[float, float, float], member: str, wanted: Any, *look: float) -> bool:
    """Whether what is picked where a place (degrees, ellipsoidal metres) is seen is the wanted feature."""
    await handle(page, "scene.lookAt(...given)", *place[:2], *look, place[2])
    for _ in range(60):
        await page.wait_for_timeout(250)
        at = await handle(page, "scene.project(...given)", *place)
        picked = at and await handle(page, "scene.pick(...given)", at["x"], at["y"])
        if picked and picked.get(member) == wanted:
            return True
    return False


async def open_scene(page: Page, address: str, view: str = VIEW) -> None:
    await page.goto(f"{address}/map{view}")
    await page.reload()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    if await page.locator(OPEN).count() == 0:
        await page.get_by_role("button", name="三维").click()
    await page.wait_for_selector(OPEN, timeout=60_000)


async def told(page: Page, path: str) -> Any:
    return await page.evaluate("path => fetch(path).then(answer => answer.json())", path)


async def picked_buildings(page: Page) -> tuple[int, int]:
    """Of the tallest roofs of the seat that are on the picture: how many are picked in their middle, of how many."""
    west, south, east, north = (at + side for side in (-0.003, 0.003) for at in SEAT)
    found = await told(page, f"/collections/buildings/items?bbox={west},{south},{east},{north}&limit=200")
    same = seen = 0
    for feature in sorted(found["features"], key=lambda one: -one["properties"]["height_m"])[:25]:
        middle = shapely.geometry.shape(feature["geometry"]).representative_point()
        top = feature["properties"]["ground_m"] + feature["properties"]["height_m"] + UNDULATION_M
        at = await handle(page, "scene.project(...given)", middle.x, middle.y, top)
        if at is None or not (340 < at["x"] < 930 and 20 < at["y"] < 480):
            continue
        picked = await handle(page, "scene.pick(...given)", at["x"], at["y"])
        seen += 1
        same += picked is not None and picked.get("fid") == feature["id"]
    return same, seen


async def test_buildings_are_picked_and_told_and_the_place_stays(page: Page, address: str, tmp_path: Path) -> None:
    await log_in(page, 1000, 640)
    await open_scene(page, address)
    await handle(page, "scene.lookAt(...given)", *SEAT, 700, 0, -75)
    await settled(page)
    statistics = await handle(page, "scene.statistics")
    assert statistics["tilesFailed"] == 0
    assert statistics["triangles"] > 1_000
    await page.screenshot(path=tmp_path / "seat.png")
    same, seen = await picked_buildings(page)
    assert seen >= 8
    assert same >= 0.9 * seen

    spots = [(x, y) for y in range(120, 400, 40) for x in range(380, 900, 40)]
    picks = [(spot, await handle(page, "scene.pick(...given)", *spot)) for spot in spots]
    spot, picked = next((spot, one) for spot, one in picks if one and one["what"] == "feature")
    box = await page.locator(".scene canvas").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + spot[0], box["y"] + spot[1])
    await page.wait_for_selector(".results.open details")
    record = await told(page, f"/collections/{picked['layer']}/items/{picked['fid']}")
    assert record["properties"]["building_code"] in await page.locator(".results").inner_text()

    held = re.search(r"3d=([-\d./]+)", page.url)
    assert held is not None
    lat, lon = (float(part) for part in held[1].split("/")[:2])
    assert abs(lat - SEAT[1]) < 0.01 > abs(lon - SEAT[0])
    await page.get_by_role("button", name="三维").click()
    await page.wait_for_selector(".scene", state="detached")
    assert "3d=" not in page.url
    flat = re.search(r"view=[\d.]+/([\d.]+)/([\d.]+)", page.url)
    assert flat is not None
    assert abs(float(flat[1]) - SEAT[1]) < 0.002 > abs(float(flat[2]) - SEAT[0])
    assert await page.evaluate("window.onemapScene === undefined")


@pytest.mark.parametrize("layers", [{"admin_county": "geojson"}])
async def test_the_page_says_why_there_is_no_3d(page: Page) -> None:
    catalog = await told(page, "/catalog")
    catalog["scene"] = {"terrain": None, "tileset": None, "reason": {"zh": "尚未设置大地水准面差距", "en": "none"}}
    await page.route("**/catalog", lambda route: route.fulfill(json=catalog))
    await page.reload()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.get_by_role("button", name="三维").click()
    await page.locator(".scene-none", has_text="大地水准面").wait_for()
    assert await page.locator(".scene").count() == 0
    assert not await page.evaluate("performance.getEntriesByType('resource').some(one => one.name.includes('/view-'))")


@pytest.mark.slow
async def test_opening_costs_little_and_the_county_is_drawn_with_few_calls(page: Page, address: str) -> None:
    sizes: list[int] = []

    async def note(answer: Response) -> None:
        sizes.append((await answer.request.sizes())["responseBodySize"])

    await log_in(page, 1000, 640)
    page.on("response", note)
    await page.goto(f"{address}/map{VIEW}&3d=on")
    await page.reload()
    await page.wait_for_selector(OPEN, timeout=60_000)
    await settled(page)
    assert (await handle(page, "scene.statistics"))["triangles"] > 1_000
    assert sum(sizes) < 6_000_000
    await handle(page, "scene.lookAt(...given)", 103.93, 31.05, 40_000, 0, -60)
    await settled(page)
    county = await handle(page, "scene.statistics")
    assert county["tilesFailed"] == 0
    assert county["drawCalls"] <= 250
    assert county["triangles"] <= 2_000_000


@pytest.mark.slow
async def test_the_address_opens_the_same_view_in_3d(page: Page, address: str) -> None:
    eye = f"3d={SEAT[1]}/{SEAT[0]}/1400.00/45.00/-50.00"
    await open_scene(page, address, f"{VIEW}&{eye}")
    await settled(page)
    found = re.search(r"3d=([-\d./]+)", page.url)
    assert found is not None
    assert [float(part) for part in found[1].split("/")] == pytest.approx([SEAT[1], SEAT[0], 1400, 45, -50], abs=1e-2)


@pytest.mark.slow
async def test_what_somebody_changes_is_built_anew_without_a_blank(
    page: Page, address: str, urls: DatabaseUrls
) -> None:
    await log_in(page, 1000, 640)
    await open_scene(page, address)
    await handle(page, "scene.lookAt(...given)", *SEAT, 900, 0, -60)
    await settled(page)
    before = await handle(page, "scene.statistics.triangles")
    await page.evaluate("""() => {
        window.fewest = Infinity;
        window.watching = setInterval(() => {
            window.fewest = Math.min(window.fewest, window.onemapScene.statistics.triangles);
        }, 300);
    }""")
    asked = page.expect_request(lambda r: "/3dtiles/buildings/tileset.json" in r.url and "v=2" in r.url, timeout=30_000)
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    async with asked, database.writing("test") as connection:
        await connection.execute(sa.text("UPDATE city.buildings SET height_m = height_m + 30 WHERE fid = 1"))
    await database.close()
    await settled(page)
    assert await page.evaluate("clearInterval(window.watching), window.fewest") > 0.5 * before
    assert (await handle(page, "scene.statistics"))["tilesFailed"] == 0


def sun_by_noaa(instant: datetime) -> tuple[float, float, float]:
    """NOAA's azimuth and elevation of the sun at the seat, degrees, and equation of time, minutes."""
    century = ((instant - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86_400) / 36_525
    mean = math.radians(280.46646 + century * 36_000.76983)
    anomaly = math.radians(357.52911 + century * 35_999.05029)
    eccentricity = 0.016708634 - 0.000042037 * century
    centre = 1.914602 * math.sin(anomaly) + 0.019993 * math.sin(2 * anomaly) + 0.000289 * math.sin(3 * anomaly)
    longitude = mean + math.radians(centre - 0.00569)
    tilt = math.radians(23.43929 - 0.0130042 * century)
    half = math.tan(tilt / 2) ** 2
    equation = 4 * math.degrees(
        half * math.sin(2 * mean)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * half * math.sin(anomaly) * math.cos(2 * mean)
        - 0.5 * half**2 * math.sin(4 * mean)
        - 1.25 * eccentricity**2 * math.sin(2 * anomaly)
    )
    minutes = instant.hour * 60 + instant.minute + instant.second / 60 + equation + 4 * SEAT[0]
    hour, lat = math.radians(minutes / 4 - 180), math.radians(SEAT[1])
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    up = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(hour)
    east = -math.cos(declination) * math.sin(hour)
    north = math.cos(lat) * math.sin(declination) - math.sin(lat) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.atan2(east, north)) % 360, math.degrees(math.asin(up)), equation


@pytest.mark.slow
async def test_the_sun_stands_where_it_is(page: Page, address: str) -> None:
    await open_scene(page, address)
    await page.click("[data-tool=sun]")
    for day, hours in (("2026-01-20", 8), ("2026-01-20", 12), ("2026-06-21", 15.5), ("2026-11-03", 9.25)):
        await page.locator(".scene-card input[type=date]").fill(day)
        await page.locator(".sun-time").fill(str(hours))
        held = await page.locator(".sun-told").evaluate("told => ({...told.dataset})")
        instant = datetime.fromisoformat(held["instant"])
        azimuth, elevation, equation = sun_by_noaa(instant)
        assert float(held["azimuth"]) == pytest.approx(azimuth, abs=0.1)
        assert float(held["elevation"]) == pytest.approx(elevation, abs=0.1)
        solar = instant.hour + instant.minute / 60 + instant.second / 3600 + (SEAT[0] * 4 + equation) / 60
        assert solar % 24 == pytest.approx(hours, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [{"dem": "", "fire-station": "ifczip"}])
async def test_storeys_of_a_model_are_switched_and_its_elements_picked(page: Page, address: str) -> None:
    await log_in(page, 1000, 640)
    model = await told(page, "/models/fire-station")
    west, south, east, north = model["bbox"]
    place = ((west + east) / 2, (south + north) / 2)
    await open_scene(page, address, f"#quality=low&view=18/{place[1]:.6f}/{place[0]:.6f}")
    await handle(page, "scene.lookAt(...given)", *place, 90, 0, -45)
    await settled(page)

    async def elements() -> set[str]:
        spots = [(x, y) for y in range(60, 460, 25) for x in range(350, 960, 25)]
        found = [await handle(page, "scene.pick(...given)", *spot) for spot in spots]
        return {one["globalId"] for one in found if one and one["what"] == "element"}

    storeys = {
        one["storey_number"]: one["global_id"] for one in (await told(page, "/models/fire-station/storeys"))["storeys"]
    }
    whole = await elements()
    assert len(whole) > 5
    await page.click("[data-tool=storeys]")
    await page.wait_for_selector(".storey-slider")
    await page.locator(".storey-slider").fill(str(sorted(storeys).index(1)))
    await page.locator(".scene-card .close").click()
    await page.wait_for_timeout(2_000)
    lowest = await elements()
    assert lowest
    for picked in lowest - whole:
        record = await told(page, f"/models/fire-station/elements/{picked}")
        assert record["properties"]["storey"] in {None, *(held for number, held in storeys.items() if number <= 1)}
    assert lowest != whole


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_random_buildings_are_picked_with_the_ids_the_database_has(page: Page, address: str) -> None:
    await log_in(page, 1000, 640)
    await open_scene(page, address)
    features = (await told(page, "/collections/buildings/items?limit=10000"))["features"]
    tall = [one for one in features if one["properties"]["height_m"] and one["properties"]["ground_m"]]
    wrong = []
    for feature in random.Random(7).sample(tall, 50):
        middle = shapely.geometry.shape(feature["geometry"]).representative_point()
        top = feature["properties"]["ground_m"] + feature["properties"]["height_m"] + UNDULATION_M
        if not await picked_at(page, (middle.x, middle.y, top), "fid", feature["id"], 250, 0, -89):
            wrong.append(feature["id"])
    assert wrong == []
    assert (await handle(page, "scene.statistics"))["tilesFailed"] == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("layers", [{"dem": "", "hospital": "ifczip"}])
async def test_twenty_doors_are_picked_with_their_global_ids(page: Page, address: str) -> None:
    await log_in(page, 1000, 640)
    doors = (await told(page, "/models/hospital/elements?class=IfcDoor&limit=500"))["features"]
    west, south, east, north = (await told(page, "/models/hospital"))["bbox"]
    await open_scene(page, address, f"#quality=low&view=19/{(south + north) / 2:.6f}/{(west + east) / 2:.6f}")
    await settled(page)
    await page.click("[data-tool=storeys]")
    await page.locator(".scene-card [data-class=IfcDoor]").wait_for(timeout=30_000)
    await handle(page, "scene.lookAt(...given)", (west + east) / 2, (south + north) / 2, 30, 20, -30)
    await settled(page)
    others = page.locator(".scene-card [data-class]:not([data-class=IfcDoor]) input:checked")
    while await others.count():
        await others.first.uncheck()
    wrong = []
    for door in random.Random(7).sample(doors, 20):
        record = door["properties"]
        middle = shapely.geometry.shape(door["geometry"]).centroid
        place = (middle.x, middle.y, (record["z_min_m"] + record["z_max_m"]) / 2 + UNDULATION_M)
        seen = [await picked_at(page, place, "globalId", record["global_id"], 6, heading, -30) for heading in (20, 110)]
        if not any(seen):
            wrong.append(record["global_id"])
    assert wrong == []
