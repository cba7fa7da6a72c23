"""Property sets and quantities of IFC objects as plain values: texts, numbers, truths, lists and sets of these.

Lengths, areas, volumes and masses are in ours (``ifc_units``); values of other measures as written.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from importers.bim.ifc_units import Units

_QUANTITIES = {
    "IfcQuantityLength": ("LengthValue", "LENGTHUNIT"),
    "IfcQuantityArea": ("AreaValue", "AREAUNIT"),
    "IfcQuantityVolume": ("VolumeValue", "VOLUMEUNIT"),
    "IfcQuantityWeight": ("WeightValue", "MASSUNIT"),
    "IfcQuantityTime": ("TimeValue", "TIMEUNIT"),
    "IfcQuantityCount": ("CountValue", ""),
    "IfcQuantityNumber": ("NumberValue", ""),
}
QUANTITY_UNITS = {name.removeprefix("IfcQuantity").upper().encode(): unit for name, (_, unit) in _QUANTITIES.items()}
"""The kind of unit of a quantity, by the end of its type's name in capitals."""
DEPTH_LIMIT = 16
_OWN = frozenset({"id", "type", "GlobalId", "OwnerHistory", "Name", "Description"})
Sets = dict[str, dict[str, Any]]


class SetReader:
    """Reads the sets of one file; a set that many objects share is read once."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._known: dict[int, tuple[str, dict[str, Any], bool]] = {}
        self._kinds: dict[str, Callable[[Any], Any]] = {
            "IfcPropertyEnumeratedValue": lambda item: self._list(item.EnumerationValues),
            "IfcPropertyListValue": lambda item: self._list(item.ListValues, item.Unit),
            "IfcPropertyBoundedValue": self._bounded,
            "IfcPropertyTableValue": self._table,
            "IfcPropertyReferenceValue": lambda item: _reference(item.PropertyReference),
        }

    def read(
        self, definitions: Iterable[Any], plain: Iterable[tuple[str, dict[str, Any], bool]] = ()
    ) -> tuple[Sets, dict[str, dict[str, float]]]:
        """Properties and quantities by set and name, of sets and of what is read of some already."""
        properties: Sets = {}
        quantities: dict[str, dict[str, float]] = {}
        for name, values, is_quantity in (*plain, *(self._set(definition) for definition in definitions)):
            target = quantities if is_quantity else properties
            if values:
                target.setdefault(name, {}).update(values)
        return properties, quantities

    def _set(self, definition: Any) -> tuple[str, dict[str, Any], bool]:
        known = self._known.get(definition.id())
        if known is None:
            known = self._known[definition.id()] = self._fresh(definition)
        return known

    def _fresh(self, definition: Any) -> tuple[str, dict[str, Any], bool]:
        name = plain_text(definition.Name) or definition.is_a()
        if definition.is_a("IfcElementQuantity"):
            return name, dict(self._quantities(definition.Quantities or ())), True
        if definition.is_a("IfcPropertySet"):
            return name, self._properties(definition.HasProperties or ()), False
        return name, self._predefined(definition), False

    def _quantities(self, quantities: Iterable[Any], before: str = "", depth: int = 0) -> Iterable[tuple[str, float]]:
        for quantity in quantities:
            kind = quantity.is_a()
            if kind == "IfcPhysicalComplexQuantity" and depth < DEPTH_LIMIT:
                inner = f"{before}{plain_text(quantity.Name)}."
                yield from self._quantities(quantity.HasQuantities or (), inner, depth + 1)
            elif kind in _QUANTITIES:
                attribute, unit = _QUANTITIES[kind]
                info = quantity.get_info_2(recursive=True)
                value = info[attribute]
                if isinstance(value, int | float) and math.isfinite(value):
                    own = quantity.Unit if info["Unit"] is not None else None
                    yield (
                        f"{before}{plain_text(info['Name'])}",
                        value * (self._units.factor(unit, own) if unit else 1.0),
                    )

    def _properties(self, properties: Iterable[Any], depth: int = 0) -> dict[str, Any]:
        found = {}
        for item in properties:
            kind = item.is_a()
            if kind == "IfcPropertySingleValue":
                name, value = self._single(item)
            else:
                name, value = item.Name, self._property(item, kind, depth)
            if value is not None:
                found[plain_text(name) or kind] = value
        return found

    def _single(self, item: Any) -> tuple[str, Any]:
        """Name and value of the most common kind, read in one step."""
        info = item.get_info_2(recursive=True)
        wrapped = info["NominalValue"]
        if wrapped is None:
            return info["Name"], None
        raw = wrapped["wrappedValue"]
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return info["Name"], _plain(raw)
        factor = self._units.of_measure(wrapped["type"], item.Unit if info["Unit"] is not None else None)
        return info["Name"], _plain(raw if factor == 1.0 else raw * factor)

    def _property(self, item: Any, kind: str, depth: int) -> Any:
        if kind == "IfcComplexProperty":
            return self._properties(item.HasProperties or (), depth + 1) or None if depth < DEPTH_LIMIT else None
        read = self._kinds.get(kind)
        return read(item) if read is not None else None

    def _bounded(self, item: Any) -> dict[str, Any] | None:
        names = (("lower", "LowerBoundValue"), ("upper", "UpperBoundValue"), ("set", "SetPointValue"))
        values = ((name, self.value(getattr(item, attribute, None), item.Unit)) for name, attribute in names)
        return {name: value for name, value in values if value is not None} or None

    def _table(self, item: Any) -> dict[str, Any] | None:
        defining = self._list(item.DefiningValues, item.DefiningUnit) or []
        defined = self._list(item.DefinedValues, item.DefinedUnit) or []
        return {"defining": defining, "defined": defined} if defining or defined else None

    def _list(self, values: Any, unit: Any = None) -> list[Any] | None:
        found = [self.value(value, unit) for value in values or ()]
        return [value for value in found if value is not None] or None

    def value(self, wrapped: Any, unit: Any = None) -> Any:
        """A value of some measure as ours; None where it is blank, unknown or no number."""
        if wrapped is None:
            return None
        raw = wrapped.wrappedValue
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return _plain(raw)
        factor = self._units.of_measure(wrapped.is_a(), unit)
        return _plain(raw if factor == 1.0 else raw * factor)

    def _predefined(self, definition: Any) -> dict[str, Any]:
        """The attributes of a set that the schema itself defines, such as the lining of a door."""
        found = {}
        for name, value in definition.get_info(recursive=False).items():
            if name in _OWN or not isinstance(value, int | float | str):
                continue
            if isinstance(value, float) and _is_length(definition, name):
                value = value * self._units.length_m  # noqa: PLW2901 - as ours from here on
            found[name] = _plain(value)
        return found


def _is_length(definition: Any, name: str) -> bool:
    declared = definition.wrapped_data.declaration().as_entity()
    for attribute in declared.all_attributes():
        if attribute.name() == name:
            return "LengthMeasure" in str(attribute.type_of_attribute())
    return False


def _reference(found: Any) -> str | None:
    if found is None:
        return None
    name = next(
        (plain_text(text) for text in (getattr(found, a, None) for a in ("Name", "Identification")) if text), ""
    )
    return f"{found.is_a()} {name}".strip()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return None if value == "UNKNOWN" else plain_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value


def plain_text(text: Any) -> str:
    """A text without characters that cannot be kept: zero bytes, and halves of pairs."""
    if not isinstance(text, str):
        return ""
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text if text.isascii() else str(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def merged(own: Mapping[str, Mapping[str, Any]], inherited: Mapping[str, Mapping[str, Any]]) -> tuple[Sets, list[str]]:
    """Sets of an occurrence with what only its type has, and the names of these as ``Set.Name``."""
    found: Sets = {name: dict(values) for name, values in own.items()}
    taken = []
    for name, values in inherited.items():
        target = found.setdefault(name, {})
        for key, value in values.items():
            if key not in target:
                target[key] = value
                taken.append(f"{name}.{key}")
    return found, taken
