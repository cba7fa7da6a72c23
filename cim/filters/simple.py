"""The plainest filter: ``name=value``, the value read by the field's type."""

from collections.abc import Callable

from cim.errors import BadRequest
from cim.filters.compiler import Filter, compile_node
from cim.filters.literals import day, instant, number_literal, text_literal
from cim.filters.nodes import Literal, Node, Property, call
from cim.filters.scope import FieldScope
from cim.model.collection import FieldType

_TRUTH = {"true": True, "false": False}


def equals(name: str, value: str, scope: FieldScope) -> Filter:
    """Features whose field has a value written as plain text, without quotes; errors name the field."""
    field = scope.find(name, where=name[:80])
    return compile_node(call("=", (Property(name), read_value(field.type, value, name))), scope)


def read_value(kind: FieldType, text: str, where: str) -> Node:
    """A value of a field's type from plain text."""
    try:
        return _READERS.get(kind, _number)(text)
    except (BadRequest, ValueError, KeyError):
        raise BadRequest(
            f"{text[:60]!r} is not a value of this field, which is {kind}",
            where=where,
            remedy=_REMEDIES.get(kind, "write a number"),
        ) from None


def _truth(text: str) -> Literal:
    return Literal(_TRUTH[text.lower()])


def _number(text: str) -> Literal:
    try:
        return number_literal(int(text))
    except ValueError:
        return number_literal(float(text))


_READERS: dict[FieldType, Callable[[str], Node]] = {
    "text": text_literal,
    "boolean": _truth,
    "date": day,
    "timestamp": instant,
}
_REMEDIES: dict[FieldType, str] = {
    "text": "leave out characters that no stored text can hold",
    "boolean": "write true or false",
    "date": "write a day as 2026-01-31",
    "timestamp": "write an instant as 2026-01-31T08:00:00Z",
}
