"""Making a written model the same each time: GlobalIds from what is related, sets in order, fixed dates."""

import io
import zipfile
from collections.abc import Callable, Iterable

import ifcopenshell

from data_samples.bim.shapes import Entity

STAMP = "2026-01-01T08:00:00"
ZIP_DATE = (2026, 1, 1, 8, 0, 0)


def packed(file: ifcopenshell.file, key: str) -> bytes:
    """The model as an .ifczip with one file in it."""
    header = file.header
    header.file_description.description = ("ViewDefinition [ReferenceView]",)
    header.file_name.name, header.file_name.time_stamp = f"{key}.ifc", STAMP
    header.file_name.author, header.file_name.organization = ("",), ("",)
    header.file_name.preprocessor_version = header.file_name.originating_system = "data_samples"
    header.file_name.authorization = ""
    entry = zipfile.ZipInfo(f"{key}.ifc", ZIP_DATE)
    entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, file.to_string(), compresslevel=9)
    return out.getvalue()


def settle(file: ifcopenshell.file, global_id: Callable[[str], str]) -> None:
    """GlobalIds of what the interface made, from what it relates; sets in the order of their numbers."""
    for definition in file.by_type("IfcPropertySetDefinition"):
        owners = [each for rel in definition.DefinesOccurrence for each in rel.RelatedObjects]
        owner = min((each.GlobalId for each in (*owners, *definition.DefinesType)), default="")
        definition.GlobalId = global_id(f"{definition.Name} of {owner}")
    for relation in file.by_type("IfcRelationship"):
        for number in range(len(relation)):
            value = relation[number]
            if isinstance(value, tuple):
                relation[number] = tuple(sorted(value, key=ifcopenshell.entity_instance.id))
        if not relation.is_a("IfcRelVoidsElement") and not relation.is_a("IfcRelFillsElement"):
            relation.GlobalId = global_id(f"{relation.is_a()} {' '.join(_named(relation))}")


def _named(relation: Entity) -> Iterable[str]:
    """GlobalIds, or names of what has none, of the single objects a relation is about, else of its first members."""
    for number in range(len(relation)):
        value = relation[number]
        first = value[0] if isinstance(value, tuple) else value
        if isinstance(first, ifcopenshell.entity_instance):
            yield str(getattr(first, "GlobalId", None) or getattr(first, "Identification", None) or first.Name)
