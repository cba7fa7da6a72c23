"""Duty modes in a real browser: layers, base map and panels, what is missing, the address, and the way back."""

import httpx
import pytest
from browsing import READY, log_in
from emergency_browsing import leak, sent
from playwright.async_api import Page, expect
from scene_browsing import OPEN, UNDULATION_M, SceneBrowser

from web.settings import ServerSettings


@pytest.fixture
def layers() -> dict[str, str]:
    """Layers of several modes, some of them closed to the public."""
    return {"admin_county": "geojson", "admin_town": "geojson", "shelters": "geojson", "rescue_teams": "csv"}


@pytest.fixture
def settings() -> ServerSettings:
    """A server that knows its undulation."""
    return ServerSettings(undulation_m=UNDULATION_M)


async def ticked(page: Page) -> set[str]:
    """The layers whose ticks are set."""
    rows = page.locator(".layer[data-layer]:has(> label > input:checked)")
    return {str(one) for one in await rows.evaluate_all("rows => rows.map(row => row.dataset.layer)")}


async def test_a_mode_switches_the_map_says_what_is_missing_and_is_left_again(page: Page, address: str) -> None:
    await page.set_viewport_size({"width": 1300, "height": 800})
    before = await ticked(page)
    await page.select_option(".duty-mode", "flood-season")
    notice = page.locator(".mode-notice")
    await expect(notice).to_contain_text("汛期值守")
    await expect(notice.locator(".no-right")).to_contain_text("应急救援队伍")
    await expect(notice.locator(".no-data")).to_contain_text("水系")
    await expect(notice).to_contain_text("底图：地形（没有可用的图层，底图未换）")
    assert await ticked(page) == {"admin_town", "shelters"}
    assert "mode=flood-season" in page.url
    await expect(page.locator(".emergency.open")).to_be_visible()
    await page.click(".leave-mode")
    await expect(notice).to_be_hidden()
    await expect(page.locator(".emergency.open")).to_have_count(0)
    assert await ticked(page) == before
    assert "mode=" not in page.url


@pytest.mark.slow
async def test_a_link_opens_in_its_mode_with_the_rights_of_who_opens_it(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    code = await leak(desk)
    await sent(desk, f"/{code}/tasks", recipient="消防救援大队", what="侦检堵漏")
    await log_in(page, 1300, 800)
    await page.goto(f"{address}/map#view=14/30.99/103.95&mode=flood-season")
    await page.reload()
    await page.wait_for_selector(READY, timeout=60_000)
    assert await ticked(page) == {"admin_town", "shelters", "rescue_teams"}
    await expect(page.locator(".mode-notice .no-right")).to_have_count(0)
    await expect(page.locator("[data-part=warnings]")).to_have_attribute("aria-selected", "true")
    await page.click("[data-part=incidents]")
    await page.click(f".em-incident[data-incident='{code}']")
    await expect(page.locator("[data-tab=tasks]")).to_have_attribute("aria-selected", "true")
    await page.evaluate("location.hash = location.hash.replace('flood-season', 'epidemic')")
    await expect(page.locator(".mode-notice")).to_contain_text("疫情值守")
    await expect(page.locator(".em-facts-head h2")).to_be_visible()
    await page.evaluate("location.hash = location.hash.replace('epidemic', 'no-such-mode')")
    await expect(page.locator(".message.error")).to_contain_text("没有这个值守模式：no-such-mode")
    await expect(page.locator(".mode-notice")).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("layers", [{"admin_county": "geojson", "dem": "", "shelters": "geojson", "buildings": "gpkg"}])
async def test_a_mode_is_switched_in_3d(page: Page, scene: SceneBrowser) -> None:
    await scene.open()
    box = page.locator(".scene")
    await expect(box).to_have_attribute("data-tilesets", "buildings", timeout=60_000)
    await page.select_option(".duty-mode", "flood-season")
    assert await ticked(page) == {"dem", "shelters", "buildings"}
    await page.locator(".layer[data-layer=buildings] input[type=checkbox]").first.uncheck()
    await expect(box).to_have_attribute("data-tilesets", "")
    await page.select_option(".duty-mode", "daily")
    await expect(box).to_have_attribute("data-tilesets", "buildings")
    await expect(page.locator(OPEN)).to_have_count(1)
    assert "3d=" in page.url
    assert "mode=daily" in page.url
