"""MapLibre style expressions at one zoom: compiled once a picture, evaluated once for each feature.

An expression becomes a function of a feature's properties. What is not known here is refused by name when the style
is compiled, so nothing is drawn otherwise than the style says. A value that cannot be computed for one feature
(a text where a number is needed) makes the feature take the property's default, as in MapLibre.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cim.errors import DefinitionError
from tiles.picture_colour import Colour
from tiles.picture_operators import OPERATORS, NoValue, as_colour, as_number

Properties = Mapping[str, Any]
Compiled = Callable[[Properties], Any]


def compile_expression(value: Any, zoom: float) -> Compiled:
    """A function from properties to the value; DefinitionError names an operator that is not known."""
    if isinstance(value, dict):
        raise DefinitionError(
            "functions with stops are not drawn", where="style", remedy="write the value as an expression"
        )
    if not isinstance(value, (list, tuple)):
        return lambda _: value
    if not value or not isinstance(value[0], str):
        return lambda _: value
    name, arguments = value[0], value[1:]
    special = _SPECIAL.get(name)
    if special is not None:
        return special(arguments, zoom)
    plain = OPERATORS.get(name)
    if plain is None:
        raise DefinitionError(
            f"the expression {name!r} is not drawn in pictures",
            where="style",
            remedy=f"use one of {', '.join(sorted([*_SPECIAL, *OPERATORS]))}",
        )
    parts = [compile_expression(argument, zoom) for argument in arguments]

    def applied(properties: Properties) -> Any:
        try:
            return plain(*(part(properties) for part in parts))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise NoValue from error

    return applied


def is_operator(name: str) -> bool:
    """Whether a list that begins with this word is an expression."""
    return name in _SPECIAL or name in OPERATORS


def fields_used(value: Any) -> set[str]:
    """The properties an expression reads."""
    if not isinstance(value, (list, tuple)):
        return set()
    if len(value) >= 2 and value[0] in ("get", "has", "!has") and isinstance(value[1], str):
        return {value[1]}
    if value and value[0] == "literal":
        return set()
    return set().union(*(fields_used(part) for part in value)) if value else set()


def _literal(arguments: Sequence[Any], _zoom: float) -> Compiled:
    return lambda _: arguments[0]


def _get(arguments: Sequence[Any], _zoom: float) -> Compiled:
    name = str(arguments[0])
    return lambda properties: properties.get(name)


def _has(arguments: Sequence[Any], _zoom: float) -> Compiled:
    name = str(arguments[0])
    return lambda properties: properties.get(name) is not None


def _zoom(_arguments: Sequence[Any], zoom: float) -> Compiled:
    return lambda _: zoom


def _match(arguments: Sequence[Any], zoom: float) -> Compiled:
    subject = compile_expression(arguments[0], zoom)
    otherwise = compile_expression(arguments[-1], zoom)
    table: dict[Any, Compiled] = {}
    for labels, output in zip(arguments[1:-1:2], arguments[2:-1:2], strict=True):
        compiled = compile_expression(output, zoom)
        for label in labels if isinstance(labels, (list, tuple)) else [labels]:
            table.setdefault(label, compiled)
    return lambda properties: table.get(subject(properties), otherwise)(properties)


def _case(arguments: Sequence[Any], zoom: float) -> Compiled:
    tests = [compile_expression(test, zoom) for test in arguments[:-1:2]]
    outputs = [compile_expression(output, zoom) for output in arguments[1:-1:2]]
    otherwise = compile_expression(arguments[-1], zoom)

    def chosen(properties: Properties) -> Any:
        for test, output in zip(tests, outputs, strict=True):
            if test(properties):
                return output(properties)
        return otherwise(properties)

    return chosen


def _coalesce(arguments: Sequence[Any], zoom: float) -> Compiled:
    parts = [compile_expression(argument, zoom) for argument in arguments]

    def first(properties: Properties) -> Any:
        return next((value for value in (part(properties) for part in parts) if value is not None), None)

    return first


def _all(arguments: Sequence[Any], zoom: float) -> Compiled:
    parts = [compile_expression(argument, zoom) for argument in arguments]
    return lambda properties: all(part(properties) for part in parts)


def _any(arguments: Sequence[Any], zoom: float) -> Compiled:
    parts = [compile_expression(argument, zoom) for argument in arguments]
    return lambda properties: any(part(properties) for part in parts)


def _step(arguments: Sequence[Any], zoom: float) -> Compiled:
    subject = compile_expression(arguments[0], zoom)
    outputs = [compile_expression(output, zoom) for output in arguments[1::2]]
    stops = [float(stop) for stop in arguments[2::2]]

    def stepped(properties: Properties) -> Any:
        value = as_number(subject(properties))
        return outputs[sum(1 for stop in stops if stop <= value)](properties)

    return stepped


def _interpolate(arguments: Sequence[Any], zoom: float) -> Compiled:
    kind, base = arguments[0][0], 1.0
    if kind == "exponential":
        base = float(arguments[0][1])
    elif kind != "linear":
        raise DefinitionError(f"interpolation {kind!r} is not drawn", where="style", remedy="use linear or exponential")
    subject = compile_expression(arguments[1], zoom)
    stops = [float(stop) for stop in arguments[2::2]]
    outputs = [compile_expression(output, zoom) for output in arguments[3::2]]

    def between(properties: Properties) -> Any:
        value = as_number(subject(properties))
        if value <= stops[0]:
            return outputs[0](properties)
        if value >= stops[-1]:
            return outputs[-1](properties)
        upper = next(at for at, stop in enumerate(stops) if stop > value)
        share = _share(value, stops[upper - 1], stops[upper], base)
        return _mixed(outputs[upper - 1](properties), outputs[upper](properties), share)

    return between


def _share(value: float, low: float, high: float, base: float) -> float:
    if base == 1.0:
        return (value - low) / (high - low)
    return float((base ** (value - low) - 1) / (base ** (high - low) - 1))


def _mixed(low: Any, high: Any, share: float) -> Any:
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return low + (high - low) * share
    if isinstance(low, (list, tuple)) and not isinstance(low, Colour):
        return [_mixed(a, b, share) for a, b in zip(low, high, strict=True)]
    first, second = as_colour(low), as_colour(high)
    alpha = first.alpha + (second.alpha - first.alpha) * share
    if alpha == 0:
        return Colour(0, 0, 0, 0)
    red, green, blue = (
        (a * first.alpha * (1 - share) + b * second.alpha * share) / alpha
        for a, b in zip(first[:3], second[:3], strict=True)
    )
    return Colour(red, green, blue, alpha)


_SPECIAL: dict[str, Callable[[Sequence[Any], float], Compiled]] = {
    "literal": _literal,
    "get": _get,
    "has": _has,
    "zoom": _zoom,
    "match": _match,
    "case": _case,
    "coalesce": _coalesce,
    "all": _all,
    "any": _any,
    "step": _step,
    "interpolate": _interpolate,
}
