"""Incidents, marks and areas of analyses in the 3D view: drawn live, chosen by a click, gone with the incident."""

import asyncio
from typing import Any

import httpx
import pytest
from browsing import READY
from emergency_browsing import leak, marked, sent
from playwright.async_api import Page, expect
from scene_browsing import OPEN, SEAT, UNDULATION_M, SceneBrowser

from web.settings import ServerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
LON, LAT = SEAT
SIGN_MIDDLE_PX = 24


@pytest.fixture
def layers() -> dict[str, str]:
    """The county's outline, and the heights of its ground."""
    return {"admin_county": "geojson", "dem": ""}


@pytest.fixture
def settings() -> ServerSettings:
    """A server that knows its undulation."""
    return ServerSettings(undulation_m=UNDULATION_M)


async def told(scene: SceneBrowser, seconds: float = 15, **wanted: Any) -> dict[str, Any]:
    """Wait until the view draws what is wanted, and return all that it draws."""
    async with asyncio.timeout(seconds):
        while True:
            found: dict[str, Any] = await scene.handle("scene.incident")
            if wanted.items() <= found.items():
                return found
            await asyncio.sleep(0.1)


async def picked(scene: SceneBrowser, spot: tuple[float, float], wanted: dict[str, Any]) -> bool:
    """Whether a pixel comes to show what is wanted; signs are drawn some frames after they are asked for."""
    for _ in range(60):
        if await scene.pick(spot) == wanted:
            return True
        await scene.page.wait_for_timeout(250)
    return False


async def test_marks_and_areas_stand_in_3d_as_on_the_flat_map(
    page: Page, address: str, scene: SceneBrowser, desk: httpx.AsyncClient
) -> None:
    code = await leak(desk, drill=True, place={"lon": LON - 0.003, "lat": LAT})
    await marked(desk, code, "danger", "液氯储罐", type="Point", coordinates=[LON, LAT])
    ring = [
        [LON - 0.001, LAT - 0.001],
        [LON + 0.001, LAT - 0.001],
        [LON + 0.001, LAT + 0.001],
        [LON - 0.001, LAT - 0.001],
    ]
    feature = {
        "type": "Feature",
        "properties": {"kind": "ring"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    areas = {"type": "FeatureCollection", "features": [feature]}
    analysis = {"process": "incident-picture", "inputs": {}, "areas": areas, "summary": "300 米内 120 人"}
    await sent(desk, f"/{code}/entries", kind="analysis", analysis=analysis)
    await page.goto(f"{address}/map?incident={code}#quality=low&view=16/{LAT}/{LON}&3d=on")
    await page.wait_for_selector(READY, timeout=90_000)
    await page.wait_for_selector(OPEN, timeout=90_000)
    await told(scene, marks=["液氯储罐"], incidents=[code], areas=1)
    await expect(page.locator(".drill-banner")).to_be_visible()
    await scene.look(LON, LAT, 900, 0, -45)
    heights = (await scene.told(f"/identify?lon={LON}&lat={LAT}&z=16&layers=dem"))["heights"]
    x, y = await scene.at((LON, LAT, heights[0]["height_m"] + UNDULATION_M))
    sign = (x, y - SIGN_MIDDLE_PX)
    assert await picked(scene, sign, {"what": "mark", "number": 1})
    await scene.click(sign)
    await expect(page.locator("[data-mark='1'].chosen")).to_be_visible()
    await page.click(".cancel-mark")

    await marked(desk, code, "way-in", "救援路线", type="LineString", coordinates=[[LON, LAT], [LON + 0.002, LAT]])
    before = await told(scene, marks=["液氯储罐", "救援路线"])
    await page.click("[data-symbol=medical]")
    await scene.click((x, y + 120))
    after = await told(scene, marks=["液氯储罐", "救援路线", "医疗点"])
    assert after["entities"] == before["entities"] + 2

    await page.click(".em-back")
    await told(scene, marks=[], areas=0, entities=1)
    await page.click(".emergency .close")
    await told(scene, incidents=[], entities=0)
