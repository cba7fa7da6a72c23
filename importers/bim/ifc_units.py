"""What one unit of an IFC file is in ours: metres, square and cubic metres, kilograms, seconds, radians."""

from dataclasses import dataclass
from typing import Any

import numpy as np

_MEASURES = {
    "LENGTHUNIT": ("IfcLengthMeasure", "IfcPositiveLengthMeasure", "IfcNonNegativeLengthMeasure"),
    "AREAUNIT": ("IfcAreaMeasure",),
    "VOLUMEUNIT": ("IfcVolumeMeasure",),
    "MASSUNIT": ("IfcMassMeasure",),
    "TIMEUNIT": ("IfcTimeMeasure",),
}
KIND_OF = {measure: kind for kind, measures in _MEASURES.items() for measure in measures}
_MADE_OF_LENGTH = {"AREAUNIT": 2, "VOLUMEUNIT": 3}
_GRAM_IN_KILOGRAMS = 1e-3


@dataclass(frozen=True, slots=True)
class Units:
    """Factors from the file's units by kind of unit (LENGTHUNIT and so on)."""

    factors: dict[str, float]

    @property
    def length_m(self) -> float:
        """One unit of length in metres."""
        return self.factors["LENGTHUNIT"]

    def factor(self, kind: str, unit: Any = None) -> float:
        """The factor of a kind of unit; of ``unit`` where a value has one of its own."""
        if unit is not None:
            own = unit_factor(unit)
            if own is not None:
                return own
        return self.factors.get(kind, 1.0)

    def of_measure(self, measure: str, unit: Any = None) -> float:
        """The factor of a value by the type of its measure; 1 for what is none of ours."""
        kind = KIND_OF.get(measure)
        return self.factor(kind, unit) if kind else 1.0


def units_of(file: Any) -> Units:
    """The units a project declares; metres where it declares none, areas and volumes from lengths where missing."""
    factors: dict[str, float] = {}
    for project in file.by_type("IfcProject"):
        for unit in (project.UnitsInContext.Units if project.UnitsInContext else None) or ():
            kind, factor = getattr(unit, "UnitType", None), unit_factor(unit)
            if kind and factor is not None:
                factors.setdefault(kind, factor)
    factors.setdefault("LENGTHUNIT", 1.0)
    for kind, power in _MADE_OF_LENGTH.items():
        factors.setdefault(kind, factors["LENGTHUNIT"] ** power)
    return Units(factors)


def unit_factor(unit: Any) -> float | None:
    """What one of a unit is in ours; None where that cannot be told."""
    import ifcopenshell.util.unit  # noqa: PLC0415 - see importers.bim.ifc_schema

    tables: Any = ifcopenshell.util.unit
    if unit.is_a("IfcSIUnit"):
        factor = tables.get_prefix_multiplier(unit.Prefix) if unit.Prefix else 1.0
        power = {"SQUARE_METRE": 2, "CUBIC_METRE": 3}.get(unit.Name, 1)
        return float(factor) ** power * (_GRAM_IN_KILOGRAMS if unit.Name == "GRAM" else 1.0)
    if unit.is_a("IfcConversionBasedUnit") and unit.ConversionFactor is not None:
        measure = unit.ConversionFactor
        base = unit_factor(measure.UnitComponent)
        value = measure.ValueComponent.wrappedValue if measure.ValueComponent is not None else None
        if base is None or not isinstance(value, int | float) or not np.isfinite(value) or value <= 0:
            return None
        return float(value) * base
    return None
