"""City models of real publishers: what they hold is what their own JSON says, and it comes out again without loss."""

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from city_models import inspected, load, models, resolved, written

from cim.store.database import Database

RD, NAP = "EPSG:28992", "EPSG:5709"
TABLE = [
    pytest.param(
        *("delft.json", 570, RD, NAP, (84616.468, 447422.999, 85140.839, 447750.636), 18262), marks=pytest.mark.slow
    ),
    pytest.param(
        *("rotterdam_3-20-DELFSHAVEN.city.json", 853, RD, None, (90409.32, 435440.44, 91453.879, 436089.946), 22246),
        marks=pytest.mark.slow,
    ),
    ("3dbag_b2.city.json", 4, RD, NAP, (84994.438, 446535.536, 85022.195, 446562.148), 127),
    ("3dbag_b2.city.jsonl", 4, RD, NAP, (84994.438, 446535.536, 85022.195, 446562.148), 127),
    pytest.param(
        *("vienna.city.jsonl", 592, None, None, (986.77, 340492.06, 1510.432, 341048.5), 20766), marks=pytest.mark.slow
    ),
    ("multi_lod.city.json", 10, None, None, (153301.4, 414163.473, 153776.283, 414688.436), 319),
    ("japanese.city.json", 4, "EPSG:6677", None, (-8495.443, -36967.495, -7626.304, -36566.659), 276),
]
GIVEN = {"vienna.city.jsonl": "EPSG:31256", "multi_lod.city.json": RD}


@pytest.mark.parametrize(("name", "objects", "crs", "datum", "box", "vertices"), TABLE)
async def test_what_is_in_the_file_is_in_the_layer_and_in_the_file_written_from_it(
    real_data: Path,
    database: Database,
    tmp_path: Path,
    name: str,
    objects: int,
    crs: str | None,
    datum: str | None,
    box: tuple[float, ...],
    vertices: int,
) -> None:
    source = real_data / "city" / name
    layer = inspected(source, crs=GIVEN.get(name))
    assert (layer.kind, layer.feature_count, layer.crs, layer.height_datum) == ("city", objects, crs, datum)
    assert layer.bbox == pytest.approx(box, abs=0.01)
    report = await load(database, source, "town", crs=GIVEN.get(name))
    assert (report.read, report.loaded, len(report.rejected)) == (objects, objects, 0)
    before = resolved(source)
    async with database.writing() as connection:
        rows = (await connection.execute(sa.text("SELECT object_type, lods, geom FROM city.town"))).all()
    assert Counter(row[0] for row in rows) == Counter(one["type"] for one in before.values())
    lods = Counter(lod for row in rows for lod in (row[1] or "").split(",") if lod)
    assert lods == Counter(lod for one in before.values() for lod in {g["lod"] for g in one["geometry"]})
    assert all(row[2] is not None for row in rows)
    suffix = "city.jsonl" if name.endswith("l") else "city.json"
    form = "cityjsonseq" if name.endswith("l") else "cityjson"
    again = await written(database, "town", tmp_path / f"again.{suffix}", form)
    assert resolved(again) == before
    assert sum(len(model["vertices"]) for model in models(again)) == vertices


async def test_a_file_without_a_reference_system_is_refused_until_it_is_given(
    real_data: Path, database: Database
) -> None:
    report = await load(database, real_data / "city" / "vienna.city.jsonl", "vienna")
    assert report.status == "refused"
    assert "which coordinate system" in report.message
    assert "--crs" in report.message
