"""Import of a 1 GB GeoTIFF to the visible version, against ``gdal_translate -of COG`` of the same file.

``import`` is timed inside a running Python until the version is visible: the copy into the sandbox with its hash, the
COG and the move into the store of files are part of it. ``gdal_translate`` runs with its own defaults (LZW, one thread)
and with our creation options. The calibration copies and hashes the file.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio

from benchmarks.machine import spread
from cim.store.cluster import Cluster
from cim.store.migrating import migrate

SIDE = 18_432
BLOCK = 512
WAYS = ("import", "gdal_translate", "gdal_translate_same", "copy_hash")
OURS = ("COMPRESS=DEFLATE", "PREDICTOR=YES", "BLOCKSIZE=512", "NUM_THREADS=ALL_CPUS", "OVERVIEW_RESAMPLING=AVERAGE")
DRIVER = """
import asyncio, json, sys, time
from pathlib import Path
from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

async def work(reader, writer, path, files, layer):
    database = Database(reader, writer)
    request = ImportRequest(Path(path), "b", "administrator", layer, options=ReadOptions(trust_file=True))
    begun = time.perf_counter()
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request, files=FileStore(Path(files)))
    print(json.dumps({"seconds": time.perf_counter() - begun, "status": report.status, "message": report.message}))
    await database.close()

asyncio.run(work(*sys.argv[1:]))
"""


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Interleaved rounds; every way starts from the same uncompressed file in the page cache."""
    folder = Path(tempfile.mkdtemp(prefix="cim-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        source = picture(folder / "picture.tif")
        seconds: dict[str, list[float]] = {
            "import": [],
            "gdal_translate": [],
            "gdal_translate_same": [],
            "copy_hash": [],
        }
        with Cluster(folder / "d", durable=False) as logins:
            migrate(logins.owner_url)
            for number in range(rounds):
                files = folder / f"files-{number}"
                files.mkdir()
                told = _import([logins.reader_url, logins.writer_url, source, files, f"picture_{number}"])
                seconds["import"].append(told)
                shutil.rmtree(files)
                seconds["gdal_translate"].append(_translate(source, folder / "peer.tif", ()))
                seconds["gdal_translate_same"].append(_translate(source, folder / "peer.tif", OURS))
                seconds["copy_hash"].append(_copy(source, folder / "copy.tif"))
        size = source.stat().st_size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    pairs = zip(seconds["import"], seconds["gdal_translate"], seconds["gdal_translate_same"], strict=True)
    ratios = [(ours / plain, ours / same) for ours, plain, same in pairs]
    return {
        "bytes": size,
        "cells": [SIDE, SIDE, 3],
        "rounds": rounds,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "ratio_to_gdal_translate": spread([plain for plain, _ in ratios]),
        "ratio_to_gdal_translate_same_options": spread([same for _, same in ratios]),
        "aim": "at most 1.2 of gdal_translate -of COG",
        "gdal_translate": subprocess.check_output(["gdal_translate", "--version"], text=True).strip(),
    }


def picture(path: Path) -> Path:
    """An uncompressed picture of 1 GB: smooth ground with grain, as photographs have it."""
    rng = np.random.default_rng(1)
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 3, "dtype": "uint8", "crs": "EPSG:4523"}
    transform = rasterio.Affine(0.2, 0, 35_400_000, 0, -0.2, 3_430_000)
    grain = rng.normal(0, 5, (3, BLOCK, BLOCK))
    x = np.arange(BLOCK)[None, :]
    with rasterio.open(path, "w", transform=transform, tiled=True, photometric="RGB", **profile) as dataset:
        for top in range(0, SIDE, BLOCK):
            for left in range(0, SIDE, BLOCK):
                ground = 120 + 40 * np.sin((left + x) / 300) * np.cos((top + x.T) / 200)
                shift = int(rng.integers(0, BLOCK))
                block = np.clip(ground + np.roll(grain, shift, axis=2), 0, 255).astype("uint8")
                dataset.write(block, window=rasterio.windows.Window(left, top, BLOCK, BLOCK))
    return path


def _import(words: list[object]) -> float:
    command = [sys.executable, "-c", DRIVER, *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    if told["status"] != "published":
        raise RuntimeError(told["message"])
    return float(told["seconds"])


def _translate(source: Path, target: Path, options: tuple[str, ...]) -> float:
    words = [word for option in options for word in ("-co", option)]
    begun = time.perf_counter()
    subprocess.run(["gdal_translate", "-q", "-of", "COG", *words, source, target], check=True)
    took = time.perf_counter() - begun
    target.unlink()
    return took


def _copy(source: Path, target: Path) -> float:
    begun = time.perf_counter()
    digest = hashlib.sha256()
    with source.open("rb") as old, target.open("wb") as new:
        while chunk := old.read(1 << 20):
            digest.update(chunk)
            new.write(chunk)
    took = time.perf_counter() - begun
    target.unlink()
    return took
