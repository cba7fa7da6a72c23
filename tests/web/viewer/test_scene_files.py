"""Registered meshes, point clouds and terrain in the 3D view of a real browser: nothing fails, nothing floats."""

from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pyproj
import pytest
import trimesh
from made_city import EASTING_M, NORTHING_M, put
from made_clouds import written_cloud
from made_tilesets import box, written
from playwright.async_api import Page
from scene_browsing import SEAT, UNDULATION_M, SceneBrowser

from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.cloud_tiles import make_cloud_tiles
from web.settings import ServerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
GROUND_M = 532.0
BLOCKS = ((-40.0, 30.0, 24.0), (25.0, 45.0, 36.0), (40.0, -35.0, 15.0))
"""Middles, east and north of the seat, and heights of the blocks of the mesh, in metres."""
SIDE_M = 22.0
CLOUD_EAST_M = 130.0


@pytest.fixture
def layers() -> dict[str, str]:
    return {"admin_county": "geojson", "dem": ""}


@pytest.fixture
def settings() -> ServerSettings:
    return ServerSettings(undulation_m=UNDULATION_M)


def blocks_glb() -> bytes:
    """The blocks as one mesh, in metres of the set, z up as 3D Tiles turn glTF."""
    meshes = []
    for east, north, high in BLOCKS:
        block = trimesh.creation.box((SIDE_M, high, SIDE_M))
        block.apply_translation((east, high / 2, -north))
        meshes.append(block)
    data: bytes = trimesh.util.concatenate(meshes).export(file_type="glb")
    assert pygltflib.GLTF2.load_from_bytes(data).meshes
    return data


def mesh_folder(folder: Path) -> Path:
    root = {
        "boundingVolume": box((0, 0, 20), (80, 80, 25)),
        "geometricError": 0,
        "refine": "ADD",
        "content": {"uri": "blocks.glb"},
    }
    whole = {"asset": {"version": "1.1"}, "geometricError": 500, "root": root}
    return written(folder, {"tileset.json": whole, "blocks.glb": blocks_glb()})


def cloud_file(path: Path) -> Path:
    """A level square of points 60 m wide and 3 m above the ground, and a mast in its middle, east of the seat."""
    east, north = pyproj.Transformer.from_crs(4490, 4544, always_xy=True).transform(*SEAT)
    random = np.random.default_rng(1)
    x, y = random.uniform(-30, 30, (2, 90_000))
    z = np.full(len(x), GROUND_M + 3)
    mast = np.hypot(x, y) < 1.5
    z[mast] += random.uniform(0, 40, int(mast.sum()))
    kinds = np.where(mast, 15, 2).astype(np.uint8)
    corner = (round(east + CLOUD_EAST_M), round(north))
    return written_cloud(path, (x, y, z), corner=corner, point_format=6, classification=kinds)


async def brought_in(urls: DatabaseUrls, files: FileStore, layer: str, path: Path, **options: Any) -> None:
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True, **options))
    (report,) = await import_file(database, load_catalog(), request, files=files)
    assert report.status == "published", report.message
    await make_cloud_tiles(database, files)
    await database.close()


async def tick(page: Page, layer: str, *, on: bool = True) -> None:
    """Switch a layer in the tree."""
    await page.evaluate("document.querySelectorAll('.panel details').forEach(group => { group.open = true; })")
    await page.locator(f".panel .layer[data-layer={layer}] input[type=checkbox]").set_checked(on)


async def test_mesh_cloud_and_terrain_stand_where_they_should(
    page: Page, scene: SceneBrowser, urls: DatabaseUrls, files: FileStore, tmp_path: Path
) -> None:
    await brought_in(urls, files, "mesh", mesh_folder(tmp_path / "mesh"), place=(*SEAT, GROUND_M, 0.0))
    await brought_in(urls, files, "scan", cloud_file(tmp_path / "scan.laz"))
    catalog = await page.evaluate("fetch('/catalog').then(answer => answer.json())")
    assert {one["id"]: one["scene"]["kind"] for one in catalog["layers"] if one.get("scene")} == {
        "mesh": "mesh",
        "scan": "points",
    }
    await scene.open()
    await tick(page, "mesh")
    await tick(page, "scan")
    await scene.look(SEAT[0] + 0.0004, SEAT[1], 330, 10, -50)
    await page.screenshot(path=tmp_path / "files.png")
    statistics = await scene.handle("scene.statistics")
    assert statistics["tilesFailed"] == 0
    east_deg = 1 / (111_320 * np.cos(np.radians(SEAT[1])))
    for east, north, high in BLOCKS:
        lon, lat = SEAT[0] + east * east_deg, SEAT[1] + north / 110_870
        top = GROUND_M + high + UNDULATION_M
        at = await scene.handle("scene.project(...given)", lon, lat, top)
        found = await scene.handle("scene.place(...given)", at["x"], at["y"])
        assert found["height_m"] == pytest.approx(top, abs=1.0)
    lon = SEAT[0] + CLOUD_EAST_M * east_deg
    at = await scene.handle("scene.project(...given)", lon + 15 * east_deg, SEAT[1], GROUND_M + 3 + UNDULATION_M)
    around = [(at["x"] + dx, at["y"] + dy) for dx in range(-6, 7, 2) for dy in range(-6, 7, 2)]
    picked = [await scene.handle("scene.pick(...given)", *spot) for spot in around]
    assert "scan" in {one["layer"] for one in picked if one}
    places = [await scene.handle("scene.place(...given)", *spot) for spot in around]
    heights = [one["height_m"] for one in places if one]
    assert any(abs(height - GROUND_M - 3 - UNDULATION_M) < 0.5 for height in heights), heights
    at = await scene.handle("scene.project(...given)", SEAT[0], SEAT[1], GROUND_M + UNDULATION_M)
    ground = await scene.handle("scene.place(...given)", at["x"], at["y"])
    (known,) = (await page.evaluate(f"fetch('/identify?lon={ground['lon']}&lat={ground['lat']}').then(a => a.json())"))[
        "heights"
    ]
    assert ground["height_m"] == pytest.approx(known["height_m"] + UNDULATION_M, abs=1.0)


async def test_single_buildings_of_a_mesh_are_found_by_their_footprints(
    page: Page, scene: SceneBrowser, urls: DatabaseUrls, files: FileStore, tmp_path: Path
) -> None:
    east_m, north_m = pyproj.Transformer.from_crs(4490, 4544, always_xy=True).transform(*SEAT)
    corner = (east_m - EASTING_M - SIDE_M / 2, north_m - NORTHING_M - SIDE_M / 2)
    houses = [
        (
            {"building_code": f"house-{number}", "height_m": high, "ground_m": GROUND_M},
            (corner[0] + east, corner[1] + north, SIDE_M, SIDE_M),
        )
        for number, (east, north, high) in enumerate(BLOCKS[:2])
    ]
    database = Database(urls.reader_url, urls.writer_url, pool_size=2)
    await put(database, tmp_path, "buildings", houses)
    await database.close()
    await brought_in(urls, files, "mesh", mesh_folder(tmp_path / "mesh"), place=(*SEAT, GROUND_M, 0.0))
    known = (await scene.told("/collections/buildings/items"))["features"]
    fids = {one["properties"]["building_code"]: one["id"] for one in known}
    await scene.open()
    await tick(page, "buildings", on=False)
    await tick(page, "mesh")
    await scene.look(*SEAT, 260, 10, -45)
    east_deg = 1 / (111_320 * np.cos(np.radians(SEAT[1])))
    for number, (east, north, high) in enumerate(BLOCKS):
        lon, lat = SEAT[0] + east * east_deg, SEAT[1] + north / 110_870
        roof = await scene.at((lon, lat, GROUND_M + high + UNDULATION_M))
        wall = await scene.at((lon, lat - SIDE_M / 2 / 110_870, GROUND_M + high / 2 + UNDULATION_M))
        if number == len(BLOCKS) - 1:
            assert await scene.pick(roof) == {"what": "mesh", "layer": "mesh"}
            continue
        code = f"house-{number}"
        assert await scene.pick(roof) == {"what": "footprint", "layer": "buildings", "fid": fids[code]}
        for spot in (roof, wall):
            await scene.click(spot)
            await page.locator(".results.open", has_text=code).wait_for()
            await page.keyboard.press("Escape")
