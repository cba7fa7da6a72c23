"""Pictures, heights and terrain in a real browser, looked at by their colours."""

import io
from pathlib import Path

import numpy as np
import pytest
from browsing import log_in
from PIL import Image
from playwright.async_api import Page

SEAT_VIEW = "#view=15/30.9865/103.9455"
MOUNTAIN_VIEW = "#view=12/31.22/103.86"


@pytest.fixture
def layers() -> dict[str, str]:
    """The heights and the picture of the sample, under the county's outline."""
    return {"admin_county": "geojson", "dem": "", "orthophoto": "tif"}


@pytest.fixture
async def technician(page: Page) -> Page:
    """The page with a technician logged in."""
    await log_in(page, 1000, 640)
    return page


async def pixels(page: Page, name: str, folder: Path) -> np.ndarray:
    """What the map shows, right of the panel, once it has come to rest."""
    await page.wait_for_timeout(1_000)
    shot, last = await page.screenshot(), b""
    for _ in range(30):
        last, shot = shot, b""
        await page.wait_for_timeout(1_500)
        shot = await page.screenshot()
        if shot == last:
            break
    (folder / f"{name}.png").write_bytes(shot)
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))[120:560, 400:900].astype(int)


async def look_at(page: Page, view: str) -> None:
    await page.evaluate("view => { location.hash = view }", view)


async def switch(page: Page, layer: str) -> None:
    row = page.locator(f".layer[data-layer={layer}]")
    theme = page.locator("details.theme", has=row)
    if await theme.get_attribute("open") is None:
        await theme.locator("> summary").click()
    await row.locator("input[type=checkbox]").click()


@pytest.mark.slow
async def test_pictures_styles_and_terrain_are_seen(technician: Page, tmp_path: Path) -> None:
    page = technician
    await look_at(page, SEAT_VIEW)
    before = await pixels(page, "before", tmp_path)
    await switch(page, "orthophoto")
    picture = await pixels(page, "orthophoto", tmp_path)
    assert picture.std(axis=(0, 1)).min() > 15 > before.std(axis=(0, 1)).max()

    await switch(page, "orthophoto")
    await look_at(page, MOUNTAIN_VIEW)
    await switch(page, "dem")
    relief = await pixels(page, "relief", tmp_path)
    assert relief.std(axis=(0, 1)).min() > 15
    row = page.locator(".layer[data-layer=dem]")
    await row.locator("summary").click()
    choice = row.locator("select")
    assert await choice.locator("option").all_text_contents() == [
        "分层设色晕渲",
        "分层设色",
        "山体阴影",
        "坡度",
        "高程灰度",
    ]
    await choice.select_option("hillshade")
    shade = await pixels(page, "hillshade", tmp_path)
    assert np.ptp(shade, axis=2).mean() < 12 < np.ptp(relief, axis=2).mean()
    await choice.select_option("slope")
    await row.locator(".legend", has_text="25°").wait_for()
    slope = await pixels(page, "slope", tmp_path)
    assert np.abs(slope - shade).mean() > 20

    await page.get_by_role("button", name="地形").click()
    await page.wait_for_timeout(1_500)
    raised = await pixels(page, "terrain", tmp_path)
    assert await page.locator("button.terrain").get_attribute("aria-pressed") == "true"
    assert np.abs(raised - slope).mean() > 10
    await page.mouse.click(600, 400)
    await page.locator(".results .height", has_text="此处高程").wait_for()
    assert "(1985)" in await page.locator(".results .height").inner_text()


@pytest.mark.slow
async def test_who_may_not_see_heights_has_no_terrain(page: Page) -> None:
    assert not await page.locator("button.terrain").is_visible()
    assert await page.locator(".layer[data-layer=dem]").count() == 0
