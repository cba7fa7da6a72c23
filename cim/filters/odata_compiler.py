"""Conditions and orders of the SensorThings query language to SQL on the rows a caller sees.

Names are looked up in the entity model, values are bound, kinds are checked. A path through a link to one joins what is
open of it; a path through a link to many makes a condition that holds where it holds for any of those.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from cim.errors import BadRequest
from cim.filters import operands
from cim.filters.nodes import Call, Geometry, Literal, Moment, Node, Property
from cim.filters.odata_grammar import Order
from cim.filters.odata_terms import FUNCTIONS, KINDS, Function, Term, as_kind, expected
from cim.filters.spatial import in_lonlat
from cim.model.sensing_entities import ENTITIES
from cim.store.observations import moment
from cim.store.sensing_entities import Held, Kind, Rows, Sql
from cim.store.sensing_entities_reading import OrderKey

LONLAT_SRID = 4490
ORDERED_LETTERS = 200
"""Letters of a place, as it is written in answers, that tell its order."""
OBSERVATION_ID = re.compile(r"^([0-9]{1,10})-(-?[0-9]{1,17})$", re.ASCII)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_MIRRORED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq", "ne": "ne"}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a.op("/")(sa.func.nullif(b, 0)),
    "mod": lambda a, b: sa.func.mod(a, sa.func.nullif(b, 0)),
}
_WITH_TIME: dict[tuple[str, Kind, Kind], Kind] = {
    ("add", "timestamp", "duration"): "timestamp",
    ("sub", "timestamp", "duration"): "timestamp",
    ("sub", "timestamp", "timestamp"): "duration",
    ("add", "duration", "duration"): "duration",
    ("sub", "duration", "duration"): "duration",
    ("add", "duration", "timestamp"): "timestamp",
}
_LOOSE: tuple[Kind, ...] = ("document", "result")


class ODataCompiler:
    """Compiles what a query says of the rows of one entity; ``where`` is the query option it stands in."""

    def __init__(self, rows: Rows, where: str = "$filter") -> None:
        self._rows = rows
        self._where = where
        self._many: dict[tuple[int, str], tuple[Rows, sa.ColumnElement[bool]]] | None = None

    def condition(self, node: Node) -> sa.ColumnElement[bool]:
        """The condition that a tree stands for."""
        if isinstance(node, Call) and node.op in ("and", "or"):
            parts = [self.condition(arg) for arg in node.args]
            return sa.and_(*parts) if node.op == "and" else sa.or_(*parts)
        if isinstance(node, Call) and node.op == "not":
            return sa.not_(self.condition(node.args[0]))
        with self._any_of_many() as wrapped:
            term = as_kind(self._term(node), "boolean")
            if term.kind != "boolean":
                raise expected(term, "a condition", self._where, told(node))
            wrapped.append(term.sql)
        return wrapped[0]

    def order(self, order: Order) -> list[OrderKey]:
        """The columns that an order goes by; paths through links to many have no order."""
        term = self._term(order.value)
        if term.kind == "geometry" and term.other is not None:
            written = sa.func.left(sa.cast(term.other, sa.Text), ORDERED_LETTERS, type_=sa.Text)
            return [OrderKey(written, order.descending, term.nullable)]
        if term.kind in ("geometry", "null", "id"):
            if isinstance(order.value, Property) and order.value.name in ("id", "@iot.id"):
                return [OrderKey(column, order.descending, nullable=False) for column in self._rows.ids()]
            raise expected(term, "values that have an order", self._where, told(order.value))
        keys = [OrderKey(term.sql, order.descending, term.nullable)]
        further = [more for more in (term.other, term.end) if more is not None]
        return [*keys, *(OrderKey(more, order.descending, nullable=True) for more in further)]

    @contextmanager
    def _any_of_many(self) -> Iterator[list[sa.ColumnElement[bool]]]:
        """Wraps what is compiled inside in EXISTS for each link to many that it went through."""
        before, self._many = self._many, {}
        made: list[sa.ColumnElement[bool]] = []
        yield made
        for rows, link in reversed(list(self._many.values())):
            inner: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows.source())
            inner = inner.where(link, *rows.conditions(), made[0]).correlate_except(*rows.tables())
            made[0] = sa.exists(inner)
        self._many = before

    def _term(self, node: Node) -> Term:
        match node:
            case Property(name):
                return self._path(name)
            case Literal(value):
                found = operands.literal(node)
                return Term(found.sql, found.kind, given=value, nullable=False)
            case Moment(value):
                found = operands.moment(node)
                return Term(found.sql, found.kind, given=value, nullable=False)
            case Call():
                return self._call(node)
        raise BadRequest("a value cannot be used here", where=self._where, remedy="see docs/sensorthings.md")

    def _call(self, node: Call) -> Term:
        if node.op in ("and", "or", "not"):
            return Term(self.condition(node), "boolean")
        if node.op in _COMPARISONS:
            return Term(self._compared(node), "boolean")
        if node.op in _ARITHMETIC:
            return self._computed(node)
        special = _LITERALS.get(node.op)
        if special and (not node.args or isinstance(node.args[0], Literal | Geometry)):
            return special(node)
        function = FUNCTIONS.get(node.op)
        if function is None:
            raise BadRequest(
                f"there is no function {node.op[:60]!r}", where=self._where, remedy=f"there are {', '.join(FUNCTIONS)}"
            )
        return self._function(node, function)

    def _path(self, path: str) -> Term:
        rows, names = self._rows, path.split("/")
        for place, name in enumerate(names):
            link = rows.entity.links.get(name)
            if link is None:
                held = rows.held(name)
                if held is None:
                    break
                return self._inside(held, names[place + 1 :], path)
            rows = self._through_many(rows, name) if link.many else rows.linked(name)
        known = ", ".join(["id", *rows.entity.properties, *rows.entity.links])
        last = names[-1] if names[-1] in rows.entity.links or not rows.entity.links else path
        raise BadRequest(
            f"{rows.entity.plural} have no property {last[:80]!r}", where=self._where, remedy=f"there are {known}"
        )

    def _inside(self, held: Held, names: list[str], path: str) -> Term:
        if not names:
            return Term(held.sql, held.kind, held.end, held.other, held.nullable)
        inner = held.other if held.kind == "result" else held.sql
        if held.kind not in _LOOSE or inner is None:
            raise BadRequest(
                f"{path[:80]!r} leads into {KINDS[held.kind]}, which has no parts",
                where=self._where,
                remedy="leave out what follows it",
            )
        way = sa.literal(names, sa.ARRAY(sa.Text))
        return Term(inner.op("#>", return_type=JSONB())(way), "document")

    def _through_many(self, rows: Rows, link: str) -> Rows:
        if self._many is None:
            raise BadRequest(
                f"{link[:60]} are many, and have no one value", where=self._where, remedy="order by a link to one"
            )
        mark = (id(rows), link)
        if mark not in self._many:
            other = Rows(ENTITIES[rows.entity.links[link].target], rows.seen)
            self._many[mark] = (other, other.led_to(rows.entity.name, link, rows.key(link)))
        return self._many[mark][0]

    def _compared(self, node: Call) -> Sql:
        left, right = (self._term(arg) for arg in node.args)
        compare = _COMPARISONS[node.op]
        if "null" in (left.kind, right.kind):
            return self._null(node.op, left, right)
        if "id" in (left.kind, right.kind):
            return self._same_id(node, left, right)
        if left.kind == "interval" and right.kind in ("timestamp", "date"):
            return _interval_compared(node.op, left, as_kind(right, "timestamp").sql)
        if right.kind == "interval" and left.kind in ("timestamp", "date"):
            return _interval_compared(_MIRRORED[node.op], right, as_kind(left, "timestamp").sql)
        if left.kind in _LOOSE and right.kind in _LOOSE:
            return _both_loose(compare, left, right)
        left, right = _alike(left, right)
        if left.kind != right.kind or left.kind in ("geometry", "interval"):
            raise expected(
                right, left.kind if left.kind != "geometry" else "values to compare", node.op, told(node.args[1])
            )
        found: Sql = compare(left.sql, right.sql)
        return found

    def _null(self, op: str, left: Term, right: Term) -> Sql:
        term = right if left.kind == "null" else left
        if op not in ("eq", "ne"):
            raise BadRequest("null has no order", where=self._where, remedy="write eq null or ne null")
        unknown: Sql = term.sql.is_(None)
        if term.kind == "result" and term.other is not None:
            unknown = sa.and_(unknown, term.other.is_(None))
        if term.kind == "document":
            unknown = sa.or_(unknown, sa.func.jsonb_typeof(term.sql) == "null")
        return unknown if op == "eq" else sa.not_(unknown)

    def _same_id(self, node: Call, left: Term, right: Term) -> Sql:
        """An Observation by its id is found by datastream and time, which have the index."""
        literal = right if left.kind == "id" else left
        path = node.args[0] if left.kind == "id" else node.args[1]
        found = OBSERVATION_ID.match(literal.given) if isinstance(literal.given, str) else None
        if node.op not in ("eq", "ne") or found is None:
            raise BadRequest(
                "ids of Observations are compared by eq and ne, with a text",
                where=self._where,
                remedy="write id eq '12-1767225600000000'",
            )
        rows = self._rows_of(path)
        stream, time = rows.ids()
        same = sa.and_(stream == int(found[1]), time == moment(int(found[2])))
        return same if node.op == "eq" else sa.not_(same)

    def _rows_of(self, node: Node) -> Rows:
        """The rows that a path ends at."""
        rows = self._rows
        if isinstance(node, Property):
            for name in node.name.split("/")[:-1]:
                link = rows.entity.links[name]
                rows = self._through_many(rows, name) if link.many else rows.linked(name)
        return rows

    def _computed(self, node: Call) -> Term:
        left, right = (self._term(arg) for arg in node.args)
        left, right = (as_kind(one, "timestamp") if one.kind == "interval" else one for one in (left, right))
        timely = _WITH_TIME.get((node.op, left.kind, right.kind))
        if timely:
            return Term(_ARITHMETIC[node.op](left.sql, right.sql), timely)
        numbers = [as_kind(one, "number") for one in (left, right)]
        for one, arg in zip(numbers, node.args, strict=True):
            if one.kind != "number":
                raise expected(one, "number", node.op, told(arg))
        found = _ARITHMETIC[node.op](*(sa.cast(one.sql, sa.Numeric) for one in numbers))
        return Term(found, "number")

    def _function(self, node: Call, function: Function) -> Term:
        least, most = len(function.takes) - function.optional, len(function.takes)
        if not least <= len(node.args) <= most:
            raise BadRequest(
                f"{node.op} takes {least if least == most else f'{least} or {most}'} values, not {len(node.args)}",
                where=self._where,
                remedy="see docs/sensorthings.md",
            )
        terms = []
        for arg, kind in zip(node.args, function.takes, strict=False):
            term = as_kind(self._term(arg), kind)
            if term.kind != kind:
                raise expected(term, kind, node.op, told(arg))
            terms.append(term)
        found = function.sql(*terms) if function.terms else function.sql(*(term.sql for term in terms))
        return Term(found, function.gives)


def _interval_compared(op: str, interval: Term, at: Sql) -> Sql:
    """An interval lies before or after an instant when all of it does."""
    end = interval.end if interval.end is not None else interval.sql
    if op in ("eq", "ne"):
        same = sa.and_(interval.sql == at, end == at)
        return same if op == "eq" else sa.not_(same)
    found: Sql = _COMPARISONS[op](end if op in ("lt", "le") else interval.sql, at)
    return found


def _both_loose(compare: Callable[[Any, Any], Any], left: Term, right: Term) -> Sql:
    """Two JSON values or results compared where they are of one type, unknown where they are not."""
    kinds: tuple[Kind, ...] = ("number", "text", "boolean")
    found: Sql = sa.func.coalesce(*(compare(as_kind(left, kind).sql, as_kind(right, kind).sql) for kind in kinds))
    return found


def _alike(left: Term, right: Term) -> tuple[Term, Term]:
    """Two values brought to one kind where one of them can be of several."""
    if {left.kind, right.kind} == {"date", "timestamp"}:
        return as_kind(left, "timestamp"), as_kind(right, "timestamp")
    return as_kind(left, right.kind), as_kind(right, left.kind)


def _null(_: Call) -> Term:
    return Term(sa.null(), "null")


def _clock(node: Call) -> Term:
    text = node.args[0].value if isinstance(node.args[0], Literal) else ""
    return Term(sa.cast(sa.literal(str(text), sa.Text), sa.Time), "clock", nullable=False)


def _duration(node: Call) -> Term:
    seconds = node.args[0].value if isinstance(node.args[0], Literal) else 0
    return Term(sa.literal(timedelta(seconds=float(seconds)), sa.Interval), "duration", nullable=False)


def _shape(node: Call) -> Term:
    shape = node.args[0]
    if not isinstance(shape, Geometry):
        raise BadRequest("a geometry is not a literal", where="$filter", remedy="write geography'POINT (103.9 30.9)'")
    found = in_lonlat(shape.shape, None, collections=False)
    sql = sa.func.ST_GeomFromWKB(sa.literal(shapely.to_wkb(found), sa.LargeBinary), LONLAT_SRID)
    return Term(sql, "geometry", nullable=False, geodetic=node.op == "geography")


_LITERALS: dict[str, Callable[[Call], Term]] = {
    "null": _null,
    "clock": _clock,
    "duration": _duration,
    "geography": _shape,
    "geometry": _shape,
}


def told(node: Node) -> str:
    """A value as an error names it."""
    if isinstance(node, Call) and node.op == "null":
        return "null"
    return operands.told(node)
