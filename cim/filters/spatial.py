"""Spatial predicates: the indexed Web Mercator boxes first, then the exact test in longitude and latitude."""

import math

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from cim.errors import BadRequest
from cim.filters.nodes import Geometry, Node, Property
from cim.filters.operands import Condition, Value, bare, wrong_count
from cim.filters.scope import FieldScope
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID

_RADIUS_M = 6_378_137.0
_MARGIN_M = 1.0
_BEYOND_M = 1e9
_MERCATOR_LIMIT_DEG = 85.0
PREDICATES = {
    "s_intersects": "ST_Intersects",
    "s_disjoint": "ST_Disjoint",
    "s_within": "ST_Within",
    "s_contains": "ST_Contains",
    "s_equals": "ST_Equals",
    "s_touches": "ST_Touches",
    "s_crosses": "ST_Crosses",
    "s_overlaps": "ST_Overlaps",
}
_CONVERSE = {"s_within": "s_contains", "s_contains": "s_within"}
_TAKE_COLLECTIONS = frozenset({"s_intersects", "s_disjoint"})


def spatial(op: str, args: tuple[Node, ...], scope: FieldScope, srid: int | None) -> Condition:
    """The condition of one predicate between the layer's geometry and a literal, in either order.

    ``srid`` is the literal's CRS with its own order of axes; None is CRS84, longitude first.
    """
    if len(args) != 2:
        raise wrong_count(op, "two geometries", len(args))
    left, right = args
    if isinstance(left, Geometry) and isinstance(right, Property):
        op, left, right = _CONVERSE.get(op, op), right, left
    if isinstance(left, Property) and isinstance(right, Property):
        return _exact(op, _place(left, scope), _place(right, scope))
    if not (isinstance(left, Property) and isinstance(right, Geometry)):
        raise BadRequest(
            f"{op} takes the layer's geometry and a geometry literal",
            where="filter",
            remedy=f"write {op.upper()}(geom, POLYGON((...)))",
        )
    shape = in_lonlat(right.shape, srid, collections=op in _TAKE_COLLECTIONS)
    literal = sa.func.ST_GeomFromWKB(sa.literal(shapely.to_wkb(shape), sa.LargeBinary), LONLAT_SRID)
    exact = _exact(op, _place(left, scope), literal)
    if op == "s_disjoint":
        return exact
    return sa.and_(bare("geom_3857").op("&&")(sa.func.ST_MakeEnvelope(*_mercator_box(shape), MERCATOR_SRID)), exact)


def _place(node: Property, scope: FieldScope) -> Value:
    """The layer's geometry in longitude and latitude."""
    if not scope.is_geometry(node.name):
        scope.find(node.name)
        raise BadRequest(f"{node.name[:80]} is not a geometry", where="filter", remedy="write geom")
    return bare("geom" if scope.schema.srid == LONLAT_SRID else "geom_4490")


def _exact(op: str, left: Value, right: Value) -> Condition:
    condition: Condition = getattr(sa.func, PREDICATES[op])(left, right)
    return condition


def in_lonlat(shape: BaseGeometry, srid: int | None, *, collections: bool = True) -> BaseGeometry:
    """A literal as longitude and latitude; BadRequest where it is empty, invalid or not on earth."""
    if shape.is_empty:
        raise BadRequest("a geometry is empty", where="filter", remedy="give it coordinates")
    if shape.geom_type == "GeometryCollection" and not collections:
        raise BadRequest(
            "a geometry collection can only be tested for intersecting or being disjoint",
            where="filter",
            remedy="give one geometry, or a multi-geometry",
        )
    if srid is not None:
        shape = _turned(shape, srid)
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadRequest(
            "a geometry is outside the world",
            where="filter",
            remedy="write longitude first, in degrees, or name the CRS with filter-crs",
        )
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        raise BadRequest(f"a geometry is not valid: {reason}", where="filter", remedy="correct its rings")
    return shape


def _turned(shape: BaseGeometry, srid: int) -> BaseGeometry:
    """From a CRS in its own order of axes (EPSG:4490 begins with latitude) to longitude and latitude."""
    way = pyproj.Transformer.from_crs(srid, LONLAT_SRID)

    def turn(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        lat, lon = way.transform(positions[:, 0], positions[:, 1])
        return np.column_stack([lon, lat])

    return shapely.transform(shape, turn)


def _mercator_box(shape: BaseGeometry) -> tuple[float, float, float, float]:
    """The box of a shape in Web Mercator, a metre wider; open where it reaches beyond the projection."""
    west, south, east, north = shape.bounds
    return (
        math.radians(west) * _RADIUS_M - _MARGIN_M,
        _northing(south) - _MARGIN_M if south > -_MERCATOR_LIMIT_DEG else -_BEYOND_M,
        math.radians(east) * _RADIUS_M + _MARGIN_M,
        _northing(north) + _MARGIN_M if north < _MERCATOR_LIMIT_DEG else _BEYOND_M,
    )


def _northing(lat: float) -> float:
    return _RADIUS_M * math.asinh(math.tan(math.radians(min(max(lat, -89.9), 89.9))))
