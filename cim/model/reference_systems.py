"""Reference systems of sources: what is declared, and the way to storage.

CGCS2000 systems are stored as they come. Any other declared system is brought to EPSG:4490, by an operation that is
known (never a ballpark one) and recorded. WGS 84 is taken as CGCS2000, which differs by less than a metre, and said so.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.transformer import TransformerGroup

from cim.errors import BadRequest, ImportRefused
from cim.model.map_datums import from_bd09, from_gcj02

GEOGRAPHIC = 4490
ZONED_3_DEGREE = range(4513, 4534)
"""3-degree Gauss-Krüger with the zone before the easting: EPSG:4513 is zone 25."""
ZONED_6_DEGREE = range(4491, 4502)
"""6-degree Gauss-Krüger with the zone before the easting: EPSG:4491 is zone 13."""
CGCS2000 = frozenset({4490, *range(4491, 4555)})
WGS84 = 4326
CONFIDENT = 70
"""From this confidence on pyproj has compared names and parameters, and not only parameters."""

_PART = r"https?://www\.opengis\.net/def/crs/EPSG/[0-9.]+/(\d{4,6})"
COMPOUND_ADDRESS = re.compile(rf"https?://www\.opengis\.net/def/crs-compound\?1={_PART}&2={_PART}", re.IGNORECASE)

Points = NDArray[np.float64]
OFFSET_DATUMS: dict[str, Callable[[Points], Points]] = {"GCJ-02": from_gcj02, "BD-09": from_bd09}
"""Datums of Chinese web maps, which no registry has, with the way back to WGS 84."""
OFFSET_ACCURACY_M = 2.0
NAMED_SYSTEMS = {"CGCS2000": GEOGRAPHIC, "WGS84": WGS84, "WGS-84": WGS84}


@dataclass(frozen=True, slots=True)
class Way:
    """How coordinates get from a source to storage. ``operation`` is for the record; ``accuracy_m`` may be unknown."""

    srid: int
    move: Callable[[Points], Points] | None
    operation: str
    accuracy_m: float | None = None

    def apply(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """The shapes in storage coordinates."""
        if self.move is None:
            return shapes
        moved: NDArray[np.object_] = shapely.transform(shapes, self.move)
        return moved


def declared_crs(text: str | None) -> tuple[int | None, str | None]:
    """EPSG code of a declared CRS, or its WKT where it has no code; both None when none is declared.

    A code is taken where name and parameters say so, never for a mere likeness. Of a compound system this is the
    horizontal part.
    """
    if not text:
        return None, None
    try:
        crs = pyproj.CRS.from_user_input(_known_form(text))
    except pyproj.exceptions.CRSError:
        return None, None
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    code = crs.to_epsg(min_confidence=CONFIDENT)
    if code is None:
        likely = crs.to_epsg(min_confidence=20)
        code = likely if likely and _equal(crs, pyproj.CRS.from_epsg(likely)) else None
    return (code, None) if code else (None, crs.to_wkt())


def declared_height_datum(text: str | None) -> str | None:
    """The vertical part of a declared compound CRS as authority and code, or its name; None where there is none."""
    if not text:
        return None
    try:
        parts = pyproj.CRS.from_user_input(_known_form(text)).sub_crs_list
    except pyproj.exceptions.CRSError:
        return None
    for part in parts:
        if part.is_vertical:
            code = part.to_authority()
            return f"{code[0]}:{code[1]}" if code else str(part.name)
    return None


def _known_form(text: str) -> str:
    """A compound system named by the OGC's address for one, which PROJ does not read, in a form that it reads."""
    found = COMPOUND_ADDRESS.fullmatch(text.strip())
    return f"EPSG:{found[1]}+{found[2]}" if found else text


def _equal(crs: pyproj.CRS, other: pyproj.CRS) -> bool:
    """Whether two systems have the same kind, datum, ellipsoid and projection, whatever their names and axis order."""
    if crs.is_projected != other.is_projected or crs.ellipsoid is None or other.ellipsoid is None:
        return False
    same_figure = (
        abs(crs.ellipsoid.semi_major_metre - other.ellipsoid.semi_major_metre) < 1e-3
        and abs(crs.ellipsoid.inverse_flattening - other.ellipsoid.inverse_flattening) < 1e-6
    )
    return same_figure and _datum_name(crs) == _datum_name(other) and _projection(crs) == _projection(other)


def _datum_name(crs: pyproj.CRS) -> str:
    name = re.sub(r"[^a-z0-9]", "", (crs.datum.name if crs.datum else "").lower().removeprefix("d_"))
    return {"wgs1984": "wgs84", "worldgeodeticsystem1984ensemble": "wgs84", "worldgeodeticsystem1984": "wgs84"}.get(
        name, name
    )


def _projection(crs: pyproj.CRS) -> tuple[object, ...]:
    operation = crs.coordinate_operation
    if operation is None:
        return ()
    values = sorted((p.name.lower(), round(float(p.value) * p.unit_conversion_factor, 9)) for p in operation.params)
    return (operation.method_name.lower(), *values)


def given_crs(text: str) -> tuple[int | None, str | None]:
    """The CRS a user names; BadRequest when there is no such system."""
    datum = text.strip().upper().replace("_", "-").replace(" ", "-")
    if datum in OFFSET_DATUMS:
        return None, datum
    if datum in NAMED_SYSTEMS:
        return NAMED_SYSTEMS[datum], None
    srid, wkt = declared_crs(text)
    if srid is None and wkt is None:
        raise BadRequest(
            f"{text!r} is not a known reference system",
            where="--crs",
            remedy=f"write an EPSG code such as EPSG:4523, or one of {', '.join([*NAMED_SYSTEMS, *OFFSET_DATUMS])}",
        )
    return srid, wkt


def way_to_storage(srid: int | None, wkt: str | None) -> Way:
    """The operation from a declared CRS to its storage CRS; ImportRefused where only a guess would do."""
    if srid in CGCS2000:
        return Way(srid or GEOGRAPHIC, None, "stored as delivered")
    if srid == WGS84:
        return Way(GEOGRAPHIC, None, "WGS 84 taken as CGCS2000 (difference under 1 m)", 1.0)
    if wkt in OFFSET_DATUMS:
        text = f"{wkt} undone by its published formula; the result taken as CGCS2000"
        return Way(GEOGRAPHIC, OFFSET_DATUMS[wkt], text, OFFSET_ACCURACY_M)
    source = pyproj.CRS.from_epsg(srid) if srid else pyproj.CRS.from_wkt(wkt or "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a grid that is not here is told in the operation's text
        group = TransformerGroup(source, pyproj.CRS.from_epsg(WGS84), always_xy=True, allow_ballpark=False)
    if not group.transformers:
        raise ImportRefused(
            "crs-no-operation",
            f"there is no exact way from {source.name} to CGCS2000",
            remedy="have the file transformed by its owner, or give the system it is really in with --crs",
        )
    best = group.transformers[0]
    accuracy = best.accuracy if best.accuracy >= 0 else None
    text = f"{best.description}{_better(group)}; WGS 84 taken as CGCS2000"
    return Way(GEOGRAPHIC, _mover(best), text, accuracy)


def way_to_degrees(srid: int | None, wkt: str | None) -> Way:
    """The way to storage, and from a projected system of CGCS2000 on to longitude and latitude."""
    way = way_to_storage(srid, wkt)
    if way.srid == GEOGRAPHIC:
        return way
    on = pyproj.Transformer.from_crs(way.srid, GEOGRAPHIC, always_xy=True)
    return Way(GEOGRAPHIC, _mover(on), on.description, way.accuracy_m)


def _better(group: TransformerGroup) -> str:
    """What a more accurate operation would need, where there is one."""
    if group.best_available or not group.unavailable_operations:
        return ""
    grids = [grid.short_name for grid in group.unavailable_operations[0].grids if not grid.available]
    return f" (a better one needs {', '.join(grids)}, not installed)" if grids else ""


def _mover(transformer: pyproj.Transformer) -> Callable[[Points], Points]:
    def move(xy: Points) -> Points:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return move
