"""CQL2 JSON to the tree. Its nesting is bounded before, so reading it by recursion is safe."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from cim.errors import BadRequest
from cim.filters.literals import box_shape, day, geojson_shape, instant, interval, number_literal, text_literal
from cim.filters.nodes import Literal, Node, Property, call


def parse_json(text: str) -> Node:
    """The tree of a CQL2 JSON text; BadRequest names what cannot be read."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        raise BadRequest("the filter is not JSON", where="filter", remedy="or give filter-lang=cql2-text") from None
    return _node(value)


def _refuse_constant(name: str) -> NoReturn:
    raise BadRequest(f"{name} is not a number of JSON", where="filter", remedy="write a finite number")


def _node(value: Any) -> Node:
    if isinstance(value, bool):
        return Literal(value)
    if isinstance(value, str):
        return text_literal(value)
    if isinstance(value, (int, float)):
        return number_literal(value)
    if isinstance(value, dict):
        return _object(value)
    raise _unread(value)


def _object(value: Mapping[str, Any]) -> Node:
    match value:
        case {"op": str(op), "args": list(args)}:
            return _call(op.lower(), args)
        case {"property": str(name)}:
            return Property(name)
        case {"interval": list(ends)}:
            return interval([end if isinstance(end, str) else _node(end) for end in ends])
        case {"bbox": list(numbers)} if all(type(number) in (int, float) for number in numbers):
            return box_shape(numbers)
        case {"type": str(), "coordinates": list()} | {"type": str(), "geometries": list()}:
            return geojson_shape(dict(value))
    return _moment(value)


def _moment(value: Mapping[str, Any]) -> Node:
    match value:
        case {"date": str(text)}:
            return day(text)
        case {"timestamp": str(text)}:
            return instant(text)
    raise _unread(value)


def _call(op: str, args: list[Any]) -> Node:
    if op in {"in", "between"} and len(args) == 2 and isinstance(args[1], list):
        args = [args[0], *args[1]]
    if op in {"and", "or"} and len(args) < 2:
        raise BadRequest(f"{op} takes two conditions or more", where="filter", remedy="leave it out")
    return call(op, [_node(arg) for arg in args])


def _unread(value: Any) -> BadRequest:
    shown = json.dumps(value, ensure_ascii=False)[:60].encode("utf-8", "replace").decode()
    return BadRequest(
        f"{shown} is nothing a filter is made of",
        where="filter",
        remedy='write {"op": ..., "args": [...]}, {"property": ...} or a value',
    )
