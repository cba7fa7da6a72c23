"""The names a filter of building elements may use: fields, and properties and quantities as ``Set.Name``."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from cim.errors import BadRequest
from cim.filters.literals import text_literal
from cim.filters.operands import bare
from cim.filters.scope import FieldScope
from cim.model.collection import CollectionSchema, Field, FieldType

_FIELDS: dict[str, FieldType] = {
    **dict.fromkeys(
        (
            "model",
            "global_id",
            "kind",
            "class",
            "name",
            "long_name",
            "description",
            "object_type",
            "predefined_type",
            "tag",
            "parent",
            "building",
            "storey",
            "storey_name",
            "space",
            "type_id",
            "type_name",
        ),
        "text",
    ),
    "storey_number": "integer",
    "elevation_m": "double",
    "z_min_m": "double",
    "z_max_m": "double",
}
SCHEMA = CollectionSchema("elements", "Polygon", 4490, tuple(Field(name, kind) for name, kind in _FIELDS.items()))
MOST_DOTS = 4


@dataclass(frozen=True, slots=True)
class ElementScope(FieldScope):
    """The fields of elements, and as documents what is in their sets."""

    schema: CollectionSchema = SCHEMA
    visible: tuple[str, ...] = SCHEMA.field_names

    def document(self, name: str) -> sa.ColumnElement[Any] | None:
        """The value of a property, or else of a quantity, named ``Set.Name``.

        Either part may have dots itself: the first way to part the name that finds a value counts.
        """
        if "." not in name:
            return None
        return set_value(name)


def set_value(name: str) -> sa.ColumnElement[Any]:
    """The value of ``Set.Name`` on bare columns ``properties`` and ``quantities``; names are bound, never pasted."""
    text_literal(name)
    parts = name.split(".")
    if len(parts) - 1 > MOST_DOTS:
        raise BadRequest(
            f"{name[:80]!r} has more than {MOST_DOTS} dots", where="filter", remedy='write "Pset_DoorCommon.FireRating"'
        )
    ways = [(".".join(parts[:cut]), ".".join(parts[cut:])) for cut in range(1, len(parts))]
    found = [
        bare(column, JSONB()).op("#>")(sa.literal(list(way), ARRAY(sa.Text)))
        for column in ("properties", "quantities")
        for way in ways
    ]
    return sa.func.nullif(sa.func.coalesce(*found), sa.literal_column("'null'::jsonb"), type_=JSONB())
