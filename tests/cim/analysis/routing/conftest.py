"""The roads, houses, people and places of the sample city, imported once, and analyses asked of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import geopandas
import networkx as nx
import pytest
from clones import Clones
from filled import filled_once
from made_city import view_of

from cim.analysis.registry import ANALYSES
from cim.model.analysis import Answer
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

SAMPLES = Path(__file__).parents[4] / "data_samples" / "small"
FILES = (
    "admin_county.geojson",
    "roads.parquet",
    "buildings.gpkg",
    "population.parquet",
    "hospitals.geojson",
    "fire_stations.csv",
    "rescue_teams.csv",
    "shelters.geojson",
    "geohazards.csv",
    "contacts.csv",
    "supply_stores.csv",
)
Ask = Callable[..., Awaitable[Answer]]


async def fill(database: Database) -> None:
    """Import what ways are worked out from."""
    for name in FILES:
        options = ReadOptions(trust_file=True, crs="EPSG:4490" if name.endswith(".csv") else None)
        request = ImportRequest(SAMPLES / name, "test", "administrator", name.split(".")[0], options=options)
        (report,) = await import_file(database, load_catalog(), request)
        assert report.status == "published", report.message


@pytest.fixture(scope="session")
def roads_logins(clones: Clones, run_folder: Path) -> Logins:
    """A database with the sample's roads, to read and not to change."""
    return filled_once(clones, run_folder, "roads", fill)


@pytest.fixture
async def ask(roads_logins: Logins) -> AsyncIterator[Ask]:
    """Asks an analysis of the sample."""
    opened = Database(roads_logins.reader_url, roads_logins.writer_url, pool_size=4)

    async def answer(process: str, role: str = "administrator", **inputs: Any) -> Answer:
        return await ANALYSES[process].answer(inputs, await view_of(opened, role, **inputs))

    yield answer
    await opened.close()


@pytest.fixture(scope="session")
def roads() -> geopandas.GeoDataFrame:
    """The sample's roads as a table."""
    return geopandas.read_parquet(SAMPLES / "roads.parquet")


@pytest.fixture(scope="session")
def streets(roads: geopandas.GeoDataFrame) -> nx.MultiDiGraph:
    """The sample's roads as networkx has them: seconds by the length that the file states."""
    graph = nx.MultiDiGraph()
    for row in roads.itertuples():
        seconds = row.length_m / (row.speed_kmh / 3.6)
        if row.oneway >= 0:
            graph.add_edge(row.from_node, row.to_node, seconds=seconds, length_m=row.length_m, row=row.Index)
        if row.oneway <= 0:
            graph.add_edge(row.to_node, row.from_node, seconds=seconds, length_m=row.length_m, row=row.Index)
    return graph
