"""What an object says of itself and takes over from its type: names, properties, materials, classifications."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from cim.model.bim import Classification, Element, ElementKind, ParentRelation
from importers.bim.ifc_plain_sets import PlainSet
from importers.bim.ifc_units import Units
from importers.bim.ifc_values import SetReader, Sets, merged, plain_text

_LEVELS_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an object from the tree, before it is read."""

    global_id: str
    kind: ElementKind
    ifc_class: str
    source_hash: bytes = b""
    parent: str | None = None
    parent_relation: ParentRelation | None = None
    building: str | None = None
    storey: str | None = None
    storey_name: str | None = None
    storey_number: int | None = None
    elevation_m: float | None = None
    space: str | None = None
    systems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _TypeFacts:
    """What occurrences take over from a type."""

    global_id: str | None = None
    name: str | None = None
    predefined: str | None = None
    properties: Sets | None = None
    quantities: dict[str, dict[str, float]] | None = None
    materials: tuple[str, ...] = ()
    classifications: tuple[Classification, ...] = ()


class ElementReader:
    """Reads the objects of one opened file; what many share is read once."""

    def __init__(self, units: Units) -> None:
        self._sets = SetReader(units)
        self._types: dict[int, _TypeFacts] = {}
        self._materials: dict[int, tuple[str, ...]] = {}
        self._classifications: dict[int, Classification | None] = {}

    def element(self, entity: Any, facts: Facts, plain: Iterable[PlainSet] = ()) -> Element:
        """The record of an object, without geometry; ``plain`` are sets it has beside those it refers to."""
        definitions, type_object = _defined_by(entity)
        of_type = self._type(type_object)
        own_properties, own_quantities = self._sets.read(definitions, plain)
        properties, taken = merged(own_properties, of_type.properties or {})
        quantities, taken_quantities = merged(own_quantities, of_type.quantities or {})
        materials, classifications = self._associated(getattr(entity, "HasAssociations", None) or ())
        own_type = plain_text(getattr(entity, "ObjectType", None)) or None
        return Element(
            global_id=facts.global_id,
            kind=facts.kind,
            ifc_class=facts.ifc_class,
            name=plain_text(entity.Name) or None,
            long_name=plain_text(getattr(entity, "LongName", None)) or None,
            description=plain_text(entity.Description) or None,
            object_type=own_type,
            predefined_type=_predefined(entity, own_type) or of_type.predefined,
            tag=plain_text(getattr(entity, "Tag", None)) or None,
            parent=facts.parent,
            parent_relation=facts.parent_relation,
            building=facts.building,
            storey=facts.storey,
            storey_name=facts.storey_name,
            storey_number=facts.storey_number,
            elevation_m=facts.elevation_m,
            space=facts.space,
            type_id=of_type.global_id,
            type_name=of_type.name,
            systems=facts.systems,
            materials=materials or of_type.materials,
            classifications=tuple(dict.fromkeys((*classifications, *of_type.classifications))),
            properties=properties,
            quantities=quantities,
            inherited=tuple(taken + taken_quantities),
            source_hash=facts.source_hash,
        )

    def _type(self, type_object: Any) -> _TypeFacts:
        if type_object is None:
            return _TypeFacts()
        known = self._types.get(type_object.id())
        if known is None:
            known = self._types[type_object.id()] = self._fresh_type(type_object)
        return known

    def _fresh_type(self, type_object: Any) -> _TypeFacts:
        properties, quantities = self._sets.read(type_object.HasPropertySets or ())
        materials, classifications = self._associated(getattr(type_object, "HasAssociations", None) or ())
        named = plain_text(getattr(type_object, "ElementType", None)) or None
        return _TypeFacts(
            type_object.GlobalId,
            plain_text(type_object.Name) or None,
            _predefined(type_object, named),
            properties,
            quantities,
            materials,
            classifications,
        )

    def _associated(self, relations: Iterable[Any]) -> tuple[tuple[str, ...], tuple[Classification, ...]]:
        materials: list[str] = []
        classifications: list[Classification] = []
        for relation in relations:
            kind = relation.is_a()
            if kind == "IfcRelAssociatesMaterial" and relation.RelatingMaterial is not None:
                materials += self._material(relation.RelatingMaterial)
            elif kind == "IfcRelAssociatesClassification" and relation.RelatingClassification is not None:
                found = self._classification(relation.RelatingClassification)
                classifications += [found] if found is not None else []
        return tuple(dict.fromkeys(materials)), tuple(dict.fromkeys(classifications))

    def _material(self, material: Any) -> tuple[str, ...]:
        known = self._materials.get(material.id())
        if known is None:
            known = self._materials[material.id()] = tuple(name for name in _material_names(material) if name)
        return known

    def _classification(self, reference: Any) -> Classification | None:
        if reference.id() not in self._classifications:
            self._classifications[reference.id()] = _classification(reference)
        return self._classifications[reference.id()]


def with_geometry(element: Element, **geometry: Any) -> Element:
    """An element with its outline, heights, mesh and matrix."""
    return replace(element, **geometry)


def _defined_by(entity: Any) -> tuple[list[Any], Any]:
    """The sets of an object and its type; IFC2X3 has both in one relation."""
    definitions, type_object = [], None
    for relation in getattr(entity, "IsDefinedBy", None) or ():
        if relation.is_a("IfcRelDefinesByProperties"):
            found = relation.RelatingPropertyDefinition
            if found is not None:
                # a set of sets has no number of its own
                definitions += [found] if found.id() else list(found.wrappedValue)
        elif relation.is_a("IfcRelDefinesByType"):
            type_object = relation.RelatingType
    for relation in getattr(entity, "IsTypedBy", None) or ():
        type_object = relation.RelatingType
    return definitions, type_object


def _predefined(entity: Any, named: str | None) -> str | None:
    found = getattr(entity, "PredefinedType", None)
    if found == "USERDEFINED":
        return named or str(found)
    return None if found in (None, "NOTDEFINED") else str(found)


def _material_names(material: Any) -> Iterable[str]:
    """The names of the materials in a material, a list, a set of layers, profiles or constituents, or its use."""
    kind = material.is_a()
    if kind == "IfcMaterial":
        yield plain_text(material.Name)
    elif kind == "IfcMaterialList":
        for part in material.Materials or ():
            yield plain_text(part.Name)
    else:
        for attribute in ("ForLayerSet", "ForProfileSet"):
            if (found := getattr(material, attribute, None)) is not None:
                yield from _material_names(found)
        for attribute in ("MaterialLayers", "MaterialProfiles", "MaterialConstituents"):
            for part in getattr(material, attribute, None) or ():
                if part.Material is not None:
                    yield plain_text(part.Material.Name)
        if kind in ("IfcMaterialLayer", "IfcMaterialProfile", "IfcMaterialConstituent") and material.Material:
            yield plain_text(material.Material.Name)


def _classification(reference: Any) -> Classification | None:
    """The code of a reference and the system it is of, some references up; None for a system without a code."""
    if not reference.is_a("IfcClassificationReference"):
        return None
    code = getattr(reference, "Identification", None) or getattr(reference, "ItemReference", None) or reference.Name
    system = reference.ReferencedSource
    for _ in range(_LEVELS_LIMIT):
        if system is None or system.is_a("IfcClassification"):
            break
        system = system.ReferencedSource
    name = plain_text(system.Name) if system is not None else ""
    edition = plain_text(system.Edition) if system is not None else ""
    return Classification(name, plain_text(code), plain_text(reference.Name), edition)
