"""A real server with layers of the sample city, and its page in a real browser."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from browsing import log_in
from playwright.async_api import Browser, Page, async_playwright, expect
from scene_browsing import SceneBrowser
from serving import PASSWORD

from cim.store import identities
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.app import create_app
from web.cli.listening import listen
from web.settings import ServerSettings
from web.state import ServerState
from web.viewer_files import DIST
from web.worker import Worker

SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
FLAGS = (  # noqa: SIM905 - one line is easier to compare with what a shell is given
    "--no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist --disable-dev-shm-usage"
    " --disable-background-networking --disable-component-update --disable-sync --no-first-run"
).split()
expect.set_options(timeout=30_000)
"""What a page shows comes when a busy machine gets to it: an expectation fails where it never comes."""
LAYERS = {"admin_county": "geojson", "admin_town": "geojson", "places": "csv", "schools": "csv", "pipelines": "shp"}


@pytest.fixture
def layers() -> dict[str, str]:
    """Layers of the sample to import, with the suffixes of their files; empty for a folder."""
    return LAYERS


@pytest.fixture
def settings() -> ServerSettings:
    """What the server is set to."""
    return ServerSettings()


@pytest.fixture
async def address(
    urls: DatabaseUrls, files: FileStore, layers: dict[str, str], settings: ServerSettings
) -> AsyncIterator[str]:
    """A server on an IPv6 address with layers of the sample and one technician."""
    catalog = load_catalog()
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    for layer, suffix in layers.items():
        crs, datum = "EPSG:4490" if suffix == "csv" else None, "1985" if layer == "dem" else None
        options = ReadOptions(crs=crs, height_datum=datum, trust_file=True)
        source = SAMPLES / f"{layer}.{suffix}".removesuffix(".")
        request = ImportRequest(source, "test", "administrator", layer, options=options)
        (report,) = await import_file(database, catalog, request, files=files)
        assert report.status == "published", report.message
    async with database.writing() as connection:
        await identities.add_user(connection, "王工", "technician", PASSWORD)
    await database.close()
    listener = listen("::1", 0)
    app = create_app(ServerState.build(settings, Database(urls.reader_url, urls.writer_url), catalog, files))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://[::1]:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
async def desk(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Another officer, who writes by program."""
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        answer = await client.post("/session", json={"name": "王工", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


@pytest.fixture
def working(urls: DatabaseUrls, files: FileStore, address: str, uploads_work: None) -> Iterator[None]:
    """A worker in a thread of its own, until the test is over."""
    over = threading.Event()

    async def work() -> None:
        database = Database(urls.reader_url, urls.writer_url, pool_size=2)
        while not over.is_set():
            await Worker(database, load_catalog(), files).run(wait=False)
            await asyncio.sleep(0.2)
        await database.close()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests; each has windows of its own, with nothing of what others left."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here, and ./run test may not install it: the page was not looked at")
    async with async_playwright() as play:
        opened = await play.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        await opened.close()


@pytest.fixture
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    """The page once its map is drawn; fails on a request that leaves the server and on script errors."""
    assert (DIST / "index.html").is_file(), "the viewer is not built: ./run setup builds it"
    opened = await browser.new_page(viewport={"width": 800, "height": 500})
    outside: list[str] = []
    faults: list[str] = []
    opened.on(
        "request",
        lambda r: outside.append(r.url) if not r.url.startswith((address, "blob:", "data:")) else None,
    )
    opened.on("pageerror", lambda error: faults.append(str(error)))
    try:
        await opened.goto(f"{address}/map")
        await opened.wait_for_selector("body[data-ready=yes]", timeout=60_000)
        yield opened
        assert outside == []
        assert faults == []
    finally:
        for window in browser.contexts:
            await window.close()


@pytest.fixture
async def scene(page: Page, address: str) -> SceneBrowser:
    """The page of a technician, in a small window, from which the 3D view can be opened."""
    await log_in(page, 1000, 640)
    return SceneBrowser(page, address)
