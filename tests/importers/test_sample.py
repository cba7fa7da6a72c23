"""The sample city through the rules of every layer: none raises an alarm, and each is made."""

from pathlib import Path

import geopandas
import pytest

from cim.model.imports import ImportReport
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

SMALL = Path(__file__).parents[2] / "data_samples" / "small"
ENDINGS = {".csv", ".geojson", ".gpkg", ".parquet", ".shp"}
REGIONS = ("admin_county.geojson", "admin_town.geojson", "admin_village.gpkg")
NO_LAYER = "devices.csv"
"""Devices are no features of a layer, and some are bound to building models that are not here."""


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_sample_city_raises_no_alarm(database: Database) -> None:
    catalog = load_catalog()
    others = sorted(p.name for p in SMALL.iterdir() if p.suffix in ENDINGS and p.name not in (*REGIONS, NO_LAYER))
    alarms, unmade, met = {}, {}, set()
    for name in (*REGIONS, *others):
        path = SMALL / name
        crs = "EPSG:4490" if path.suffix == ".csv" else None
        options = ReadOptions(trust_file=True, crs=crs)
        request = ImportRequest(path, "test", "technician", path.stem, options=options, dry_run=name not in REGIONS)
        (report,) = await import_file(database, catalog, request)
        met.add(report.layer)
        alarms |= {(path.stem, c.rule): c.count for c in report.checks if c.count}
        unmade |= {(path.stem, c.rule): c.note for c in report.checks if c.note.startswith("not made")}
        if report.status in {"refused", "partial"} or report.rejected:
            alarms[path.stem, report.status] = len(report.rejected)
    assert alarms == {}
    assert unmade == {}
    assert len(met) == len(REGIONS) + len(others)
    assert all(catalog.layers[layer].quality for layer in met)


async def deliver(database: Database, frame: geopandas.GeoDataFrame, path: Path) -> ImportReport:
    frame.to_file(path)
    request = ImportRequest(path, "test", "technician", path.stem, options=ReadOptions(trust_file=True), dry_run=True)
    (report,) = await import_file(database, load_catalog(), request)
    assert report.status != "refused", report.message
    return report


async def test_farmland_is_taken_under_the_names_of_either_edition(database: Database, tmp_path: Path) -> None:
    frame = geopandas.read_file(SMALL / "basic_farmland.shp", encoding="GBK")
    names = {"JBNTTBBH": "YJJBNTTBBH", "JBNTMJ": "YJJBNTMJ", "TBMJ": "YJJBNTTBMJ", "PDJB": "GDPDJB"}
    report = await deliver(database, frame.rename(columns=names), tmp_path / "basic_farmland.gpkg")
    assert not {"field-missing", "field-unknown"} & {finding.code for finding in report.findings}
    assert report.loaded == len(frame)


async def test_an_older_plan_is_read_in_its_edition(database: Database, tmp_path: Path) -> None:
    frame = geopandas.read_file(SMALL / "plan_parcels.gpkg")
    frame = frame.assign(use_code="R2", use_name="二类居住用地")
    frame.loc[3, "use_code"] = "070102"
    report = await deliver(database, frame, tmp_path / "plan_parcels.gpkg")
    found = {check.rule: check for check in report.checks}
    assert found["codes use_code"].note.startswith("read as gb-50137-2011 (GB 50137-2011)")
    assert found["codes use_code"].count == 1
    assert found["code-name use_name"].count == 1


CONTROLS = ["basic_farmland", "eco_redline", "urban_boundary", "protected_areas", "control_lines", "heritage_zones"]


@pytest.mark.parametrize("layer", CONTROLS)
def test_no_rule_sets_a_control_area_aside(layer: str) -> None:
    """A control area that is missing would make what lies in it look free."""
    rules = load_catalog().layers[layer].quality
    assert {rule.action for rule in rules} <= {"refuse", "warn", "repair"}
    assert {rule.check for rule in rules if rule.action == "repair"} <= {"code-name", "duplicates"}
