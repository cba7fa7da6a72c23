"""The sample city with its land business, and a land status of two versions."""

from collections.abc import AsyncIterator
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely
from clones import Clones
from filled import Fill, filled_once

from cim.store.cluster_logins import Logins
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
BUSINESS = (
    "land_prereview",
    "land_conversion",
    "land_expropriation",
    "land_supply",
    "land_registration",
    "land_consolidation",
    "change_patches",
    "protected_areas",
    "control_lines",
    "heritage_zones",
    "mineral_rights",
)


async def deliver(database: Database, path: Path, layer: str) -> None:
    """Import a file as the next version of a layer."""
    request = ImportRequest(path, "test", "administrator", layer, options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, load_catalog(), request)
    assert report.status == "published", report.message


def changed_land() -> geopandas.GeoDataFrame:
    """The land status a year later: forty fields built upon, one field halved, one parcel gone."""
    frame = geopandas.read_file(SAMPLES / "land_status.shp", encoding="GBK")
    fields = frame.index[frame["DLBM"] == "0101"][:40]
    frame.loc[fields, ["DLBM", "DLMC"]] = ["0601", "工业用地"]
    half = frame.index[frame["DLBM"] == "0102"][3]
    shape = frame.geometry[half]
    west, south, east, north = shape.bounds
    middle = (west + east) / 2
    new = frame.loc[[half]].copy()
    frame.loc[half, "geometry"] = shape.intersection(shapely.box(west, south, middle, north))
    new["geometry"] = [shape.intersection(shapely.box(middle, south, east, north))]
    new[["BSM", "DLBM", "DLMC"]] = ["510182900100000001", "1104", "坑塘水面"]
    gone = frame.index[frame["DLBM"] == "0301"][5]
    whole = pd.concat([frame.drop(gone), new], ignore_index=True)
    return geopandas.GeoDataFrame(whole, geometry="geometry", crs=frame.crs)


@pytest.fixture(scope="session")
def business_logins(
    clones: Clones, run_folder: Path, city_filling: Fill, tmp_path_factory: pytest.TempPathFactory
) -> Logins:
    """A database with the sample's land and land business, to read and not to change."""

    async def fill(database: Database) -> None:
        await city_filling(database)
        for layer in BUSINESS:
            await deliver(database, SAMPLES / f"{layer}.geojson", layer)
        later = tmp_path_factory.mktemp("later") / "land_status.gpkg"
        changed_land().to_file(later)
        await deliver(database, later, "land_status")

    return filled_once(clones, run_folder, "business", fill)


@pytest.fixture
async def business(business_logins: Logins) -> AsyncIterator[Database]:
    """The database with the sample's land business; the land status has two versions."""
    opened = Database(business_logins.reader_url, business_logins.writer_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def changed() -> geopandas.GeoDataFrame:
    """The later land status as it was handed in."""
    return changed_land()
