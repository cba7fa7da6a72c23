"""Thirty dirty deliveries: six known defects in five formats each; every row is accounted for and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from cim.store.database import Database
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog
from layers.definition import LayerDefinition

COUNT = 12
DEFINITION = {
    "id": "lots",
    "title": {"zh": "地块", "en": "Lots"},
    "category": "spatio-temporal-base",
    "theme": "base",
    "geometry": "MultiPolygon",
    "key": "code",
    "kind": {"zh": "地块", "en": "lot"},
    "quality": [
        {"check": "range", "field": "height_m", "least": 0, "most": 500, "action": "quarantine"},
        {"check": "duplicates", "action": "repair"},
    ],
    "fields": [
        {"name": "code", "type": "text", "title": {"zh": "编码", "en": "Code"}, "required": True},
        {"name": "height_m", "type": "double", "title": {"zh": "高度", "en": "Height"}},
    ],
}
WRITERS: dict[str, tuple[str, dict[str, str]]] = {
    "gpkg": ("GPKG", {"SPATIAL_INDEX": "NO"}),
    "geojson": ("GeoJSON", {}),
    "fgb": ("FlatGeobuf", {"SPATIAL_INDEX": "NO"}),
    "shp": ("ESRI Shapefile", {"ENCODING": "UTF-8"}),
    "parquet": ("", {}),
}


def clean() -> geopandas.GeoDataFrame:
    """Lots in a row, their heights as texts, as many offices deliver them."""
    shapes = [shapely.box(103.9 + n * 0.001, 30.9, 103.9005 + n * 0.001, 30.9005) for n in range(COUNT)]
    values = {"code": [f"c{n}" for n in range(COUNT)], "height_m": [f"{n}.5" for n in range(COUNT)]}
    return geopandas.GeoDataFrame(values, geometry=shapes, crs=4490)


def bow_tie(shape: shapely.Polygon) -> shapely.Polygon:
    west, south, east, north = shape.bounds
    return shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])


def spoil(frame: geopandas.GeoDataFrame, field: str, value: Callable[[Any], Any], *rows: int) -> None:
    """Change a field in rows counted from 1."""
    for row in rows:
        frame[field] = [value(old) if number == row else old for number, old in enumerate(frame[field], 1)]


DEFECTS: dict[str, tuple[Callable[[geopandas.GeoDataFrame], object], dict[str, set[int]], str]] = {
    "no shape": (lambda f: spoil(f, "geometry", lambda _: None, 3, 7), {"rejected": {3, 7}}, "no geometry"),
    "bow tie": (lambda f: spoil(f, "geometry", bow_tie, 2, 5), {"repaired": {2, 5}}, "made valid: Self-intersection"),
    "no number": (lambda f: spoil(f, "height_m", lambda _: "high", 4), {"rejected": {4}}, "not a number"),
    "no key": (lambda f: spoil(f, "code", lambda _: None, 1, 6), {"rejected": {1, 6}}, "empty"),
    "out of range": (lambda f: spoil(f, "height_m", lambda _: "900", 8), {"rejected": {8}}, "allowed is 0"),
    "same shape": (
        lambda f: spoil(f, "geometry", lambda _: f.geometry[2], 10),
        {"repaired": {10}, "skipped": {10}},
        "has the same shape as row 3; left out",
    ),
}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("defect", DEFECTS)
async def test_every_row_of_a_dirty_delivery_is_accounted_for(
    database: Database, tmp_path: Path, suffix: str, defect: str
) -> None:
    """Goal D5."""
    change, told, reason = DEFECTS[defect]
    frame = clean()
    change(frame)
    path = tmp_path / f"lots.{suffix}"
    driver, options = WRITERS[suffix]
    if driver:
        frame.to_file(path, driver=driver, **options)
    else:
        frame.to_parquet(path)
    catalog = Catalog({"lots": LayerDefinition.model_validate(DEFINITION)}, (), {}, {})
    request = ImportRequest(path, "test", "technician", "lots", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, catalog, request)
    rejected = {row.row for row in report.rejected}
    repaired = {row.row for row in report.repaired}
    assert rejected == told.get("rejected", set())
    assert repaired == told.get("repaired", set())
    assert report.skipped == len(told.get("skipped", set()))
    assert report.read == report.loaded + len(report.rejected) + report.skipped == COUNT
    assert report.status == ("partial" if rejected else "published")
    assert all(reason in text for text in [*(r.reason for r in report.rejected), *(r.repair for r in report.repaired)])
