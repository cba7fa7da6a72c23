"""The emergency panel in a real browser: report, grade, clock, timeline, tasks, plan, marks shared with other seats."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from browsing import READY, log_in
from emergency_browsing import SEAT, drawn, leak, marked, on_map, open_incident
from playwright.async_api import Page, expect


@pytest.fixture
def layers() -> dict[str, str]:
    """The county's outline tells what lies in it; towns name the place."""
    return {"admin_county": "geojson", "admin_town": "geojson"}


async def test_a_drill_is_reported_by_a_click_and_cannot_be_missed(page: Page, address: str) -> None:
    await log_in(page, 1300, 800)
    await page.goto(f"{address}/map{SEAT}")
    await page.reload()
    await page.wait_for_selector(READY, timeout=60_000)
    await page.click(".to-emergency")
    await expect(page.locator(".emergency")).to_contain_text("当前没有处置中的突发事件")
    await page.click(".to-report")
    await page.get_by_role("button", name="提交接报").click()
    await expect(page.locator(".em-field", has_text="事件类别").locator(".em-problem")).to_have_text("请选择事件类别")
    await page.select_option(".em-report [name=kind]", "chemical-leak")
    await page.fill(".em-report [name=title]", "某厂液氯泄漏")
    await page.fill(".em-figures [name=dead]", "3")
    await page.check(".em-report [name=drill]")
    await page.click(".pick-place")
    await on_map(page, 500, 420)
    await expect(page.locator(".em-placed")).to_contain_text("103.9")
    await expect(page.locator(".results.open")).to_have_count(0)
    await page.get_by_role("button", name="提交接报").click()
    await expect(page.locator(".em-told")).to_contain_text("Ⅲ级 较大")
    await expect(page.locator(".em-told")).to_contain_text("较大事故：死亡（含失踪） 3 人 ≥ 3 人")
    await expect(page.locator(".drill-banner")).to_contain_text("演练")
    await expect(page.locator(".em-facts-head .drill-badge")).to_have_text("演练")
    await expect(page.locator(".em-due[data-to=city]")).to_contain_text("还剩")
    await page.click(".em-back")
    await expect(page.locator(".drill-banner")).to_be_hidden()
    await expect(page.locator("section", has_text="演练事件").locator(".em-incident .drill-badge")).to_have_count(1)


@pytest.mark.slow
async def test_a_place_outside_the_county_and_wrong_figures_are_told_where_they_are(page: Page, address: str) -> None:
    await log_in(page, 1300, 800)
    await page.click(".to-emergency")
    await page.click(".to-report")
    await page.select_option(".em-report [name=kind]", "fire")
    await page.fill(".em-report [name=title]", "仓库火灾")
    await page.get_by_role("tab", name="坐标").click()
    await page.fill(".em-place [name=coordinates]", "不知道")
    await page.press(".em-place [name=coordinates]", "Enter")
    await expect(page.locator(".em-place .em-problem").first).to_be_hidden()
    await expect(page.locator(".em-place")).to_contain_text("看不懂这个坐标")
    await page.fill(".em-place [name=coordinates]", "30.67, 104.06")
    await page.press(".em-place [name=coordinates]", "Enter")
    await page.fill(".em-figures [name=dead]", "1.5")
    await page.get_by_role("button", name="提交接报").click()
    await expect(page.locator(".em-place .told")).to_have_text("该地点在本县（市）域外，请核对")
    await page.check(".em-place [name=outside]")
    await page.get_by_role("button", name="提交接报").click()
    await expect(page.locator(".em-figures .told")).to_contain_text("1.5")
    await page.fill(".em-figures [name=dead]", "0")
    await page.fill(".em-figures [name=loss_yuan]", "1200")
    await page.get_by_role("button", name="提交接报").click()
    await expect(page.locator(".em-told")).to_contain_text("Ⅲ级")
    await expect(page.locator(".em-told")).to_contain_text("域外")
    await page.get_by_role("tab", name="概况").click()
    await expect(page.locator(".em-facts")).to_contain_text("直接经济损失 1200 万元")
    await expect(page.locator(".em-facts")).to_contain_text("104.060000")


@pytest.mark.slow
async def test_two_seats_share_an_incident(
    page: Page, address: str, desk: httpx.AsyncClient, figures: Callable[..., None], tmp_path: Path
) -> None:
    await log_in(page, 1300, 860)
    code = await leak(desk, figures={"dead": 0})
    await open_incident(page, address, code)
    other = await page.context.browser.new_page(viewport={"width": 1300, "height": 860})  # type: ignore[union-attr]
    await other.goto(f"{address}/map")
    await other.wait_for_selector(READY, timeout=60_000)
    await log_in(other, 1300, 860)
    await open_incident(other, address, code)

    await page.fill(".em-entry-form textarea", "风向东北，3级")
    await page.select_option(".em-entry-form select", "situation")
    await page.click(".em-entry-form .deed")
    await expect(other.locator(".em-entry.situation")).to_contain_text("风向东北，3级")

    await page.click("[data-tab=tasks]")
    await page.click(".em-tasks .em-forms .deed")
    await expect(page.locator(".em-tasks > .em-problem")).to_have_text("请填写承办单位和任务内容")
    await page.fill(".em-tasks [name=recipient]", "消防救援大队")
    await page.fill(".em-tasks [name=what]", "侦检堵漏")
    await page.click(".em-tasks .em-forms .deed")
    await page.locator("[data-task='1'] .deed", has_text="已接收").click()
    await expect(page.locator("[data-task='1'] .given")).to_contain_text("已接收")
    await page.locator("[data-task='1'] .deed", has_text="已完成").click()
    await other.click("[data-tab=tasks]")
    await expect(other.locator("[data-task='1'].done")).to_contain_text("侦检堵漏")
    await expect(other.locator("[data-tab=tasks] .count")).to_have_text("1/1")

    await page.click("[data-tab=steps]")
    await page.click(".take-plan")
    await page.locator(".em-step input").first.check()
    await other.click("[data-tab=steps]")
    await expect(other.locator(".em-step.done")).to_have_count(1)

    await page.click("[data-tab=marks]")
    await page.fill(".em-marks [name=label]", "前线指挥部")
    await page.click("[data-symbol=command-post]")
    began = time.monotonic()
    await page.locator(".map canvas").first.click(position={"x": 480, "y": 380})
    await drawn(other, ["前线指挥部"])
    took = time.monotonic() - began
    figures("emergency-mark-to-other-seat", seconds=round(took, 3))
    assert took < 3
    await expect(page.locator(".results.open")).to_have_count(0)
    await page.click("[data-symbol=cordon]")
    for x, y in ((420, 300), (560, 300), (560, 460)):
        await on_map(page, x, y)
    await page.keyboard.press("Enter")
    await drawn(other, ["前线指挥部", "警戒区"])
    await page.click("[data-symbol=road-closed]")
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-symbol=road-closed]")).to_have_attribute("aria-pressed", "false")

    await page.locator(".em-replay input").fill("2")
    await expect(page.locator(".em-replay-told")).to_contain_text("回放，只读")
    await drawn(page, [])
    await expect(page.locator(".em-marks .em-forms")).to_be_hidden()
    await page.get_by_role("button", name="回到现在").click()
    await drawn(page, ["前线指挥部", "警戒区"])

    await page.locator("[data-mark='2'] .em-remove").click()
    await drawn(other, ["前线指挥部"])
    async with page.expect_download() as given:
        await page.click(".download-report")
    await (await given.value).save_as(tmp_path / "report.docx")
    assert (tmp_path / "report.docx").read_bytes()[:2] == b"PK"

    await page.click(".em-closing summary")
    await page.fill("[name=closing-note]", "处置完毕")
    await page.click(".em-closing .deed")
    await expect(other.locator(".em-badge.closed")).to_have_text("已结束")
    await other.close()


@pytest.mark.slow
async def test_overdue_reports_are_red_and_stop_when_they_are_told(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    code = await leak(
        desk, figures={"dead": 1}, reported_at="2026-01-31T08:00:00+08:00", occurred_at="2026-01-31T07:50:00+08:00"
    )
    await log_in(page, 1300, 800)
    await page.click(".to-emergency")
    await expect(page.locator(f".em-incident[data-incident='{code}'] .overdue")).to_contain_text("逾期")
    await page.click(f".em-incident[data-incident='{code}']")
    due = page.locator(".em-due[data-to=city]")
    await expect(due).to_contain_text("逾期")
    assert await due.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(196, 40, 27)"
    await due.locator(".deed").click()
    await expect(due).to_contain_text("超时报告")
    await expect(page.locator(".em-entry.report")).to_contain_text("市级（快报）")


@pytest.mark.slow
async def test_what_the_server_does_not_offer_is_said(page: Page, address: str, desk: httpx.AsyncClient) -> None:
    code = await leak(desk)
    await log_in(page, 1300, 800)
    offered = (await desk.get("/processes?limit=1000")).json()["processes"]
    ids = {one["id"] for one in offered}
    await open_incident(page, address, code)
    await page.click("[data-tab=analyse]")
    if "incident-picture" in ids:
        await page.click(".make-picture")
        await expect(page.locator(".em-answer .tables")).to_be_visible(timeout=60_000)
    else:
        await expect(page.locator(".no-picture")).to_have_text("服务器没有提供“事件画像”分析")
    for name in ("nearest-resources", "isochrone", "evacuation", "plume", "flood"):
        way = page.locator(f"[data-process={name}]")
        if name in ids:
            assert f"process={name}" in str(await way.get_attribute("href"))
        else:
            await expect(way).to_contain_text("服务器未提供")


@pytest.mark.slow
async def test_anonymous_reads_public_incidents_only(page: Page, address: str, desk: httpx.AsyncClient) -> None:
    await leak(desk)
    await leak(desk, title="公开的火灾", kind="fire", access="public")
    await page.click(".to-emergency")
    await expect(page.locator(".em-incident")).to_have_count(1)
    await expect(page.locator(".em-incident")).to_contain_text("公开的火灾")
    await expect(page.locator(".to-report")).to_have_count(0)
    await page.click(".em-incident")
    await expect(page.locator(".em-entry-form")).to_be_hidden()
    await expect(page.locator(".em-closing")).to_be_hidden()


async def test_areas_of_an_incident_are_offered_to_an_analysis(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    ring = [[103.94, 30.98], [103.95, 30.98], [103.95, 30.99], [103.94, 30.98]]
    code = await leak(desk, area={"type": "Polygon", "coordinates": [ring]})
    wider = [[lon + 0.02, lat] for lon, lat in ring]
    await marked(desk, code, "danger", "警戒区", type="Polygon", coordinates=[wider])
    await marked(desk, code, "medical", "救护点", type="Point", coordinates=ring[0])
    await log_in(page, 1300, 800)
    await page.goto(f"{address}/analyses?process=evacuation&incident={code}")
    await expect(page.locator(".offered-areas button")).to_have_text(["事件范围", "警戒区"])
    await page.click(".offered-areas button >> nth=1")
    await expect(page.locator(".offered-areas button[aria-pressed=true]")).to_have_text("警戒区")
    await expect(page.locator(".area-found .red-line")).to_be_visible()
    await page.goto(f"{address}/analyses?process=evacuation&incident=none")
    await expect(page.locator(".process-list .process").first).to_be_visible()
    await expect(page.locator(".offered-areas")).to_have_count(0)
