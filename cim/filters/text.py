"""CQL2 text to the tree.

The parser is table-driven (LALR): it keeps its own stack, so no input can exhaust the interpreter's. One grammar
reads conditions and values alike; that an operand has a fitting type is checked where the tree is compiled.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.visitors import v_args

from cim.errors import BadRequest
from cim.filters.literals import box_shape, day, instant, interval, number_of, text_literal, wkt_shape
from cim.filters.nodes import Geometry, Literal, Moment, Node, Property, call

ENDS_EARLY = "the filter ends too early"
GRAMMAR = r"""
?start: either
?either: both (_OR both)*                            -> either
?both: negation (_AND negation)*                     -> both
?negation: _NOT negation                             -> negate
    | predicate
?predicate: sum
    | sum COMPARISON sum                             -> compare
    | sum _LIKE sum                                  -> like
    | sum _NOT _LIKE sum                             -> not_like
    | sum _BETWEEN sum _AND sum                      -> between
    | sum _NOT _BETWEEN sum _AND sum                 -> not_between
    | sum _IN "(" either ("," either)* ")"           -> within
    | sum _NOT _IN "(" either ("," either)* ")"      -> not_within
    | sum _IS _NULL                                  -> null
    | sum _IS _NOT _NULL                             -> not_null
?sum: product
    | sum (PLUS | MINUS) product                     -> compare
?product: power
    | product (TIMES | DIV) power                    -> compare
?power: unary
    | unary POWER power                              -> compare
?unary: atom
    | MINUS unary                                    -> minus
?atom: NUMBER                                        -> number
    | TEXT                                           -> text
    | _TRUE                                          -> true
    | _FALSE                                         -> false
    | NAME                                           -> name
    | QUOTED                                         -> quoted
    | NAME "(" [either ("," either)*] ")"            -> function
    | shape                                          -> geometry
    | "(" either ")"
!shape: SHAPE places
!places: "(" place ("," place)* ")"
!place: COORDINATE+ | places | shape

COMPARISON: "<=" | ">=" | "<>" | "=" | "<" | ">"
PLUS: "+"
MINUS: "-"
TIMES: "*" | "/" | "%"
POWER: "^"
DIV.3: /div(?![\w.])/i
_OR.3: /or(?![\w.])/i
_AND.3: /and(?![\w.])/i
_NOT.3: /not(?![\w.])/i
_LIKE.3: /like(?![\w.])/i
_BETWEEN.3: /between(?![\w.])/i
_IN.3: /in(?![\w.])/i
_IS.3: /is(?![\w.])/i
_NULL.3: /null(?![\w.])/i
_TRUE.3: /true(?![\w.])/i
_FALSE.3: /false(?![\w.])/i
SHAPE.4: /(multi(point|linestring|polygon)|point|linestring|polygon|geometrycollection)(\s*z)?(?=\s*\()/i
NAME: /[^\W\d][\w.]*/
QUOTED: /"(?:""|[^"])+"/
TEXT: /'(?:''|\\'|\\(?!')|[^'\\])*'/
NUMBER: /[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?/i
COORDINATE: /[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?/i
%ignore /\s+/
"""


def parse_text(text: str) -> Node:
    """The tree of a CQL2 text whose length and nesting were checked; BadRequest shows where it cannot be read."""
    try:
        return _parser().parse(text)  # type: ignore[return-value]  # the embedded transformer makes nodes
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        place: int = getattr(error, "pos_in_stream", 0)
        rest = text[place : place + 20]
        raise BadRequest(
            f"the filter cannot be read at {rest!r} (character {place + 1})" if not ended else ENDS_EARLY,
            where="filter",
            remedy="write CQL2 text, for example height_m > 24 AND name LIKE '%路'; see docs/filters.md",
        ) from None


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", transformer=_Nodes())


def _joined(op: str) -> Callable[..., Node]:
    def join(_: object, *parts: Node) -> Node:
        return parts[0] if len(parts) == 1 else call(op, parts)

    return join


def _made(op: str, *, negated: bool = False) -> Callable[..., Node]:
    def make(_: object, *args: Node) -> Node:
        made = call(op, args)
        return call("not", (made,)) if negated else made

    return make


@v_args(inline=True)
class _Nodes(Transformer[Token, Any]):
    """Makes the nodes while the parser reads, from the leaves up."""

    either = _joined("or")
    both = _joined("and")
    negate = _made("not")
    like, not_like = _made("like"), _made("like", negated=True)
    between, not_between = _made("between"), _made("between", negated=True)
    within, not_within = _made("in"), _made("in", negated=True)
    null, not_null = _made("isnull"), _made("isnull", negated=True)

    def compare(self, left: Node, operator: Token, right: Node) -> Node:
        return call(operator.lower(), (left, right))

    def minus(self, _: Token, value: Node) -> Node:
        if isinstance(value, Literal) and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
            return Literal(-value.value)
        return call("-", (Literal(0), value))

    def number(self, token: Token) -> Literal:
        return number_of(token)

    def text(self, token: Token) -> Literal:
        return text_literal(token[1:-1].replace("\\'", "'").replace("''", "'"))

    def true(self) -> Literal:
        return Literal(value=True)

    def false(self) -> Literal:
        return Literal(value=False)

    def name(self, token: Token) -> Property:
        return Property(str(token))

    def quoted(self, token: Token) -> Property:
        return Property(token[1:-1].replace('""', '"'))

    def function(self, name: Token, *args: Node | None) -> Node:
        given = tuple(arg for arg in args if arg is not None)
        build = _LITERAL_FUNCTIONS.get(name.lower())
        return build(given) if build else call(name.lower(), given)

    def geometry(self, words: str) -> Geometry:
        return wkt_shape(words)

    def shape(self, *words: str) -> str:
        return " ".join(words)

    places = shape
    place = shape


def _one_text(args: tuple[Node, ...], name: str) -> str:
    if len(args) == 1 and isinstance(args[0], Literal) and isinstance(args[0].value, str):
        return args[0].value
    raise BadRequest(f"{name} takes one text", where="filter", remedy=f"write it as {name}('...')")


def _day(args: tuple[Node, ...]) -> Moment:
    return day(_one_text(args, "DATE"))


def _instant(args: tuple[Node, ...]) -> Moment:
    return instant(_one_text(args, "TIMESTAMP"))


def _box(args: tuple[Node, ...]) -> Geometry:
    numbers = [arg.value for arg in args if isinstance(arg, Literal) and isinstance(arg.value, (int, float))]
    if len(numbers) != len(args):
        raise BadRequest("BBOX takes numbers", where="filter", remedy="write BBOX(103.9,30.9,104.0,31.0)")
    return box_shape(numbers)


_LITERAL_FUNCTIONS: dict[str, Callable[[tuple[Node, ...]], Any]] = {
    "date": _day,
    "timestamp": _instant,
    "interval": interval,
    "bbox": _box,
}
