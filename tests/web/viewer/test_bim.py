"""Building models on the page: the footprint, plans of storeys, records of elements, placing by control points."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import log_in
from made_ifc import EAST_M, HEIGHT_M, NORTH_M, made_model
from playwright.async_api import Error, Locator, Page

from cim.model.bim import Placement

LAYERS = {"fire-station": "ifczip"}


@pytest.fixture
def layers() -> dict[str, str]:
    return LAYERS


async def told(page: Page, path: str) -> Any:
    """What the server answers the page."""
    return await page.evaluate("path => fetch(path).then(answer => answer.json())", path)


async def look_at(page: Page, address: str, model: str) -> None:
    """Open the map with the model in its middle."""
    west, south, east, north = (await told(page, f"/models/{model}"))["bbox"]
    await page.goto(f"{address}/map#view=19/{(south + north) / 2:.7f}/{(west + east) / 2:.7f}")
    await page.reload()
    await page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
    await page.wait_for_timeout(1_500)


async def click_until(page: Page, wanted: Locator) -> None:
    """Click the middle of the map until it shows what is wanted: what is clicked must have been drawn."""
    box = await page.locator(".map canvas").bounding_box()
    assert box is not None
    for _ in range(10):
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        with contextlib.suppress(Error):
            await wanted.wait_for(timeout=3_000)
            return
    await wanted.wait_for(timeout=1_000)


async def test_from_the_footprint_to_a_storey_to_an_element(page: Page, address: str, tmp_path: Path) -> None:
    await log_in(page)
    await look_at(page, address, "fire-station")
    card = page.locator(".bim-card[data-model=fire-station]")
    await click_until(page, card)
    assert "CIM" in await card.inner_text() or "构件" in await card.inner_text()
    await page.click(".storeys-button")
    await page.wait_for_selector(".storeys")
    offered = await page.locator(".storeys .storey").all_inner_texts()
    storeys = (await told(page, "/models/fire-station/storeys"))["storeys"]
    assert len(offered) == len(storeys)
    assert {"1F", "2F", "3F"} <= set(offered)
    await page.click(".storeys .storey:text-is('2F')")
    await page.wait_for_timeout(1_500)
    second = next(one for one in storeys if one["storey_number"] == 2)
    assert await page.locator(".storeys-place").get_attribute("data-storey") == second["global_id"]
    record = page.locator(".bim-element")
    await click_until(page, record)
    await page.screenshot(path=tmp_path / "storey.png")
    picked = await record.get_attribute("data-element")
    element = await told(page, f"/models/fire-station/elements/{picked}")
    assert element["properties"]["storey"] == second["global_id"]
    assert str(picked) in await record.inner_text()
    await page.locator(".storeys .close").click()
    assert await page.locator(".storeys").count() == 0


def unplaced(path: Path) -> Path:
    """The made model without anything that says where it lies."""
    file = made_model()
    for name in ("IfcMapConversion", "IfcProjectedCRS"):
        for one in file.by_type(name):
            file.remove(one)
    file.write(str(path))
    return path


@pytest.mark.slow
async def test_a_model_that_does_not_say_where_it_lies_is_placed_by_points(
    page: Page, address: str, working: None, tmp_path: Path
) -> None:
    await log_in(page)
    await page.get_by_role("button", name="数据导入").click()
    await page.set_input_files(".drop input", unplaced(tmp_path / "hall.ifc"))
    form = page.locator(".control-points[open]")
    await form.wait_for(timeout=60_000)
    assert await page.locator(".inspected .problem").count() >= 1
    placement = Placement(4523, None, EAST_M, NORTH_M, HEIGHT_M, 0.8, 0.6, 1.0, None, "control-points")
    model = np.array([(0.0, 0.0, 0.0), (20.0, 0.0, 0.0), (20.0, 10.0, 3.0)])
    on_map = placement.to_map(model) + np.array([(0.01, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)])
    await form.locator("input").first.fill("EPSG:4523")
    for number, values in enumerate(np.column_stack([model, on_map])):
        for place, value in enumerate(values):
            await form.locator("tbody tr").nth(number).locator("input").nth(place).fill(f"{value:.4f}")
    await form.get_by_role("button", name="计算").click()
    await form.locator(".rest:not(:empty)").first.wait_for()
    rests = [float(text.split()[-1]) for text in await form.locator(".rest").all_inner_texts()]
    assert 0 < max(map(abs, rests)) < 0.01
    await page.screenshot(path=tmp_path / "points.png")
    await page.locator(".import-now").get_by_role("button", name="开始导入").click()
    await page.wait_for_selector(".import-now .run .state", timeout=60_000)
    assert "已发布" in await page.locator(".import-now .run").inner_text()
    head = await told(page, "/models/hall")
    assert head["placement"]["evidence"] == "control-points"
    assert np.hypot(head["placement"]["east_m"] - EAST_M, head["placement"]["north_m"] - NORTH_M) < 0.01
    assert json.dumps(head["bbox"])
