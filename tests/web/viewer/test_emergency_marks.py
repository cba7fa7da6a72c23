"""Marks of an incident changed by hand in a real browser: moved, reshaped, relabelled; and what two seats change."""

from typing import Any

import httpx
import pytest
from browsing import log_in
from emergency_browsing import changed, dragged, drawn, leak, marked, open_incident, rested, spot
from playwright.async_api import Page, expect


@pytest.fixture
def layers() -> dict[str, str]:
    """The county's outline tells what lies in it; towns name the place."""
    return {"admin_county": "geojson", "admin_town": "geojson"}


async def held(desk: httpx.AsyncClient, code: str, number: int) -> dict[str, Any]:
    """A mark as the server has it."""
    found = (await desk.get(f"/incidents/{code}/marks")).json()["features"]
    return next(one for one in found if one["id"] == number)


async def test_a_mark_is_moved_and_relabelled_and_a_conflict_is_told(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    code = await leak(desk)
    await marked(desk, code, "command-post", "前线指挥部", type="Point", coordinates=[103.948, 30.992])
    await log_in(page, 1300, 860)
    await open_incident(page, address, code)
    await drawn(page, ["前线指挥部"])
    await rested(page)
    start = await spot(page, 103.948, 30.992)
    await page.mouse.click(*start)
    await expect(page.locator(".em-mark-editor")).to_be_visible()
    await dragged(page, start, (start[0] + 90, start[1] - 60))
    await page.fill("[name=mark-label]", "后方指挥部")
    await drawn(page, ["后方指挥部"])
    assert (await held(desk, code, 1))["properties"]["version"] == 1
    await page.click(".save-mark")
    await expect(page.locator(".em-mark-editor")).to_have_count(0)
    moved = await held(desk, code, 1)
    assert moved["properties"]["label"] == "后方指挥部"
    lon, lat = moved["geometry"]["coordinates"]
    assert await spot(page, lon, lat) == pytest.approx((start[0] + 90, start[1] - 60), abs=1.5)

    await page.click("[data-mark='1'] .em-edit")
    await page.fill("[name=mark-label]", "指挥部甲")
    await changed(desk, code, 1, version=2, geometry={"type": "Point", "coordinates": [lon + 0.001, lat]})
    told = page.locator(".em-conflict")
    await expect(told).to_contain_text("王工")
    await expect(told).to_contain_text("位置移动 95 米")
    await expect(page.locator(".save-mark")).to_be_disabled()
    await expect(page.locator("[name=mark-label]")).to_have_value("指挥部甲")
    await page.click(".keep-mine")
    await expect(page.locator(".em-mark-editor")).to_have_count(0)
    kept = await held(desk, code, 1)
    assert kept["properties"]["label"] == "指挥部甲"
    assert kept["geometry"]["coordinates"] == pytest.approx([lon + 0.001, lat])
