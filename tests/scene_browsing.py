"""What people do in the 3D view of a browser, through `window.onemapScene` and the page's controls, for tests of it."""

import asyncio
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from PIL import Image
from playwright.async_api import Page

UNDULATION_M = -39.5
SEAT = (103.9455, 30.9865)
OPEN = "body[data-scene=open]"
Place = tuple[float, float, float]
"""Degrees and ellipsoidal metres."""


def seat_view(zoom: int = 16) -> str:
    """The address of the seat in plain drawing."""
    return f"#quality=low&view={zoom}/{SEAT[1]}/{SEAT[0]}"


def roof_of(feature: dict[str, Any]) -> Place:
    """The middle of a building's roof by its record."""
    middle = shapely.geometry.shape(feature["geometry"]).representative_point()
    return middle.x, middle.y, top_of(feature)


def top_of(feature: dict[str, Any]) -> float:
    """The ellipsoidal height of a building's roof by its record."""
    record = feature["properties"]
    return float(record["ground_m"] + record["height_m"] + UNDULATION_M)


@dataclass
class SceneBrowser:
    """A page with the 3D view; pixels are those of its picture."""

    page: Page
    address: str

    async def open(self, view: str = seat_view(), *, folded: bool = False) -> None:
        """Open the view at an address; ``folded`` puts the tree of layers away."""
        await self.page.goto(f"{self.address}/map{view}")
        await self.page.reload()
        await self.page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
        if folded:
            await self.page.evaluate("document.querySelector('.panel').style.display = 'none'")
        if await self.page.locator(OPEN).count() == 0:
            await self.page.get_by_role("button", name="三维").click()
        await self.page.wait_for_selector(OPEN, timeout=60_000)

    async def told(self, path: str) -> Any:
        """What the server answers to the page."""
        return await self.page.evaluate("path => fetch(path).then(answer => answer.json())", path)

    async def handle(self, code: str, *given: Any) -> Any:
        """What the page's handle of the scene answers."""
        return await self.page.evaluate(f"given => {{ const scene = window.onemapScene; return {code}; }}", list(given))

    async def settled(self) -> None:
        """Wait until everything this view needs is drawn; the page's policy forbids the driver's own way of waiting."""
        async with asyncio.timeout(180):
            while not await self.handle("scene?.ready() ?? false"):
                await self.page.wait_for_timeout(200)
        calm = 0
        async with asyncio.timeout(60):
            while calm < 3:
                await self.page.wait_for_timeout(250)
                calm = calm + 1 if await self.handle("scene.ready()") else 0

    async def look(self, lon: float, lat: float, *more: float) -> None:
        """Look at a place from a distance: range, heading, pitch and height as ``lookAt`` takes them."""
        await self.handle("scene.lookAt(...given)", lon, lat, *more)
        await self.settled()

    async def at(self, place: Place) -> tuple[float, float]:
        """Where a place is on the picture."""
        found = await self.handle("scene.project(...given)", *place)
        assert found is not None
        return found["x"], found["y"]

    async def pick(self, spot: tuple[float, float]) -> dict[str, Any]:
        """What is picked at a pixel; empty for the ground."""
        return await self.handle("scene.pick(...given)", *spot) or {}

    async def place(self, spot: tuple[float, float]) -> dict[str, float]:
        """The place of what is drawn at a pixel."""
        found: dict[str, float] = await self.handle("scene.place(...given)", *spot)
        return found

    async def click(self, spot: tuple[float, float]) -> None:
        """Click on the picture."""
        box = await self.page.locator(".scene canvas").bounding_box()
        assert box is not None
        await self.page.mouse.click(box["x"] + spot[0], box["y"] + spot[1])

    async def tool(self, name: str) -> None:
        """Press the button of a tool."""
        await self.page.click(f".scene-tools [data-tool={name}]")

    async def picture(self) -> np.ndarray:
        """The page as it is seen, of shape (height, width, 3), moved so that pixels are those of the picture."""
        box = await self.page.locator(".scene canvas").bounding_box()
        assert box is not None
        shot = await self.page.screenshot(timeout=60_000)
        seen = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(float)
        return seen[int(box["y"]) :, int(box["x"]) :]

    async def slide(self, control: str, value: float) -> None:
        """Set a slider of the open card."""
        await self.page.locator(f".scene-card {control}").fill(str(value))

    async def buildings(self, reach: float = 0.0015) -> list[dict[str, Any]]:
        """Records of buildings around the seat that say their heights, the tallest first."""
        west, south, east, north = (at + side for side in (-reach, reach) for at in SEAT)
        found = await self.told(f"/collections/buildings/items?bbox={west},{south},{east},{north}&limit=200")
        whole = [one for one in found["features"] if one["properties"]["height_m"] and one["properties"]["ground_m"]]
        return sorted(whole, key=lambda one: -one["properties"]["height_m"])
