"""Tiles of a picture and of heights from COGs, against bare rio-tiler and against gdalwarp of the same windows.

All read the same two files, written by our importer's own COG step, in one thread. ``picture`` ends with the PNG,
``heights`` with the array; ``shaded`` is our default style of heights with its PNG, for which there is no peer.
rio-tiler lives in an environment of its own, made for the run. gdalwarp is started for every tile, as a script would
do, so its figures hold the start. CPU is user and system time of the process that reads.
"""

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import morecantile
import numpy as np
import pyproj
import rasterio

from benchmarks.machine import spread
from cim.model.raster import RasterImage
from cim.store.files import FileStore
from importers.cog import write_cog
from tiles.raster_encoding import encoded
from tiles.raster_grid import PictureArea, tile_area
from tiles.raster_painting import Look, heights_on, paint
from tiles.raster_pixels import Stretch

RIO_TILER = ("rio-tiler==9.4.12", "rasterio==1.4.4")
SIDE_CELLS, CELL_M = 3_072, 1.0
ORIGIN = (35_395_000.0, 3_434_000.0)
ZOOMS = range(12, 19)
TILES_A_ZOOM = 8
WARP_TILES = 14
CRS = "EPSG:4523"
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from rio_tiler.io import Reader
path, kind, tiles = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

def draw(z, x, y):
    with Reader(path) as source:
        tile = source.tile(x, y, z, resampling_method="bilinear", reproject_method="bilinear")
    return tile.render(img_format="PNG", ZLEVEL=3) if kind == "picture" else tile.array

for tile in tiles[:3]:
    draw(*tile)
wall, cpu = time.perf_counter(), time.process_time()
for tile in tiles:
    draw(*tile)
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Interleaved rounds over the same tiles; milliseconds of CPU and tiles a second of each way, and ratios of CPU."""
    folder = Path(tempfile.mkdtemp(prefix="cim-bench-", dir="/tmp"))
    try:
        images = {"picture": _kept(folder, "picture", _picture()), "heights": _kept(folder, "heights", _heights())}
        ways = _ways(folder, images, _tiles())
        cpu: dict[str, list[float]] = {name: [] for name in ways}
        rate: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                wall_s, cpu_s, count = way()
                cpu[name].append(1000 * cpu_s / count)
                rate[name].append(count / wall_s)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    pairs = [(kind, peer) for kind in images for peer in ("rio_tiler", "gdalwarp")]
    return {
        "what": f"{len(_tiles())} tiles z{ZOOMS.start}-z{ZOOMS.stop - 1} of {SIDE_CELLS} x {SIDE_CELLS} cells in {CRS}",
        "rounds": rounds,
        "rio_tiler": RIO_TILER[0],
        "gdalwarp": subprocess.check_output(["gdalwarp", "--version"], text=True).strip() if _has_gdal() else "absent",
        "cpu_ms_per_tile": {name: spread(values) for name, values in cpu.items()},
        "tiles_per_s": {name: spread(values) for name, values in rate.items()},
        "cpu_ratio_peer_to_ours": {
            f"{kind} {peer}": spread([b / a for a, b in zip(cpu[f"{kind} ours"], cpu[f"{kind} {peer}"], strict=True)])
            for kind, peer in pairs
            if f"{kind} {peer}" in cpu
        },
    }


Way = Callable[[], tuple[float, float, int]]
"""Seconds of wall clock and of CPU, and how many tiles they bought."""


def _ways(folder: Path, images: dict[str, RasterImage], tiles: list[tuple[int, int, int]]) -> dict[str, Way]:
    store = FileStore(folder)
    natural = Look("natural", (0, 1), Stretch(0, 255))
    relief = Look("shaded-relief", (450, 5000), Stretch(450, 5000))

    def picture(area: PictureArea) -> object:
        return encoded(paint(store, [images["picture"]], area, natural, float("inf")), "png")

    def heights(area: PictureArea) -> object:
        return heights_on(store, [images["heights"]], area, float("inf"))

    def shaded(area: PictureArea) -> object:
        return encoded(paint(store, [images["heights"]], area, relief, float("inf")), "png")

    ways: dict[str, Way] = {
        "picture ours": lambda: _ours(picture, tiles),
        "heights ours": lambda: _ours(heights, tiles),
        "shaded ours": lambda: _ours(shaded, tiles),
    }
    python = _peer_environment(folder)
    for kind, image in images.items():
        path = store.raster_path(image.file)
        ways[f"{kind} rio_tiler"] = lambda path=path, kind=kind: _rio_tiler(python, path, kind, tiles)  # type: ignore[misc]
        if _has_gdal():
            ways[f"{kind} gdalwarp"] = lambda path=path: _gdalwarp(path, folder, tiles[:: len(tiles) // WARP_TILES])  # type: ignore[misc]
    return ways


def _ours(draw: Callable[[PictureArea], object], tiles: list[tuple[int, int, int]]) -> tuple[float, float, int]:
    areas = [tile_area("WebMercatorQuad", z, x, y) for z, x, y in tiles]
    for area in areas[:3]:
        draw(area)
    wall, cpu = time.perf_counter(), time.process_time()
    for area in areas:
        draw(area)
    return time.perf_counter() - wall, time.process_time() - cpu, len(tiles)


def _rio_tiler(python: Path, path: Path, kind: str, tiles: list[tuple[int, int, int]]) -> tuple[float, float, int]:
    told = subprocess.check_output([python, "-c", PEER, path, kind, json.dumps(tiles)], text=True)
    wall_s, cpu_s = json.loads(told)
    return float(wall_s), float(cpu_s), len(tiles)


def _gdalwarp(path: Path, folder: Path, tiles: list[tuple[int, int, int]]) -> tuple[float, float, int]:
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for z, x, y in tiles:
        area = tile_area("WebMercatorQuad", z, x, y)
        sides = [str(side) for side in (area.west, area.south, area.east, area.north)]
        size = ["-ts", str(area.width), str(area.height), "-r", "bilinear", "-overwrite", "-q"]
        subprocess.run(
            ["gdalwarp", "-t_srs", "EPSG:3857", "-te", *sides, *size, path, folder / "warped.tif"], check=True
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - wall, cpu_s, len(tiles)


def _peer_environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", folder / "peer"], check=True)
    python = folder / "peer" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *RIO_TILER], check=True)
    return python


def _has_gdal() -> bool:
    return shutil.which("gdalwarp") is not None


def _tiles() -> list[tuple[int, int, int]]:
    """Tiles that lie within the files at every zoom, always the same."""
    chance = random.Random(9)
    way = pyproj.Transformer.from_crs(CRS, 4490, always_xy=True)
    grid = morecantile.tms.get("WebMercatorQuad")
    found: dict[tuple[int, int, int], None] = {}
    for z in ZOOMS:
        for _ in range(TILES_A_ZOOM):
            east, south = (chance.uniform(0.1, 0.9) * SIDE_CELLS * CELL_M for _ in range(2))
            tile = grid.tile(*way.transform(ORIGIN[0] + east, ORIGIN[1] - south), z)
            found[(tile.z, tile.x, tile.y)] = None
    return list(found)


def _kept(folder: Path, name: str, bands: np.ndarray) -> RasterImage:
    source = folder / f"{name}.tif"
    profile = {"count": bands.shape[0], "width": SIDE_CELLS, "height": SIDE_CELLS, "dtype": bands.dtype, "crs": CRS}
    photo = {"photometric": "YCBCR", "compress": "jpeg"} if name == "picture" else {}
    transform = rasterio.Affine(CELL_M, 0, ORIGIN[0], 0, -CELL_M, ORIGIN[1])
    with rasterio.open(source, "w", driver="GTiff", transform=transform, tiled=True, **profile, **photo) as dataset:
        dataset.write(bands)
    facts = write_cog(source, "GTiff", folder / "rasters", CRS)
    colours = "rgb" if name == "picture" else "gray"
    return RasterImage(name, facts.name, CELL_M, bands.shape[0], str(bands.dtype), colours, None)


def _picture() -> np.ndarray:
    """Smooth ground with grain, as photographs have it."""
    grain = np.random.default_rng(1).normal(0, 6, (512, 512))
    x = np.arange(SIDE_CELLS)
    ground = 120 + 40 * np.sin(x / 300)[None] * np.cos(x / 200)[:, None] + np.tile(grain, (6, 6))
    band = np.clip(ground, 0, 255).astype(np.uint8)
    return np.stack([band, np.roll(band, 40, 0), np.roll(band, 90, 1)])


def _heights() -> np.ndarray:
    """Hills of some hundred metres with roughness."""
    x = np.arange(SIDE_CELLS)
    rough = np.tile(np.random.default_rng(2).normal(0, 0.3, (512, 512)), (6, 6))
    hills = 1500 + 400 * np.sin(x / 700)[None] * np.cos(x / 500)[:, None] + rough
    return hills.astype(np.float32)[None]
