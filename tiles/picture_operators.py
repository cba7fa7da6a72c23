"""Operators of style expressions on plain values: arithmetic, comparison, text, colour."""

import math
from collections.abc import Callable
from typing import Any

from tiles.picture_colour import Colour, parse_colour


class NoValue(Exception):
    """The expression has no value for this feature."""


def as_colour(value: Any) -> Colour:
    """A colour, or the text of one."""
    if isinstance(value, Colour):
        return value
    if isinstance(value, str):
        return parse_colour(value)
    raise NoValue


def as_number(value: Any) -> float:
    """A number; NoValue for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NoValue
    return float(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _to_number(*values: Any) -> float:
    for value in values:
        try:
            return float(value or 0)
        except (TypeError, ValueError):
            continue
    raise NoValue


def _minus(first: float, second: float | None = None) -> float:
    return -first if second is None else first - second


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def same_kind(first: Any, second: Any) -> bool:
        if isinstance(first, str) != isinstance(second, str) or first is None or second is None:
            raise NoValue
        return compare(first, second)

    return same_kind


def _rgba(red: float, green: float, blue: float, alpha: float = 1.0) -> Colour:
    return Colour(red / 255, green / 255, blue / 255, alpha)


OPERATORS: dict[str, Callable[..., Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": _ordered(lambda a, b: a < b),
    "<=": _ordered(lambda a, b: a <= b),
    ">": _ordered(lambda a, b: a > b),
    ">=": _ordered(lambda a, b: a >= b),
    "!": lambda a: not a,
    "in": lambda a, b: a in b,
    "+": lambda *values: math.fsum(as_number(v) for v in values),
    "-": _minus,
    "*": lambda *values: math.prod(as_number(v) for v in values),
    "/": lambda a, b: a / b,
    "%": math.fmod,
    "^": lambda a, b: a**b,
    "sqrt": math.sqrt,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda a: math.floor(a + 0.5),
    "ln": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "min": min,
    "max": max,
    "concat": lambda *values: "".join(_text(v) for v in values),
    "to-string": _text,
    "to-number": _to_number,
    "to-boolean": bool,
    "to-color": as_colour,
    "rgb": _rgba,
    "rgba": _rgba,
    "upcase": lambda a: a.upper(),
    "downcase": lambda a: a.lower(),
    "length": len,
    "string": _text,
    "number": as_number,
    "boolean": bool,
}
