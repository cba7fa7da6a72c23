"""The page in a real browser, over a real server with layers of the sample city."""

import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Page, async_playwright

from cim.store import identities
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.app import create_app
from web.cli.up import listen
from web.settings import ServerSettings
from web.state import ServerState
from web.viewer_files import DIST

SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
FLAGS = (  # noqa: SIM905 - one line is easier to compare with what a shell is given
    "--no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist --disable-dev-shm-usage"
    " --disable-background-networking --disable-component-update --disable-sync --no-first-run"
).split()
LAYERS = {"admin_county": "geojson", "admin_town": "geojson", "places": "csv", "schools": "csv", "pipelines": "shp"}
PASSWORD = "correct horse battery"


@pytest.fixture
async def address(urls: DatabaseUrls, files: FileStore) -> AsyncIterator[str]:
    """A server on an IPv6 address with five layers of the sample and one technician."""
    catalog = load_catalog()
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    for layer, suffix in LAYERS.items():
        options = ReadOptions(crs="EPSG:4490" if suffix == "csv" else None, trust_file=True)
        request = ImportRequest(SAMPLES / f"{layer}.{suffix}", "test", "administrator", layer, options=options)
        (report,) = await import_file(database, catalog, request)
        assert report.status == "published", report.message
    async with database.writing() as connection:
        await identities.add_user(connection, "王工", "technician", PASSWORD)
    await database.close()
    listener = listen("::1", 0)
    app = create_app(ServerState.build(ServerSettings(), Database(urls.reader_url, urls.writer_url), catalog, files))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://[::1]:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
async def page(address: str) -> AsyncIterator[Page]:
    """The page once its map is drawn; fails on a request that leaves the server and on script errors."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here, and ./run test may not install it: the page was not looked at")
    assert (DIST / "index.html").is_file(), "the viewer is not built: ./run setup builds it"
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = await browser.new_page(viewport={"width": 800, "height": 500})
        outside: list[str] = []
        faults: list[str] = []
        opened.on(
            "request",
            lambda r: outside.append(r.url) if not r.url.startswith((address, "blob:", "data:")) else None,
        )
        opened.on("pageerror", lambda error: faults.append(str(error)))
        await opened.goto(f"{address}/map")
        await opened.wait_for_selector("body[data-ready=yes]", timeout=60_000)
        yield opened
        assert outside == []
        assert faults == []
        await browser.close()


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
