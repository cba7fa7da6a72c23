"""Every real file beside the checkout becomes what the table says, within half a minute, and spoils nothing."""

import resource
import time
from pathlib import Path

import pytest

from benchmarks.real_files import expectations, look, real_files
from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

pytestmark = pytest.mark.slow

QUICK = {
    "gis/10tnvillage.zip",
    "gis/busstop_shanghai.geojson",
    "gis/chinese_poly.shp",
    "gis/curvepolygon.gpkg",
    "gis/gbk_table_only.dbf",
    "gis/Helsinki.osm.pbf",
    "gis/pengzhou_510182_fc.json",
    "malformed/raster/corrupt.tif",
    "malformed/shp/crustal_test_bugged.shp",
    "raster/cog_dateline.tif",
}
LIMIT_S = 30
GOOD = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":1},"geometry":null}]}'


def test_the_table_names_every_file(real_data: Path) -> None:
    assert set(real_files(real_data)) == set(expectations())


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in sorted(expectations())]
)
async def test_a_real_file_becomes_what_the_table_says(
    name: str, database: Database, files: FileStore, real_data: Path, tmp_path: Path
) -> None:
    known = expectations()[name]
    before_kb, begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, time.monotonic()
    found = await look(database, files, real_data / name, known.get("crs"))
    assert (found.inspected, found.ends) == (known["found"], known["ends"])
    assert time.monotonic() - begun < LIMIT_S
    if name.startswith(
        "malformed/"
    ):  # what an earlier test's children took at most is known, not what ours did below it
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(1024**2, before_kb + 1)
    good = tmp_path / "good.geojson"
    good.write_text(GOOD)
    request = ImportRequest(good, "test", "administrator", "good", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request)
    assert report.loaded == 1


async def test_the_outline_of_the_county_is_repaired_and_says_so(database: Database, real_data: Path) -> None:
    path = real_data / "gis" / "pengzhou_510182_fc.json"
    request = ImportRequest(path, "test", "administrator", "outline", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, Catalog({}, (), {}, {}), request)
    (repair,) = report.repaired
    assert repair.row == 1
    assert repair.repair.startswith("made valid: Self-intersection[104.107")
