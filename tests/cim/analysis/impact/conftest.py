"""A valley of a few rules for the analyses of impact: heights, water, people, hazards, imported once."""

import json
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from clones import Clones
from made_city import EASTING_M, NORTHING_M, lonlat, put, view_of
from rasterio.transform import Affine

from cim.analysis.registry import ANALYSES
from cim.model.analysis import Answer
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

CELL_M = 5.0
SLOPE_DEG = 35.0


def valley(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A river that falls to the south, a plain west of it, a dike, a hollow behind the dike, a slope in the east."""
    above = np.select([x < 400, x < 410, x < 480, x < 520], [-1.0, 4.0, 1.0, 0.0], 0.2 * (x - 520))
    return 500 + 0.02 * y + above


def hillside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A slope that falls to the east, and is level from 3400 m on."""
    return 900 - np.tan(np.radians(SLOPE_DEG)) * np.minimum(x - 3000, 400) + 0 * y


def write(path: Path, surface: Callable[..., np.ndarray], west_m: float, columns: int, rows: int) -> None:
    x, y = np.meshgrid(west_m + (np.arange(columns) + 0.5) * CELL_M, (rows - 0.5 - np.arange(rows)) * CELL_M)
    facts = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": "float32", "nodata": -9999}
    corner = Affine(CELL_M, 0, EASTING_M + west_m, 0, -CELL_M, NORTHING_M + rows * CELL_M)
    with rasterio.open(path, "w", crs="EPSG:4544", transform=corner, **facts) as file:
        file.write(surface(x, y).astype(np.float32), 1)


WATER = [
    ({"water_code": "W1", "name": "主河", "class": "river"}, (480.0, 0.0, 40.0, 1000.0)),
    ({"water_code": "W2", "name": "支沟", "class": "stream"}, (515.0, 300.0, 200.0, 6.0)),
]
ZONES = [
    ({"code": "F1", "name": "下游", "level": "high", "people": 12}, (470.0, 100.0, 60.0, 50.0)),
    ({"code": "F2", "name": "上游", "level": "high", "people": 5}, (470.0, 900.0, 60.0, 50.0)),
    ({"code": "F3", "name": "支沟上", "level": "danger", "people": 3}, (650.0, 290.0, 40.0, 30.0)),
    ({"code": "F4", "name": "近下游", "level": "extreme", "people": 1}, (470.0, 380.0, 60.0, 40.0)),
]
PEOPLE = [
    ({"record_id": "P1", "building_code": "B1", "persons": 40, "day_persons": 10, "mobility": 4}, (300.0, 600.0)),
    ({"record_id": "P2", "building_code": "B2", "persons": 70, "day_persons": 90, "mobility": 1}, (300.0, 350.0)),
    ({"record_id": "P3", "building_code": "B3", "persons": 10, "day_persons": 2, "mobility": 0}, (300.0, 950.0)),
    ({"record_id": "P4", "building_code": "B4", "persons": 7, "day_persons": 3, "mobility": 2}, (500.0, 120.0)),
    ({"record_id": "P5", "building_code": "B5", "persons": 9, "day_persons": 3, "mobility": 2}, (3500.0, 500.0)),
]
HAZARDS = [
    (
        {"id": "H1", "name": "氨罐", "substance": "液氨", "quantity_t": 20, "r_value": 118, "grade": "1", "beta": 1.0},
        (300.0, 300.0),
    ),
    ({"id": "H2", "name": "仓库", "substance": "某物", "quantity_t": 20, "grade": "4"}, (900.0, 900.0)),
]
PIPES = [
    ({"pipe_id": "A", "class": "water", "diam_mm": 300}, [(3430.0, 510.0), (3530.0, 510.0)]),
    ({"pipe_id": "B", "class": "water", "diam_mm": 200}, [(3530.0, 510.0), (3630.0, 510.0)]),
    ({"pipe_id": "C", "class": "water", "diam_mm": 200}, [(3630.0, 510.0), (3730.0, 510.0)]),
    ({"pipe_id": "G", "class": "gas", "diam_mm": 100}, [(3430.0, 530.0), (3530.0, 530.0)]),
]
VALVES = [
    ({"valve_id": "V1", "class": "water", "kind": "valve", "pipe_id": "B", "state": "open"}, (3540.0, 510.0)),
    ({"valve_id": "V2", "class": "water", "kind": "valve", "state": "open"}, (3620.0, 510.2)),
    ({"valve_id": "S1", "class": "water", "kind": "source", "pipe_id": "A", "state": "open"}, (3430.0, 510.0)),
]
SLIDES = [({"id": "G1", "name": "滑坡点", "kind": "landslide", "scale": "small", "threatened": 11}, (3050.0, 500.0))]


async def put_lines(
    database: Database, folder: Path, layer: str, rows: Sequence[tuple[Mapping[str, Any], Sequence[Any]]]
) -> None:
    """Import lines given in metres from the corner."""
    features = [
        {"type": "Feature", "properties": dict(facts), "geometry": {"type": "LineString", "coordinates": lonlat(line)}}
        for facts, line in rows
    ]
    path = folder / f"{layer}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    options = ReadOptions(crs="EPSG:4490", trust_file=True)
    (report,) = await import_file(
        database, load_catalog(), ImportRequest(path, "test", "administrator", layer, options=options)
    )
    assert report.loaded == len(rows), report.message


async def fill_heights(database: Database, folder: Path, files: FileStore) -> None:
    dem = folder / "dem"
    dem.mkdir()
    write(dem / "valley.tif", valley, 0.0, 200, 200)
    write(dem / "hillside.tif", hillside, 3000.0, 240, 200)
    options = ReadOptions(height_datum="1985", trust_file=True)
    request = ImportRequest(dem, "test", "administrator", "dem", options=options)
    (report,) = await import_file(database, load_catalog(), request, files=files)
    assert report.status == "published", report.message


async def fill(logins: Logins, folder: Path, files: FileStore) -> None:
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)
    await fill_heights(database, folder, files)
    layers = {
        "water": WATER,
        "flash_flood_zones": ZONES,
        "population": PEOPLE,
        "hazards": HAZARDS,
        "geohazards": SLIDES,
        "valves": VALVES,
    }
    await put_lines(database, folder, "pipelines", PIPES)
    for layer, rows in layers.items():
        await put(database, folder, layer, rows)
    await database.close()


@pytest.fixture(scope="session")
def made(
    clones: Clones, run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Logins, FileStore]]:
    """A database with the valley, and the folder of its files."""
    root = run_folder / f"impact-{uuid.uuid4().hex[:8]}"
    root.mkdir()
    with clones.made() as logins:
        run(fill(logins, tmp_path_factory.mktemp("impact"), FileStore(root)))
        yield logins, FileStore(root)
    shutil.rmtree(root, ignore_errors=True)


Ask = Callable[..., Any]


@pytest.fixture
async def ask(made: tuple[Logins, FileStore]) -> AsyncIterator[Ask]:
    """Runs a process over the valley; ``absent`` names layers that are not there, ``role`` who asks."""
    logins, files = made
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)

    async def answer(process: str, role: str = "administrator", absent: Sequence[str] = (), **inputs: Any) -> Answer:
        versions = dict.fromkeys(absent, 0)
        found = await ANALYSES[process].answer(inputs, await view_of(database, role, files, data_versions=versions))
        json.dumps(found.document(), allow_nan=False)
        return found

    yield answer
    await database.close()
