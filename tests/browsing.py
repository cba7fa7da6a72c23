"""What people do in the browser, for tests of pages."""

from playwright.async_api import Page
from serving import PASSWORD

READY = "body[data-ready=yes]"


async def log_in(page: Page, width: int = 1200, height: int = 760) -> None:
    """Log the technician in, in a window of a size; the page is drawn again."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.get_by_role("button", name="登录").click()
    await page.fill("dialog input[name=name]", "王工")
    await page.fill("dialog input[name=password]", PASSWORD)
    async with page.expect_navigation():
        await page.click("dialog button[type=submit]")
    await page.wait_for_selector(READY, timeout=60_000)
