"""What is delivered again unchanged makes no version, in whatever order; one changed feature is one update."""

import random
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely

from cim.model.imports import ImportReport
from cim.store.database import Database
from cim.store.differences import difference
from cim.store.versions import history
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

EMPTY = Catalog({}, (), {}, {})
ROWS = 300
FORMATS = {"GeoJSON": "lots.geojson", "GPKG": "lots.gpkg", "ESRI Shapefile": "lots.shp", "FlatGeobuf": "lots.fgb"}


def lots() -> geopandas.GeoDataFrame:
    rng = np.random.default_rng(8)
    x, y = rng.uniform(103.7, 104.1, ROWS).round(6), rng.uniform(30.9, 31.2, ROWS).round(6)
    values = {
        "code": [f"地{n:03d}" for n in range(ROWS)],
        "height_m": rng.uniform(3, 60, ROWS).round(2),
        "floors": rng.integers(1, 20, ROWS),
        "use": [None if n % 7 == 0 else "住宅" for n in range(ROWS)],
    }
    return geopandas.GeoDataFrame(values, geometry=shapely.box(x, y, x + 0.0001, y + 0.0001), crs=4490)


def write(frame: geopandas.GeoDataFrame, folder: Path, driver: str) -> Path:
    path = folder / FORMATS[driver]
    path.unlink(missing_ok=True)
    more = {"SPATIAL_INDEX": "NO"} if driver == "FlatGeobuf" else {}
    crs = 4326 if driver == "GeoJSON" else 4490
    pyogrio.write_dataframe(frame.set_crs(crs, allow_override=True), path, driver=driver, encoding="UTF-8", **more)
    return path


async def load(database: Database, path: Path, key: str | None) -> ImportReport:
    options = ReadOptions(trust_file=True)
    request = ImportRequest(path, "test", "technician", "lots", key=key, options=options)
    (report,) = await import_file(database, EMPTY, request)
    return report


@pytest.mark.parametrize("driver", FORMATS)
async def test_the_same_again_reordered_and_with_one_change(
    database: Database, tmp_path: Path, driver: str, figures: Callable[..., None]
) -> None:
    """Goal D2."""
    frame = lots()
    first = await load(database, write(frame, tmp_path, driver), "code")
    assert (first.status, first.version, first.loaded) == ("published", 1, ROWS)
    again = await load(database, tmp_path / FORMATS[driver], "code")
    assert (again.status, again.version) == ("unchanged", None)
    order = list(range(ROWS))
    random.Random(4).shuffle(order)
    reordered = await load(database, write(frame.iloc[order], tmp_path, driver), "code")
    assert (reordered.status, reordered.version) == ("unchanged", None)
    frame.loc[42, "height_m"] += 0.01
    changed = await load(database, write(frame.iloc[order], tmp_path, driver), "code")
    assert (changed.status, changed.version) == ("published", 2)
    async with database.writing() as connection:
        change, (feature,) = await difference(connection, "lots", 1, 2)
        assert [version.number for version in await history(connection, "lots")] == [2, 1]
    assert (change.added, change.changed, change.removed) == (0, 1, 0)
    assert (feature.kind, feature.key, feature.fields) == ("changed", "地042", ("height_m",))
    figures("D2", format=driver, rows=ROWS, versions=2, updates=change.changed)


async def test_a_moved_corner_is_one_update_of_the_shape(database: Database, tmp_path: Path) -> None:
    frame = lots()
    await load(database, write(frame, tmp_path, "GPKG"), "code")
    west, south, east, north = frame.geometry[7].bounds
    frame.loc[7, "geometry"] = shapely.box(west, south, east, north + 1e-7)
    await load(database, write(frame, tmp_path, "GPKG"), "code")
    async with database.writing() as connection:
        change, (feature,) = await difference(connection, "lots", 1, 2)
    assert (change.added, change.changed, change.removed) == (0, 1, 0)
    assert (feature.key, feature.fields) == ("地007", ("geom",))


async def test_without_a_key_content_is_the_key(database: Database, tmp_path: Path) -> None:
    frame = lots()
    await load(database, write(frame, tmp_path, "GPKG"), None)
    again = await load(database, write(frame.iloc[::-1], tmp_path, "GPKG"), None)
    assert again.status == "unchanged"
    frame.loc[42, "height_m"] += 0.01
    changed = await load(database, write(frame, tmp_path, "GPKG"), None)
    assert changed.message == "1 added, 0 changed, 1 removed"


async def test_the_same_features_in_another_format_are_the_same_version(database: Database, tmp_path: Path) -> None:
    """Between formats that keep whole numbers alike; a Shapefile names and measures its fields anew."""
    frame = lots()
    await load(database, write(frame, tmp_path, "GPKG"), "code")
    again = await load(database, write(frame, tmp_path, "FlatGeobuf"), "code")
    assert (again.status, again.version) == ("unchanged", None)
