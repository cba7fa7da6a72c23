"""A city of a few rectangles for tests whose figures are worked out by hand: metres from a corner, as GeoJSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyproj

from cim.analysis.context import Context
from cim.model.collection import ImportMode
from cim.store.collections import all_collections, all_models
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.identities import principal_for_role
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from web.analysis_context import analysis_context

EASTING_M, NORTHING_M = 400_000.0, 3_429_000.0
"""The corner that metres are counted from, in EPSG:4544."""
_DOWN = pyproj.Transformer.from_crs(4544, 4490, always_xy=True)
_GEOD = pyproj.Geod(ellps="GRS80")
Ring = list[tuple[float, float]]


def ring(x_m: float, y_m: float, width_m: float, height_m: float) -> Ring:
    """A rectangle in longitude and latitude, its lower left corner and sides given in metres."""
    corners = [(x_m, y_m), (x_m + width_m, y_m), (x_m + width_m, y_m + height_m), (x_m, y_m + height_m), (x_m, y_m)]
    return lonlat(corners)


def lonlat(points: Sequence[tuple[float, float]]) -> Ring:
    """Points in metres from the corner as longitude and latitude."""
    return [_DOWN.transform(EASTING_M + x, NORTHING_M + y) for x, y in points]


def area_of(*sides_m: float) -> dict[str, Any]:
    """The same rectangle as a GeoJSON Polygon."""
    return {"type": "Polygon", "coordinates": [ring(*sides_m)]}


def geodesic_m2(*sides_m: float) -> float:
    """Its area by geodesics: another method than the product's."""
    lon, lat = zip(*ring(*sides_m), strict=True)
    return abs(float(_GEOD.polygon_area_perimeter(lon, lat)[0]))


async def put(
    database: Database,
    folder: Path,
    layer: str,
    rows: Sequence[tuple[Mapping[str, Any], Sequence[float]]],
    scenario: str | None = None,
) -> None:
    """Import rectangles, or points, with properties as a layer, or into a scenario over it."""
    features = [
        {"type": "Feature", "properties": dict(properties), "geometry": _geometry(sides)} for properties, sides in rows
    ]
    path = folder / f"{layer}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    request = ImportRequest(
        path,
        "test",
        "administrator",
        layer,
        options=ReadOptions(crs="EPSG:4490", trust_file=True),
        mode=ImportMode.UPSERT if scenario else ImportMode.REPLACE,
        scenario=scenario,
    )
    (report,) = await import_file(database, load_catalog(), request)
    assert report.loaded == len(rows), report.message


def _geometry(sides: Sequence[float]) -> dict[str, Any]:
    if len(sides) == 4:
        return area_of(*sides)
    return {"type": "Point", "coordinates": lonlat([(sides[0], sides[1])])[0]}


async def view_of(
    database: Database, role: str = "administrator", files: FileStore | None = None, **inputs: Any
) -> Context:
    """What an analysis is given over a database for a role."""
    async with database.writing("test") as connection:
        principal = await principal_for_role(connection, role, "王工")
        collections, models = await all_collections(connection), await all_models(connection)
    return analysis_context(
        database, load_catalog(), collections, principal, author=None, inputs=inputs, files=files, models=models
    )
