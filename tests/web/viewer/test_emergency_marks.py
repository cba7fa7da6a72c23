"""Marks of an incident changed by hand in a real browser: moved, reshaped, relabelled; and what two seats change."""

from typing import Any

import httpx
import pytest
from browsing import log_in
from emergency_browsing import changed, dragged, drawn, leak, marked, open_incident, rested, sent, spot
from playwright.async_api import Page, expect


@pytest.fixture
def layers() -> dict[str, str]:
    """The county's outline tells what lies in it; towns name the place."""
    return {"admin_county": "geojson", "admin_town": "geojson"}


async def held(desk: httpx.AsyncClient, code: str, number: int) -> dict[str, Any]:
    """A mark as the server has it."""
    found = (await desk.get(f"/incidents/{code}/marks")).json()["features"]
    return next(one for one in found if one["id"] == number)


async def test_a_mark_is_moved_and_relabelled_and_a_conflict_is_told(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    code = await leak(desk)
    await marked(desk, code, "command-post", "前线指挥部", type="Point", coordinates=[103.948, 30.992])
    await log_in(page, 1300, 860)
    await open_incident(page, address, code)
    await drawn(page, ["前线指挥部"])
    await rested(page)
    start = await spot(page, 103.948, 30.992)
    await page.mouse.click(*start)
    await expect(page.locator(".em-mark-editor")).to_be_visible()
    await dragged(page, start, (start[0] + 90, start[1] - 60))
    await page.fill("[name=mark-label]", "后方指挥部")
    await drawn(page, ["后方指挥部"])
    assert (await held(desk, code, 1))["properties"]["version"] == 1
    await page.click(".save-mark")
    await expect(page.locator(".em-mark-editor")).to_have_count(0)
    moved = await held(desk, code, 1)
    assert moved["properties"]["label"] == "后方指挥部"
    lon, lat = moved["geometry"]["coordinates"]
    assert await spot(page, lon, lat) == pytest.approx((start[0] + 90, start[1] - 60), abs=1.5)

    await page.click("[data-mark='1'] .em-edit")
    await page.fill("[name=mark-label]", "指挥部甲")
    await changed(desk, code, 1, version=2, geometry={"type": "Point", "coordinates": [lon + 0.001, lat]})
    told = page.locator(".em-conflict")
    await expect(told).to_contain_text("王工")
    await expect(told).to_contain_text("位置移动 95 米")
    await expect(page.locator(".save-mark")).to_be_disabled()
    await expect(page.locator("[name=mark-label]")).to_have_value("指挥部甲")
    await page.click(".keep-mine")
    await expect(page.locator(".em-mark-editor")).to_have_count(0)
    kept = await held(desk, code, 1)
    assert kept["properties"]["label"] == "指挥部甲"
    assert kept["geometry"]["coordinates"] == pytest.approx([lon + 0.001, lat])


@pytest.mark.slow
async def test_an_area_is_reshaped_and_an_edit_outlives_what_others_do(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    ring = [[103.948, 30.989], [103.951, 30.989], [103.951, 30.991], [103.948, 30.991], [103.948, 30.989]]
    code = await leak(desk)
    await marked(desk, code, "cordon", "警戒区", type="Polygon", coordinates=[ring])
    await log_in(page, 1300, 860)
    await open_incident(page, address, code)
    await drawn(page, ["警戒区"])
    await rested(page)
    edge = await spot(page, 103.951, 30.9903)
    await page.mouse.click(*edge)
    await expect(page.locator("[data-mark='1'].chosen")).to_be_visible()
    corner = await spot(page, 103.951, 30.991)
    await dragged(page, corner, (corner[0] + 40, corner[1] - 30))
    middle = await spot(page, 103.9495, 30.989)
    await dragged(page, middle, (middle[0], middle[1] + 50))
    await page.mouse.click(*await spot(page, 103.948, 30.989), button="right")
    await page.click(".save-mark")
    await expect(page.locator(".em-mark-editor")).to_have_count(0)
    (saved,) = (await held(desk, code, 1))["geometry"]["coordinates"]
    assert len(saved) == 5
    assert saved[0] == pytest.approx(saved[-1])
    assert max(lat for _, lat in saved) > 30.991
    assert min(lat for _, lat in saved) < 30.989
    assert [103.948, 30.989] not in saved

    await page.click("[data-mark='1'] .em-edit")
    await page.select_option("[name=mark-symbol]", "danger-area")
    await page.fill("[name=mark-label]", "泄漏危险区")
    await desk.delete(f"/incidents/{code}/marks/1", params={"version": 2})
    await expect(page.locator(".em-conflict")).to_contain_text("删除了这个标绘")
    await page.click(".keep-mine")
    await expect(page.locator("[data-mark='2']")).to_be_visible()
    await drawn(page, ["泄漏危险区"])
    assert (await held(desk, code, 2))["properties"]["symbol"] == "danger-area"

    await page.click("[data-mark='2'] .em-edit")
    await changed(desk, code, 2, version=1, label="危险区甲")
    await expect(page.locator(".em-conflict")).to_contain_text("已按最新内容显示")
    await expect(page.locator("[name=mark-label]")).to_have_value("危险区甲")
    await page.fill("[name=mark-label]", "危险区乙")
    await page.locator(".em-replay input").fill("1")
    await drawn(page, [])
    await page.get_by_role("button", name="回到现在").click()
    await drawn(page, ["危险区乙"])
    revision = (await desk.get(f"/incidents/{code}")).json()["revision"]
    await sent(desk, f"/{code}/close", revision=revision, note="处置完毕")
    await expect(page.locator(".em-mark-editor")).to_contain_text("事件已结束，修改不能保存")
    await expect(page.locator("[name=mark-label]")).to_have_value("危险区乙")
    await page.click(".em-back")
    await expect(page.locator(".message.error")).to_contain_text("未保存的标绘修改已放弃")


@pytest.mark.slow
async def test_areas_of_analyses_are_on_the_map_until_they_are_taken_off(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    code = await leak(desk)
    shape = {
        "type": "Polygon",
        "coordinates": [[[103.95, 30.99], [103.945, 30.995], [103.948, 30.996], [103.95, 30.99]]],
    }
    feature = {"type": "Feature", "properties": {"title": "ERPG-2"}, "geometry": shape}
    areas = {"type": "FeatureCollection", "features": [feature]}
    await log_in(page, 1300, 860)
    await open_incident(page, address, code)
    for _ in range(2):
        analysis = {"process": "plume", "inputs": {}, "summary": "下风向西北", "areas": areas}
        await sent(desk, f"/{code}/entries", kind="analysis", analysis=analysis)
    switches = page.locator(".em-areas")
    await expect(switches).to_have_text(["撤下", "上图"])
    await expect(page.locator(".em-entry.analysis").first).to_contain_text("气体扩散；下风向西北")
    await switches.first.click()
    await expect(switches).to_have_text(["上图", "上图"])
