"""Literals of both languages: texts, numbers, moments and shapes, refused where the database could not take them."""

import json
import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from cim.errors import BadRequest
from cim.filters.nodes import Geometry, Interval, Literal, Moment, Property

MOST_BIGINT = 2**63 - 1
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$", re.ASCII)
_INSTANT = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)
OPEN_END = ".."


def text_literal(value: str) -> Literal:
    """A text that PostgreSQL can hold."""
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadRequest("a text holds a character that no stored text can hold", where="filter", remedy="leave it out")
    return Literal(value)


def number_literal(value: float) -> Literal:
    """A finite number: whole ones that fit 64 bits stay whole, others are double precision."""
    if isinstance(value, int) and -MOST_BIGINT <= value <= MOST_BIGINT:
        return Literal(value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadRequest("a number is too large", where="filter", remedy="write numbers up to 1e308")
    return Literal(number)


def number_of(text: str) -> Literal:
    """The number written in a filter text."""
    return number_literal(int(text) if text.isdecimal() and len(text) < 20 else float(text))


def day(text: str, where: str = "filter") -> Moment:
    """A day as in ``DATE('2026-01-31')``."""
    try:
        if _DAY.match(text):
            return Moment(date.fromisoformat(text))
    except ValueError:
        pass
    raise BadRequest(f"{text[:40]!r} is not a day", where=where, remedy="write days as 2026-01-31")


def instant(text: str, where: str = "filter") -> Moment:
    """An instant with its zone as in ``TIMESTAMP('2026-01-31T08:00:00Z')``."""
    try:
        if _INSTANT.match(text):
            return Moment(datetime.fromisoformat(text.upper()))
    except ValueError:
        pass
    raise BadRequest(
        f"{text[:40]!r} is not an instant with its zone", where=where, remedy="write it as 2026-01-31T08:00:00Z"
    )


def interval(ends: Sequence[Any]) -> Interval:
    """An interval from two ends: texts, moments or fields; ``..`` leaves an end open."""
    if len(ends) != 2:
        raise BadRequest("an interval has two ends", where="filter", remedy="write INTERVAL('2026-01-01', '..')")
    return Interval(_end(ends[0]), _end(ends[1]))


def _end(value: Any) -> Property | Moment | None:
    if isinstance(value, Literal):
        value = value.value
    if value in (OPEN_END, ""):
        return None
    if isinstance(value, (Property, Moment)):
        return value
    if isinstance(value, str):
        return day(value) if len(value) <= 10 else instant(value)
    raise BadRequest("an end of an interval is neither time nor field", where="filter", remedy="write a time or '..'")


def wkt_shape(text: str) -> Geometry:
    """A shape written in WKT."""
    try:
        return Geometry(shapely.force_2d(shapely.from_wkt(text)))
    except (shapely.errors.GEOSException, ValueError):
        raise BadRequest("a geometry is not well-formed WKT", where="filter", remedy="see docs/filters.md") from None


def geojson_shape(value: dict[str, Any]) -> Geometry:
    """A shape as a GeoJSON geometry."""
    try:
        return Geometry(shapely.force_2d(shapely.from_geojson(json.dumps(value))))
    except (shapely.errors.GEOSException, ValueError):
        raise BadRequest("a geometry is not GeoJSON", where="filter", remedy="see docs/filters.md") from None


def box_shape(numbers: Sequence[float]) -> Geometry:
    """A box from west, south, east, north, or six numbers with heights; west of east it crosses the antimeridian."""
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise BadRequest("a box has four finite numbers", where="filter", remedy="write BBOX(103.9,30.9,104.0,31.0)")
    west, south, east, north = numbers
    if south > north:
        raise BadRequest("the box is upside down", where="filter", remedy="write south before north")
    if west <= east:
        return Geometry(_box(west, south, east, north))
    halves = [_box(west, south, 180.0, north), _box(-180.0, south, east, north)]
    return Geometry(shapely.union_all(halves))


def _box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A box; one without width or height is a line or point."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)
