"""Shapes that come with incidents: GeoJSON in degrees, checked before it is kept."""

import json
from collections.abc import Mapping
from typing import Any

import shapely
from shapely.errors import ShapelyError

from cim.errors import BadRequest, TooLarge
from web.incidents.bodies import MOST_BYTES

MOST_POINTS = 20_000
AREAS = ("Polygon", "MultiPolygon")
_REMEDY = "send a GeoJSON geometry in longitude and latitude"


def checked_shape(given: Mapping[str, Any], where: str, kinds: tuple[str, ...] = ()) -> dict[str, Any]:
    """A geometry as GeoJSON of two dimensions; BadRequest for what cannot be drawn, or is of another kind."""
    kind = given.get("type")
    if kinds and kind not in kinds:
        raise BadRequest(f"{str(kind)[:40]!r} is not {' or '.join(kinds)}", where=where, remedy=_REMEDY)
    try:
        shape = shapely.force_2d(shapely.geometry.shape(dict(given)))
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise BadRequest("the geometry cannot be read", where=where, remedy=_REMEDY) from None
    if shape.is_empty or kind == "GeometryCollection":
        raise BadRequest("the geometry is empty or a collection", where=where, remedy=_REMEDY)
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadRequest("the geometry is not in longitude and latitude", where=where, remedy=_REMEDY)
    if shapely.get_num_coordinates(shape) > MOST_POINTS:
        raise TooLarge(f"the geometry has more than {MOST_POINTS} points", where=where, remedy="simplify it")
    if kind in AREAS and not shape.is_valid:
        raise BadRequest("the area crosses itself", where=where, remedy="draw it without crossings")
    made: dict[str, Any] = json.loads(json.dumps(shapely.geometry.mapping(shape)))
    return made


def bounded(value: Any, where: str) -> Any:
    """A JSON value that is not too long to be kept with an entry."""
    try:
        size, text = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()), json.dumps(value)
    except (ValueError, RecursionError):
        remedy = "send finite numbers and whole characters, not too deeply nested"
        raise BadRequest(f"{where} cannot be kept", where=where, remedy=remedy) from None
    if size > MOST_BYTES:
        raise TooLarge(
            f"{where} is longer than {MOST_BYTES // 1_000_000} MB",
            where=where,
            remedy="keep the summary here, and the whole answer as a job",
        )
    if "\\u0000" in text:
        raise BadRequest("there is a null character", where=where, remedy="leave it out")
    return value
