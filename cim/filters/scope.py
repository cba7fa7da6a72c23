"""The names a caller may use: the visible fields of a collection, and its geometry."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from cim.errors import BadRequest, CimError, NotAllowed
from cim.model.collection import CollectionSchema, Field

GEOMETRY_NAMES = ("geom", "geometry")


@dataclass(frozen=True, slots=True)
class FieldScope:
    """A collection's schema and the names of the fields its reader sees (``Decision.field_names``)."""

    schema: CollectionSchema
    visible: tuple[str, ...]

    def find(self, name: str, where: str = "filter") -> Field:
        """The visible field of this name.

        Where fields are hidden from the caller, a hidden one and one that does not exist are refused alike.
        """
        for field in self.schema.fields:
            if field.name == name and name in self.visible:
                return field
        raise self._unknown(name, where)

    def is_geometry(self, name: str) -> bool:
        """Whether the name stands for the geometry: ``geom``, or ``geometry`` where no field is called so."""
        return self.schema.geometry != "none" and name in GEOMETRY_NAMES and name not in self.schema.field_names

    def document(self, name: str) -> sa.ColumnElement[Any] | None:
        """The JSON value (``jsonb``, or null) that a name stands for, where it names one inside a document."""
        return None

    def _unknown(self, name: str, where: str) -> CimError:
        names = ", ".join(self.visible[:40]) or "none"
        remedy = f"its fields are {names}"
        if len(self.visible) < len(self.schema.fields):
            return NotAllowed(
                f"no field {name[:80]!r} of the layer {self.schema.id} is open to you", where=where, remedy=remedy
            )
        return BadRequest(f"the layer {self.schema.id} has no field {name[:80]!r}", where=where, remedy=remedy)
