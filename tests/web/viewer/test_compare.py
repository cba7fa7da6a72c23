"""States of the city beside each other in a real browser: one camera, one address."""

from pathlib import Path

import pytest
from made_city import put
from playwright.async_api import Page

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls

SEAT_VIEW = "#view=16/30.97950/103.95400"


@pytest.fixture
async def layers(urls: DatabaseUrls, tmp_path: Path) -> dict[str, str]:
    """A building that a scenario changes; nothing of the sample."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    house = {"building_code": "a", "use": "residential", "floors": 5, "height_m": 15.0}
    await put(database, tmp_path, "buildings", [(house, (20.0, 20.0, 40.0, 30.0))])
    await put(database, tmp_path, "buildings", [({**house, "floors": 9}, (20.0, 20.0, 40.0, 30.0))], scenario="方案A")
    await database.close()
    return {}


@pytest.mark.slow
async def test_panes_share_one_camera_and_the_address(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    query = "mode=two&a=buildings&b=buildings&b_scenario=方案A"
    await page.goto(f"{address}/compare?{query}{SEAT_VIEW}")
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.wait_for_timeout(1_500)
    tiles = [url for url in asked if "/tiles/buildings/" in url]
    assert any("scenario=" in url for url in tiles)
    assert any("scenario=" not in url for url in tiles)
    await page.mouse.move(200, 300)
    await page.mouse.down()
    await page.mouse.move(150, 250, steps=4)
    await page.mouse.up()
    await page.wait_for_timeout(800)
    views = await page.eval_on_selector_all(".pane", "panes => panes.map(pane => pane.dataset.view)")
    assert len(views) == 2
    assert views[0] == views[1] != SEAT_VIEW
    assert views[0] in page.url

    when = page.locator(".pane.a .state-list")
    await when.select_option("other")
    await page.fill(".pane.a .state-when", "2020-01-01T08:00")
    await page.wait_for_timeout(800)
    assert any("datetime=2020" in url for url in asked)
    await page.get_by_role("button", name="卷帘").click()
    await page.locator(".swipe-bar").focus()
    await page.keyboard.press("ArrowRight")
    assert await page.locator(".swipe-bar").get_attribute("aria-valuenow") == "52"
    kept = page.url
    assert "mode=swipe" in kept
    await page.goto(kept)
    await page.reload()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    assert await page.locator(".pane.b .state-list").input_value() == "scenario:方案A"
    assert (await page.locator(".pane.a .state-list").input_value()).startswith("at:2020-01-01")
    assert await page.locator(".swipe-bar").count() == 1
    await page.get_by_role("button", name="四屏").click()
    assert await page.locator(".pane").count() == 4


@pytest.mark.slow
async def test_a_pane_says_why_it_is_empty(page: Page, address: str) -> None:
    await page.goto(f"{address}/compare?a=buildings,nothing&a_scenario=没有的&b=buildings&b_at=2019-01-01T00:00:00Z")
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.locator(".pane.a .pane-problem:not(:empty)").wait_for()
    told = await page.locator(".pane.a .pane-problem").inner_text()
    assert "nothing" in told
    assert "没有的" in told
    await page.locator(".pane.b .pane-problem:not(:empty)").wait_for()
    assert "当时没有数据" in await page.locator(".pane.b .pane-problem").inner_text()
