"""Two incidents from the first report to the situation report, in a real browser, as a duty officer works them."""

from pathlib import Path
from typing import Any

import docx
import httpx
import pytest
from browsing import READY, log_in
from cap_messages import XML, cap
from playwright.async_api import Page, expect
from serving import PASSWORD

WIDTH, HEIGHT = 1440, 900
HILLS = "31.15,103.80 31.15,103.90 31.25,103.90 31.25,103.80 31.15,103.80"
STREAM = "103.8447154, 31.193421"
"""A bank of the river, in a danger zone of the sample."""
CHLORINE = "103.9626235, 31.0083758"
"""The major hazard of the sample that stores liquid chlorine."""


@pytest.fixture
def layers() -> dict[str, str]:
    """What the picture, the ways and the call lists of the sample need."""
    csv = ("schools", "fire_stations", "rescue_teams", "geohazards", "contacts", "cameras", "organisations", "places")
    geojson = ("admin_county", "admin_town", "hazards", "hospitals", "shelters", "flash_flood_zones")
    return {
        **dict.fromkeys(geojson, "geojson"),
        "admin_village": "gpkg",
        "buildings": "gpkg",
        "population": "parquet",
        "roads": "parquet",
        "water": "gpkg",
        "pipelines": "shp",
        **dict.fromkeys(csv, "csv"),
        "dem": "",
    }


class Shots:
    """Screenshots of the steps, in the test's own folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0

    async def take(self, page: Page, name: str) -> None:
        self.number += 1
        await page.wait_for_timeout(900)
        await page.screenshot(path=self.folder / f"{self.number:02d}-{name}.png")


@pytest.fixture
def shots(tmp_path: Path) -> Shots:
    return Shots(tmp_path)


async def report_incident(page: Page, kind: str, title: str, coordinates: str, figures: dict[str, str]) -> None:
    """Fill in the form that is open, and send it."""
    await page.select_option(".em-report [name=kind]", kind)
    await page.fill(".em-report [name=title]", title)
    await page.get_by_role("tab", name="坐标").click()
    await page.fill(".em-place [name=coordinates]", coordinates)
    await page.press(".em-place [name=coordinates]", "Enter")
    for name, value in figures.items():
        await page.fill(f".em-figures [name={name}]", value)
    await page.fill(".em-report [name=reporter]", "值班电话")
    await page.get_by_role("button", name="提交接报").click()
    await expect(page.locator(".em-facts-head h2 >> visible=true")).to_have_text(title)


async def picture(page: Page) -> None:
    await page.click("[data-tab=analyse]")
    await page.click(".make-picture")
    await expect(page.locator(".em-answer .tables")).to_be_visible()
    await page.locator(".em-answer .keep-answer").click()
    await expect(page.locator(".em-answer .keep-answer")).to_have_text("已记入时间线")


async def analysis(page: Page, process: str, shots: Shots, **inputs: str) -> None:
    """Open an analysis with the place filled in, run it, and put it in the timeline."""
    async with page.expect_popup() as opened:
        await page.click(f"[data-process={process}]")
    other = await opened.value
    await other.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    form = other.locator(".schema-form")
    await expect(form).to_be_visible()
    for name, value in inputs.items():
        field = form.locator(f"[name={name}]")
        if await field.evaluate("one => one.tagName") == "SELECT":
            await field.select_option(value)
        else:
            await field.evaluate("(one) => one.closest('details')?.setAttribute('open', '')")
            await field.fill(value)
    await other.locator("button.run").first.click()
    await expect(other.locator(".result .keep-answer")).to_be_visible()
    await shots.take(other, process)
    await other.locator(".result .keep-answer").click()
    await expect(other.locator(".result")).to_contain_text("已记入时间线")
    await other.close()


async def situation_report(page: Page, kind: str, folder: Path) -> str:
    """The text of the report, all of it."""
    await page.select_option(".em-ending select", kind)
    async with page.expect_download() as given:
        await page.click(".download-report")
    await (await given.value).save_as(folder / f"{kind}.docx")
    document: Any = docx.Document(str(folder / f"{kind}.docx"))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert document.inline_shapes, "the report has no map sheet"
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


async def give_task(page: Page, recipient: str, what: str) -> None:
    await page.click("[data-tab=tasks]")
    await page.fill(".em-tasks [name=recipient]", recipient)
    await page.fill(".em-tasks [name=what]", what)
    await page.click(".em-tasks .em-forms .deed")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_leak_in_the_park(page: Page, address: str, shots: Shots, tmp_path: Path) -> None:
    await log_in(page, WIDTH, HEIGHT)
    await page.click(".to-emergency")
    await page.click(".to-report")
    await report_incident(page, "chemical-leak", "液氯储罐阀门泄漏", CHLORINE, {"badly_hurt": "2"})
    await expect(page.locator(".em-due").first).to_contain_text("还剩")
    await shots.take(page, "reported")
    await page.click("[data-tab=steps]")
    await page.click(".take-plan")
    await page.locator(".em-step input").first.check()
    await shots.take(page, "plan")
    await picture(page)
    await shots.take(page, "picture")
    await analysis(page, "plume", shots, substance="液氯", wind_from_deg="30")
    await analysis(page, "nearest-resources", shots)
    await give_task(page, "消防救援大队", "侦检堵漏，水幕稀释")
    await page.locator("[data-task='1'] .deed", has_text="已接收").click()
    await page.click("[data-tab=marks]")
    await page.click("[data-symbol=cordon]")
    for x, y in ((580, 390), (720, 390), (720, 530), (580, 530)):
        await page.locator(".map canvas").first.click(position={"x": x, "y": y})
        await page.wait_for_timeout(350)
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-mark='1']")).to_be_visible()
    await shots.take(page, "marks")
    await page.click("[data-tab=timeline]")
    await expect(page.locator(".em-entry.analysis")).to_have_count(3)
    await expect(page.locator(".em-entry.analysis").first).not_to_contain_text("nearest-resources")
    await page.fill(".em-entry-form textarea", "阀门已关闭，泄漏得到控制")
    await page.select_option(".em-entry-form select", "situation")
    await page.click(".em-entry-form .deed")
    await page.locator(".em-due .deed").first.click()
    await shots.take(page, "timeline")
    said = await situation_report(page, "first", tmp_path)
    for part in (
        "液氯储罐阀门泄漏　快报",
        "人员合计",
        "重气不用高斯烟羽",
        "隔离和防护距离",
        "消防",
        "阀门已关闭",
        "警戒区",
    ):
        assert part in said, part
    for raw in ("persons_most", "roads_closed", "incident-picture", "off_road_m"):
        assert raw not in said, raw
    await page.click(".em-closing summary")
    await page.fill("[name=closing-note]", "泄漏点封堵，监测合格，解除警戒")
    await page.click(".em-closing .deed")
    await expect(page.locator(".em-badge.closed")).to_have_text("已结束")
    assert "解除警戒" in await situation_report(page, "final", tmp_path)
    await shots.take(page, "closed")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_flash_flood_with_a_warning(page: Page, address: str, shots: Shots, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=60) as office:
        answer = await office.post("/session", json={"name": "王工", "password": PASSWORD})
        office.headers["X-CSRF-Token"] = answer.json()["csrf"]
        message = cap("MOUNTAIN", severity="Extreme", ring=HILLS)
        code = (await office.post("/warnings", content=message, headers=XML)).json()["code"]
    await log_in(page, WIDTH, HEIGHT)
    await page.goto(f"{address}/map?warning={code}#view=11/31.17/103.87")
    await page.wait_for_selector(READY, timeout=60_000)
    await expect(page.locator(".em-facts-head h2")).to_contain_text("预警")
    await page.click("[data-tab=affects]")
    await expect(page.locator("[data-group=people] .ew-count")).to_contain_text("人")
    await shots.take(page, "affected")
    await page.click("[data-tab=calls]")
    await page.click(".make-calls")
    await expect(page.locator(".ew-call.waiting").first).to_be_visible()
    first = page.locator(".ew-call.waiting").first
    await first.locator("summary").click()
    await first.locator("[name=note]").fill("已组织转移")
    await first.locator(".confirm-call").click()
    await expect(page.locator(".ew-total.confirmed")).to_have_text("已确认 1")
    await shots.take(page, "calls")
    await page.click(".to-incident")
    await report_incident(page, "flash-flood", "湔江上游山洪", STREAM, {"return_period_y": "20"})
    await picture(page)
    await shots.take(page, "picture")
    await analysis(page, "flash-flood", shots)
    await analysis(page, "hazard-escape", shots)
    await give_task(page, "龙门山镇", "沿河两岸群众转移至避难场所")
    await page.locator("[data-task='1'] .deed", has_text="已接收").click()
    await page.locator("[data-task='1'] .deed", has_text="已完成").click()
    await page.locator(".em-replay input").fill("2")
    await expect(page.locator(".em-replay-told")).to_contain_text("回放，只读")
    await page.get_by_role("button", name="回到现在").click()
    said = await situation_report(page, "first", tmp_path)
    for part in ("湔江上游山洪　快报", "山洪", "地灾隐患点避险", "生效预警", "沿河两岸群众转移", "监测员"):
        assert part in said, part
    await shots.take(page, "reported")
