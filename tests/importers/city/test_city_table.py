"""City models of real publishers: what they hold is what their own JSON or XML says."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from city_models import NO_CATALOG, load

from cim.store.database import Database
from cim.store.versions import prune
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source

RD, NAP = "EPSG:28992", "EPSG:5709"
TABLE = [
    ("delft.json", 570, RD, NAP, (84616.468, 447422.999, 85140.839, 447750.636)),
    ("rotterdam_3-20-DELFSHAVEN.city.json", 853, RD, None, (90409.32, 435440.44, 91453.879, 436089.946)),
    ("3dbag_b2.city.json", 4, RD, NAP, (84994.438, 446535.536, 85022.195, 446562.148)),
    ("3dbag_b2.city.jsonl", 4, RD, NAP, (84994.438, 446535.536, 85022.195, 446562.148)),
    ("vienna.city.jsonl", 592, None, None, (986.77, 340492.06, 1510.432, 341048.5)),
    ("multi_lod.city.json", 10, None, None, (153301.4, 414163.473, 153776.283, 414688.436)),
    ("japanese.city.json", 4, "EPSG:6677", None, (-8495.443, -36967.495, -7626.304, -36566.659)),
]


@pytest.mark.parametrize(("name", "objects", "crs", "datum", "box"), TABLE)
async def test_table(
    real_data: Path, database: Database, name: str, objects: int, crs: str, datum: str, box: tuple[float, ...]
) -> None:
    report = await load(database, real_data / "city" / name, "town", crs=crs or RD)
    print(report.message, report.findings)
    assert report.loaded == objects
