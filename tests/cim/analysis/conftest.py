"""The land of the sample city, imported once for the tests of analyses, and the view of it that they are given."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from clones import Clones
from filled import Fill, filled_once

from cim.analysis.context import Context
from cim.store.cluster_logins import Logins
from cim.store.collections import all_collections
from cim.store.database import Database
from cim.store.identities import principal_for_role
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog, load_catalog
from web.analysis_context import analysis_context

SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
FILES = (
    "admin_county.geojson",
    "land_status.shp",
    "basic_farmland.shp",
    "eco_redline.geojson",
    "urban_boundary.geojson",
    "plan_parcels.gpkg",
    "geohazards.csv",
    "flash_flood_zones.geojson",
)


async def fill_city(database: Database) -> None:
    """Import the land of the sample city."""
    for name in FILES:
        options = ReadOptions(trust_file=True, crs="EPSG:4490" if name.endswith(".csv") else None)
        request = ImportRequest(SAMPLES / name, "test", "administrator", name.split(".")[0], options=options)
        (report,) = await import_file(database, load_catalog(), request)
        assert report.status == "published", report.message


@pytest.fixture(scope="session")
def city_logins(clones: Clones, run_folder: Path) -> Logins:
    """A database with the land of the sample city, to read and not to change."""
    return filled_once(clones, run_folder, "city", fill_city)


@pytest.fixture(scope="session")
def city_filling() -> Fill:
    """Fills a database with the land of the sample city."""
    return fill_city


@pytest.fixture
async def city(city_logins: Logins) -> AsyncIterator[Database]:
    """The database with the land of the sample city."""
    opened = Database(city_logins.reader_url, city_logins.writer_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


View = Callable[..., Awaitable[Context]]


@pytest.fixture
def view(shipped: Catalog) -> View:
    """Gives what an analysis is given over a database for a role; inputs pin versions as an execution's do."""

    async def view_of(database: Database, role: str = "administrator", **inputs: Any) -> Context:
        async with database.writing("test") as connection:
            principal = await principal_for_role(connection, role, "王工")
            collections = await all_collections(connection)
        return analysis_context(database, shipped, collections, principal, author=None, inputs=inputs)

    return view_of
