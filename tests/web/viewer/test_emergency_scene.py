"""Incidents, marks and areas of analyses in the 3D view: drawn live, chosen by a click, gone with the incident."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import READY
from cap_messages import XML, cap
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


async def test_areas_of_warnings_lie_on_the_ground_and_are_opened_by_a_click(
    page: Page, address: str, scene: SceneBrowser, desk: httpx.AsyncClient, tmp_path: Path
) -> None:
    west, south, east, north = LON - 0.003, LAT - 0.002, LON + 0.003, LAT + 0.003
    ring = f"{south},{west} {south},{east} {north},{east} {north},{west} {south},{west}"
    low, high = south - 0.01, south - 0.004
    far = f"{low},{west} {low},{east} {high},{east} {high},{west} {low},{west}"
    codes = []
    for name, status, area in (("real", "Actual", ring), ("exercise", "Exercise", far)):
        answer = await desk.post("/warnings", content=cap(name, status=status, ring=area), headers=XML)
        assert answer.is_success, answer.text
        codes.append(str(answer.json()["code"]))
    real, exercise = codes
    await page.goto(f"{address}/map?warning={exercise}#quality=low&view=16/{LAT}/{LON}&3d=on")
    await page.wait_for_selector(READY, timeout=90_000)
    await page.wait_for_selector(OPEN, timeout=90_000)
    found = await told(scene, incidents=[], marks=[], areas=0, seconds=30)
    async with asyncio.timeout(60):
        while sorted(found["warnings"]) != sorted(codes):
            found = await told(scene)
    await scene.look(LON, south, 1_800, 0, -50)
    heights = (await scene.told(f"/identify?lon={LON}&lat={south}&z=16&layers=dem"))["heights"]
    edge = await scene.at((LON - 0.001, south, heights[0]["height_m"] + UNDULATION_M))
    assert await picked(scene, edge, {"what": "warning", "code": real})
    await page.screenshot(path=tmp_path / "warnings.png")
    await scene.click(edge)
    await expect(page.locator(".em-facts-head h2")).to_have_text("暴雨预警")
    await expect(page.locator(".drill-banner")).to_be_hidden()
    await page.click(".em-back:visible")
    await page.click(".emergency .close:visible")
    await told(scene, warnings=[], entities=0)
