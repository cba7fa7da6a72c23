"""The sample's hospital over HTTP, held against scripts that share nothing with the project."""

import asyncio
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import ifcopenshell
import ifcopenshell.util.placement
import numpy as np
import pytest
from clones import Clones
from pyproj import Transformer
from sample_server import SAMPLES
from serving import Served, serving

from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

HOSPITAL = SAMPLES / "hospital.ifczip"
ORACLE = Path(__file__).parent / "fire_doors_oracle.py"
MM_DEG = 1e-3 / 95_000
"""A millimetre in degrees of longitude at the county, where a degree is shortest."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def city(clones: Clones, run_folder: Path) -> AsyncIterator[Served]:
    """A served city with the hospital and the fire station."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        for path in (HOSPITAL, SAMPLES / "fire-station.ifczip"):
            request = ImportRequest(path, "test", "administrator", options=ReadOptions(trust_file=True))
            (report,) = await import_file(database, load_catalog(), request)
            assert report.status == "published", report.message
        root = run_folder / f"files-{logins.database}"
        root.mkdir()
        async with serving(database, load_catalog(), FileStore(root)) as served:
            yield served
        await database.close()


def by_the_oracle(storey: int) -> set[str]:
    said = subprocess.run([sys.executable, ORACLE, HOSPITAL, str(storey)], capture_output=True, text=True, check=True)
    return set(said.stdout.split())


def opened(path: Path) -> ifcopenshell.file:
    with zipfile.ZipFile(path) as archive:
        return ifcopenshell.file.from_string(archive.read(archive.namelist()[0]).decode())


@pytest.mark.parametrize("storey", [-1, 1, 3, 12])
async def test_fire_doors_of_a_storey_are_those_of_plain_ifcopenshell(city: Served, storey: int) -> None:
    wanted = await asyncio.to_thread(by_the_oracle, storey)
    west, south, east, north = (await city.technician.get("/models/hospital")).json()["bbox"]
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    query = {
        "class": "IfcDoor",
        "storey": str(storey),
        "filter": "\"Pset_DoorCommon.FireRating\" IS NOT NULL AND \"Pset_DoorCommon.FireRating\" NOT IN ('无', '')",
        "area": f'{{"type": "Polygon", "coordinates": [{ring}]}}',
        "limit": "1000",
    }
    answer = (await city.technician.get("/elements", params=query)).json()
    assert {one["id"] for one in answer["features"]} == wanted
    assert answer["numberMatched"] == len(wanted)
    assert storey != 3 or wanted


async def test_elements_lie_where_the_map_conversion_puts_them(city: Served) -> None:
    """Each column's outline is centred on its placement, moved by an own matrix and pyproj, to a millimetre."""
    file = opened(HOSPITAL)
    (conversion,) = file.by_type("IfcMapConversion")
    turn = np.array(
        [[conversion.XAxisAbscissa, -conversion.XAxisOrdinate], [conversion.XAxisOrdinate, conversion.XAxisAbscissa]]
    )
    to_degrees = Transformer.from_crs("EPSG:4523", "EPSG:4490", always_xy=True)
    answer = (await city.technician.get("/models/hospital/elements?class=IfcColumn&limit=400")).json()
    assert len(answer["features"]) > 300
    for feature in answer["features"]:
        local = ifcopenshell.util.placement.get_local_placement(file.by_guid(feature["id"]).ObjectPlacement)[:2, 3]
        plane = turn @ (local * conversion.Scale) + [conversion.Eastings, conversion.Northings]
        lon, lat = to_degrees.transform(*plane)
        corners = np.array(feature["geometry"]["coordinates"][0][:-1])
        assert np.abs(corners.mean(axis=0) - (lon, lat)).max() < MM_DEG


async def test_a_record_a_diff_and_a_rollback_are_quick_and_the_same_file_is_free(city: Served) -> None:
    first = (await city.technician.get("/models/hospital/elements?class=IfcDoor&limit=1")).json()["features"][0]
    assert (await city.technician.get(f"/models/hospital/elements/{first['id']}")).json()["id"] == first["id"]
    request = ImportRequest(HOSPITAL, "test", "administrator", options=ReadOptions(trust_file=True))
    (report,) = await import_file(city.database, load_catalog(), request)
    assert (report.status, report.version) == ("unchanged", None)
    began = time.monotonic()
    answer = await city.administrator.post("/models/hospital/rollback", json={"version": 0})
    assert answer.status_code == 200, answer.text
    answer = await city.administrator.post("/models/hospital/rollback", json={"version": 1})
    assert answer.json()["version"]["feature_count"] == 6987
    assert time.monotonic() - began < 60
    diff = (await city.administrator.get("/models/hospital/diff?from=1&to=3")).json()
    assert (diff["added"], diff["changed"], diff["removed"]) == (0, 0, 0)
