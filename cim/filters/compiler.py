"""A filter's text to a checked condition on the columns of a collection.

Every value is a bound parameter; every name is looked up among the fields its reader sees; every operand's type is
checked, so that PostgreSQL never meets a statement it could refuse.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from typing import Literal as OneOf

import sqlalchemy as sa

from cim.errors import BadRequest
from cim.filters import operands
from cim.filters.json_form import parse_json
from cim.filters.limits import check_json_nesting, check_length, check_text_nesting
from cim.filters.nodes import Call, Geometry, Interval, Literal, Moment, Node, Property
from cim.filters.operands import Condition, Operand, Value
from cim.filters.scope import FieldScope
from cim.filters.spatial import PREDICATES as SPATIAL
from cim.filters.spatial import spatial
from cim.filters.temporal import PREDICATES as TEMPORAL
from cim.filters.temporal import temporal
from cim.filters.text import parse_text
from cim.filters.texts import check_pattern, folded

Language = OneOf["cql2-text", "cql2-json"]
LANGUAGES: tuple[Language, ...] = ("cql2-text", "cql2-json")
MOST_KEPT_LETTERS = 512
"""Filters up to this length are compiled once; tiles and pages ask the same one again and again."""
_COMPARISONS: dict[str, Callable[[Value, Value], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_ARITHMETIC: dict[str, Callable[[Value, Value], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a.op("/")(sa.func.nullif(b, 0)),
    "%": lambda a, b: sa.func.mod(a, sa.func.nullif(b, 0)),
    "div": lambda a, b: sa.func.trunc(a.op("/")(sa.func.nullif(b, 0))),
}
_ORDERED = frozenset({"text", "number", "date", "timestamp"})


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter.

    ``condition`` names bare columns (fields, ``geom``, ``geom_3857``, ``geom_4490``), so it fits any one FROM item that
    has a collection's columns. ``fields`` are the fields it reads; ``spatial`` says that it reads the geometry.
    """

    condition: Condition
    fields: frozenset[str]
    spatial: bool


def compile_filter(text: str, scope: FieldScope, language: Language = "cql2-text", srid: int | None = None) -> Filter:
    """Compile CQL2 for a collection.

    ``srid`` is the CRS of the geometry literals, None for CRS84 (longitude first).

    Raises BadRequest for what is too long, nested too deep, unreadable or of the wrong type, and NotAllowed for a
    field that is hidden from the caller.
    """
    check_length(text)
    return (_kept if len(text) <= MOST_KEPT_LETTERS else _compiled)(text, scope, language, srid)


def _compiled(text: str, scope: FieldScope, language: Language, srid: int | None) -> Filter:
    if language == "cql2-json":
        check_json_nesting(text)
        return compile_node(parse_json(text), scope, srid)
    check_text_nesting(text)
    return compile_node(parse_text(text), scope, srid)


_kept = lru_cache(maxsize=256)(_compiled)


def compile_node(node: Node, scope: FieldScope, srid: int | None = None) -> Filter:
    """Compile a tree; see ``compile_filter``."""
    condition = _Compiler(scope, srid).condition(node)
    names, is_spatial = set[str](), False
    for name in _names(node):
        if name in scope.schema.field_names:
            names.add(name)
        elif scope.is_geometry(name):
            is_spatial = True
    return Filter(condition, frozenset(names), is_spatial)


def _names(node: Node | None) -> Iterable[str]:
    match node:
        case Property(name):
            yield name
        case Interval(start, end):
            yield from _names(start)
            yield from _names(end)
        case Call(_, args):
            for arg in args:
                yield from _names(arg)


@dataclass(frozen=True, slots=True)
class _Compiler:
    scope: FieldScope
    srid: int | None
    _rules: dict[str, Callable[[Call], Condition]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._rules.update(dict.fromkeys(_COMPARISONS, self._comparison))
        self._rules.update(dict.fromkeys(SPATIAL, self._spatial))
        self._rules.update(dict.fromkeys(TEMPORAL, self._temporal))
        self._rules.update(
            {
                "and": lambda node: sa.and_(*map(self.condition, node.args)),
                "or": lambda node: sa.or_(*map(self.condition, node.args)),
                "not": self._negation,
                "like": self._like,
                "between": self._between,
                "in": self._in,
                "isnull": self._null,
            }
        )

    def condition(self, node: Node) -> Condition:
        """A node that is true, false or unknown."""
        if isinstance(node, Call) and node.op in self._rules:
            return self._rules[node.op](node)
        held = self._as_kind(node, self.operand(node), "boolean")
        if held.kind != "boolean":
            raise operands.wrong_kind(node, held.kind, "boolean", "a condition")
        return held.sql

    def operand(self, node: Node) -> Operand:
        """A node that is a value."""
        match node:
            case Property(name):
                if self.scope.is_geometry(name):
                    return Operand(operands.bare("geom_3857"), "geometry")
                document = self.scope.document(name)
                return Operand(document, "document") if document is not None else operands.column(self.scope.find(name))
            case Literal():
                return operands.literal(node)
            case Moment():
                return operands.moment(node)
            case Interval() | Geometry():
                return Operand(sa.null(), "interval" if isinstance(node, Interval) else "geometry")
        return self._computed(node)

    def _computed(self, node: Call) -> Operand:
        if node.op in _ARITHMETIC:
            return self._arithmetic(node)
        if node.op in ("casei", "accenti"):
            (value,) = self._of_kind(node, "text", 1)
            return Operand(folded(node.op, value), "text")
        if node.op in self._rules:
            return Operand(self._rules[node.op](node), "boolean")
        known = sorted({*self._rules, *_ARITHMETIC, "casei", "accenti"} - {"isnull"})
        raise BadRequest(
            f"there is no operator or function {node.op[:60]!r}", where="filter", remedy=f"there are {', '.join(known)}"
        )

    def _of_kind(self, node: Call, kind: operands.Kind, count: int) -> list[Value]:
        if len(node.args) != count:
            raise operands.wrong_count(node.op, f"{count}", len(node.args))
        held = [(arg, self._as_kind(arg, self.operand(arg), kind)) for arg in node.args]
        for arg, value in held:
            if value.kind != kind:
                raise operands.wrong_kind(arg, value.kind, kind, node.op)
        return [value.sql for _, value in held]

    def _as_kind(self, node: Node, held: Operand, kind: operands.Kind) -> Operand:
        """What is inside a document has the type it is used as."""
        return operands.document_as(node, held.sql, kind) if held.kind == "document" else held

    def _arithmetic(self, node: Call) -> Operand:
        """Computed as ``numeric``: nothing overflows, and what is divided by zero is unknown."""
        left, right = (sa.cast(value, sa.Numeric) for value in self._of_kind(node, "number", 2))
        return Operand(_ARITHMETIC[node.op](left, right), "number", computed=True)

    def _alike(self, node: Call, *, ordered: bool) -> list[Value]:
        """Operands of one kind, brought to one type where some are computed."""
        found = [self.operand(arg) for arg in node.args]
        kind: operands.Kind = next((each.kind for each in found if each.kind != "document"), "text")
        held = [self._as_kind(arg, each, kind) for arg, each in zip(node.args, found, strict=True)]
        first = held[0]
        for arg, other in zip(node.args, held, strict=True):
            if other.kind != first.kind:
                raise operands.unequal_kinds(node.args[0], first.kind, arg, other.kind, node.op)
        if first.kind not in _ORDERED and (ordered or first.kind != "boolean"):
            raise operands.wrong_kind(node.args[0], first.kind, "values that have an order", node.op)
        if any(value.computed for value in held):
            return [sa.cast(value.sql, sa.Numeric) for value in held]
        return [value.sql for value in held]

    def _comparison(self, node: Call) -> Condition:
        if len(node.args) != 2:
            raise operands.wrong_count(node.op, "two", len(node.args))
        left, right = self._alike(node, ordered=node.op not in ("=", "<>"))
        condition: Condition = _COMPARISONS[node.op](left, right)
        return condition

    def _between(self, node: Call) -> Condition:
        if len(node.args) != 3:
            raise operands.wrong_count(node.op, "three", len(node.args))
        value, least, most = self._alike(node, ordered=True)
        return sa.and_(value >= least, value <= most)

    def _in(self, node: Call) -> Condition:
        if len(node.args) < 2:
            raise operands.wrong_count(node.op, "a value and a list", len(node.args))
        value, *items = self._alike(node, ordered=False)
        return value.in_(items)

    def _negation(self, node: Call) -> Condition:
        if len(node.args) != 1:
            raise operands.wrong_count(node.op, "one", len(node.args))
        return sa.not_(self.condition(node.args[0]))

    def _null(self, node: Call) -> Condition:
        if len(node.args) != 1:
            raise operands.wrong_count("IS NULL", "one", len(node.args))
        return self.operand(node.args[0]).sql.is_(None)

    def _like(self, node: Call) -> Condition:
        value, pattern = self._of_kind(node, "text", 2)
        check_pattern(node.args[1])
        return value.like(pattern)

    def _spatial(self, node: Call) -> Condition:
        return spatial(node.op, node.args, self.scope, self.srid)

    def _temporal(self, node: Call) -> Condition:
        return temporal(node.op, node.args, self.scope)
