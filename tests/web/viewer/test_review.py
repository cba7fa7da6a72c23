"""Reviews, analyses and rules in a real browser: red lines by file, drawn and pasted; results read; editions kept."""

import json
import tomllib
from pathlib import Path

import pytest
from browsing import log_in
from playwright.async_api import Page

from cim.analysis.rule_sets import shipped_rules
from layers.catalog import load_catalog

RED_LINE = """[属性描述]
坐标系=2000国家大地坐标系
几度分带=3
投影类型=高斯克吕格
计量单位=米
带号=35
精度=0.001
[地块坐标]
5,49.2044,1,一号地块,面,,工业用地,,@
J1,1,3429239.110,35398741.624
J2,1,3429287.749,35399458.637
J3,1,3429986.732,35399417.481
J4,1,3429904.834,35398700.197
"""
CLOSING = "J1,1,3429239.110,35398741.624\n"
SQUARE = [[103.94, 30.98], [103.946, 30.98], [103.946, 30.985], [103.94, 30.985], [103.94, 30.98]]


@pytest.fixture
def layers() -> dict[str, str]:
    """The county alone: most of the pages needs no more."""
    return {"admin_county": "geojson"}


@pytest.fixture
async def planner(page: Page, address: str, working: None) -> Page:
    """The page of the review, a technician logged in."""
    await page.set_viewport_size({"width": 1200, "height": 760})
    await page.get_by_role("link", name="合规性审查").click()
    await page.wait_for_selector("body[data-ready=yes] .area-input", timeout=60_000)
    await log_in(page)
    return page


@pytest.mark.parametrize("layers", [{"admin_county": "geojson", "land_status": "shp", "basic_farmland": "shp"}])
async def test_a_red_line_is_handed_in_and_reviewed(planner: Page, tmp_path: Path) -> None:
    page = planner
    opened, closed = tmp_path / "缺口.txt", tmp_path / "红线.txt"
    opened.write_text(RED_LINE, "gbk")
    closed.write_text(RED_LINE + CLOSING, "gbk")
    await page.set_input_files(".drop input", opened)
    await page.wait_for_selector(".area-found .wrong", timeout=60_000)
    told = await page.locator(".area-found .wrong").inner_text()
    assert "地块 1" in told
    assert "未闭合" in told
    assert "35398741.624" in told
    await page.locator(".run").click()
    assert "请先给出红线" in await page.locator(".step .wrong").last.inner_text()

    await page.set_input_files(".drop input", closed)
    await page.wait_for_selector(".red-line", timeout=60_000)
    read = await page.locator(".red-line").inner_text()
    for text in ("491,920.", "公顷", "亩", "EPSG:4523", "带号 35", "一号地块", "492,044.00"):
        assert text in read
    await page.fill("input[name=use]", "0901")
    await page.fill("input[name=far]", "two")
    await page.locator(".run").click()
    assert "不是数字" in await page.locator(".step .wrong").last.inner_text()
    await page.fill("input[name=far]", "2.0")
    await page.locator(".run").click()
    await page.wait_for_selector(".overall.not", timeout=60_000)
    assert "不代替主管部门" in await page.locator(".work-column > .statement").inner_text()
    assert "不符合" in await page.locator(".overall strong").inner_text()
    farmland = page.locator(".finding[data-rule=basic-farmland]")
    assert "《土地管理法》第三十五条" in await farmland.inner_text()
    assert "建议：" in await farmland.inner_text()
    missing = page.locator(".finding[data-rule=flash-flood] .verdict")
    assert await missing.get_attribute("class") == "verdict not-assessed"
    rows = page.locator("[data-table=land_status] tbody tr")
    assert "水田" in await rows.first.inner_text()
    assert await rows.first.locator(".patch").evaluate("one => one.style.background") == "rgb(248, 208, 114)"
    await page.get_by_role("tab", name="补划与占补平衡").click()
    assert await page.locator("[data-table=replacement]").is_visible()
    assert not await page.locator("[data-table=land_status]").is_visible()
    await farmland.locator(".link").click()
    assert await page.locator(".legend-entry[aria-pressed=true]").inner_text() == "永久基本农田"
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="GeoJSON 图形").click()
    saved = tmp_path / "shapes.geojson"
    await (await waiting.value).save_as(saved)
    shapes = json.loads(saved.read_text("utf-8"))
    assert {one["properties"]["kind"] for one in shapes["features"]} == {"parcel", "finding"}
    await page.screenshot(path=tmp_path / "review.png")


@pytest.mark.slow
async def test_an_area_is_pasted_drawn_and_analysed_as_a_job(planner: Page, address: str, tmp_path: Path) -> None:
    page = planner
    await page.goto(f"{address}/analyses?process=compliance-review")
    await page.wait_for_selector("body[data-ready=yes] .schema-form", timeout=60_000)
    await page.get_by_role("tab", name="粘贴").click()
    for pasted, reason in (("{", "不是 JSON"), ({"type": "Polygon", "coordinates": [SQUARE[:4]]}, "未闭合")):
        await page.fill("textarea[aria-label^=粘贴]", pasted if isinstance(pasted, str) else json.dumps(pasted))
        await page.get_by_role("button", name="使用").click()
        await page.locator(".area-found .wrong", has_text=reason).wait_for()
    await page.fill("textarea[aria-label^=粘贴]", json.dumps({"type": "Polygon", "coordinates": [SQUARE]}))
    await page.get_by_role("button", name="使用").click()
    await page.wait_for_selector(".red-line")

    await page.get_by_role("tab", name="绘制").click()
    await page.get_by_role("button", name="开始绘制").click()
    box = await page.locator(".map-canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.wait_for_timeout(700)
    for right, down in ((-40, -40), (40, -40), (40, 40)):
        await page.mouse.click(x + right, y + down)
        await page.wait_for_timeout(350)
    await page.mouse.dblclick(x - 40, y + 40)
    await page.locator(".drawn", has_text="地块数 1").wait_for()
    await page.wait_for_selector(".red-line")
    await page.get_by_role("button", name="后台运行").click()
    await page.wait_for_selector(".result .overall", timeout=60_000)
    assert await page.locator(".jobs .state.successful").count() == 1
    assert "地块" in await page.locator(".tables .tabs").inner_text()
    await page.locator(".jobs").get_by_role("button", name="删除").click()
    await page.locator(".none", has_text="还没有任务").wait_for()
    await page.screenshot(path=tmp_path / "analyses.png")


@pytest.mark.slow
async def test_rules_are_read_kept_and_refused(planner: Page, address: str, tmp_path: Path) -> None:
    page = planner
    await page.goto(f"{address}/rules")
    await page.wait_for_selector("body[data-ready=yes] [data-edition='0']", timeout=60_000)
    defined = load_catalog().layers
    head, *rules = shipped_rules("compliance-review").text.split("[[rule]]")
    named = [(rule, tomllib.loads(f"[[rule]]{rule}")["rule"][0]["layer"]) for rule in rules]
    text = "[[rule]]".join([head, *(rule for rule, layer in named if layer in defined)])
    await page.fill(".rule-text", text.replace('test = "near"', 'test = "near"\nfarness = 3'))
    await page.fill("input[name=note]", "试验")
    await page.get_by_role("button", name="保存为新版本").click()
    told = page.locator(".rule-wrong .wrong")
    await told.wait_for()
    assert "rule.geological-hazard.farness：没有这个条目" in await told.inner_text()
    line = text[: text.index('id = "geological-hazard"')].count("\n") + 1
    assert await page.locator(".lines .at-fault").inner_text() == str(line)
    await page.screenshot(path=tmp_path / "rules.png")

    changed = text.replace("distance_m = 200", "distance_m = 300")
    await page.fill(".rule-text", changed)
    await page.get_by_role("button", name="保存为新版本").click()
    await page.wait_for_selector("[data-edition='1'].chosen")
    assert "试验" in await page.locator("[data-edition='1']").inner_text()
    assert "王工" in await page.locator("[data-edition='1']").inner_text()
    await page.locator("[data-edition='0'] button").click()
    await page.wait_for_selector("[data-edition='0'].chosen")
    assert "distance_m = 200" in await page.locator(".rule-text").input_value()
    await page.get_by_role("button", name="退出").click()
    await page.wait_for_selector("body[data-ready=yes] .editor .caution", timeout=60_000)
    assert await page.locator(".rule-text[readonly]").count() == 1
    assert await page.get_by_role("button", name="保存为新版本").count() == 0
