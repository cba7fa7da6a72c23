"""People, cut buildings and distances of the sample city against geopandas on the files themselves."""

from collections.abc import AsyncIterator
from pathlib import Path

import geopandas
import pandas as pd
import pyproj
import pytest
import shapely
from clones import Clones
from filled import filled_once
from made_city import view_of

from cim.analysis.registry import ANALYSES
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
FILES = ("buildings.gpkg", "population.parquet", "schools.csv")
RADII = [150.0, 400.0, 900.0]
PLACES = [(103.958, 30.985), (103.9653, 30.9921)]


async def fill(database: Database) -> None:
    for name in FILES:
        options = ReadOptions(trust_file=True, crs="EPSG:4490" if name.endswith(".csv") else None)
        request = ImportRequest(SAMPLES / name, "test", "administrator", name.split(".")[0], options=options)
        (report,) = await import_file(database, load_catalog(), request)
        assert report.status == "published", report.message


@pytest.fixture(scope="session")
def homes_logins(clones: Clones, run_folder: Path) -> Logins:
    """A database with the homes and people of the sample city."""
    return filled_once(clones, run_folder, "homes", fill)


@pytest.fixture
async def city(homes_logins: Logins) -> AsyncIterator[Database]:
    opened = Database(homes_logins.reader_url, homes_logins.writer_url, pool_size=2)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def homes() -> geopandas.GeoDataFrame:
    """The buildings of the sample with their people."""
    houses = geopandas.read_file(SAMPLES / "buildings.gpkg")
    people = geopandas.read_parquet(SAMPLES / "population.parquet").drop(
        columns=["geometry", "floors"], errors="ignore"
    )
    return houses.merge(pd.DataFrame(people), on="building_code", how="left", suffixes=("", "_p"))


@pytest.mark.parametrize("place", PLACES)
async def test_people_cut_buildings_and_distances_are_those_of_geopandas(
    city: Database, homes: geopandas.GeoDataFrame, place: tuple[float, float]
) -> None:
    inputs = {"place": list(place), "radii_m": RADII, "time": "night"}
    answer = await ANALYSES["incident-picture"].answer(inputs, await view_of(city))
    plane = homes.to_crs(pyproj.CRS.from_proj4(f"+proj=aeqd +lon_0={place[0]} +lat_0={place[1]} +ellps=GRS80"))
    whole = plane.area
    inside, cuts = [], 0
    for radius in RADII:
        share = plane.intersection(shapely.Point(0, 0).buffer(radius, 400)).area / whole
        inside.append([float((share * plane[name].fillna(0)).sum()) for name in ("persons", "households", "mobility")])
        cuts = int(((share > 1e-6) & (share < 1 - 1e-6)).sum())
    assert inside[-1][0] > 500
    total = answer.summary["total"]
    assert [total["persons"], total["households"], total["need_help"]] == pytest.approx(inside[-1], rel=2e-4, abs=0.6)
    rings = [ring["persons"] for ring in answer.summary["rings"]]
    bands = [inside[0][0], inside[1][0] - inside[0][0], inside[2][0] - inside[1][0]]
    assert rings == pytest.approx(bands, rel=5e-4, abs=1.2)
    assert total["cut_buildings"] == pytest.approx(cuts, abs=1)
    _same_schools(answer.tables, place)


def _same_schools(tables: object, place: tuple[float, float]) -> None:
    listed = next(table for table in tables if table.id == "schools").document()["rows"]  # type: ignore[attr-defined]
    schools = pd.read_csv(SAMPLES / "schools.csv")
    geod = pyproj.Geod(ellps="GRS80")
    count = len(schools)
    _, _, away = geod.inv([place[0]] * count, [place[1]] * count, schools["lon"].tolist(), schools["lat"].tolist())
    expected = sorted(away)[: len(listed)]
    assert [row["distance_m"] for row in listed] == pytest.approx(expected, abs=0.6)
    assert sum(row["ring"] == "范围外最近" for row in listed) == 3
    assert sum(distance <= RADII[-1] for distance in away) == len(listed) - 3
