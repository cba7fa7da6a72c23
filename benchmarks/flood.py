"""A flood step on five-metre heights of the seat, and reading the same window alone.

The heights are the sample city's terrain on a grid of the plane by the seat, imported into a cluster of its own with
the sample's water. Each round asks for the process as a server does: river, heights, spreading, areas by depth. Beside
it stand the spreading alone, and the calibration: reading the same cells of the file with rasterio.
"""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

from benchmarks.machine import spread
from cim.analysis.context import Context
from cim.analysis.impact.flood import ANALYSIS
from cim.analysis.impact.spreading import rising
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins
from cim.store.collections import all_collections
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.identities import principal_for_role
from cim.store.migrating import migrate
from data_samples import rivers, terrain
from data_samples.city import SIZES
from data_samples.imagery import HEIGHT_CELL_M
from data_samples.plane import PLANE_CRS, to_plane
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.analysis_context import analysis_context

SAMPLES = Path(__file__).parents[1] / "data_samples" / "small"
PLACE_DEG = (103.92763, 30.98328)
"""On the river that runs along the west of the seat."""
SIDE_M = 5_200.0
RADII_M = (1_250.0, 2_500.0)
RISE_M = 2.0
REACH_S = 3.0
SEED = 7


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Seconds of the process, of the spreading alone and of reading the same window, by the side of the window."""
    folder = Path(tempfile.mkdtemp(prefix="cim-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        heights = _heights(folder / "dem")
        with Cluster(folder / "d", durable=False) as logins:
            migrate(logins.owner_url)
            figures = asyncio.run(_measured(logins, folder, heights, rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "what": f"process flood, a rise of {RISE_M:g} m from the river on {HEIGHT_CELL_M:g} m heights of the seat",
        "rounds": rounds,
        **figures,
        "reach": f"a step < {REACH_S:g} s",
    }


def _heights(folder: Path) -> Path:
    """Five-metre heights of a square by the seat as GeoTIFF."""
    folder.mkdir()
    ground = terrain.build(rivers.streams(SEED), SEED, SIZES["small"].terrain_m)
    x, y = np.round(to_plane(np.array([PLACE_DEG]))[0] - SIDE_M / 2)
    count = round(SIDE_M / HEIGHT_CELL_M)
    steps = (np.arange(count) + 0.5) * HEIGHT_CELL_M
    east, north = np.meshgrid(x + steps, y + SIDE_M - steps)
    cells = ground.height(np.column_stack([east.ravel(), north.ravel()])).reshape(count, count)
    path = folder / "seat.tif"
    profile = {"driver": "GTiff", "width": count, "height": count, "count": 1, "dtype": "float32", "nodata": -9999.0}
    corner = Affine(HEIGHT_CELL_M, 0, x, 0, -HEIGHT_CELL_M, y + SIDE_M)
    with rasterio.open(path, "w", crs=PLANE_CRS, transform=corner, tiled=True, compress="deflate", **profile) as file:
        file.write(np.round(cells, 1).astype(np.float32), 1)
    return path


async def _measured(logins: Logins, folder: Path, heights: Path, rounds: int) -> dict[str, Any]:
    database = Database(logins.reader_url, logins.writer_url)
    files = FileStore(folder / "files")
    files.root.mkdir()
    await _import(database, heights.parent, "dem", files, ReadOptions(height_datum="1985", trust_file=True))
    await _import(database, SAMPLES / "water.gpkg", "water", files, ReadOptions(trust_file=True))
    figures = {}
    for radius_m in RADII_M:
        place = {"type": "Point", "coordinates": list(PLACE_DEG)}
        asked = {"place": place, "radius_m": radius_m, "rise_m": RISE_M}
        answer = await ANALYSIS.answer(asked, await _context(database, files))
        timed = [await _timed(database, files, asked) for _ in range(rounds)]
        assert answer.raster is not None
        depths = answer.raster.values.astype(np.float64)
        figures[f"{2 * radius_m / 1000:g}_km"] = {
            "cells": int(depths.size),
            "flooded_m2": answer.summary["flooded_m2"],
            "process_s": spread([wall for wall, _ in timed]),
            "process_cpu_s": spread([cpu for _, cpu in timed]),
            "spreading_s": spread([_spread(depths) for _ in range(rounds)]),
            "read_window_s": spread([_read(heights, radius_m) for _ in range(rounds)]),
        }
    await database.close()
    return figures


async def _import(database: Database, path: Path, layer: str, files: FileStore, options: ReadOptions) -> None:
    request = ImportRequest(path, "b", "administrator", layer, options=options)
    (report,) = await import_file(database, load_catalog(), request, files=files)
    assert report.status == "published", report.message


async def _context(database: Database, files: FileStore) -> Context:
    async with database.writing("b") as connection:
        principal = await principal_for_role(connection, "administrator", "b")
        collections = await all_collections(connection)
    return analysis_context(database, load_catalog(), collections, principal, author=None, inputs={}, files=files)


async def _timed(database: Database, files: FileStore, asked: dict[str, Any]) -> tuple[float, float]:
    """Seconds on the clock, and of this process's processors; the second is little moved by what else runs."""
    begun, worked = time.perf_counter(), time.process_time()
    await ANALYSIS.answer(asked, await _context(database, files))
    return time.perf_counter() - begun, time.process_time() - worked


def _spread(depths: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Seconds of spreading over as many cells, from the flooded cells of the answer."""
    ground = np.where(np.isfinite(depths), -depths, 1.0)
    begun = time.perf_counter()
    for _ in rising(ground, np.zeros(ground.shape), np.isfinite(depths), [0.0]):
        pass
    return time.perf_counter() - begun


def _read(path: Path, radius_m: float) -> float:
    side = round(2 * radius_m / HEIGHT_CELL_M)
    begun = time.perf_counter()
    with rasterio.open(path) as file:
        first = (file.width - side) // 2
        file.read(1, window=Window(first, first, side, side))
    return time.perf_counter() - begun
