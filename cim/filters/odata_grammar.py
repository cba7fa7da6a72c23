"""The query language of SensorThings (after OData): one grammar for conditions, orders, expansions and selections.

The parser is table-driven (LALR) and keeps its own stack, as that of CQL2 does (``cim.filters.text``). Length and
nesting are counted before it sees a text.
"""

import re
from dataclasses import dataclass
from datetime import time, timedelta
from functools import cache
from typing import Any, Literal

import shapely
from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.visitors import v_args

from cim.errors import BadRequest
from cim.filters import nodes
from cim.filters.literals import day, instant, number_of, text_literal
from cim.filters.nodes import Geometry, Moment, Node, Property, call

MOST_BYTES = 16_384
MOST_NESTING = nodes.MOST_NESTING
Start = Literal["filter", "orders", "expansions", "names"]
GRAMMAR = r"""
?filter: either
?either: both (_OR both)*                            -> either
?both: negation (_AND negation)*                     -> both
?negation: _NOT negation                             -> negate
    | comparison
?comparison: sum
    | sum COMPARISON sum                             -> compare
?sum: product
    | sum (ADD | SUB) product                        -> compare
?product: atom
    | product (MUL | DIV | MOD) atom                 -> compare
?atom: literal
    | path                                           -> name
    | NAME "(" [filter ("," filter)*] ")"            -> function
    | "(" filter ")"
?literal: NUMBER                                     -> number
    | TEXT                                           -> text
    | INSTANT                                        -> instant
    | DAY                                            -> day
    | CLOCK                                          -> clock
    | SHAPE                                          -> shape
    | DURATION                                       -> duration
    | _TRUE                                          -> true
    | _FALSE                                         -> false
    | _NULL                                          -> null
path: NAME ("/" (NAME | NUMBER))*

orders: order ("," order)*
order: filter [ASC | DESC]

expansions: expansion ("," expansion)*
expansion: path ["(" option (";" option)* ")"]
option: "$filter" "=" filter                         -> filter_option
    | "$orderby" "=" orders                          -> orderby_option
    | "$expand" "=" expansions                       -> expand_option
    | "$select" "=" names                            -> select_option
    | "$top" "=" NUMBER                              -> top_option
    | "$skip" "=" NUMBER                             -> skip_option
    | "$count" "=" _TRUE                             -> counted
    | "$count" "=" _FALSE                            -> not_counted
names: path ("," path)*

COMPARISON.3: /(eq|ne|gt|ge|lt|le)(?![\w.])/
ADD.3: /add(?![\w.])/
SUB.3: /sub(?![\w.])/
MUL.3: /mul(?![\w.])/
DIV.3: /div(?![\w.])/
MOD.3: /mod(?![\w.])/
_OR.3: /or(?![\w.])/
_AND.3: /and(?![\w.])/
_NOT.3: /not(?![\w.])/
ASC.3: /asc(?![\w.])/
DESC.3: /desc(?![\w.])/
_TRUE.3: /true(?![\w.])/
_FALSE.3: /false(?![\w.])/
_NULL.3: /null(?![\w.])/
SHAPE.4: /(geography|geometry)'[^']*'/
DURATION.4: /duration'[^']*'/
INSTANT.4: /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})?/
DAY.3: /[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9T])/
CLOCK.3: /[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?/
NAME: /@?[^\W\d][\w.@]*(-[\w.@]+)*/
TEXT: /'(?:''|[^'])*'/
NUMBER.2: /-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/
%ignore /\s+/
"""
_BRACKETS = re.compile(r"'(?:''|[^'])*'|[()]")
_DURATION = re.compile(
    r"^(-?)P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6}(?:\.[0-9]{1,6})?)S)?)?$"
)


@dataclass(frozen=True, slots=True)
class Order:
    """One value to put entities in order by."""

    value: Node
    descending: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What a query asks of a set of entities, or of what an expansion brings in."""

    filter: Node | None = None
    orders: tuple[Order, ...] = ()
    expand: "tuple[Expansion, ...]" = ()
    select: tuple[str, ...] | None = None
    top: int | None = None
    skip: int = 0
    count: bool = False


@dataclass(frozen=True, slots=True)
class Expansion:
    """Linked entities that are to come along, by the names of the links that lead there."""

    path: tuple[str, ...]
    options: Options


def parsed(text: str, start: Start, where: str) -> Any:
    """What a text says; ``where`` is the query option it stands in.

    ``filter`` gives a Node, ``orders`` a tuple of Order, ``expansions`` of Expansion, ``names`` of texts. Raises
    BadRequest for what is too long, nested too deep, or cannot be read, with the place.
    """
    _check(text, where)
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        place: int = getattr(error, "pos_in_stream", None) or 0
        what = f"{where} ends too early" if ended else f"{where} cannot be read at {text[place : place + 20]!r}"
        raise BadRequest(
            what if ended else f"{what} (character {place + 1})",
            where=where,
            remedy="write it as in OGC 18-088 clause 9.3, for example result gt 24 and Datastream/name eq '水位'",
        ) from None


def _check(text: str, where: str) -> None:
    if not text.strip():
        raise BadRequest(f"{where} is empty", where=where, remedy="leave it out, or write something in it")
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise BadRequest(f"{where} is longer than {MOST_BYTES} bytes", where=where, remedy="write it shorter")
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > MOST_NESTING:
            raise nodes.too_deep()


@cache
def _parser() -> Lark:
    starts = ["filter", "orders", "expansions", "names"]
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", start=starts, transformer=_Nodes())


def _joined(op: str) -> Any:
    def join(_: object, *parts: Node) -> Node:
        return parts[0] if len(parts) == 1 else call(op, parts)

    return join


@v_args(inline=True)
class _Nodes(Transformer[Token, Any]):
    """Makes the nodes while the parser reads, from the leaves up."""

    either = _joined("or")
    both = _joined("and")

    def negate(self, inner: Node) -> Node:
        return call("not", (inner,))

    def compare(self, left: Node, operator: Token, right: Node) -> Node:
        return call(str(operator), (left, right))

    def number(self, token: Token) -> nodes.Literal:
        negative = token.startswith("-")
        found = number_of(token.removeprefix("-"))
        return nodes.Literal(-found.value) if negative and not isinstance(found.value, str) else found

    def text(self, token: Token) -> nodes.Literal:
        return text_literal(token[1:-1].replace("''", "'"))

    def instant(self, token: Token) -> Moment:
        return instant(str(token))

    def day(self, token: Token) -> Moment:
        return day(str(token))

    def clock(self, token: Token) -> Node:
        try:
            time.fromisoformat(str(token))
        except ValueError:
            raise BadRequest(f"{token[:20]!r} is no time of day", where="$filter", remedy="write 10:30:00") from None
        return call("clock", (nodes.Literal(str(token)),))

    def duration(self, token: Token) -> Node:
        return call("duration", (nodes.Literal(span_of(token[9:-1]).total_seconds()),))

    def shape(self, token: Token) -> Node:
        kind, _, text = token[:-1].partition("'")
        try:
            found = Geometry(shapely.force_2d(shapely.from_wkt(text.rpartition(";")[2])))
        except (shapely.errors.GEOSException, ValueError):
            raise BadRequest(
                "a geometry is not well-formed WKT", where="$filter", remedy="write geography'POINT (103.9 30.9)'"
            ) from None
        return call(kind, (found,))

    def true(self) -> nodes.Literal:
        return nodes.Literal(value=True)

    def false(self) -> nodes.Literal:
        return nodes.Literal(value=False)

    def null(self) -> Node:
        return call("null", ())

    def path(self, *names: Token) -> str:
        return "/".join(names)

    def name(self, path: str) -> Property:
        return Property(path)

    def function(self, name: Token, *args: Node | None) -> Node:
        return call(str(name), tuple(arg for arg in args if arg is not None))

    def order(self, value: Node, direction: Token | None) -> Order:
        return Order(value, direction == "desc")

    def orders(self, *orders: Order) -> tuple[Order, ...]:
        return orders

    def names(self, *paths: str) -> tuple[str, ...]:
        return paths

    def expansions(self, *expansions: Expansion) -> tuple[Expansion, ...]:
        return expansions

    def expansion(self, path: str, *options: tuple[str, Any] | None) -> Expansion:
        given = dict(option for option in options if option is not None)
        return Expansion(tuple(path.split("/")), Options(**given))

    def filter_option(self, node: Node) -> tuple[str, Any]:
        return "filter", node

    def orderby_option(self, orders: tuple[Order, ...]) -> tuple[str, Any]:
        return "orders", orders

    def expand_option(self, expansions: tuple[Expansion, ...]) -> tuple[str, Any]:
        return "expand", expansions

    def select_option(self, names: tuple[str, ...]) -> tuple[str, Any]:
        return "select", names

    def top_option(self, token: Token) -> tuple[str, Any]:
        return "top", whole_number(token, "$top")

    def skip_option(self, token: Token) -> tuple[str, Any]:
        return "skip", whole_number(token, "$skip")

    def counted(self) -> tuple[str, Any]:
        return "count", True

    def not_counted(self) -> tuple[str, Any]:
        return "count", False


def whole_number(text: str, where: str) -> int:
    """A number of entities; BadRequest where it is none that a set could have."""
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    raise BadRequest(f"{text[:30]!r} is no number of entities", where=where, remedy="write a whole number from 0 on")


def span_of(text: str) -> timedelta:
    """A duration as XML Schema writes it, of days, hours, minutes and seconds: ``P1DT2H``."""
    found = _DURATION.match(text)
    if not found or text.rstrip("T").endswith("P"):
        raise BadRequest(f"{text[:30]!r} is no duration", where="$filter", remedy="write duration'P1DT2H30M'")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -span if found[1] else span
