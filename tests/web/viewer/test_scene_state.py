"""Another moment and a scheme in the 3D view of a real browser: what was or may be stands there, and is said to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from made_city import put, ring
from playwright.async_api import Page
from scene_browsing import UNDULATION_M, Place, SceneBrowser

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from web.settings import ServerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
GROUND_M = 530.0
SIDES = (20.0, 20.0, 40.0, 30.0)
NEW_SIDES = (90.0, 20.0, 40.0, 30.0)
THEN_M, NOW_M, PLANNED_M = 15.0, 45.0, 60.0
MIDDLE_LON, MIDDLE_LAT = (sum(part) / 4 for part in zip(*ring(*SIDES)[:4], strict=True))
NEW_LON, NEW_LAT = (sum(part) / 4 for part in zip(*ring(*NEW_SIDES)[:4], strict=True))


def house(code: str, height_m: float) -> dict[str, Any]:
    return {"building_code": code, "use": "residential", "floors": 5, "height_m": height_m, "ground_m": GROUND_M}


def roof(height_m: float, lon: float = MIDDLE_LON, lat: float = MIDDLE_LAT) -> Place:
    return lon, lat, GROUND_M + height_m + UNDULATION_M


@pytest.fixture
def instants() -> list[str]:
    """Before anything was there, and between the two versions."""
    return []


@pytest.fixture
async def layers(urls: DatabaseUrls, tmp_path: Path, instants: list[str]) -> dict[str, str]:
    """A house that was low and is high, and would be higher with another beside it; nothing of the sample."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    instants.append(datetime.now(UTC).isoformat())
    await put(database, tmp_path, "buildings", [(house("a", THEN_M), SIDES)])
    instants.append(datetime.now(UTC).isoformat())
    await put(database, tmp_path, "buildings", [(house("a", NOW_M), SIDES)])
    planned = [(house("a", PLANNED_M), SIDES), (house("b", PLANNED_M), NEW_SIDES)]
    await put(database, tmp_path, "buildings", planned, scenario="塔楼方案")
    await database.close()
    return {}


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings(undulation_m=UNDULATION_M)


async def height_of(scene: SceneBrowser) -> float:
    """How high the house's roof is drawn, metres above the ellipsoid."""
    await scene.settled()
    spot = await scene.at(roof(NOW_M))
    return (await scene.place(spot))["height_m"]


async def test_a_planner_looks_at_an_older_version_and_at_a_scheme(
    page: Page, scene: SceneBrowser, instants: list[str]
) -> None:
    view = f"#quality=low&view=17/{MIDDLE_LAT}/{MIDDLE_LON}"
    await scene.open(view, folded=True)
    await scene.look(*roof(NOW_M)[:2], 260, 0, -89, roof(0)[2])
    assert await height_of(scene) == pytest.approx(roof(NOW_M)[2], abs=0.2)
    banner = page.locator(".scene-state")
    assert not await banner.is_visible()

    await scene.tool("state")
    await page.locator(".scene-card .state-list").select_option("scenario:塔楼方案")
    await banner.get_by_text("塔楼方案").wait_for()
    assert await height_of(scene) == pytest.approx(roof(PLANNED_M)[2], abs=0.2)
    spot = await scene.at(roof(PLANNED_M, NEW_LON, NEW_LAT))
    assert (await scene.pick(spot))["layer"] == "buildings"
    await scene.click(spot)
    await page.wait_for_selector(".results.open details")
    assert "60" in await page.locator(".results").inner_text()
    assert "scenario=" in page.url

    published = page.locator(".scene-card .state-list optgroup option[value^='at:']")
    first = await published.last.get_attribute("value")
    assert first is not None
    await page.locator(".scene-card .state-list").select_option(first)
    assert await height_of(scene) == pytest.approx(roof(THEN_M)[2], abs=0.2)
    assert (await scene.pick(spot)).get("layer") is None
    assert "scenario=" not in page.url
    shared = page.url
    assert "at=" in shared
    await banner.get_by_role("button", name="返回现状").click()
    assert await height_of(scene) == pytest.approx(roof(NOW_M)[2], abs=0.2)
    assert not await banner.is_visible()
    assert "at=" not in page.url

    await scene.open(shared.partition("/map")[2], folded=True)
    assert await height_of(scene) == pytest.approx(roof(THEN_M)[2], abs=0.2)
    await scene.open(f"{view}&3d=on&at={instants[0].replace('+', '%2B')}")
    await banner.get_by_text("此时无内容").wait_for()
    assert (await scene.handle("scene.statistics"))["tilesFailed"] == 0
    await scene.open(f"{view}&3d=on&scenario=no%20such%20thing")
    await banner.get_by_text("此时无内容").wait_for()
    await page.get_by_role("button", name="三维").click()
    await page.wait_for_selector(".scene", state="detached")
    assert "scenario=" not in page.url
