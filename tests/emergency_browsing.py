"""What officers do with incidents, in the browser and by program, for tests of the emergency map."""

import asyncio
import math
from typing import Any

import httpx
from browsing import READY
from playwright.async_api import Page, expect

SEAT = "#view=14/30.9915/103.9497"


async def sent(desk: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await desk.post(f"/incidents{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def leak(desk: httpx.AsyncClient, **facts: Any) -> str:
    """An incident of the chemical kind, by program."""
    body = {"kind": "chemical-leak", "title": "液氯泄漏", "place": {"lon": 103.95, "lat": 30.99}, **facts}
    return str((await sent(desk, "", **body))["code"])


async def open_incident(page: Page, address: str, code: str) -> None:
    await page.goto(f"{address}/map?incident={code}{SEAT}")
    await page.wait_for_selector(READY, timeout=60_000)
    await expect(page.locator(".emergency .em-facts-head h2")).to_be_visible()


async def on_map(page: Page, x: float, y: float) -> None:
    """Click the map at a place of its canvas, and let it tell a click from a double click."""
    await page.locator(".map canvas").first.click(position={"x": x, "y": y})
    await page.wait_for_timeout(350)


async def drawn(page: Page, names: list[str], seconds: float = 10) -> None:
    """Wait until the map draws marks of these names."""
    async with asyncio.timeout(seconds):
        while True:
            if await page.evaluate("window.onemapEmergency?.marks") == names:
                return
            await asyncio.sleep(0.02)


async def marked(desk: httpx.AsyncClient, code: str, symbol: str, label: str, **geometry: Any) -> None:
    """Draw a mark, by program."""
    await sent(desk, f"/{code}/marks", geometry=geometry, symbol=symbol, label=label)


async def changed(desk: httpx.AsyncClient, code: str, number: int, **body: Any) -> None:
    """Change a mark, by program."""
    answer = await desk.patch(f"/incidents/{code}/marks/{number}", json=body)
    assert answer.is_success, answer.text


async def rested(page: Page) -> None:
    """Wait until the map has flown to the incident: its place in the address stays as it is."""
    calm, last = 0, ""
    async with asyncio.timeout(30):
        while calm < 4:
            await page.wait_for_timeout(400)
            calm, last = (calm + 1 if page.url == last else 0), page.url


async def spot(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Where a place is on the page, by the address's view and the panel's room."""
    box = await page.locator(".map canvas").first.bounding_box()
    assert box is not None
    zoom, middle_lat, middle_lon = (float(one) for one in page.url.split("#view=")[1].split("&")[0].split("/")[:3])
    world = 512 * 2**zoom

    def mercator(degrees: float) -> float:
        return math.log(math.tan(math.pi / 4 + math.radians(degrees) / 2)) / (2 * math.pi)

    room = 456 if box["width"] > 912 else 0
    x = box["x"] + (box["width"] - room) / 2 + (lon - middle_lon) / 360 * world
    y = box["y"] + box["height"] / 2 - (mercator(lat) - mercator(middle_lat)) * world
    return x, y


async def dragged(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from a point of the page to another."""
    await page.mouse.move(*start)
    await page.mouse.down()
    await page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    await page.mouse.move(*end, steps=4)
    await page.mouse.up()
