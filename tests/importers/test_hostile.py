"""Damaged and mutated files end in a reason or a stated import, in time and within memory, and change nothing."""

import contextlib
import os
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely
import sqlalchemy as sa

from benchmarks.machine import children, repeatedly
from cim.errors import CimError, ImportRefused
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.redline_text import RedLineParcel, format_redline
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from importers.shapes import Target
from layers.catalog import Catalog

EMPTY = Catalog({}, (), {}, {})
TIME_LIMIT_S = 30.0
MEMORY_LIMIT_KB = 1024 * 1024
LOOK_EVERY_S = 0.05
MUTANTS_FAST, MUTANTS_SLOW = 4, 200


def files(real_data: Path) -> list[Path]:
    parts = {".shx", ".dbf", ".prj", ".md"}
    found = [path for path in sorted((real_data / "malformed").rglob("*")) if path.is_file()]
    return [path for path in found if path.suffix not in parts]


async def content(database: Database) -> list[tuple[object, ...]]:
    async with database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT id, version, feature_count FROM cim.collection ORDER BY id"))
        return [tuple(row) for row in rows]


def most_memory_kb(pid: int) -> int:
    """The most memory a reading child has had so far; 0 for other processes, and for one that is gone."""
    try:
        if b"importers.child" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return 0
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_damaged_file_ends_in_a_reason(database: Database, real_data: Path, tmp_path: Path) -> None:
    memory_kb: list[int] = []

    def look() -> None:
        with contextlib.suppress(OSError):  # a process may end while it is looked at
            memory_kb.extend(map(most_memory_kb, children(os.getpid())))

    with repeatedly(look, LOOK_EVERY_S):
        await import_all(database, real_data, tmp_path)
    assert 0 < max(memory_kb) < MEMORY_LIMIT_KB


async def import_all(database: Database, real_data: Path, tmp_path: Path) -> None:
    """Import every damaged file, and now and then a good one."""
    outcomes: dict[str, str] = {}
    for number, path in enumerate(files(real_data)):
        before, begun = await content(database), time.monotonic()
        options = ReadOptions(crs=None, trust_file=True)
        try:
            reports = await import_file(database, EMPTY, ImportRequest(path, "test", "technician", options=options))
            outcomes[path.name] = "; ".join(f"{report.status}: {report.message}" for report in reports)
            refused = all(report.status == "refused" for report in reports)
        except CimError as error:
            outcomes[path.name] = str(error)
            refused = True
        assert time.monotonic() - begun < TIME_LIMIT_S, path.name
        assert outcomes[path.name].strip(), path.name
        if refused:
            assert await content(database) == before, path.name
        if number % 10 == 0:
            good = tmp_path / "good.geojson"
            places(3).assign(n=number).to_file(good)
            (report,) = await import_file(database, EMPTY, ImportRequest(good, "t", "technician", options=options))
            assert report.loaded == 3


def places(count: int = 12) -> geopandas.GeoDataFrame:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(103.7, 104.1, count), rng.uniform(30.9, 31.2, count)
    squares = shapely.box(x, y, x + 0.001, y + 0.001)
    return geopandas.GeoDataFrame({"code": [f"甲{n}" for n in range(count)], "h": x}, geometry=squares, crs=4490)


def driven(driver: str, **options: str) -> Callable[[Path], None]:
    return lambda path: pyogrio.write_dataframe(places(), path, driver=driver, **options)


def zipped(path: Path) -> None:
    inner = path.with_name("inner.gpkg")
    driven("GPKG")(inner)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "inner.gpkg")


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("code", "lon", "lat"), ("甲", 103.9, 30.9), ("乙", 103.91, 30.91)):
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    book.save(path)


def table(path: Path) -> None:
    path.write_text("code,lon,lat\n" + "".join(f"c{n},103.{n},30.9\n" for n in range(20)))


def red_line(path: Path) -> None:
    box = shapely.box(35_400_000, 3_430_000, 35_400_100, 3_430_100)
    path.write_text(format_redline([RedLineParcel("1", "甲", box)]), "gbk")


BUILDERS: dict[str, Callable[[Path], None]] = {
    "a.shp": driven("ESRI Shapefile", encoding="GBK"),
    "a.gpkg": driven("GPKG"),
    "a.geojson": driven("GeoJSON"),
    "a.geojsonl": driven("GeoJSONSeq"),
    "a.fgb": driven("FlatGeobuf"),
    "a.gml": driven("GML"),
    "a.kml": driven("LIBKML"),
    "a.parquet": lambda path: places().to_parquet(path),
    "a.csv": table,
    "a.xlsx": workbook,
    "a.zip": zipped,
    "a.txt": red_line,
}


def mutant(content: bytes, rng: random.Random) -> bytes:
    place, length = rng.randrange(len(content)), rng.randrange(1, 64)
    match rng.randrange(4):
        case 0:
            return content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]
        case 1:
            return content[:place]
        case 2:
            return content[:place] + rng.randbytes(length) + content[place:]
    return content[:place] + bytes(length) + content[place + length :]


def consume(path: Path) -> None:
    """Read a file to its end as an import would, without a database."""
    with open_source(path, ReadOptions(crs="EPSG:4490", trust_file=True)) as source:
        for layer in source.inspection.layers:
            for batch in source.batches(layer, Target(layer.geometry_type, 4490, None)):
                assert batch.num_rows >= 0


def mutate(name: str, folder: Path, count: int) -> None:
    BUILDERS[name](folder / name)
    rng = random.Random(name)
    parts = [path for path in folder.iterdir() if path.is_file() and path.stem == "a"]
    whole = {path: path.read_bytes() for path in parts}
    for _ in range(count):
        path = rng.choice(parts)
        path.write_bytes(mutant(whole[path], rng))
        begun = time.monotonic()
        with contextlib.suppress(ImportRefused):
            consume(folder / name)
        assert time.monotonic() - begun < TIME_LIMIT_S
        path.write_bytes(whole[path])
    consume(folder / name)


@pytest.mark.parametrize("name", BUILDERS)
def test_mutants_end_in_a_reason(name: str, tmp_path: Path) -> None:
    mutate(name, tmp_path, MUTANTS_FAST)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", BUILDERS)
def test_many_mutants_end_in_a_reason(name: str, tmp_path: Path) -> None:
    mutate(name, tmp_path, MUTANTS_SLOW)
