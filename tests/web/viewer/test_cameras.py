"""A camera on the page: its sector and view on the map, its live picture, and the words where there is none."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browsing import log_in
from playwright.async_api import Page

from data_samples.test_stream import Answers, gateway
from web.settings import ServerSettings

LAYERS = {"buildings": "gpkg", "dem": "", "cameras": "csv"}
CODE = "51018200041328000002"
OFFLINE = "51018200081326000003"
HEADER = """video => {
    const canvas = document.createElement('canvas');
    canvas.width = 320; canvas.height = 192;
    const pen = canvas.getContext('2d');
    pen.drawImage(video, 0, 0, 320, 192);
    return [...pen.getImageData(8, 8, 1, 1).data];
}"""


@pytest.fixture
def layers() -> dict[str, str]:
    return LAYERS


@pytest.fixture
def video() -> Iterator[ThreadingHTTPServer]:
    """The test stream's gateway."""
    server = gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(video: ThreadingHTTPServer) -> ServerSettings:
    return ServerSettings(video_gateway=f"http://127.0.0.1:{video.server_port}/live/{{code}}/index.m3u8")


async def told(page: Page, path: str) -> Any:
    return await page.evaluate("path => fetch(path).then(answer => answer.json())", path)


async def pick(page: Page, address: str, code: str) -> None:
    """Look at a camera and open its record as a search does."""
    record = await told(page, f"/cameras/{code}")
    lon, lat = record["geometry"]["coordinates"]
    await page.goto(f"{address}/map#view=17/{lat:.6f}/{lon:.6f}")
    await page.reload()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.fill(".search", code)
    await page.click(".hits li[role=option] >> nth=0")
    await page.wait_for_selector(f".camera[data-camera='{code}']")


@pytest.mark.slow
async def test_a_camera_is_looked_at_and_played(
    page: Page, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await log_in(page)
    await pick(page, address, CODE)
    await page.wait_for_selector(".camera-parts tr[data-part=seen]", timeout=30_000)
    view = await told(page, f"/cameras/{CODE}/view")
    shown = await page.locator(".camera-parts tr[data-part=seen] td >> nth=0").inner_text()
    assert shown == f"{round(view['summary']['seen_m2']):,} m²"
    await page.wait_for_timeout(2_500)
    await page.screenshot(path=tmp_path / "view.png")
    await page.click(".camera-play")
    await page.wait_for_selector(".camera-player[data-state=playing]", timeout=30_000)
    video = page.locator(".camera-player video")
    first = await video.evaluate("video => video.currentTime")
    await page.wait_for_timeout(2_000)
    later = await video.evaluate("video => [video.currentTime, video.videoWidth, video.videoHeight]")
    header = await video.evaluate(HEADER)
    await page.screenshot(path=tmp_path / "playing.png")
    assert later[0] > first + 0.5
    assert later[1:] == [320, 192]
    assert header[0] > 120 > 90 > header[2], "the picture has its red head"
    await page.click(".camera-stop")
    assert await page.locator(".camera-player video").count() == 0
    monkeypatch.setattr(Answers, "do_GET", lambda handler: handler.send_error(500))
    await page.click(".camera-play")
    await page.wait_for_selector(".camera-player[data-state=failed]", timeout=30_000)
    assert "视频网关返回状态 500" in await page.locator(".camera-player .caution").inner_text()


class TestWithoutGateway:
    @pytest.fixture
    def settings(self) -> ServerSettings:
        return ServerSettings()

    @pytest.fixture
    def layers(self) -> dict[str, str]:
        return {"cameras": "csv"}

    async def test_an_offline_camera_and_a_missing_gateway_are_told(
        self, page: Page, address: str, tmp_path: Path
    ) -> None:
        await log_in(page)
        await pick(page, address, OFFLINE)
        caution = page.locator(".camera-player .caution")
        await caution.wait_for()
        assert "离线" in await caution.inner_text()
        await page.click(".camera-play")
        await page.wait_for_selector(".camera-player[data-state=failed]")
        assert "尚未配置视频网关" in await caution.inner_text()
        await page.screenshot(path=tmp_path / "offline.png")
