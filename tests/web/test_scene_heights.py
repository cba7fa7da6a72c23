"""Nothing floats or sinks: blocks, building models and city objects of the sample on its terrain, by decoded tiles."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pyproj
import pytest
from clones import Clones
from glb_reading import ReadTile, contents, read_glb
from sample_server import SAMPLES
from serving import Served, serving
from terrain_meshes import ReadMesh, read_mesh, tile_at, tile_box

from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.settings import ServerSettings

pytestmark = pytest.mark.slow
WAY = pyproj.Transformer.from_crs(4979, 4978, always_xy=True)
PLACES = 100


@pytest.fixture(scope="module")
async def city(clones: Clones, run_folder: Path) -> AsyncIterator[Served]:
    """The sample's heights, buildings, city block and both models."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        root = run_folder / f"files-{logins.database}"
        root.mkdir()
        catalog, store = load_catalog(), FileStore(root)
        for name in ("dem", "buildings.gpkg", "lod2_block.city.json", "hospital.ifczip", "fire-station.ifczip"):
            datum = "1985" if name == "dem" else None
            options = ReadOptions(trust_file=True, height_datum=datum)
            layer = None if name.endswith(".ifczip") else name.split(".")[0]
            request = ImportRequest(SAMPLES / name, "test", "administrator", layer, options=options)
            (report,) = await import_file(database, catalog, request, files=store)
            assert report.status == "published", report.message
        async with serving(database, catalog, store, ServerSettings(undulation_m=-39.5)) as served:
            yield served
        await database.close()


class Terrain:
    """The terrain that the viewer draws, at its deepest level."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._meshes: dict[tuple[int, int], ReadMesh] = {}
        self._deepest = 0

    async def at(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """Ellipsoidal heights of places."""
        if not self._deepest:
            self._deepest = (await self._client.get("/terrain/dem/layer.json")).json()["maxzoom"]
        z = self._deepest
        found = []
        for east, north in zip(lon, lat, strict=True):
            tile = tile_at(z, east, north)
            if tile not in self._meshes:
                answer = await self._client.get(f"/terrain/dem/{z}/{tile[0]}/{tile[1]}.terrain")
                assert answer.status_code == 200, answer.text
                self._meshes[tile] = read_mesh(answer.content)
            west, south, right, top = tile_box(z, *tile)
            share = np.array([(east - west) / (right - west)]), np.array([(north - south) / (top - south)])
            found.append(self._meshes[tile].height_at(*share)[0])
        return np.array(found)


async def tiles_of(client: httpx.AsyncClient, layer: str) -> list[ReadTile]:
    root = (await client.get(f"/3dtiles/{layer}/tileset.json")).json()["root"]
    return [read_glb((await client.get(f"/3dtiles/{layer}/{uri}")).content) for uri in contents(root)]


def corners(tile: ReadTile, number: int) -> np.ndarray:
    """Longitude, latitude and height of a feature's corners."""
    return np.column_stack(WAY.transform(*tile.of_feature(number).reshape(-1, 3).T, direction="INVERSE"))


async def test_blocks_reach_down_to_the_terrain_at_a_hundred_places(city: Served) -> None:
    terrain = Terrain(city.administrator)
    tiles = await tiles_of(city.administrator, "buildings")
    everything = [(tile, number) for tile in tiles for number in range(tile.count)]
    for tile, number in random.Random(3).sample(everything, PLACES):
        points = corners(tile, number)
        bottom = points[:, 2].min()
        foot = np.unique(points[points[:, 2] < bottom + 0.02][:, :2].round(9), axis=0)
        ground = await terrain.at(*foot.T)
        assert bottom <= ground.min() + 0.3
        assert bottom >= ground.min() - 1.5
        assert points[:, 2].max() > ground.max()


@pytest.mark.parametrize("name", ["hospital", "fire-station"])
async def test_the_ground_storey_of_models_is_where_the_terrain_is(city: Served, name: str) -> None:
    listed = (await city.administrator.get(f"/models/{name}/storeys")).json()["storeys"]
    ground = next(storey for storey in listed if storey["storey_number"] == 1)
    tiles = await tiles_of(city.administrator, name)
    heights, places = [], []
    for tile in tiles:
        for number, (storey, kind) in enumerate(zip(tile.columns["storey"], tile.columns["ifc_class"], strict=True)):
            if storey == ground["global_id"] and kind == "IfcWall":
                points = corners(tile, number)
                heights.append(points[:, 2].min())
                places.append(points[:, :2].mean(axis=0))
    terrain = await Terrain(city.administrator).at(*np.array(places).T)
    assert len(heights) > 5
    assert np.abs(np.median(heights) - terrain).max() < 1.0


async def test_city_objects_stand_on_the_terrain(city: Served) -> None:
    terrain = Terrain(city.administrator)
    for tile in await tiles_of(city.administrator, "lod2_block"):
        for number in range(tile.count):
            if tile.columns["object_type"][number] != "Building":
                continue
            points = corners(tile, number)
            (ground,) = await terrain.at(points[:1, 0], points[:1, 1])
            assert abs(points[:, 2].min() - ground) < 1.5
