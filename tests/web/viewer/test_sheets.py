"""Ordering a map sheet in a real browser: choose, name, fetch; what will be missing is said before."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from cim.store.deployment import DatabaseUrls


@pytest.mark.slow
async def test_a_sheet_of_the_view_is_fetched(page: Page, urls: DatabaseUrls, tmp_path: Path) -> None:
    await page.get_by_role("button", name="制图").click()
    dialog = page.locator("dialog.sheets")
    await dialog.locator("select[name=template]").select_option("plan")
    assert "详细规划地块" in await dialog.locator(".caution").inner_text()
    await dialog.locator("input[name=title]").fill("天彭街道规划图")
    await page.screenshot(path=tmp_path / "dialog.png")
    for form, start in (("PNG", b"\x89PNG"), ("PDF", b"%PDF")):
        async with page.expect_download(timeout=60_000) as awaited:
            await dialog.get_by_role("button", name=form).click()
        download = await awaited.value
        assert download.suggested_filename == f"天彭街道规划图.{form.lower()}"
        path = tmp_path / download.suggested_filename
        await download.save_as(path)
        assert path.read_bytes().startswith(start)
    await dialog.locator("select[name=template]").select_option("compliance-review")
    await dialog.get_by_role("button", name="PDF").click()
    await dialog.locator(".problem:not(:empty)").wait_for()
