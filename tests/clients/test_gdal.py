"""GDAL reads OGC API Features and vector tiles over a real server, and finds what the sample's files hold."""

import asyncio
import csv
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import morecantile
import pytest
from sample_server import SAMPLES, sample_server

from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore

TOLERANCE_DEG = 1e-7
TILE_ZOOM = 14


@pytest.fixture
async def address(urls: DatabaseUrls, files: FileStore) -> AsyncIterator[str]:
    async with sample_server(urls, files, ("schools.csv",)) as found:
        yield found


@pytest.fixture
def schools() -> dict[str, tuple[float, float]]:
    """Longitude and latitude of each school by its name, as in the file."""
    with (SAMPLES / "schools.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["name"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)}


async def converted(source: str, layer: str, target: Path, *options: str) -> list[dict[str, object]]:
    """The features GDAL's ogr2ogr reads from a layer of a source, as GeoJSON in longitude and latitude."""
    program = shutil.which("ogr2ogr")
    if program is None:
        pytest.skip("ogr2ogr is not installed; the Debian package gdal-bin brings it")
    words = [program, "-f", "GeoJSON", "-t_srs", "EPSG:4326", *options, str(target), source, layer]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe, cwd=target.parent)
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return read(target)


def read(file: Path) -> list[dict[str, object]]:
    features: list[dict[str, object]] = json.loads(file.read_text("utf-8"))["features"]
    return features


def positions(features: list[dict[str, object]]) -> dict[str, tuple[float, float]]:
    found = {}
    for feature in features:
        x, y = feature["geometry"]["coordinates"][:2]  # type: ignore[index]
        found[feature["properties"]["name"]] = (x, y)  # type: ignore[index]
    return found


async def test_ogc_api_features(address: str, schools: dict[str, tuple[float, float]], tmp_path: Path) -> None:
    features = await converted(f"OAPIF:{address}/", "schools", tmp_path / "schools.json")
    found = positions(features)
    assert len(features) == len(schools)
    assert found.keys() == schools.keys()
    for name, place in schools.items():
        assert found[name] == pytest.approx(place, abs=TOLERANCE_DEG)


async def test_ogc_api_features_within_a_box(
    address: str, schools: dict[str, tuple[float, float]], tmp_path: Path
) -> None:
    east = sorted(lon for lon, _ in schools.values())[len(schools) // 2] + 1e-6
    box = ("-spat", "-180", "-90", str(east), "90")
    found = positions(await converted(f"OAPIF:{address}/", "schools", tmp_path / "west.json", *box))
    assert found.keys() == {name for name, (lon, _) in schools.items() if lon <= east}


async def test_vector_tile(address: str, schools: dict[str, tuple[float, float]], tmp_path: Path) -> None:
    grid = morecantile.tms.get("WebMercatorQuad")
    name, (lon, lat) = next(iter(schools.items()))
    tile = grid.tile(lon, lat, TILE_ZOOM)
    bounds = grid.bounds(tile)
    pixel = (bounds.right - bounds.left) / 4096
    path = f"/collections/schools/tiles/WebMercatorQuad/{TILE_ZOOM}/{tile.y}/{tile.x}"
    async with httpx.AsyncClient(base_url=address) as client:
        (tmp_path / "tile.mvt").write_bytes((await client.get(path)).content)
    place = ("-oo", f"X={tile.x}", "-oo", f"Y={tile.y}", "-oo", f"Z={TILE_ZOOM}", "-oo", "CLIP=NO")
    found = positions(await converted(f"MVT:{tmp_path}/tile.mvt", "schools", tmp_path / "tile.json", *place))
    assert found[name] == pytest.approx((lon, lat), abs=pixel)
