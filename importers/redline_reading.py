"""A red line out of any file with areas: checked, in its own system where that is of CGCS2000, nothing repaired."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from cim.errors import ImportRefused
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import RedLine, RedLineParcel, checked, to_lonlat
from cim.model.reference_systems import given_crs, way_to_storage
from importers.coordinate_problems import coordinate_problems
from importers.geometry_kinds import family_of
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection
from importers.sandbox import Source, open_source
from importers.shapes import Target
from importers.wire import REJECTED_COLUMN, REPAIRED_COLUMN

NUMBERS = ("parcel_no", "地块编号", "地块号", "DKBH", "DKH", "BH", "ZDDM", "number", "no")
NAMES = ("name", "地块名称", "DKMC", "项目名称", "XMMC", "MC")
AREAS = ("area_ha", "area_m2", "地块面积", "面积", "DKMJ", "YDMJ", "TBMJ", "MJ", "area")
USES = ("use", "土地用途", "用途", "YDYT", "TDYT", "land_code")
UNITS_M2 = {"m2": 1.0, "ha": 10_000.0, "mu": 2000 / 3, "km2": 1e6}
UNIT_TOLERANCE = 0.2
OPEN_RING = "ring-unclosed"
_REMEDY = "correct the file, then send it again"


def read_red_line(path: Path, options: ReadOptions | None = None, *, apart: bool = False) -> RedLine:
    """The parcels of a file, in file order.

    Closed polylines of a drawing count as areas. ImportRefused and BadRequest name the parcel, the point and the
    remedy; an open ring, a crossing, an overlap, a system that does not fit the coordinates are refused, never mended.
    ``apart`` as in ``cim.model.redline.checked``.
    """
    options = options or ReadOptions()
    with open_source(path, options) as source:
        layer = _layer(source, path)
        srid, wkt = given_crs(options.crs) if options.crs else (layer.srid, layer.crs_wkt)
        _check_layer(layer, srid, wkt)
        way = way_to_storage(srid, wkt)
        target = Target(
            "MultiPolygon" if _areal(layer) else "MultiLineString", srid, wkt, family_of(layer.geometry_type)
        )
        parcels = tuple(_parcels(source, layer, target, way.srid))
    evidence = f"given: {options.crs}" if options.crs else layer.crs_evidence
    notes = tuple(problem.message for problem in layer.problems)
    moved = () if way.move is None else (way.operation,)
    return checked(RedLine(way.srid, parcels, path.stem, evidence, (*notes, *moved)), apart=apart)


def _areal(layer: LayerInspection) -> bool:
    return family_of(layer.geometry_type) == "area"


def _layer(source: Source, path: Path) -> LayerInspection:
    """The one layer of areas; else the one of lines, which must be closed."""
    filled = [layer for layer in source.inspection.layers if layer.feature_count]
    areas = [layer for layer in filled if _areal(layer)]
    lines = [layer for layer in filled if family_of(layer.geometry_type) == "line"]
    chosen = areas or lines
    if not chosen:
        raise ImportRefused(
            "no-features", "the file has no area", where=path.name, remedy="a red line is closed polygons"
        )
    if len(chosen) > 1:
        names = "、".join(layer.name for layer in chosen)
        raise ImportRefused(
            "many-layers",
            f"the file has {len(chosen)} layers that could be the red line: {names}",
            where=path.name,
            remedy="leave only the layer of the red line in the file",
        )
    return chosen[0]


def _check_layer(layer: LayerInspection, srid: int | None, wkt: str | None) -> None:
    for problem in layer.problems:
        if problem.code == OPEN_RING:
            parcel, _, ring = problem.message.rpartition("; ")[2].partition(", ")
            raise ImportRefused(OPEN_RING, f"it has an open ring: {ring}", where=parcel, remedy="close it")
        if problem.refuses:
            raise ImportRefused(problem.code, problem.message, where=layer.name, remedy=_REMEDY)
    if srid is None and wkt is None:
        raise ImportRefused(
            "crs-missing",
            f"the file does not say which coordinate system it is in ({layer.crs_evidence})",
            where=layer.name,
            remedy="give it with crs, for example crs=EPSG:4523",
        )
    for problem in coordinate_problems(srid, layer.bbox):
        if problem.refuses:
            raise ImportRefused(problem.code, problem.message, where=layer.name, remedy="check the system, or give crs")


def _parcels(source: Source, layer: LayerInspection, target: Target, srid: int) -> Iterator[RedLineParcel]:
    row = 0
    for batch in source.batches(layer, target):
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names if name != GEOMETRY_COLUMN}
        shapes = shapely.from_wkb(batch.column(GEOMETRY_COLUMN).to_numpy(zero_copy_only=False))
        for index in range(batch.num_rows):
            row += 1
            facts = {name: values[index] for name, values in columns.items()}
            number = str(_first(facts, NUMBERS) or row)
            _refuse(facts, number)
            shape = _area(shapes[index], number)
            yield RedLineParcel(
                number,
                str(_first(facts, NAMES) or ""),
                shape,
                _declared_m2(facts, shape, srid),
                str(_first(facts, USES) or ""),
            )


def _refuse(facts: Mapping[str, Any], number: str) -> None:
    for column in (REJECTED_COLUMN, REPAIRED_COLUMN):
        if facts.get(column):
            reason = str(facts[column]).removeprefix("made valid: ")
            raise ImportRefused(
                "invalid", f"its boundary is not valid: {reason}", where=f"parcel {number}", remedy=_REMEDY
            )


def _area(shape: Any, number: str) -> shapely.Geometry:
    """The area itself; closed lines as the areas they enclose."""
    if shape is None:
        raise ImportRefused("no-geometry", "it has no geometry", where=f"parcel {number}", remedy=_REMEDY)
    parts = shapely.get_parts(shape)
    if shapely.get_type_id(parts[0]) == 1:
        parts = np.array([_enclosed(part, number) for part in parts], dtype=object)
    area: shapely.Geometry = parts[0] if len(parts) == 1 else shapely.multipolygons(list(parts))
    return area


def _enclosed(line: shapely.LineString, number: str) -> shapely.Polygon:
    points = shapely.get_coordinates(line)
    if len(points) < 4 or (points[0] != points[-1]).any():
        ends = " and ".join(f"({x:.3f}, {y:.3f})" for x, y in (points[0], points[-1]))
        raise ImportRefused(
            OPEN_RING,
            f"its line is open between {ends} (easting, northing)",
            where=f"parcel {number}",
            remedy="close it",
        )
    return shapely.Polygon(points)


def _first(facts: Mapping[str, Any], names: Sequence[str]) -> Any:
    folded = {name.casefold(): value for name, value in facts.items()}
    return next((folded[name.casefold()] for name in names if folded.get(name.casefold()) not in (None, "")), None)


def _declared_m2(facts: Mapping[str, Any], shape: shapely.Geometry, srid: int) -> float | None:
    """The declared area; where a field does not say its unit, the one that comes near the drawn area."""
    for name in AREAS:
        value = _first(facts, (name,))
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if number <= 0:
            continue
        unit = name.rpartition("_")[2]
        if unit in UNITS_M2:
            return number * UNITS_M2[unit]
        drawn = float(ellipsoidal_areas_m2(to_lonlat(np.array([shape], dtype=object), srid))[0])
        near = [size for size in UNITS_M2.values() if abs(number * size / drawn - 1) < UNIT_TOLERANCE] if drawn else []
        return number * near[0] if near else None
    return None
