"""The tree of a filter, the same for both languages; its depth is bounded while it is built."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from shapely.geometry.base import BaseGeometry

from cim.errors import BadRequest

MOST_NESTING = 50


@dataclass(frozen=True, slots=True)
class Property:
    """A field of the collection, or its geometry, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number or truth value."""

    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Moment:
    """``DATE`` (a day) or ``TIMESTAMP`` (an instant with zone)."""

    value: date | datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """``INTERVAL``: both ends belong to it; ``None`` leaves an end open."""

    start: "Property | Moment | None"
    end: "Property | Moment | None"


@dataclass(frozen=True, slots=True)
class Geometry:
    """A geometry literal, its coordinates as given: in the filter's CRS and that CRS's order of axes."""

    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function, its name in lower case as in CQL2 JSON. ``depth`` counts the levels from here down."""

    op: str
    args: tuple["Node", ...]
    depth: int


Node = Property | Literal | Moment | Interval | Geometry | Call


def call(op: str, args: Iterable[Node]) -> Call:
    """A call, as long as it is not nested too deep."""
    held = tuple(args)
    depth = 1 + max((arg.depth for arg in held if isinstance(arg, Call)), default=0)
    if depth > MOST_NESTING:
        raise too_deep()
    return Call(op, held, depth)


def too_deep() -> BadRequest:
    """The refusal of a filter that is nested too deep."""
    return BadRequest(
        f"the filter is nested deeper than {MOST_NESTING} levels",
        where="filter",
        remedy="write it flatter, or in parts",
    )
