"""The 3D view of the sample in a real browser: what it costs, whom it picks, and that changes come without a blank."""

import math
import random
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Response
from scene_browsing import SEAT, UNDULATION_M, Place, SceneBrowser, roof_of, seat_view

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from web.settings import ServerSettings

pytestmark = pytest.mark.slow
VIEW = seat_view()


@pytest.fixture
def layers() -> dict[str, str]:
    """Buildings under the county's outline, and the heights below them."""
    return {"admin_county": "geojson", "dem": "", "buildings": "gpkg"}


@pytest.fixture
def settings() -> ServerSettings:
    """A server that knows its undulation."""
    return ServerSettings(undulation_m=UNDULATION_M)


async def picked_at(scene: SceneBrowser, place: Place, member: str, wanted: Any, *look: float) -> bool:
    """Whether what is picked where a place is seen is the wanted feature."""
    await scene.handle("scene.lookAt(...given)", *place[:2], *look, place[2])
    for _ in range(60):
        await scene.page.wait_for_timeout(250)
        if (await scene.pick(await scene.at(place))).get(member) == wanted:
            return True
    return False


async def test_opening_costs_little_and_the_county_is_drawn_with_few_calls(page: Page, scene: SceneBrowser) -> None:
    sizes: list[int] = []

    async def note(answer: Response) -> None:
        with suppress(PlaywrightError):  # of what is still on its way when the window closes
            sizes.append((await answer.request.sizes())["responseBodySize"])

    page.on("response", note)
    await scene.open(f"{VIEW}&3d=on")
    await scene.settled()
    assert (await scene.handle("scene.statistics"))["triangles"] > 1_000
    assert sum(sizes) < 6_000_000
    await scene.look(103.93, 31.05, 40_000, 0, -60)
    county = await scene.handle("scene.statistics")
    assert county["tilesFailed"] == 0
    assert county["drawCalls"] <= 250
    assert county["triangles"] <= 2_000_000


async def test_the_address_opens_the_same_view_in_3d(page: Page, scene: SceneBrowser) -> None:
    eye = f"3d={SEAT[1]}/{SEAT[0]}/1400.00/45.00/-50.00"
    await scene.open(f"{VIEW}&{eye}")
    await scene.settled()
    found = re.search(r"3d=([-\d./]+)", page.url)
    assert found is not None
    assert [float(part) for part in found[1].split("/")] == pytest.approx([SEAT[1], SEAT[0], 1400, 45, -50], abs=1e-2)


async def test_what_somebody_changes_is_built_anew_without_a_blank(
    page: Page, scene: SceneBrowser, urls: DatabaseUrls
) -> None:
    await scene.open()
    await scene.look(*SEAT, 900, 0, -60)
    before = await scene.handle("scene.statistics.triangles")
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
    await scene.settled()
    assert await page.evaluate("clearInterval(window.watching), window.fewest") > 0.5 * before
    assert (await scene.handle("scene.statistics"))["tilesFailed"] == 0


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


async def test_the_sun_stands_where_it_is(page: Page, scene: SceneBrowser) -> None:
    await scene.open()
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


@pytest.mark.parametrize("layers", [{"dem": "", "fire-station": "ifczip"}])
async def test_storeys_of_a_model_are_switched_and_its_elements_picked(page: Page, scene: SceneBrowser) -> None:
    model = await scene.told("/models/fire-station")
    west, south, east, north = model["bbox"]
    place = ((west + east) / 2, (south + north) / 2)
    await scene.open(f"#quality=low&view=18/{place[1]:.6f}/{place[0]:.6f}")
    await scene.look(*place, 90, 0, -45)

    async def elements() -> set[str]:
        spots = [(x, y) for y in range(60, 460, 25) for x in range(350, 960, 25)]
        found = [await scene.handle("scene.pick(...given)", *spot) for spot in spots]
        return {one["globalId"] for one in found if one and one["what"] == "element"}

    storeys = {
        one["storey_number"]: one["global_id"] for one in (await scene.told("/models/fire-station/storeys"))["storeys"]
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
        record = await scene.told(f"/models/fire-station/elements/{picked}")
        assert record["properties"]["storey"] in {None, *(held for number, held in storeys.items() if number <= 1)}
    assert lowest != whole


@pytest.mark.timeout(900)
async def test_fifty_random_buildings_are_picked_with_the_ids_the_database_has(page: Page, scene: SceneBrowser) -> None:
    await scene.open()
    features = (await scene.told("/collections/buildings/items?limit=10000"))["features"]
    tall = [one for one in features if one["properties"]["height_m"] and one["properties"]["ground_m"]]
    chosen = random.Random(7).sample(tall, 50)
    wrong = [one["id"] for one in chosen if not await picked_at(scene, roof_of(one), "fid", one["id"], 250, 0, -89)]
    assert wrong == []
    assert (await scene.handle("scene.statistics"))["tilesFailed"] == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("layers", [{"dem": "", "hospital": "ifczip"}])
async def test_twenty_doors_are_picked_with_their_global_ids(page: Page, scene: SceneBrowser) -> None:
    doors = (await scene.told("/models/hospital/elements?class=IfcDoor&limit=500"))["features"]
    west, south, east, north = (await scene.told("/models/hospital"))["bbox"]
    await scene.open(f"#quality=low&view=19/{(south + north) / 2:.6f}/{(west + east) / 2:.6f}")
    await scene.settled()
    await page.click("[data-tool=storeys]")
    await page.locator(".scene-card [data-class=IfcDoor]").wait_for(timeout=30_000)
    await scene.look((west + east) / 2, (south + north) / 2, 30, 20, -30)
    await page.locator(".scene-card .tick-none").click()
    await page.locator(".scene-card [data-class=IfcDoor] input").check()
    await page.click("[data-tool=underground]")  # doors of the basement are behind the ground
    wrong = []
    for door in random.Random(7).sample(doors, 20):
        record = door["properties"]
        middle = shapely.geometry.shape(door["geometry"]).centroid
        place = (middle.x, middle.y, (record["z_min_m"] + record["z_max_m"]) / 2 + UNDULATION_M)
        for heading in (20, 110):
            if await picked_at(scene, place, "globalId", record["global_id"], 6, heading, -30):
                break
        else:
            wrong.append(record["global_id"])
    assert wrong == []
