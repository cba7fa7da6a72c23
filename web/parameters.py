"""Reading query parameters: boxes, coordinates and reference systems, with an error that says how to write them."""

import math
import re
from datetime import UTC, datetime, time

from pyproj import Transformer

from cim.errors import BadRequest
from cim.filters.literals import day, instant
from cim.model.collection import BoundingBox

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG_URI = re.compile(r"^(?:http://www\.opengis\.net/def/crs/EPSG/[^/]+/|urn:ogc:def:crs:EPSG:[^:]*:|EPSG:)(\d{4,6})$")
LAT_FIRST = frozenset({4490, 4326})
NORTH_FIRST = frozenset(range(4513, 4555))
"""CGCS2000 Gauss-Krüger zones: their first axis X is northing."""
_BOX = "write west,south,east,north in degrees, for example 103.9,30.9,104.0,31.0, or the axes of bbox-crs"


def parse_bbox(text: str | None, name: str = "bbox", srid: int | None = None) -> BoundingBox | None:
    """A box in longitude and latitude: west, south, east, north in degrees.

    The text has four numbers, lowest corner first, in the axes of ``srid`` (EPSG; None is CRS84, longitude first); six
    with heights are accepted and the heights left out. Raises BadRequest.
    """
    if text is None:
        return None
    numbers = _corners(text, name)
    if srid is not None:
        numbers = _in_degrees(numbers, srid, name)
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise BadRequest("the box is outside the world or upside down", where=name, remedy=_BOX)
    return (west, south, east, north)


def _corners(text: str, name: str) -> BoundingBox:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise BadRequest(f"{text[:80]!r} is not a box", where=name, remedy=_BOX) from None
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise BadRequest("a box has four finite numbers", where=name, remedy=_BOX)
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _in_degrees(corners: BoundingBox, srid: int, name: str) -> BoundingBox:
    left, low, right, high = corners
    if srid in LAT_FIRST or srid in NORTH_FIRST:
        left, low, right, high = low, left, high, right
    if srid in LAT_FIRST:
        return (left, low, right, high)
    if left > right or low > high:
        raise BadRequest("the box is outside the world or upside down", where=name, remedy=_BOX)
    way = Transformer.from_crs(srid, 4490, always_xy=True)
    west, south, east, north = way.transform_bounds(left, low, right, high, densify_pts=21)
    if not all(math.isfinite(number) for number in (west, south, east, north)):
        raise BadRequest(f"the box is outside of EPSG:{srid}", where=name, remedy=_BOX)
    return (max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0))


def parse_position(lon: float, lat: float) -> tuple[float, float]:
    """A longitude and latitude that exist; BadRequest hints at swapped axes."""
    if not (math.isfinite(lon) and math.isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90):
        swapped = math.isfinite(lat) and abs(lat) > 90 and abs(lon) <= 90
        hint = "lon and lat seem to be swapped" if swapped else "lon is -180 to 180 and lat -90 to 90, in degrees"
        raise BadRequest("the position is not on earth", where="lon, lat", remedy=hint)
    return lon, lat


def parse_crs(uri: str | None, allowed: frozenset[int], name: str = "crs") -> int | None:
    """The EPSG code of a CRS parameter, or None for CRS84 (longitude first)."""
    if uri is None or uri == CRS84:
        return None
    match = _EPSG_URI.match(uri)
    code = int(match[1]) if match else 0
    if code not in allowed:
        known = ", ".join(f"EPSG:{item}" for item in sorted(allowed))
        raise BadRequest(f"{uri[:100]!r} is not offered", where=name, remedy=f"use CRS84 or one of {known}")
    return code


def parse_datetime(text: str | None, name: str = "datetime") -> datetime | None:
    """The instant to look at, None for now: the instant itself, or the end of an interval (``..`` or nothing: open).

    A day stands for all of it, in UTC.
    """
    if text is None:
        return None
    parts = text.replace(" ", "+").split("/")
    ends = [_moment(part, name, first=place < len(parts) - 1) for place, part in enumerate(parts)]
    if len(ends) > 2 or ends == [None] or (len(ends) == 2 and ends[0] and ends[1] and ends[0] > ends[1]):
        raise BadRequest(
            f"{text[:80]!r} is neither an instant nor an interval",
            where=name,
            remedy="write 2026-01-31T08:00:00Z, or two with / between them, the earlier first",
        )
    return ends[-1]


def _moment(text: str, name: str, *, first: bool) -> datetime | None:
    if text in ("", ".."):
        return None
    if len(text) <= 10:
        held = day(text, name).value
        return datetime.combine(held, time.min if first else time.max, UTC)
    value = instant(text, name).value
    return value if isinstance(value, datetime) else None


def crs_uri(srid: int | None) -> str:
    """The OGC URI of a reference system; None is CRS84."""
    return CRS84 if srid is None else f"http://www.opengis.net/def/crs/EPSG/0/{srid}"
