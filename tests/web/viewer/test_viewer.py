"""The page in a real browser: looked at, searched, clicked, logged in to."""

import pytest
import sqlalchemy as sa
from playwright.async_api import Page
from serving import PASSWORD

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls


async def test_the_map_can_be_searched_clicked_and_logged_in_to(page: Page, address: str) -> None:
    assert "一张图" in await page.title()
    names = await page.locator(".layer .name").all_text_contents()
    assert "县级行政区" in names
    assert not any("管线" in name for name in names)

    await page.fill("input.search", "tpjd")
    await page.wait_for_selector(".hits [role=option]")
    await page.keyboard.press("ArrowDown")
    assert await page.locator(".hits [aria-selected=true]").count() == 1
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".results.open")
    assert "天彭街道" in await page.locator(".results").inner_text()
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".results.open", state="hidden")

    await page.wait_for_timeout(1500)
    await page.mouse.click(500, 300)
    await page.wait_for_selector(".results.open details")
    assert "彭州市" in await page.locator(".results").inner_text()

    await page.get_by_role("button", name="登录").click()
    await page.fill("dialog input[name=name]", "王工")
    await page.fill("dialog input[name=password]", "wrong password")
    await page.click("dialog button[type=submit]")
    await page.locator("dialog .problem:not(:empty)").wait_for()
    await page.fill("dialog input[name=password]", PASSWORD)
    async with page.expect_navigation():
        await page.click("dialog button[type=submit]")
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    names = await page.locator(".layer .name").all_text_contents()
    assert any("管线" in name for name in names)
    assert "王工" in await page.locator(".session").inner_text()


@pytest.mark.slow
async def test_the_page_works_at_phone_width_and_in_english(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    assert await page.locator("input.search").is_visible()
    await page.get_by_role("button", name="English").click()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    assert "Log in" in await page.locator(".top").inner_text()


async def test_the_map_is_not_blank(page: Page) -> None:
    await page.wait_for_timeout(3000)
    shot = await page.screenshot()
    assert len(shot) > 30_000
    visible = await page.evaluate("document.querySelectorAll('.map canvas').length")
    assert visible == 1


async def test_what_somebody_changes_is_drawn_without_a_reload(page: Page, urls: DatabaseUrls) -> None:
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    asked = page.expect_request(lambda r: "/tiles/admin_town/" in r.url and "v=2" in r.url, timeout=20_000)
    async with asked, database.writing("test") as connection:
        await connection.execute(sa.text("UPDATE city.admin_town SET name = '新名镇' WHERE fid = 1"))
    await database.close()
