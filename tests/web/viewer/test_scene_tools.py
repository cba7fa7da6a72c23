"""The tools of the 3D view in a real browser, held against the database's records and formulas of their own."""

import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
import shapely.affinity
from PIL import Image
from playwright.async_api import Page
from scene_browsing import SEAT, UNDULATION_M, Place, SceneBrowser, roof_of, seat_view, top_of

from web.settings import ServerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
EARTH = pyproj.Geod(ellps="GRS80")
STATION = {"dem": "", "fire-station": "ifczip"}
MOST_ROOFS = 40
SEEN = (40, 600, 40, 480)
"""Columns and rows of the picture that no card covers."""


@pytest.fixture
def layers() -> dict[str, str]:
    return {"admin_county": "geojson", "dem": "", "buildings": "gpkg"}


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings(undulation_m=UNDULATION_M)


def is_seen(spot: tuple[float, float]) -> bool:
    """Whether no card covers a pixel."""
    return SEEN[0] < spot[0] < SEEN[1] and SEEN[2] < spot[1] < SEEN[3]


async def picked_roofs(scene: SceneBrowser, reach: float = 0.0015) -> list[tuple[dict[str, Any], tuple[float, float]]]:
    """Buildings whose roofs are seen, with the pixels of their middles."""
    found = []
    known = await scene.buildings(reach)
    for feature in known[:: max(1, len(known) // MOST_ROOFS)]:
        spot = await scene.at(roof_of(feature))
        if is_seen(spot) and (await scene.pick(spot)).get("fid") == feature["id"]:
            found.append((feature, spot))
    return found


def figures(text: str) -> dict[str, float]:
    """A table of figures: its rows' titles and first numbers."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition("\t")
        number = re.search(r"-?[\d,]+(?:\.\d+)?", value)
        if number:
            found[name.strip()] = float(number[0].replace(",", ""))
    return found


async def measured(scene: SceneBrowser, kind: str, spots: list[tuple[float, float]]) -> dict[str, float]:
    """The figures that measuring one thing tells for points set at pixels."""
    await scene.page.click(f".scene-card [data-kind={kind}]")
    return await drawn_figures(scene, spots)


async def drawn_figures(scene: SceneBrowser, spots: list[tuple[float, float]], last: str = "") -> dict[str, float]:
    for spot in spots:
        await scene.click(spot)
        await scene.page.wait_for_timeout(400)
    await scene.page.keyboard.press("Enter")
    table = scene.page.locator(".scene-card .scene-figures")
    await table.locator("tr", has_text=last).first.wait_for(timeout=60_000)
    return figures(await table.inner_text())


def geocentric(place: Place) -> np.ndarray:
    return np.array(pyproj.Transformer.from_crs(4979, 4978, always_xy=True).transform(*place))


async def test_distances_heights_and_areas_are_those_of_the_records(page: Page, scene: SceneBrowser) -> None:
    await scene.open(folded=True)
    await scene.look(*SEAT, 420, 0, -60)
    await scene.tool("measure")
    roofs = await picked_roofs(scene)
    (one, a), (other, b) = max(
        ((p, q) for p in roofs for q in roofs), key=lambda pair: math.dist(pair[0][1], pair[1][1])
    )
    ends = (roof_of(one), roof_of(other))
    level = EARTH.inv(*ends[0][:2], *ends[1][:2])[2]
    told = await measured(scene, "distance", [a, b])
    assert told["水平距离"] == pytest.approx(level, rel=0.01)
    assert told["空间距离"] == pytest.approx(float(np.linalg.norm(geocentric(ends[0]) - geocentric(ends[1]))), rel=0.01)
    low, high = min(roofs, key=lambda roof: top_of(roof[0])), max(roofs, key=lambda roof: top_of(roof[0]))
    told = await measured(scene, "height", [low[1], high[1]])
    assert told["高差"] == pytest.approx(top_of(high[0]) - top_of(low[0]), rel=0.01)

    large = max((one for one, _ in roofs), key=lambda one: shapely.geometry.shape(one["geometry"]).area)
    await scene.look(*roof_of(large)[:2], 160, 0, -80, top_of(large))
    ring = list(shapely.affinity.scale(shapely.geometry.shape(large["geometry"]).geoms[0], 0.8, 0.8).exterior.coords)
    spots = [await scene.at((*corner, top_of(large))) for corner in ring[:-1]]
    assert all(map(is_seen, spots))
    told = await measured(scene, "area", spots)
    area = abs(EARTH.polygon_area_perimeter(*zip(*ring, strict=True))[0])
    assert told["水平面积"] == pytest.approx(area, rel=0.01)
    assert told["空间面积（屋面、墙面）"] == pytest.approx(area, rel=0.01)


def heights_in(ring: shapely.Polygon) -> np.ndarray:
    """Ellipsoidal heights at places inside a ring of degrees, between the middles of the coarse raster's cells."""
    west, south, east, north = ring.bounds
    lons, lats = np.meshgrid(np.linspace(west, east, 60), np.linspace(south, north, 60))
    inside = shapely.contains_xy(ring, lons, lats)
    with rasterio.open(SAMPLES / "dem" / "county.tif") as raster:
        columns, rows = ~raster.transform @ (lons[inside], lats[inside])
        cells = raster.read(1).astype(float)
    (row, down), (column, right) = (np.divmod(part - 0.5, 1) for part in (rows, columns))
    i, j = row.astype(int), column.astype(int)
    above = cells[i, j] * (1 - right) + cells[i, j + 1] * right
    below = cells[i + 1, j] * (1 - right) + cells[i + 1, j + 1] * right
    heights: np.ndarray = above * (1 - down) + below * down + UNDULATION_M
    return heights


@pytest.mark.parametrize("layers", [{"admin_county": "geojson", "dem": ""}])
async def test_a_volume_is_that_of_the_heights_below_it(page: Page, scene: SceneBrowser) -> None:
    await scene.open(folded=True)
    await scene.look(103.85, 31.15, 2_500, 0, -89)
    await scene.tool("measure")
    corners = [(150.0, 120.0), (520.0, 120.0), (520.0, 420.0), (150.0, 420.0)]
    places = [await scene.place(spot) for spot in corners]
    ring = shapely.Polygon([(place["lon"], place["lat"]) for place in places])
    heights, area = heights_in(ring), abs(EARTH.polygon_area_perimeter(*ring.exterior.xy)[0])
    assert np.ptp(heights) > 20
    level = round(heights.min() - 30)
    await page.click(".scene-card [data-kind=volume]")
    await page.locator(".scene-card input[type=number]").fill(str(level))
    await page.locator(".scene-card input[type=number]").blur()
    told = await drawn_figures(scene, corners, last="基准面以上")
    assert told["面积"] == pytest.approx(area, rel=0.01)
    assert told["基准面以上（挖方）"] == pytest.approx((heights.mean() - level) * area, rel=0.01)
    assert told["基准面以下（填方）"] == 0


async def at_the_station(scene: SceneBrowser) -> tuple[list[float], float]:
    """The view down onto the model of the fire station, the model's box in degrees, and a height in its midst."""
    model = await scene.told("/models/fire-station")
    west, south, east, north = model["bbox"]
    middle = (west + east) / 2, (south + north) / 2
    await scene.open(f"#quality=low&view=18/{middle[1]}/{middle[0]}", folded=True)
    await scene.look(*middle, 90, 0, -60)
    return model["bbox"], (model["z_min_m"] + model["z_max_m"]) / 2 + UNDULATION_M


@pytest.mark.parametrize("layers", [STATION])
async def test_a_section_hides_what_lies_beyond_it_and_goes_again(page: Page, scene: SceneBrowser) -> None:
    (west, south, east, north), height = await at_the_station(scene)
    places = [(west * part + east * (1 - part), (south + north) / 2, height) for part in (0.75, 0.25)]
    spots = [await scene.at(place) for place in places]
    before = [await scene.pick(spot) for spot in spots]
    high = [(await scene.place(spot))["height_m"] for spot in spots]
    assert all(one.get("what") == "element" for one in before)
    await scene.tool("section")
    await page.locator(".scene-card select").first.select_option("fire-station")
    directions = page.locator(".scene-card select").nth(1)
    await directions.select_option("east")
    await page.click(".scene-card .cut-now")
    await scene.settled()
    cut = [await scene.pick(spot) for spot in spots]
    assert cut[0] != before[0]
    assert cut[1] == before[1]
    other_side = page.get_by_label("保留另一侧")
    await other_side.check()
    await scene.settled()
    turned = [await scene.pick(spot) for spot in spots]
    assert turned[0] == before[0]
    assert turned[1] != before[1]
    await other_side.uncheck()
    await directions.select_option("level")
    await scene.slide(".section-offset", -0.2)
    await scene.settled()
    for spot, was in zip(spots, high, strict=True):
        assert (await scene.place(spot))["height_m"] < was - 1
    await page.click(".scene-card .cut-none")
    await scene.settled()
    assert [await scene.pick(spot) for spot in spots] == before


@pytest.mark.parametrize("layers", [STATION])
async def test_storeys_come_apart_by_what_is_asked_for(page: Page, scene: SceneBrowser) -> None:
    (west, south, east, north), height = await at_the_station(scene)
    spot = await scene.at(((west + east) / 2, (south + north) / 2, height))
    element, at = await scene.pick(spot), await scene.place(spot)
    record = (await scene.told(f"/models/fire-station/elements/{element['globalId']}"))["properties"]
    storeys = (await scene.told("/models/fire-station/storeys"))["storeys"]
    number = next(one["storey_number"] for one in storeys if one["global_id"] == record["storey"])
    assert number > 1
    await scene.tool("storeys")
    await page.wait_for_selector(".storey-gap")
    await scene.slide(".storey-gap", 4)
    await scene.settled()
    moved = await scene.at((at["lon"], at["lat"], at["height_m"] + 4 * (number - 1)))
    assert (await scene.pick(moved)).get("globalId") == element["globalId"]
    assert (await scene.place(moved))["height_m"] == pytest.approx(at["height_m"] + 4 * (number - 1), abs=0.3)
    await scene.slide(".storey-gap", 0)
    await scene.settled()
    assert await scene.pick(spot) == element


def hue(colour: np.ndarray) -> float:
    """The hue of a colour as an angle, whatever its light."""
    red, green, blue = colour
    return math.degrees(math.atan2(math.sqrt(3) * (green - blue), 2 * red - green - blue))


async def legend(scene: SceneBrowser) -> dict[str, np.ndarray]:
    """The colours of the open card's legend by class."""
    found = await scene.page.locator(".scene-legend li").evaluate_all(
        "items => items.map(one => [one.dataset.class, getComputedStyle(one.querySelector('i')).backgroundColor])"
    )
    return {key: np.array([float(part) for part in re.findall(r"\d+", colour)[:3]]) for key, colour in found}


def class_of(value: float | None, bounds: list[float]) -> str:
    return "" if value is None else str(sum(value > bound for bound in bounds))


BOUNDS = {"height_m": [10, 27, 50, 100], "year": [1979, 1989, 1999, 2009, 2019]}


async def test_buildings_are_coloured_and_hidden_as_the_legend_says(page: Page, scene: SceneBrowser) -> None:
    await scene.open(folded=True)
    await scene.look(*SEAT, 900, 0, -75)
    roofs = await picked_roofs(scene, 0.003)
    assert len(roofs) > 8
    await scene.tool("colour")
    await page.locator(".scene-card select").first.select_option("buildings")
    for field in ("height_m", "use", "year"):
        await page.locator(".scene-card select").nth(1).select_option(field)
        await scene.settled()
        picture, colours = await scene.picture(), await legend(scene)
        met = set()
        for feature, (x, y) in roofs:
            value = feature["properties"][field]
            key = class_of(value, BOUNDS[field]) if field in BOUNDS else str(value or "")
            seen = picture[round(y), round(x)]
            if np.ptp(colours[key]) > 30:
                met.add(key)
                assert abs((hue(seen) - hue(colours[key]) + 180) % 360 - 180) < 14, (field, value, seen, colours[key])
        assert len(met) > (field != "use"), "the seat has homes and little else"
        gone = min(met)
        await page.locator(f'.scene-legend li[data-class="{gone}"] input').uncheck()
        await scene.settled()
        for feature, spot in roofs:
            value = feature["properties"][field]
            key = class_of(value, BOUNDS[field]) if field in BOUNDS else str(value or "")
            hidden = (await scene.pick(spot)).get("fid") != feature["id"]
            assert hidden == (key == gone)
    await page.locator(".scene-card select").nth(1).select_option("")
    await scene.settled()
    whole = await scene.picture()
    await scene.slide("input[type=range]", 0.1)
    await scene.settled()
    clear = await scene.picture()
    for feature, (x, y) in roofs:
        assert np.abs(clear[round(y), round(x)] - whole[round(y), round(x)]).max() > 4
        assert (await scene.pick((x, y))).get("fid") == feature["id"]


@pytest.mark.parametrize("layers", [{"dem": "", "pipelines": "shp"}])
async def test_pipes_are_found_below_the_ground_in_the_underground_view_alone(page: Page, scene: SceneBrowser) -> None:
    await scene.open(folded=True)
    west, south, east, north = (at + side for side in (-0.003, 0.003) for at in SEAT)
    pipes = (await scene.told(f"/collections/pipelines/items?bbox={west},{south},{east},{north}&limit=50"))["features"]
    pipe = max(pipes, key=lambda one: one["properties"]["diam_mm"])
    shape, record = shapely.geometry.shape(pipe["geometry"]), pipe["properties"]
    middle = shape.interpolate(0.5, normalized=True)
    (known,) = (await scene.told(f"/identify?lon={middle.x}&lat={middle.y}"))["heights"]
    depth = (record["depth_s"] + record["depth_e"]) / 2 + record["diam_mm"] / 2_000
    place = (middle.x, middle.y, known["height_m"] + UNDULATION_M - depth)
    await scene.look(*place[:2], 40, 0, -80, place[2])
    spot = await scene.at(place)
    assert await scene.pick(spot) == {}
    await scene.tool("underground")
    await scene.settled()
    assert (await scene.pick(spot)) == {"what": "feature", "layer": "pipelines", "fid": pipe["id"]}
    assert (await scene.place(spot))["height_m"] == pytest.approx(place[2] + record["diam_mm"] / 2_000, abs=0.6)
    await page.click(".scene-card .above-ground")
    await scene.settled()
    assert await scene.pick(spot) == {}


async def test_shadows_lie_where_the_sun_throws_them(page: Page, scene: SceneBrowser) -> None:
    await scene.open(folded=True)
    tall = (await scene.buildings())[0]
    lon, lat, top = roof_of(tall)
    await scene.look(lon, lat, 500, 0, -75)
    await scene.tool("sun")
    await page.locator(".scene-card input[type=date]").fill("2026-12-21")
    await scene.slide(".sun-time", 10)
    await scene.settled()
    sun = await page.locator(".sun-told").evaluate("told => ({...told.dataset})")
    assert datetime.fromisoformat(sun["instant"]).hour in (2, 3)
    high = tall["properties"]["height_m"] * 0.9
    reach = high / math.tan(math.radians(float(sun["elevation"])))
    shadow = EARTH.fwd(lon, lat, (float(sun["azimuth"]) + 180) % 360, reach)[:2]
    spot = await scene.at((*shadow, top - tall["properties"]["height_m"]))
    place = await scene.place(spot)
    dark = await scene.picture()
    await page.get_by_label("阴影").uncheck()
    await scene.settled()
    light = await scene.picture()
    x, y = round(spot[0]), round(spot[1])
    assert place["height_m"] < top - 0.5 * tall["properties"]["height_m"]
    assert dark[y, x].mean() < light[y, x].mean() - 15


async def eye_of(page: Page) -> list[float]:
    """Latitude, longitude, height, heading and pitch of the address once it stays as it is."""
    before = ""
    while page.url != before:
        before = page.url
        await page.wait_for_timeout(1_500)
    found = re.search(r"3d=([-\d./]+)", before)
    assert found is not None
    return [float(part) for part in found[1].split("/")]


async def test_a_flight_a_bookmark_and_a_picture(page: Page, scene: SceneBrowser) -> None:
    await scene.open(folded=True)
    await scene.look(*SEAT, 900, 0, -60)
    kept = await eye_of(page)
    await scene.tool("bookmarks")
    await page.locator(".bookmark-form input").fill("县城")
    await page.locator(".bookmark-form button").click()

    await scene.tool("flight")
    await page.click(".scene-card .draw-way")
    spots = [(120.0, 420.0), (300.0, 300.0), (480.0, 180.0)]
    way = [await scene.place(spot) for spot in spots]
    for spot in spots:
        await scene.click(spot)
        await page.wait_for_timeout(300)
    await page.keyboard.press("Enter")
    await scene.slide("input[type=range] >> nth=1", 200)
    await page.click(".scene-card .fly")
    progress = page.locator(".scene-card progress")
    for _ in range(240):
        await page.wait_for_timeout(250)
        if float(await progress.evaluate("bar => bar.value")) >= 1:
            break
    lat, lon, height = (await eye_of(page))[:3]
    assert EARTH.inv(lon, lat, way[-1]["lon"], way[-1]["lat"])[2] < 5
    assert height == pytest.approx(way[-1]["height_m"] + 80, abs=3)

    await scene.open(seat_view(14))
    await scene.tool("bookmarks")
    await page.locator(".bookmarks button", has_text="县城").click()
    await scene.settled()
    assert await eye_of(page) == pytest.approx(kept, abs=0.01)
    async with page.expect_download() as waited:
        await scene.tool("snapshot")
    download = await waited.value
    assert download.suggested_filename.endswith(".png")
    picture = Image.open(await download.path())
    assert picture.format == "PNG"
    box = await page.locator(".scene canvas").bounding_box()
    assert box is not None
    assert picture.width == box["width"]
    assert picture.height > box["height"]
    assert np.asarray(picture.convert("L"))[: int(box["height"])].std() > 5
