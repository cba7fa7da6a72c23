"""Values of the SensorThings query language with their kinds, and the functions of the standard on them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from cim.errors import BadRequest
from cim.store.sensing_entities import Kind, Sql

MOST_LETTERS = 1_000_000
KINDS: dict[str, str] = {
    "text": "a text",
    "number": "a number",
    "boolean": "a truth value",
    "timestamp": "an instant",
    "interval": "an interval of time",
    "date": "a day",
    "clock": "a time of day",
    "duration": "a duration",
    "document": "a JSON value",
    "geometry": "a geometry",
    "result": "a result",
    "id": "the id of an Observation",
    "null": "null",
}
_PATTERN = re.compile(r"^[012TF*]{9}$")


@dataclass(frozen=True, slots=True)
class Term:
    """A value in SQL and its kind.

    ``end`` is the later end of an interval, ``given`` the value of a literal; ``other`` is a result that is no number,
    or what answers have of a geometry. ``geodetic`` says that a literal was written as ``geography``, which is measured
    in metres over the ellipsoid.
    """

    sql: Sql
    kind: Kind
    end: Sql | None = None
    other: Sql | None = None
    nullable: bool = True
    given: Any = None
    geodetic: bool | None = None


def as_kind(term: Term, kind: Kind) -> Term:
    """A JSON value or a result taken as a text, number or truth value (unknown where it is of another type)."""
    if term.kind == "result":
        if kind in ("number", "text"):
            return Term(term.sql if kind == "number" else _written(term), kind)
        term = Term(_not_number(term), "document")
    if term.kind == "document" and kind in ("text", "number", "boolean"):
        return Term(_taken(term.sql, kind), kind)
    if term.kind == "date" and kind == "timestamp":
        return Term(sa.func.timezone("UTC", sa.cast(term.sql, sa.TIMESTAMP)), "timestamp")
    if term.kind == "timestamp" and kind == "date":
        return Term(sa.cast(sa.func.timezone("UTC", term.sql), sa.Date), "date")
    if term.kind == "interval" and kind in ("timestamp", "date"):
        return as_kind(Term(term.sql, "timestamp"), kind)
    return term


def _not_number(result: Term) -> Sql:
    return result.other if result.other is not None else sa.null()


def _written(result: Term) -> Sql:
    """A result as a text: it itself, or the number written out."""
    return sa.func.coalesce(sa.cast(result.sql, sa.Text), _taken(_not_number(result), "text"), type_=sa.Text)


def _taken(value: Sql, kind: Kind) -> Sql:
    text = value.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'::text[]"))
    taken: Sql = text
    if kind != "text":
        taken = sa.cast(text, sa.Numeric() if kind == "number" else sa.Boolean())
    return sa.case((sa.func.jsonb_typeof(value) == ("string" if kind == "text" else kind), taken), else_=None)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the standard: the kinds it takes, what it gives, how it is written in SQL.

    Of the last ``optional`` arguments none need be there. ``terms`` hands the terms over, not their SQL.
    """

    takes: tuple[Kind, ...]
    gives: Kind
    sql: Callable[..., Sql]
    optional: int = 0
    terms: bool = False


def _count(value: Sql) -> Sql:
    """A number as one that positions in texts can have."""
    return sa.cast(sa.func.least(sa.func.greatest(sa.func.trunc(value), 0), MOST_LETTERS), sa.Integer)


def _substring(text: Sql, start: Sql, length: Sql | None = None) -> Sql:
    begin = _count(start) + 1
    found: Sql = sa.func.substr(text, begin) if length is None else sa.func.substr(text, begin, _count(length))
    return found


def _part(name: str) -> Callable[[Sql], Sql]:
    return lambda at: sa.extract(name, sa.func.timezone("UTC", at))


def _fraction(at: Sql) -> Sql:
    return sa.func.mod(sa.extract("microseconds", at), 1_000_000) / 1_000_000.0


def _distance(one: Term, other: Term) -> Sql:
    return sa.func.ST_Distance(*_measured(one, other))


def _length(line: Term) -> Sql:
    return sa.func.ST_Length(*_measured(line))


def _measured(*terms: Term) -> list[Sql]:
    """Geometries as they are measured: in degrees where one is written as ``geometry``, else in metres."""
    if any(term.geodetic is False for term in terms):
        return [term.sql for term in terms]
    return [sa.func.geography(term.sql) for term in terms]


def _relate(one: Term, other: Term, pattern: Term) -> Sql:
    if not isinstance(pattern.given, str) or not _PATTERN.match(pattern.given):
        raise BadRequest(
            "st_relate takes a pattern of nine letters", where="$filter", remedy="write for example 'T*F**F***'"
        )
    return sa.func.ST_Relate(one.sql, other.sql, pattern.given)


def _moment(word: str) -> Callable[[], Sql]:
    return lambda: sa.cast(sa.literal(word, sa.Text), sa.TIMESTAMP(timezone=True))


def _spatial(name: str) -> Function:
    return Function(("geometry", "geometry"), "boolean", getattr(sa.func, name))


FUNCTIONS: dict[str, Function] = {
    "substringof": Function(("text", "text"), "boolean", lambda part, text: sa.func.strpos(text, part) > 0),
    "contains": Function(("text", "text"), "boolean", lambda text, part: sa.func.strpos(text, part) > 0),
    "startswith": Function(("text", "text"), "boolean", sa.func.starts_with),
    "endswith": Function(
        ("text", "text"), "boolean", lambda text, end: sa.func.right(text, sa.func.length(end)) == end
    ),
    "length": Function(("text",), "number", sa.func.length),
    "indexof": Function(("text", "text"), "number", lambda text, part: sa.func.strpos(text, part) - 1),
    "substring": Function(("text", "number", "number"), "text", _substring, optional=1),
    "tolower": Function(("text",), "text", sa.func.lower),
    "toupper": Function(("text",), "text", sa.func.upper),
    "trim": Function(("text",), "text", sa.func.btrim),
    "concat": Function(("text", "text"), "text", lambda one, other: one.op("||")(other)),
    **{name: Function(("timestamp",), "number", _part(name)) for name in ("year", "month", "day", "hour", "minute")},
    "second": Function(("timestamp",), "number", lambda at: sa.func.trunc(sa.extract("second", at))),
    "fractionalseconds": Function(("timestamp",), "number", _fraction),
    "date": Function(("timestamp",), "date", lambda at: sa.cast(sa.func.timezone("UTC", at), sa.Date)),
    "time": Function(("timestamp",), "clock", lambda at: sa.cast(sa.func.timezone("UTC", at), sa.Time)),
    "totaloffsetminutes": Function(("timestamp",), "number", lambda at: sa.case((at.is_(None), None), else_=0)),
    "now": Function((), "timestamp", sa.func.now),
    "mindatetime": Function((), "timestamp", _moment("-infinity")),
    "maxdatetime": Function((), "timestamp", _moment("infinity")),
    "round": Function(("number",), "number", lambda value: sa.func.round(sa.cast(value, sa.Numeric))),
    "floor": Function(("number",), "number", sa.func.floor),
    "ceiling": Function(("number",), "number", sa.func.ceil),
    "geo.distance": Function(("geometry", "geometry"), "number", _distance, terms=True),
    "geo.length": Function(("geometry",), "number", _length, terms=True),
    "geo.intersects": _spatial("ST_Intersects"),
    **{
        f"st_{word}": _spatial(f"ST_{word.capitalize()}")
        for word in ("equals", "disjoint", "touches", "within", "overlaps", "crosses", "intersects", "contains")
    },
    "st_relate": Function(("geometry", "geometry", "text"), "boolean", _relate, terms=True),
}


def expected(found: Term, wanted: str, name: str, what: str) -> BadRequest:
    """The refusal of a value of another kind than an operator or function takes."""
    remedies = {
        "text": "write texts in single quotes: 'x'",
        "number": "write numbers without quotes: 24",
        "timestamp": "write instants with their zone: 2026-01-31T08:00:00Z",
        "geometry": "write geography'POINT (103.9 30.9)'",
        "date": "write days as 2026-01-31",
    }
    return BadRequest(
        f"{name[:40]} takes {KINDS.get(wanted, wanted)}, but {what[:80]} is {KINDS[found.kind]}",
        where="$filter",
        remedy=remedies.get(wanted, "docs/sensorthings.md says what each operator takes"),
    )
