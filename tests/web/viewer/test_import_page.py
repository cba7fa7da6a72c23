"""Importing in a real browser: drop, read the inspection, map fields, watch, see the faults, undo."""

import json
from pathlib import Path

import geopandas
import pytest
from browsing import log_in
from playwright.async_api import Page

SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"


@pytest.fixture
async def technician(page: Page, working: None) -> Page:
    """The page with a technician logged in and the import page open."""
    await log_in(page)
    await page.get_by_role("button", name="数据导入").click()
    await page.wait_for_selector(".importer.open .drop")
    return page


@pytest.fixture
def parcels(tmp_path: Path) -> Path:
    """Forty parcels of the sample: one of an unknown class, one upon another, the names under another field's name."""
    frame = geopandas.read_file(SAMPLES / "land_status.shp").head(40).rename(columns={"DLMC": "地类"})
    frame.loc[3, "DLBM"] = "9999"
    frame.loc[5, "geometry"] = frame.geometry[6]
    path = tmp_path / "新区地类图斑.geojson"
    document = json.loads(frame.to_crs(4490).to_json())
    document["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    return path


@pytest.mark.slow
async def test_a_delivery_is_dropped_mapped_watched_looked_at_and_undone(
    technician: Page, parcels: Path, tmp_path: Path
) -> None:
    page = technician
    await page.set_input_files(".drop input", parcels)
    await page.wait_for_selector(".inspection")
    told = await page.locator(".inspection").inner_text()
    assert "GeoJSON" in told
    assert "40 × MultiPolygon" in told
    await page.fill(".import-options input[list]", "land_status")
    await page.locator(".mapping > summary").click()
    row = page.locator(".mapping tr").filter(has=page.locator("th", has_text="地类"))
    await row.locator("select").select_option("DLMC")
    await page.screenshot(path=tmp_path / "inspected.png")
    await page.locator(".import-now").get_by_role("button", name="开始导入").click()
    await page.wait_for_selector(".import-now .run .state", timeout=60_000)
    ended = await page.locator(".import-now .run").inner_text()
    assert "读取 40" in ended
    assert "9999" in ended
    assert "DLMC is" not in ended
    await page.get_by_role("button", name="在地图上看问题").first.click()
    await page.wait_for_timeout(1500)
    drawn = "document.querySelectorAll('.map canvas').length"
    assert await page.evaluate(drawn) == 1
    await page.screenshot(path=tmp_path / "faults.png")
    await page.get_by_role("button", name="在地图上看变化").first.click()
    await page.wait_for_timeout(1500)
    await page.screenshot(path=tmp_path / "changes.png")
    await page.locator(".import-now").get_by_role("button", name="撤销").click()
    await page.wait_for_selector(".message:has-text('已撤销')")
    report = await page.evaluate("fetch('/collections/land_status/versions').then(r => r.json())")
    assert report["versions"][0]["feature_count"] == 0
    assert report["versions"][0]["origin"] == "rollback"


@pytest.mark.slow
async def test_a_file_that_cannot_be_read_says_why(technician: Page, tmp_path: Path) -> None:
    broken = tmp_path / "plan.shp"
    broken.write_bytes(b"PK\x05\x06nothing of use")
    await technician.set_input_files(".drop input", broken)
    await technician.wait_for_selector(".import-now .problem")
    assert "plan.shp" in await technician.locator(".import-now").inner_text()
    assert await technician.get_by_role("button", name="开始导入").count() == 0
