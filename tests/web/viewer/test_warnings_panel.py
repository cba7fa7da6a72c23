"""Warnings in the emergency panel, in a real browser: lists, areas, calls, issuing, messages of CAP, rights."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from browsing import READY, log_in
from cap_messages import XML, cap
from live_city import make_live_city
from playwright.async_api import Page, expect
from serving import PASSWORD

from cim.sensors.warning_watch import look
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls

SEAT = "#view=11/31.03/103.95"
HILLS = "31.15,103.80 31.15,103.90 31.25,103.90 31.25,103.80 31.15,103.80"
"""In the mountains of the county: several villages, points of danger."""
COUNTY = {"admin_county": "geojson", "admin_town": "geojson"}
PEOPLE = {**COUNTY, "admin_village": "gpkg", "geohazards": "csv", "schools": "csv", "contacts": "csv"}


@pytest.fixture
def layers() -> dict[str, str]:
    """The county's outline, and towns to name."""
    return COUNTY


@pytest.fixture
async def desk(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Another office, which sends by program."""
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        answer = await client.post("/session", json={"name": "王工", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


@pytest.fixture
async def database(urls: DatabaseUrls, address: str) -> AsyncIterator[Database]:
    """The database below the server, for what the clock would do."""
    opened = Database(urls.reader_url, urls.writer_url, pool_size=2)
    yield opened
    await opened.close()


async def sent(desk: httpx.AsyncClient, identifier: str, **shape: Any) -> str:
    answer = await desk.post("/warnings", content=cap(identifier, **shape), headers=XML)
    assert answer.is_success, answer.text
    return str(answer.json()["code"])


async def open_part(page: Page, address: str, query: str = "") -> None:
    """The part of warnings; with a query what it opens."""
    if query:
        await page.goto(f"{address}/map{query}{SEAT}")
        await page.wait_for_selector(READY, timeout=60_000)
        return
    await page.evaluate("view => { location.hash = view }", SEAT)
    await page.click(".to-emergency")
    await page.click("[data-part=warnings]")


async def drawn(page: Page, wanted: dict[str, bool], seconds: float = 10) -> None:
    """Wait until the areas of these warnings are drawn, hatched or not."""
    async with asyncio.timeout(seconds):
        while True:
            found = await page.evaluate("window.onemapWarnings?.drawn.map(one => [one.code, one.hatched])")
            if dict(found or []) == wanted:
                return
            await asyncio.sleep(0.02)


async def on_map(page: Page, x: float, y: float) -> None:
    await page.locator(".map canvas").first.click(position={"x": x, "y": y})
    await page.wait_for_timeout(350)


async def choose(page: Page, name: str, value: str) -> None:
    await page.check(f".ew-{name} input[value={value}]")


async def test_an_exercise_is_issued_and_a_real_warning_comes_by_itself(
    page: Page, address: str, desk: httpx.AsyncClient
) -> None:
    await log_in(page, 1300, 860)
    await open_part(page, address)
    await expect(page.locator("[data-group=in-force]")).to_contain_text("当前没有生效的预警")
    await page.click(".to-issue")
    await expect(page.locator(".ew-status input:checked")).to_have_count(0)
    await page.fill("[name=event]", "山洪")
    await choose(page, "colour", "orange")
    await page.get_by_role("button", name="6 小时").click()
    await page.click(".send-warning")
    await expect(page.locator(".ew-status .told")).to_contain_text("请选择发布性质")
    await choose(page, "status", "Exercise")
    await expect(page.locator(".drill-banner")).to_be_visible()
    await expect(page.locator(".send-warning")).to_have_text("发布演练预警")
    await page.click(".send-warning")
    await expect(page.locator(".ew-area .told")).to_have_text("请给出预警区域")
    await page.get_by_role("tab", name="圆", exact=True).click()
    await page.click(".pick-centre")
    await on_map(page, 560, 380)
    await page.click(".send-warning")
    await expect(page.locator(".em-facts-head h2")).to_have_text("山洪橙色预警")
    await expect(page.locator(".em-facts-head .drill-badge")).to_have_text("演练")
    await page.click(".em-back >> visible=true")
    code = await page.locator("[data-group=drills] .em-warning.drill").get_attribute("data-warning")
    assert code is not None

    real = await sent(desk, "REAL", severity="Extreme", ring="31.0,103.9 31.0,104.0 31.06,104.0 31.06,103.9 31.0,103.9")
    await expect(page.locator("[data-group=in-force] .em-warning")).to_contain_text("红色")
    await drawn(page, {code: True, real: False})
    await expect(page.locator("[data-part=warnings] .count")).to_have_text("1")
    await page.wait_for_timeout(300)
    await on_map(page, 650, 400)
    await expect(page.locator(".em-facts-head h2")).to_have_text("暴雨预警")
    await expect(page.locator(".results.open")).to_have_count(0)


@pytest.mark.slow
async def test_a_message_of_cap_is_refused_with_its_line_or_taken(page: Page, address: str, tmp_path: Path) -> None:
    await log_in(page, 1300, 860)
    await open_part(page, address)
    await page.click(".to-import")
    bad = cap("BAD", severity="Heavy").replace(b"<severity>", b"\n\n<severity>")
    (tmp_path / "bad.xml").write_bytes(bad)
    (tmp_path / "good.xml").write_bytes(cap("GOOD"))
    (tmp_path / "broken.xml").write_bytes(b"<alert>")
    file = page.locator(".ew-drop input")
    refusal = page.locator(".ew-refusal")
    await file.set_input_files(tmp_path / "bad.xml")
    await expect(refusal).to_contain_text("alert/info[1]/severity[1]（第 3 行）")
    await expect(refusal).to_contain_text("severity 不能是 'Heavy'")
    await expect(refusal).to_contain_text("可用的值：Extreme, Severe, Moderate, Minor, Unknown")
    await file.set_input_files(tmp_path / "broken.xml")
    await expect(refusal).to_contain_text("不是格式正确的 XML")
    await file.set_input_files(tmp_path / "good.xml")
    await expect(page.locator(".em-facts-head h2")).to_have_text("暴雨预警")
    await expect(page.locator(".em-told")).to_have_text("已收存")
    await expect(page.locator(".to-update")).to_have_count(0)
    await expect(page.locator(".ew-deeds")).to_contain_text("由原发布单位更新或解除")
    link = await page.locator(".ew-cap").get_attribute("href")
    assert link == "/warnings/GOOD?f=cap"
    await page.click(".em-back >> visible=true")
    await page.click(".to-import")
    await file.set_input_files(tmp_path / "good.xml")
    await expect(page.locator(".em-told")).to_have_text("这份预警已经收到过，内容相同")


@pytest.mark.slow
async def test_a_warning_is_drawn_updated_and_cancelled(page: Page, address: str) -> None:
    await log_in(page, 1300, 860)
    await open_part(page, address)
    await page.click(".to-issue")
    await choose(page, "status", "Actual")
    await expect(page.locator(".send-warning")).to_have_text("正式发布")
    await page.fill("[name=event]", "暴雨")
    await choose(page, "colour", "red")
    await page.fill("[name=description]", "未来3小时雨量将达100毫米以上")
    await page.get_by_role("button", name="3 小时").click()
    await page.click(".draw-area")
    for x, y in ((420, 300), (640, 320), (560, 520)):
        await on_map(page, x, y)
    await page.keyboard.press("Enter")
    await expect(page.locator(".ew-area .em-placed")).to_have_text("✓ 3 个顶点")
    await page.fill("[name=sender_name]", "彭州市应急管理局")
    await page.click(".send-warning")
    await expect(page.locator(".em-facts-head h2")).to_have_text("暴雨红色预警")
    await expect(page.locator(".ew-findings")).to_contain_text("发布单位代码未设行业")
    await expect(page.locator(".ew-says")).to_contain_text("彭州市应急管理局")

    await page.click(".to-update")
    await choose(page, "colour", "orange")
    await page.fill("[name=headline]", "暴雨橙色预警")
    await page.get_by_role("tab", name="行政区").click()
    await page.check(".ew-towns input[value='510182001']")
    await page.click(".send-warning")
    await expect(page.locator(".em-facts-head h2")).to_have_text("暴雨橙色预警")
    second = await page.locator(".em-facts-head").inner_text()
    assert "橙色" in second
    await page.click(".em-back >> visible=true")
    await page.click(".em-closed > summary >> visible=true")
    await page.click(".em-closed .em-warning")
    await expect(page.locator(".em-facts-head .state-updated")).to_have_text("已更新")
    await page.locator(".ew-links .link").click()
    await expect(page.locator(".em-facts-head h2")).to_have_text("暴雨橙色预警")

    await page.click(".to-cancel")
    await page.fill("[name=reason]", "降雨减弱")
    await page.click(".send-cancel")
    await expect(page.locator(".em-facts-head h2")).to_have_text("解除暴雨橙色预警")
    await page.click(".em-back >> visible=true")
    await expect(page.locator("[data-group=in-force]")).to_contain_text("当前没有生效的预警")
    await expect(page.locator(".em-closed .state-cancelled")).to_have_count(1)
    await drawn(page, {})


@pytest.mark.slow
@pytest.mark.parametrize("layers", [PEOPLE], ids=["people"])
async def test_what_it_affects_and_who_must_confirm(
    page: Page, address: str, desk: httpx.AsyncClient, database: Database
) -> None:
    code = await sent(desk, "HILLS", ring=HILLS)
    await log_in(page, 1300, 860)
    await open_part(page, address, f"?warning={code}")
    await page.click("[data-tab=affects]")
    found = (await desk.get(f"/warnings/{code}/affected")).json()["groups"]
    villages = page.locator("[data-group=villages]")
    await expect(villages.locator(".ew-count")).to_have_text(f"{found['villages']['count']} 处")
    await expect(page.locator("[data-group=people]")).to_contain_text("未查询")
    await expect(page.locator(".ew-missing")).to_contain_text("人口（population）：图层不存在，或您无权查看")
    await villages.locator("summary").click()
    before = await page.evaluate("location.hash")
    await villages.locator("li .link").first.click()
    await page.wait_for_function("before => location.hash !== before", arg=before)

    await page.click("[data-tab=calls]")
    await expect(page.locator(".ew-calls")).to_contain_text("尚未叫应")
    async with database.writing() as connection:
        await connection.execute(sa.text("DELETE FROM city.contacts WHERE duty = 'monitor'"))
    await page.click(".make-calls")
    await expect(page.locator(".ew-made")).to_contain_text("须确认时限 15 分钟")
    await expect(page.locator(".ew-without").first).to_contain_text("没有责任人的地方")
    calls = (await desk.get(f"/warnings/{code}/calls")).json()["calls"]
    await expect(page.locator(".ew-call.waiting")).to_have_count(len(calls))
    village = next(one for one in calls if one["duty"] == "village")
    row = page.locator(f".ew-call[data-call='{village['id']}']")
    await expect(row).to_contain_text("还剩 14:")
    await expect(row).to_contain_text("无人应答时转叫")

    other = next(one for one in calls if one["duty"] == "village" and one["id"] != village["id"])
    done = page.locator(f".ew-call[data-call='{other['id']}']")
    await done.locator("summary").click()
    await done.locator("[name=note]").fill("电话确认")
    await done.locator(".confirm-call").click()
    await expect(done).to_contain_text("电话确认")
    await expect(page.locator(".ew-total.confirmed")).to_have_text("已确认 1")

    async with database.writing() as connection:
        late = "UPDATE cim.warning_call SET answer_by = now() - interval '1 s' WHERE id = :id"
        await connection.execute(sa.text(late), {"id": village["id"]})
        lost = (
            "INSERT INTO cim.warning_step (warning, call, action, actor, channel, note, state)"
            " VALUES (:code, :id, 'not delivered', '短信网关', 'webhook', 'the receiver answered 503', 'active')"
        )
        await connection.execute(sa.text(lost), {"code": code, "id": village["id"]})
    await look(database)
    silent = page.locator(f".ew-call.silent[data-call='{village['id']}']")
    await expect(silent).to_contain_text("未应答，转叫", timeout=9_000)
    assert await row.evaluate("one => getComputedStyle(one).borderTopColor") == "rgb(196, 40, 27)"
    await expect(page.locator(".ew-not-delivered")).to_contain_text("短信网关 · 接收方应答 503")


@pytest.mark.slow
async def test_an_alarm_becomes_a_draft_and_a_warning_an_incident(page: Page, address: str, database: Database) -> None:
    await make_live_city(database, hours=1)
    await page.evaluate("localStorage.setItem('cim-live', JSON.stringify({on: true, indicator: ''}))")
    await log_in(page, 1300, 860)
    await page.click(".alarm-bell")
    await page.locator(".alarm .to-warning").first.click()
    await expect(page.locator(".em-facts-head .state-draft")).to_have_text("草稿")
    await page.click(".issue-draft")
    await expect(page.locator(".ew-status .told")).to_contain_text("请选择发布性质")
    await choose(page, "status", "Exercise")
    await page.fill("[name=instruction]", "请立即撤离")
    await page.click(".issue-draft")
    await expect(page.locator(".em-facts-head .drill-badge")).to_have_text("演练")
    await expect(page.locator(".ew-says")).to_contain_text("请立即撤离")
    title = await page.locator(".em-facts-head h2").inner_text()
    await page.click(".to-incident")
    await expect(page.locator(".em-report [name=title]")).to_have_value(title)
    await expect(page.locator(".em-report [name=drill]")).to_be_checked()
    await expect(page.locator(".em-placed.given >> visible=true")).to_contain_text("103.9")

    await page.click(".alarm-bell")
    await page.locator(".alarm .to-warning").nth(1).click()
    await page.click(".discard-draft")
    await page.click(".discard-draft")
    await expect(page.locator("[data-group=drafts]")).to_have_count(0)


@pytest.mark.slow
async def test_anonymous_sees_public_ones_and_a_lost_connection_is_told(
    page: Page, address: str, desk: httpx.AsyncClient, database: Database
) -> None:
    await page.set_viewport_size({"width": 1300, "height": 860})
    real = await sent(desk, "REAL")
    await sent(desk, "DRILL", status="Exercise")
    await sent(desk, "OVER", lasts=timedelta(minutes=1))
    await open_part(page, address)
    await expect(page.locator(".em-warning >> visible=true")).to_have_count(1)
    await expect(page.locator(".to-issue, .to-import")).to_have_count(0)
    await page.click(f"[data-warning={real}]")
    await expect(page.locator(".to-update, .to-cancel, .to-incident")).to_have_count(0)
    await page.click("[data-tab=calls]")
    await expect(page.locator(".ew-calls")).to_contain_text("登录并有录入权限")
    await page.click(".em-back >> visible=true")
    await page.context.set_offline(offline=True)
    await expect(page.locator(".em-lost >> visible=true")).to_contain_text("连接中断")
    await sent(desk, "NEXT", severity="Minor")
    await page.context.set_offline(offline=False)
    await expect(page.locator("[data-warning=NEXT]")).to_contain_text("蓝色", timeout=15_000)
    async with database.writing() as connection:
        gone = "UPDATE cim.warning SET expires = now() - interval '1 s' WHERE code = :code"
        await connection.execute(sa.text(gone), {"code": real})
    await look(database)
    await expect(page.locator(".em-closed .state-expired")).to_have_count(2)
