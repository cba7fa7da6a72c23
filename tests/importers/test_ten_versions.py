"""Ten versions of one per cent change each: all are there as they were, take little room, and going back is quick."""

import time
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from cim.store.database import Database
from cim.store.versions import rollback
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

VERSIONS = 10
EMPTY = Catalog({}, (), {}, {})
ROWS = "md5(string_agg(md5(row(code, height_m, ST_AsBinary(geom))::text), '' ORDER BY code))"
CHECKSUM = f"""SELECT count(*) || ':' || {ROWS} FROM history.lots
    WHERE valid_from_version <= :number AND (valid_to_version IS NULL OR valid_to_version > :number)"""
CURRENT = f"SELECT count(*) || ':' || {ROWS} FROM city.lots"


def lots(count: int) -> geopandas.GeoDataFrame:
    """Boxes with a code and a height."""
    rng = np.random.default_rng(3)
    x, y = rng.uniform(103.7, 104.1, count), rng.uniform(30.9, 31.2, count)
    values = {"code": [f"c{n:07d}" for n in range(count)], "height_m": rng.uniform(3, 60, count)}
    return geopandas.GeoDataFrame(values, geometry=shapely.box(x, y, x + 1e-4, y + 1e-4), crs=4490)


async def deliver(database: Database, frame: geopandas.GeoDataFrame, path: Path, layer: str) -> None:
    frame.to_file(path)
    request = ImportRequest(path, "test", "technician", layer, key="code", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, EMPTY, request)
    assert report.status == "published", report


async def value(database: Database, query: str, **parameters: int) -> object:
    async with database.writing() as connection:
        return await connection.scalar(sa.text(query), parameters)


@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
async def test_ten_versions_are_kept_and_gone_back_to(
    database: Database, tmp_path: Path, figures: Callable[..., None], count: int
) -> None:
    """Goal D3."""
    frame = lots(count)
    sums: dict[int, object] = {}
    for number in range(1, VERSIONS + 1):
        if number > 1:
            at = np.random.default_rng(number).choice(count, count // 100, replace=False)
            frame.loc[at, "height_m"] += 1.0
        await deliver(database, frame, tmp_path / "lots.gpkg", "lots")
        sums[number] = await value(database, CURRENT)
    for number, then in sums.items():
        assert await value(database, CHECKSUM, number=number) == then, number
    await deliver(database, frame, tmp_path / "alone.gpkg", "alone")
    sizes = [await value(database, f"SELECT pg_total_relation_size('history.{name}')") for name in ("lots", "alone")]
    begun = time.perf_counter()
    async with database.writing(timeout_ms=0) as connection:
        back = await rollback(connection, "lots", 3, author="test")
    seconds = time.perf_counter() - begun
    assert back is not None
    assert await value(database, CURRENT) == sums[3]
    share = int(str(sizes[0])) / int(str(sizes[1]))
    figures("D3", rows=count, rollback_s=round(seconds, 2), versions_take=round(share, 2), of="one version")
    assert share <= 2.0
    assert seconds < 5.0
