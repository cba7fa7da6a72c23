"""Figures of drawn blocks and profiles in a real browser."""

from pathlib import Path

import pytest
from made_city import put
from playwright.async_api import Page
from serving import PASSWORD

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls

SEAT_VIEW = "#view=16/30.97950/103.95500"


@pytest.fixture
async def layers(urls: DatabaseUrls, tmp_path: Path) -> dict[str, str]:
    """Some houses on two plots, and the heights of the sample."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    facts = {"use_code": "070102", "use_name": "二类城镇住宅用地", "far": 1.6, "density_pct": 30.0, "green_pct": 30.0}
    plots = [({"parcel_code": f"P{k}", **facts}, (k * 210.0, 0.0, 200.0, 200.0)) for k in (0, 1)]
    houses = [
        (
            {"building_code": f"{k}", "use": "residential", "floors": 6, "height_m": 18.0},
            (15.0 + 40 * k, 30.0, 25.0, 120.0),
        )
        for k in range(10)
    ]
    await put(database, tmp_path, "plan_parcels", plots)
    await put(database, tmp_path, "buildings", houses)
    await database.close()
    return {"dem": ""}


async def log_in(page: Page, address: str) -> None:
    data = {"name": "王工", "password": PASSWORD}
    answer = await page.context.request.post(f"{address}/session", data=data)
    assert answer.ok


@pytest.mark.slow
async def test_a_block_is_drawn_or_picked_and_a_line_shows_its_profile(page: Page, address: str) -> None:
    await log_in(page, address)
    await page.set_viewport_size({"width": 1100, "height": 640})
    await page.goto(f"{address}/map?{SEAT_VIEW}")
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.get_by_role("button", name="地块指标").click()
    await page.get_by_role("button", name="画范围").click()
    for x, y in ((350, 250), (600, 250), (600, 450), (10, 600)):
        await page.mouse.click(x, y)
    await page.keyboard.press("Backspace")
    await page.mouse.dblclick(350, 450)
    row = page.locator(".block tr[data-row=far] td")
    await row.first.wait_for(timeout=20_000)
    assert float(await row.nth(0).inner_text()) > 0
    assert float(await row.nth(1).inner_text()) > 0
    site = await page.locator(".block tr[data-row=site_m2] td").first.inner_text()
    assert float(site.replace(",", "")) > 10_000
    assert await page.locator(".block tr[data-row=green_pct] td").first.inner_text() == "—"
    assert "住宅" in await page.locator(".uses").inner_text()
    assert not await page.locator(".results.open").count()

    await page.get_by_role("button", name="画范围").click()
    for x, y in ((350, 250), (600, 450), (600, 250), (350, 450)):
        await page.mouse.click(x, y)
    await page.keyboard.press("Enter")
    await page.locator(".block .problem:not(:empty)").wait_for()

    await page.get_by_role("button", name="点选规划地块").click()
    await page.mouse.click(500, 340)
    await row.first.wait_for(timeout=20_000)
    notes = await page.locator(".block .remarks").inner_text()
    assert "规划地块覆盖" not in notes

    await page.get_by_role("button", name="画线").click()
    await page.mouse.click(350, 250)
    await page.keyboard.press("Escape")
    assert await page.locator(".block.open").count() == 1
    await page.get_by_role("button", name="画线").click()
    await page.mouse.click(350, 250)
    await page.mouse.dblclick(600, 450)
    await page.locator("svg.profile polyline").wait_for(timeout=20_000)
    await page.locator("svg.profile").hover()
    assert "高程" in await page.locator(".profile-told").inner_text()
    assert "1985" in await page.locator(".block .remarks").inner_text()
