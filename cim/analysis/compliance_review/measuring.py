"""The measures of a red line that rules and levels of approval look at, in m2 on the ellipsoid."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cim.analysis.compliance_review.material import Laid, Material
from cim.analysis.compliance_review.rules import Measure
from cim.analysis.overlay import Closure, Ints, Overlay, closure

RollUp = Callable[[str], str | None]
AGRICULTURAL, CONSTRUCTION, UNUSED, UNCLASSIFIED = "agricultural", "construction", "unused", "unclassified"


@dataclass(frozen=True, slots=True)
class Subject:
    """Some of the areas of a material, judged together; ``pieces`` are the places of their pieces of land."""

    material: Material
    areas: Ints
    pieces: Ints

    def pieces_in(self, laid: Laid) -> Ints:
        """The places of the subject's pieces in another layer."""
        return pieces_of(laid.pieces, self.areas)

    @property
    def area_m2(self) -> float:
        """The legal area: by the corner points."""
        return float(self.material.areas_m2[self.areas].sum())


def subject(material: Material, areas: Ints) -> Subject:
    """Some areas as one subject."""
    return Subject(material, areas, pieces_of(material.land.pieces, areas))


def pieces_of(pieces: Overlay, areas: Ints) -> Ints:
    """The places of the pieces of some areas; pieces stand in the order of areas."""
    starts = np.searchsorted(pieces.area, areas, side="left")
    ends = np.searchsorted(pieces.area, areas, side="right")
    ranges = [np.arange(start, end) for start, end in zip(starts, ends, strict=True)]
    return np.concatenate(ranges) if ranges else np.zeros(0, dtype=np.int64)


def closures(of: Subject) -> list[Closure]:
    """How the pieces of land close on each area."""
    pieces = of.material.land.pieces
    found = []
    for area in of.areas:
        mine = pieces_of(pieces, np.array([area]))
        parts_m2 = float(pieces.areas_m2[mine].sum())
        found.append(closure(of.material.areas[area], pieces.shapes[mine], parts_m2, of.material.srid))
    return found


def factor_of(found: list[Closure]) -> float:
    """What brings areas of pieces to the legal area, over all areas."""
    noded = sum(each.noded_m2 for each in found)
    return sum(each.corner_m2 for each in found) / noded if noded else 1.0


def class_of(roll_up: RollUp, code: str) -> str:
    """The one of three classes of a land class, or that it has none."""
    return roll_up(code) or UNCLASSIFIED


def measures(of: Subject, roll_up: RollUp, factor: float) -> dict[Measure, float | None]:
    """All measures; None where the layer they need is not there.

    Arable land is net of field ridges, which count as agricultural land of their own.
    """
    land = of.material.land.features.present
    farm = of.material.farmland.features.present
    found = of.material.patches
    at = of.pieces
    area = found.computed_m2[at] * factor
    farmland = of.material.farmland_m2[at] * factor
    register = found.register_m2[at]
    net = 1 - np.divide(found.ridge_m2[at], register, out=np.zeros(len(at)), where=register > 0)
    arable = found.arable()[at]
    collective = found.collective()[at]
    three = np.array([class_of(roll_up, found.code[k]) for k in at], dtype=object)
    outside = np.where(arable, (area - farmland) * net, 0.0)
    farm_laid = of.material.farmland
    farm_m2 = float(farm_laid.pieces.areas_m2[of.pieces_in(farm_laid)].sum()) * factor
    both = land and farm

    def when(known: bool, value: float) -> float | None:
        return float(value) if known else None

    collective_farm, collective_arable = farmland[collective].sum(), outside[collective].sum()
    return {
        "total_m2": of.area_m2,
        "agricultural_m2": when(land, area[three == AGRICULTURAL].sum()),
        "construction_m2": when(land, area[three == CONSTRUCTION].sum()),
        "unused_m2": when(land, area[three == UNUSED].sum()),
        "arable_m2": when(land, (area * net)[arable].sum()),
        "arable_outside_basic_farmland_m2": when(both, outside.sum()),
        "basic_farmland_m2": when(farm, farm_m2),
        "collective_m2": when(land, area[collective].sum()),
        "collective_basic_farmland_m2": when(both, collective_farm),
        "collective_arable_outside_basic_farmland_m2": when(both, collective_arable),
        "collective_other_m2": when(both, area[collective].sum() - collective_farm - collective_arable),
    }
