"""The query page in a real browser: build, run, sort, export, count, share; and what a feature is linked to."""

from pathlib import Path
from urllib.parse import parse_qs, urlparse

import openpyxl
import pytest
from browsing import log_in
from playwright.async_api import Page


@pytest.fixture
def layers() -> dict[str, str]:
    """Parcels, buildings and who is in them."""
    return {
        "admin_county": "geojson",
        "admin_town": "geojson",
        "plan_parcels": "gpkg",
        "buildings": "gpkg",
        "addresses": "csv",
        "population": "parquet",
        "organisations": "csv",
    }


async def found(page: Page) -> int:
    return int((await page.locator(".query-count b").inner_text()).replace(",", ""))


@pytest.mark.slow
async def test_a_query_is_built_run_sorted_kept_counted_and_shared(page: Page, address: str, tmp_path: Path) -> None:
    await log_in(page, 1366, 768)
    await page.get_by_role("button", name="查询统计").click()
    await page.locator(".query-layer").select_option("buildings")
    await page.locator(".add-condition").click()
    await page.get_by_label("字段").select_option("use")
    await page.locator(".condition select.value").select_option("residential")
    await page.locator(".add-condition").click()
    await page.get_by_label("字段").nth(1).select_option("height_m")
    await page.get_by_label("比较").nth(1).select_option(">=")
    await page.locator(".condition input.value").fill("12")
    assert await page.locator(".cql").input_value() == "use = 'residential' AND height_m >= 12"
    await page.get_by_role("button", name="查询", exact=True).click()
    await page.wait_for_selector(".query-count")
    count = await found(page)
    assert count > 0
    asked = {"filter": "use = 'residential' AND height_m >= 12"}
    answer = await page.request.get(f"{address}/collections/buildings/items", params=asked)
    assert (await answer.json())["numberMatched"] == count

    await page.locator(".query-table th .link", has_text="高度").click()
    await page.locator(".query-table th .link", has_text="▲").wait_for()
    await page.locator(".query-table th .link", has_text="高度").click()
    await page.locator(".query-table th .link", has_text="▼").wait_for()
    column = await page.locator(".query-table th").all_inner_texts()
    place = next(number for number, title in enumerate(column) if "高度" in title)
    heights = [
        float((await row.locator("td").nth(place).inner_text()).split()[0])
        for row in await page.locator(".query-table tbody tr").all()
    ]
    assert heights == sorted(heights, reverse=True)
    assert min(heights) >= 12

    await page.get_by_label("分组方式…").select_option("structure")
    await page.wait_for_selector(".figures .bar")
    counts = await page.locator(".figures tbody td.number").all_inner_texts()
    assert sum(int(one.replace(",", "")) for one in counts) == count
    await page.wait_for_timeout(1500)
    await page.screenshot(path=tmp_path / "query.png")

    async with page.expect_download() as begun:
        await page.get_by_role("button", name="XLSX").click()
    download = await begun.value
    assert download.suggested_filename == "建筑物_v1.xlsx"
    await download.save_as(tmp_path / "kept.xlsx")
    assert len(list(openpyxl.load_workbook(tmp_path / "kept.xlsx")["要素"].iter_rows())) == count + 1

    shared = parse_qs(urlparse(page.url).query)
    assert shared["layer"] == ["buildings"]
    await page.reload()
    await page.wait_for_selector(".query-count", timeout=60_000)
    assert await found(page) == count
    assert await page.locator(".condition").count() == 2

    await page.get_by_role("button", name="画范围").click()
    for x, y in ((700, 150), (1000, 150), (1000, 380), (700, 380)):
        await page.mouse.click(x, y)
        await page.wait_for_timeout(350)
    await page.keyboard.press("Enter")
    assert "S_INTERSECTS(geom, POLYGON((" in await page.locator(".cql").input_value()
    async with page.expect_response(lambda answer: "/items" in answer.url):
        await page.get_by_role("button", name="查询", exact=True).click()
    await page.wait_for_timeout(1200)
    inside = await found(page)
    assert inside < count
    assert await page.locator(".results.open").count() == 0, "a corner is no question what is there"
    await page.screenshot(path=tmp_path / "polygon.png")

    await page.locator(".cql").fill("height_m > 'tall'")
    await page.get_by_role("button", name="查询", exact=True).click()
    assert "height_m" in await page.locator(".message.error").first.inner_text()
    await page.locator(".cql").fill("floors BETWEEN 3 AND 4")
    async with page.expect_response(lambda answer: "BETWEEN" in answer.url):
        await page.get_by_role("button", name="查询", exact=True).click()
    assert await page.locator(".query .caution").is_visible()
    assert parse_qs(urlparse(page.url).query)["filter"] == ["floors BETWEEN 3 AND 4"]


@pytest.mark.slow
async def test_a_parcel_leads_to_its_buildings_and_who_is_in_them(page: Page, address: str, tmp_path: Path) -> None:
    await log_in(page, 1366, 768)
    asked = {"properties": "parcel_code", "limit": "200"}
    parcels = (await (await page.request.get(f"{address}/collections/plan_parcels/items", params=asked)).json())[
        "features"
    ]
    for parcel in parcels:
        linked = await (
            await page.request.get(f"{address}/collections/plan_parcels/items/{parcel['id']}/linked?depth=2")
        ).json()
        layers = {group["layer"] for group in linked["groups"]}
        if {"buildings", "addresses", "population", "organisations"} <= layers:
            break
    else:
        pytest.fail("no parcel of the sample leads to buildings, addresses, people and firms")
    await page.fill("input.search", parcel["properties"]["parcel_code"])
    await page.locator(".hits [role=option]").first.click()
    await page.wait_for_selector(".results.open .linked-button")
    await page.get_by_role("button", name="关联").click()
    await page.wait_for_selector(".linked-group")
    counts = {
        await group.get_attribute("data-layer"): await group.locator(".count").first.inner_text()
        for group in await page.locator(".linked-group").all()
    }
    assert counts == {group["layer"]: f"{group['count']:,}" for group in linked["groups"]}
    await page.locator(".linked-group[data-layer=buildings] > summary").click()
    await page.locator(".linked-feature > summary").first.click()
    await page.wait_for_timeout(1500)
    await page.screenshot(path=tmp_path / "linked.png")
