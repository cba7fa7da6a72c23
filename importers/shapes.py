"""Bringing geometries into the one form a layer stores: 2D, one kind, valid, in the storage system."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely
from numpy.typing import NDArray

from cim.model.collection import GeometryType
from cim.model.reference_systems import GEOGRAPHIC, Way
from importers.geometry_kinds import FAMILIES, family_of, kinds_of, little_endian

Shapes = NDArray[np.object_]
Texts = NDArray[np.object_]
MULTI_OF: dict[str, Any] = {
    "Point": shapely.multipoints,
    "LineString": shapely.multilinestrings,
    "Polygon": shapely.multipolygons,
}
MULTI_CODES = {"MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6}
EARTH_RADIUS_M = 6_378_137.0
MERCATOR = 3857
LIMIT = 1e9


@dataclass(frozen=True, slots=True)
class Target:
    """What a layer stores and where the source comes from. ``family`` limits a split layer to its own kind."""

    geometry: GeometryType
    source_srid: int | None
    source_wkt: str | None
    family: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """Shapes ready for the store.

    WKB in storage coordinates, by EPSG code what is derived from it, and for each row a reason of rejection and a
    repair, both null as a rule.
    """

    stored: pa.Array
    derived: dict[int, pa.Array]
    rejected: pa.Array
    repaired: pa.Array


def prepared_shapes(column: pa.Array, target: Target, way: Way) -> Prepared:
    """Bring a column of WKB into the one form that the target stores."""
    raw = column.to_numpy(zero_copy_only=False)
    shapes: Shapes = shapely.from_wkb(raw, on_invalid="ignore")
    if not _fits(column, shapes, target, way):
        return _prepared_one_by_one(shapes, raw, target, way)
    nothing = pa.nulls(len(shapes), pa.string())
    derived = {srid: _as_kind(moved, target) for srid, moved in _moved(shapes, way.srid).items()}
    return Prepared(_as_kind(column, target), derived, nothing, nothing)


def _fits(column: pa.Array, shapes: Shapes, target: Target, way: Way) -> bool:
    """Whether the bytes can stay as they are: nothing missing, empty, invalid, with heights or to be moved."""
    if way.move is not None or shapely.is_missing(shapes).any() or shapely.is_empty(shapes).any():
        return False
    kinds, with_z = kinds_of(column)
    family = FAMILIES[target.family or family_of(target.geometry) or "point"]
    if (
        with_z
        or len(kinds) != 1
        or not _becomes(next(iter(kinds)), target.geometry, family)
        or not shapely.is_valid(shapes).all()
    ):
        return False
    bounds = shapely.total_bounds(shapes)
    return bool(np.isfinite(bounds).all() and (np.abs(bounds) < LIMIT).all() and little_endian(column))


def _becomes(kind: str, wanted: str, family: tuple[str, ...]) -> bool:
    return kind == wanted or (kind, wanted) == family


def _as_kind(column: pa.Array, target: Target) -> pa.Array:
    """Single WKB as multi, by the bytes that announce a collection of one; other WKB unchanged."""
    values = column.cast(pa.large_binary())
    (kind,) = kinds_of(column)[0]
    if kind == target.geometry:
        return values
    announced = b"\x01" + (MULTI_CODES[target.geometry]).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return pc.binary_join_element_wise(
        pa.scalar(announced, pa.large_binary()), values, pa.scalar(b"", pa.large_binary())
    )


def _prepared_one_by_one(shapes: Shapes, raw: NDArray[np.object_], target: Target, way: Way) -> Prepared:
    rejected: Texts = np.full(len(shapes), None, dtype=object)
    repaired: Texts = np.full(len(shapes), None, dtype=object)
    _reject(shapes, raw, rejected)
    kept = _is_none(rejected)
    if shapely.has_z(shapes[kept]).any():
        shapes[kept] = shapely.force_2d(shapes[kept])
    _repair(shapes, rejected, repaired, family_of(target.geometry) or "")
    kept = _is_none(rejected)
    shapes[kept] = way.apply(shapes[kept])
    _reject_far(shapes, rejected)
    _unite(shapes, rejected, target)
    shapes[~_is_none(rejected)] = None
    reasons, repairs = pa.array(rejected, type=pa.string()), pa.array(repaired, type=pa.string())
    return Prepared(_wkb(shapes), _moved(shapes, way.srid), reasons, repairs)


def _wkb(shapes: Shapes) -> pa.Array:
    return pa.array(shapely.to_wkb(shapes, byte_order=1), type=pa.large_binary())


def _moved(shapes: Shapes, srid: int) -> dict[int, pa.Array]:
    """Shapes in Web Mercator, and in longitude and latitude where they are stored in another system, by EPSG code."""
    derived = {}
    if srid != GEOGRAPHIC:
        to_degrees = pyproj.Transformer.from_crs(srid, GEOGRAPHIC, always_xy=True).transform
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(to_degrees(xy[:, 0], xy[:, 1])))
        derived[GEOGRAPHIC] = _wkb(shapes)
    derived[MERCATOR] = _wkb(shapely.transform(shapes, web_mercator))
    return derived


def web_mercator(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitude and latitude in degrees to EPSG:3857 metres; latitudes beyond 89.9 degrees are drawn at it."""
    lon, lat = np.radians(degrees[:, 0]), np.radians(np.clip(degrees[:, 1], -89.9, 89.9))
    return EARTH_RADIUS_M * np.column_stack([lon, np.arctanh(np.sin(lat))])


def _is_none(texts: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.array([text is None for text in texts], dtype=np.bool_)


def _reject(shapes: Shapes, raw: NDArray[np.object_], rejected: Texts) -> None:
    missing = shapely.is_missing(shapes)
    rejected[missing & _is_none(raw)] = "no geometry"
    rejected[missing & ~_is_none(raw)] = "the geometry cannot be read"
    rejected[shapely.is_empty(shapes) & ~missing] = "the geometry is empty"


def _repair(shapes: Shapes, rejected: Texts, repaired: Texts, family: str) -> None:
    """Make invalid shapes valid, keeping only the parts of the layer's own kind."""
    bad = _is_none(rejected) & ~shapely.is_valid(shapes)
    for index in np.flatnonzero(bad):
        reason = shapely.is_valid_reason(shapes[index])
        mended = _parts_of(shapely.make_valid(shapes[index]), family)
        if mended is None or "Invalid Coordinate" in reason:
            rejected[index] = f"the geometry is invalid and cannot be repaired: {reason}"
        else:
            shapes[index] = mended
            repaired[index] = f"made valid: {reason}"


def _parts_of(shape: shapely.Geometry, family: str) -> shapely.Geometry | None:
    parts = [p for p in shapely.get_parts(shapely.get_parts(shape)) if family_of(p.geom_type) == family]
    if not parts:
        return None
    united: shapely.Geometry = parts[0] if len(parts) == 1 else MULTI_OF[FAMILIES[family][0]](parts)
    return united


def _reject_far(shapes: Shapes, rejected: Texts) -> None:
    """Coordinates that are no numbers or beyond any map are no place."""
    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        far = ~(np.isfinite(bounds).all(axis=1) & (np.abs(bounds) < LIMIT).all(axis=1))
    rejected[far & _is_none(rejected)] = "a coordinate is not a number or lies beyond any map"


def _unite(shapes: Shapes, rejected: Texts, target: Target) -> None:
    """Give every shape the layer's kind: single parts become multi, another family is no part of this layer."""
    family = target.family or family_of(target.geometry) or ""
    single, multi = FAMILIES[family]
    names = {0: "Point", 1: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}
    codes = shapely.get_type_id(shapes)
    for code in np.unique(codes):
        name = names.get(int(code), "")
        here = (codes == code) & _is_none(rejected)
        if name == single and target.geometry == multi:
            indices = np.flatnonzero(here)
            if len(indices):
                shapes[indices] = MULTI_OF[single](shapes[indices], indices=np.arange(len(indices)))
        elif name == multi and target.geometry == single:
            _only_part(shapes, rejected, np.flatnonzero(here))
        elif name not in {single, multi}:
            rejected[here] = f"the geometry is a {name or 'collection'}, the layer holds {target.geometry}"


def _only_part(shapes: Shapes, rejected: Texts, indices: NDArray[np.intp]) -> None:
    for index in indices:
        if shapely.get_num_geometries(shapes[index]) == 1:
            shapes[index] = shapely.get_geometry(shapes[index], 0)
        else:
            rejected[index] = "the geometry has several parts, the layer holds one each"
