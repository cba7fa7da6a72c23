"""The live city in a real browser: values and alarms as they come, table, time slider, 3D, what anonymous sees."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import READY, log_in
from live_city import LiveCity, make_crowd, make_live_city
from PIL import Image
from playwright.async_api import Page, expect

from cim.model.sensing import Reading
from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from web.settings import ServerSettings

SEAT = "#view=14/30.9915/103.9497"
RED, GREEN = (255, 0, 0), (0, 228, 0)


@pytest.fixture
def layers() -> dict[str, str]:
    """The county's outline is enough to stand on."""
    return {"admin_county": "geojson"}


@pytest.fixture
async def city(address: str, urls: DatabaseUrls) -> AsyncIterator[LiveCity]:
    """The sensing network, made before the page is looked at."""
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    yield await make_live_city(database)
    await database.close()


async def open_live(page: Page, address: str, indicator: str = "pm25", view: str = SEAT) -> None:
    """The page with devices switched on and coloured by an indicator, at a place."""
    chosen = json.dumps({"on": True, "indicator": indicator})
    await page.evaluate("chosen => localStorage.setItem('cim-live', chosen)", chosen)
    await page.goto(f"{address}/map{view}")
    await page.reload()
    await page.wait_for_selector(READY, timeout=60_000)
    await page.wait_for_selector(".live-status[data-state=open]", timeout=30_000)


async def drawn(page: Page, code: str, label: str, seconds: float = 20) -> dict[str, Any]:
    """What the map draws of a device, once it has a label."""
    async with asyncio.timeout(seconds):
        while True:
            found: dict[str, Any] | None = await page.evaluate("code => window.onemapLive.drawn(code)", code)
            if found and found["label"] == label:
                return found
            await asyncio.sleep(0.02)


async def place_of(page: Page, code: str, how: str = "project", canvas: str = ".map canvas") -> tuple[float, float]:
    """Where on the page a device is seen."""
    at = await page.evaluate("([how, code]) => window.onemapLive[how](code)", [how, code])
    box = await page.locator(canvas).first.bounding_box()
    assert at is not None
    assert box is not None
    return box["x"] + at["x"], box["y"] + at["y"]


async def colour_at(page: Page, x: float, y: float) -> tuple[int, ...]:
    picture = await page.screenshot(clip={"x": round(x), "y": round(y), "width": 1, "height": 1})
    pixel = Image.open(io.BytesIO(picture)).convert("RGB").getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


def near(seen: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 40


async def test_values_and_alarms_come_to_the_map_as_they_happen(
    page: Page, address: str, city: LiveCity, figures: Callable[..., None]
) -> None:
    await open_live(page, address)
    assert await page.evaluate("window.onemapLive.counts.devices") == 32, "internal devices are not for everybody"
    await log_in(page, 1200, 700)
    await page.wait_for_selector(".live-status[data-state=open]")
    assert await page.evaluate("window.onemapLive.counts.devices") == 35

    await city.post("AIR-1", "pm25", 21.0)
    await drawn(page, "AIR-1", "21")
    x, y = await place_of(page, "AIR-1")
    await page.mouse.click(x, y)
    newest = page.locator("[data-device=AIR-1] .newest").first
    await expect(newest).to_contain_text("21 µg/m³")
    took = []
    for value in (22.0, 23.0, 24.0, 25.0, 140.0):
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await city.post("AIR-1", "pm25", value)
        await drawn(page, "AIR-1", f"{value:.0f}")
        took.append(round(time.monotonic() - began, 3))
    figures("live-post-to-pixel", seconds=took, median_s=sorted(took)[2])
    assert sorted(took)[2] < 2.0
    async with asyncio.timeout(3):
        while not near(await colour_at(page, x - 6, y), RED):
            await page.wait_for_timeout(50)
    await expect(newest).to_contain_text("140 µg/m³")

    bell = page.locator(".alarm-bell")
    await expect(bell).to_have_text("告警 3")
    await bell.click()
    await page.locator(".results .close").click()
    began = time.monotonic()
    await city.post("AIR-1", "pm25", 199.0)
    alarm = page.locator(".alarm", has_text="天彭空气站")
    await expect(alarm).to_contain_text("待确认")
    figures("live-alarm-to-list", seconds=round(time.monotonic() - began, 3))
    await expect(bell).to_have_text("告警 4")
    await alarm.locator(".note").fill("已派人核查")
    await alarm.locator(".acknowledge").click()
    await expect(alarm).to_contain_text("已确认")
    await expect(alarm.locator(".acknowledge")).to_have_count(0)
    code = await alarm.get_attribute("data-alarm")
    kept = await page.evaluate("code => fetch(`/alarms/${code}`).then(answer => answer.json())", code)
    assert (kept["state"], kept["acknowledged_by"], kept["history"][-1]["note"]) == (
        "acknowledged",
        "王工",
        "已派人核查",
    )


async def rows(page: Page, count: int) -> list[str]:
    """The names in the table, once it has so many rows."""
    lines = page.locator(".live-table tbody tr")
    await expect(lines).to_have_count(count, timeout=15_000)
    return await lines.locator(".col-name").all_inner_texts()


@pytest.mark.slow
async def test_the_table_is_filtered_sorted_and_saved(page: Page, address: str, city: LiveCity, tmp_path: Path) -> None:
    await log_in(page, 1300, 800)
    await open_live(page, address, indicator="", view="#view=9/31.1/103.9")
    await page.click(".to-table")
    assert len(await rows(page, 35)) == 35
    await page.select_option(".by-placement", "utility-tunnel")
    await rows(page, 3)
    assert await page.locator(".live-table .sparkline polyline").count() == 3
    await page.fill(".by-value", "15")
    await page.press(".by-value", "Enter")
    await expect(page.locator(".live-table .caution")).to_contain_text("先选指标")
    await page.select_option(".by-property", "ch4")
    assert await rows(page, 1) == ["牡丹大道管廊2舱甲烷"]
    await page.fill(".by-value", "")
    await page.press(".by-value", "Enter")
    await rows(page, 3)
    await page.get_by_role("button", name="当前值").click()
    await page.wait_for_selector(".live-table th[aria-sort=descending]")
    values = [float(text.split()[0]) for text in await page.locator(".live-table .col-value").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    async with page.expect_download() as given:
        await page.get_by_role("button", name="导出 CSV").click()
    await (await given.value).save_as(tmp_path / "devices.csv")
    lines = (tmp_path / "devices.csv").read_text("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[1].split(",")[:2] == ['"GAS-2"', '"牡丹大道管廊2舱甲烷"']
    await page.fill(".by-text", "没有这样的设备")
    await page.press(".by-text", "Enter")
    await expect(page.locator(".live-table .none")).to_contain_text("没有符合条件的设备")


@pytest.mark.slow
async def test_the_table_is_sorted_over_all_devices_and_shows_more_of_them(
    page: Page, address: str, urls: DatabaseUrls
) -> None:
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    streams = await make_crowd(database, 450)
    now = datetime.now(UTC)
    await Intake(database).keep([Reading(stream, now, float(stream % 449)) for stream in streams])
    await page.set_viewport_size({"width": 1300, "height": 800})
    await open_live(page, address, indicator="crowd-t", view="#view=9/31.1/103.9")
    await page.click(".to-table")
    count = page.locator(".live-table .live-count")
    await expect(count).to_have_text("已列 200 / 450 台")
    await page.get_by_role("button", name="当前值").click()
    expected = sorted((stream % 449 for stream in streams), reverse=True)
    value = page.locator(".live-table .col-value")
    await expect(value.first).to_have_text(f"{expected[0]} °C")
    for size, more in ((400, "再列 50 台"), (450, None)):
        await page.locator(".live-table .more").click()
        await expect(count).to_have_text(f"已列 {size} / 450 台")
        await expect(page.locator(".live-table .more")).to_have_text([more] if more else [])
    shown = [int(text.split()[0]) for text in await value.all_inner_texts()]
    assert shown == expected
    await database.close()


@pytest.mark.slow
async def test_the_slider_shows_past_means_and_plays(page: Page, address: str, city: LiveCity) -> None:
    await open_live(page, address)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    expected = await page.evaluate(
        "at => fetch(`/devices/values?property=pm25&at=${at}`).then(answer => answer.json())",
        f"{hour:%Y-%m-%dT%H:%M:%SZ}",
    )
    mean = expected["mean"][expected["code"].index("AIR-1")]
    await page.click(".to-past")
    await page.locator(".time-slider .time").fill("18")
    shown = await drawn(page, "AIR-1", f"{round(mean, 1 if mean < 100 else None):g}")
    assert shown["rank"] >= 0
    await city.post("AIR-1", "pm25", 20.0)
    await page.click(".time-slider .play")
    await expect(page.locator(".time-slider .time")).to_have_value("21", timeout=20_000)
    await page.click(".time-slider .play")
    await page.get_by_role("button", name="回到实时").click()
    await drawn(page, "AIR-1", "20")
    await page.locator(".time-slider").wait_for(state="hidden")


@pytest.mark.slow
async def test_a_lost_connection_is_told_and_caught_up_with(page: Page, address: str, city: LiveCity) -> None:
    await open_live(page, address)
    await page.context.set_offline(True)
    await expect(page.locator(".live-status")).to_contain_text("连接中断")
    await city.post("AIR-1", "pm25", 33.0)
    await page.context.set_offline(False)
    await drawn(page, "AIR-1", "33")
    await page.wait_for_selector(".live-status[data-state=open]")


@pytest.mark.slow
async def test_empty_places_and_missing_rights_are_said_in_words(page: Page, address: str) -> None:
    await page.click(".theme.live > summary")
    await page.click(".live-switch")
    await expect(page.locator(".live-body")).to_contain_text("没有可供您查看的感知设备")
    await page.click(".alarm-bell")
    await expect(page.locator(".all-quiet")).to_contain_text("一切平稳")
    await expect(page.locator(".live-alarms")).to_contain_text("需要登录")


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_twelve_thousand_devices_stay_live(
    page: Page, address: str, urls: DatabaseUrls, figures: Callable[..., None]
) -> None:
    database = Database(urls.reader_url, urls.writer_url, pool_size=4)
    streams = await make_crowd(database, 12_000)
    chosen = json.dumps({"on": True, "indicator": "crowd-t"})
    await page.evaluate("chosen => localStorage.setItem('cim-live', chosen)", chosen)
    await page.goto(f"{address}/map#view=15/31.15/103.925")
    await page.reload()
    began = time.monotonic()
    await page.wait_for_selector(".live-status[data-state=open]", timeout=60_000)
    place = 54 * 110 + 110 // 2  # the middle of the grid of devices
    code = f"CROWD-{place:05d}"
    async with asyncio.timeout(60):
        while not await page.evaluate("code => window.onemapLive.drawn(code)", code):
            await page.wait_for_timeout(50)
    opened_s = time.monotonic() - began
    assert await page.evaluate("window.onemapLive.counts.devices") == 12_000
    took = []
    for value in (50.0, 51.0, 52.0, 53.0, 54.0):
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await Intake(database).keep([Reading(streams[place], datetime.now(UTC), value)])
        await drawn(page, code, f"{value:.0f}")
        took.append(round(time.monotonic() - began, 3))
    figures("live-12000-post-to-pixel", seconds=took, median_s=sorted(took)[2], opened_s=round(opened_s, 2))
    assert sorted(took)[2] < 3.0
    await database.close()


class TestScene:
    """The same devices in 3D."""

    @pytest.fixture
    def layers(self) -> dict[str, str]:
        """Heights to stand on."""
        return {"admin_county": "geojson", "dem": ""}

    @pytest.fixture
    def settings(self) -> ServerSettings:
        """A server that knows its undulation."""
        return ServerSettings(undulation_m=-39.5)

    @pytest.mark.slow
    @pytest.mark.timeout(400)
    async def test_devices_are_drawn_and_picked_in_3d(self, page: Page, address: str, city: LiveCity) -> None:
        await log_in(page, 1000, 640)
        await open_live(page, address, view="#quality=low&view=15/30.9885/103.9495")
        await page.get_by_role("button", name="三维").click()
        await page.wait_for_selector("body[data-scene=open]", timeout=90_000)
        async with asyncio.timeout(200):
            while not await page.evaluate("window.onemapScene?.ready() && window.onemapLive.projectScene('AIR-1')"):
                await page.wait_for_timeout(300)
        await page.wait_for_timeout(2_000)
        x, y = await place_of(page, "AIR-1", "projectScene", ".scene canvas")
        await page.mouse.click(x, y)
        await expect(page.locator("[data-device=AIR-1] .newest").first).to_contain_text("µg/m³", timeout=15_000)
        await city.post("AIR-1", "pm25", 20.0)
        await expect(page.locator("[data-device=AIR-1] .newest").first).to_contain_text("20 µg/m³")
        async with asyncio.timeout(20):
            while not near(await colour_at(page, x - 9, y), GREEN):
                await page.wait_for_timeout(300)
