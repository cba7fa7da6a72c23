"""Places of Locations and FeaturesOfInterest as shapes."""

from typing import Any

import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from cim.errors import BadRequest

GEOJSON = frozenset({"application/geo+json", "application/vnd.geo+json"})
MOST_VERTICES = 100_000
_WORLD = (-180.0, -90.0, 180.0, 90.0)


def shape_of(encoding: str, value: Any, where: str) -> BaseGeometry | None:
    """The shape, in longitude and latitude, of a place in GeoJSON (a geometry or a Feature).

    None for other encodings, which are kept as they are and not found by place. BadRequest for GeoJSON that is no shape
    on earth.
    """
    if encoding not in GEOJSON:
        return None
    geometry = value.get("geometry") if isinstance(value, dict) and value.get("type") == "Feature" else value
    if not isinstance(geometry, dict) or geometry.get("type") == "GeometryCollection":
        raise _bad("the place is no GeoJSON geometry", where)
    try:
        shape = shapely.force_2d(shapely.from_geojson(orjson.dumps(geometry)))
    except (shapely.errors.GEOSException, ValueError, TypeError):
        raise _bad("the place is no GeoJSON geometry", where) from None
    if shape.is_empty:
        raise _bad("the place has no coordinates", where)
    if shapely.get_num_coordinates(shape) > MOST_VERTICES:
        raise _bad(f"the place has more than {MOST_VERTICES} vertices", where)
    west, south, east, north = shape.bounds
    if not (_WORLD[0] <= west <= east <= _WORLD[2] and _WORLD[1] <= south <= north <= _WORLD[3]):
        raise _bad("the place is outside the world", where)
    if not shape.is_valid:
        raise _bad(f"the place is not valid: {shapely.is_valid_reason(shape)}", where)
    return shape


def _bad(what: str, where: str) -> BadRequest:
    return BadRequest(
        what, where=where, remedy='write longitude first: {"type": "Point", "coordinates": [103.9, 30.9]}'
    )
