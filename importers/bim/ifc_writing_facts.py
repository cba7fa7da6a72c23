"""What an IFC file being written says of its elements: properties, quantities, materials, classifications."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
MOST_LABEL = 255
_QUANTITIES = (
    ("area", "IfcQuantityArea", "AreaValue"),
    ("volume", "IfcQuantityVolume", "VolumeValue"),
    ("weight", "IfcQuantityWeight", "WeightValue"),
    ("count", "IfcQuantityCount", "CountValue"),
    ("number", "IfcQuantityCount", "CountValue"),
)


def write_facts(file: Any, new_id: Callable[[], str], records: Sequence[Record], made: Mapping[str, Any]) -> None:
    """Sets, materials and classifications of the elements of some records; ``made`` are the objects by GlobalId."""
    materials: dict[tuple[str, ...], list[Any]] = {}
    codes: dict[tuple[str, str, str, str], list[Any]] = {}
    for record in records:
        element = made[record["global_id"]]
        for name, values in record["properties"].items():
            _relate_set(file, new_id, element, _property_set(file, new_id, name, values))
        for name, values in record["quantities"].items():
            _relate_set(file, new_id, element, _quantity_set(file, new_id, name, values))
        if record["materials"]:
            materials.setdefault(tuple(record["materials"]), []).append(element)
        for one in record["classifications"]:
            key = (one["system"], one.get("edition", ""), one["code"], one.get("name", ""))
            codes.setdefault(key, []).append(element)
    _write_materials(file, new_id, materials)
    _write_codes(file, new_id, codes)


def _relate_set(file: Any, new_id: Callable[[], str], element: Any, held: Any) -> None:
    file.create_entity(
        "IfcRelDefinesByProperties",
        GlobalId=new_id(),
        RelatedObjects=[element],
        RelatingPropertyDefinition=held,
    )


def _property_set(file: Any, new_id: Callable[[], str], name: str, values: Mapping[str, Any]) -> Any:
    properties = [
        file.create_entity("IfcPropertySingleValue", Name=key, NominalValue=_value(file, value))
        for key, value in values.items()
    ]
    return file.create_entity("IfcPropertySet", GlobalId=new_id(), Name=name, HasProperties=properties)


def _value(file: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return file.create_entity("IfcBoolean", value)
    if isinstance(value, int) and abs(value) < 2**31:
        return file.create_entity("IfcInteger", value)
    if isinstance(value, (int, float)):
        return file.create_entity("IfcReal", float(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return file.create_entity("IfcLabel" if len(text) <= MOST_LABEL else "IfcText", text)


def _quantity_set(file: Any, new_id: Callable[[], str], name: str, values: Mapping[str, float]) -> Any:
    quantities = [_quantity(file, key, value) for key, value in values.items()]
    return file.create_entity("IfcElementQuantity", GlobalId=new_id(), Name=name, Quantities=quantities)


def _quantity(file: Any, name: str, value: float) -> Any:
    folded = name.casefold()
    kind, member = next(
        ((kind, member) for word, kind, member in _QUANTITIES if folded.endswith(word)),
        ("IfcQuantityLength", "LengthValue"),
    )
    whole = member == "CountValue" and file.schema != "IFC4"
    return file.create_entity(kind, Name=name, **{member: int(value) if whole else float(value)})


def _write_materials(file: Any, new_id: Callable[[], str], used: Mapping[tuple[str, ...], list[Any]]) -> None:
    known: dict[str, Any] = {}
    for names, elements in used.items():
        for name in names:
            if name not in known:
                known[name] = file.create_entity("IfcMaterial", name)
        each = [known[name] for name in names]
        of = each[0] if len(each) == 1 else file.create_entity("IfcMaterialList", each)
        file.create_entity("IfcRelAssociatesMaterial", GlobalId=new_id(), RelatedObjects=elements, RelatingMaterial=of)


def _write_codes(file: Any, new_id: Callable[[], str], used: Mapping[tuple[str, str, str, str], list[Any]]) -> None:
    systems: dict[tuple[str, str], Any] = {}
    for (system, edition, code, name), elements in used.items():
        if (system, edition) not in systems:
            systems[system, edition] = file.create_entity("IfcClassification", Edition=edition or None, Name=system)
        reference = file.create_entity(
            "IfcClassificationReference",
            Identification=code,
            Name=name or None,
            ReferencedSource=systems[system, edition],
        )
        file.create_entity(
            "IfcRelAssociatesClassification",
            GlobalId=new_id(),
            RelatedObjects=elements,
            RelatingClassification=reference,
        )
