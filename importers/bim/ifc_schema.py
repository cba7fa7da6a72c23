"""Which IFC schemas are read, and what part the classes of a schema play in a model."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from cim.errors import ImportRefused

Role = Literal["project", "site", "building", "storey", "space", "spatial", "group", "element", "opening", "type"]
SCHEMAS = ("IFC2X3", "IFC4", "IFC4X1", "IFC4X2", "IFC4X3", "IFC4X3_ADD1", "IFC4X3_TC1", "IFC4X3_ADD2")
_ROLES: tuple[tuple[str, Role | None], ...] = (
    ("IfcProject", "project"),
    ("IfcSite", "site"),
    ("IfcBuildingStorey", "storey"),
    ("IfcBuilding", "building"),
    ("IfcFacility", "building"),
    ("IfcSpace", "space"),
    ("IfcSpatialElement", "spatial"),
    ("IfcSpatialStructureElement", "spatial"),
    ("IfcGroup", "group"),
    ("IfcFeatureElementSubtraction", "opening"),
    ("IfcPort", None),
    ("IfcStructuralItem", None),
    ("IfcStructuralActivity", None),
    ("IfcProduct", "element"),
    ("IfcTypeObject", "type"),
)
"""The first class that is one of those above decides; ports and structural analysis are not taken."""


@dataclass(frozen=True, slots=True)
class ClassPart:
    """A class as the schema writes it, and its part in a model; None where it has none of its own."""

    ifc_class: str
    role: Role | None


def check_schema(schema: str, where: str) -> None:
    """ImportRefused where a schema is none that is read."""
    if schema in SCHEMAS:
        return
    raise ImportRefused(
        "unsupported-schema",
        f"the schema {schema[:40] or 'is not named'} is not one that is read",
        where=where,
        remedy=f"export the model as IFC4 or IFC4X3_ADD2; read are {', '.join(SCHEMAS)} (drafts such as _RC2 are not)",
    )


@cache
def class_parts(schema: str, names: tuple[str, ...]) -> dict[str, ClassPart]:
    """The part of each class, by its name in capitals; names the schema does not have are left out."""
    return dict(_parts(schema, names))


def _parts(schema: str, names: Iterable[str]) -> Iterable[tuple[str, ClassPart]]:
    import ifcopenshell  # noqa: PLC0415 - takes half a second, and only models need it

    declared = ifcopenshell.ifcopenshell_wrapper.schema_by_name(schema)
    for name in names:
        try:
            entity = declared.declaration_by_name(name).as_entity()
        except RuntimeError:
            continue
        if entity is not None:
            yield name, ClassPart(entity.name(), _role(_with_above(entity)))


def _with_above(entity: Any) -> list[str]:
    above = []
    while entity is not None:
        above.append(entity.name())
        entity = entity.supertype()
    return above


def _role(above: list[str]) -> Role | None:
    names = set(above)
    return next((role for name, role in _ROLES if name in names), None)
