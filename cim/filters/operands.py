"""Operands with their types: what a node is as SQL, and the refusal of a node of another type."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from typing import Literal as OneOf

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from cim.errors import BadRequest
from cim.filters.nodes import Call, Geometry, Interval, Literal, Moment, Node, Property
from cim.model.collection import Field
from cim.store.collection_tables import column_type

Kind = OneOf["text", "number", "boolean", "date", "timestamp", "geometry", "interval", "document"]
Value = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]

_FIELD_KINDS: dict[str, Kind] = {
    "text": "text",
    "integer": "number",
    "bigint": "number",
    "double": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
_AS = {
    "text": "a text",
    "number": "a number",
    "boolean": "a truth value",
    "date": "a day",
    "timestamp": "an instant",
    "geometry": "a geometry",
    "interval": "an interval",
    "document": "a value whose type is not known",
}
_WRITE = {
    "text": "write texts in single quotes: '24'",
    "number": "write numbers without quotes: 24",
    "boolean": "write TRUE or FALSE",
    "date": "write days as DATE('2026-01-31')",
    "timestamp": "write instants as TIMESTAMP('2026-01-31T08:00:00Z')",
}


@dataclass(frozen=True, slots=True)
class Operand:
    """A value in SQL, its kind, and whether it was computed by arithmetic (then it is ``numeric``)."""

    sql: Value
    kind: Kind
    computed: bool = False


def column(field: Field) -> Operand:
    """The column of a field, by its bare name."""
    return Operand(bare(field.name, column_type(field)), _FIELD_KINDS[field.type])


def bare(name: str, kind: sa.types.TypeEngine[Any] | None = None) -> sa.ColumnClause[Any]:
    """A column by name alone, always quoted; it belongs to whatever rows the condition is put on."""
    return sa.column(quoted_name(name, quote=True), kind)


def literal(node: Literal) -> Operand:
    """A text, number or truth value as a bound parameter of a fitting type."""
    value = node.value
    if isinstance(value, bool):
        return Operand(sa.true() if value else sa.false(), "boolean")
    if isinstance(value, str):
        return Operand(sa.literal(value, sa.Text), "text")
    if isinstance(value, int):
        return Operand(sa.literal(value, sa.BigInteger), "number")
    return Operand(sa.literal(Decimal(repr(value)), sa.Numeric), "number")


def document_as(node: Node, value: Value, kind: Kind) -> Operand:
    """A JSON value taken as a text, number or truth value; unknown where it is of another type."""
    if kind == "text":
        taken: Value = value.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'::text[]"))
    elif kind in ("number", "boolean"):
        taken = sa.cast(value, sa.Numeric() if kind == "number" else sa.Boolean())
    else:
        raise wrong_kind(node, "document", kind, "a comparison")
    of_kind = sa.func.jsonb_typeof(value) == ("string" if kind == "text" else kind)
    return Operand(sa.case((of_kind, taken), else_=None), kind, computed=kind == "number")


def moment(node: Moment) -> Operand:
    """A day or an instant as a bound parameter."""
    if isinstance(node.value, datetime):
        return Operand(sa.literal(node.value, sa.TIMESTAMP(timezone=True)), "timestamp")
    return Operand(sa.literal(node.value, sa.Date), "date")


def told(node: Node) -> str:
    """A node as an error names it."""
    match node:
        case Property(name):
            return name[:80]
        case Literal(value):
            return repr(value)[:40]
        case Moment(value):
            return value.isoformat()
        case Interval():
            return "the interval"
        case Geometry(shape):
            return f"the {shape.geom_type}"
        case Call(op):
            return f"the result of {op[:40]}"


def wrong_kind(node: Node, found: Kind, wanted: str, operator: str) -> BadRequest:
    """The refusal of an operand whose kind an operator does not take."""
    return BadRequest(
        f"{operator[:40]} takes {_AS.get(wanted, wanted)}, but {told(node)} is {_AS[found]}",
        where="filter",
        remedy=_WRITE.get(wanted, "docs/filters.md says what each operator takes"),
    )


def unequal_kinds(left: Node, one: Kind, right: Node, other: Kind, operator: str) -> BadRequest:
    """The refusal of two operands that cannot be compared."""
    fixed = one if isinstance(left, Property) or not isinstance(right, Property) else other
    return BadRequest(
        f"{operator[:40]} compares {_AS[one]} ({told(left)}) with {_AS[other]} ({told(right)})",
        where="filter",
        remedy=_WRITE.get(fixed, "compare values of one type"),
    )


def wrong_count(operator: str, wanted: str, found: int) -> BadRequest:
    """The refusal of an operator with too few or too many operands."""
    return BadRequest(
        f"{operator[:40]} takes {wanted}, not {found} operands", where="filter", remedy="docs/filters.md lists them"
    )
