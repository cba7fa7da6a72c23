"""What the plan allows on a block: the limits of its plan parcels, weighted by area."""

from dataclasses import dataclass, field

import numpy as np

from cim.analysis.block_figures.material import Laid
from cim.analysis.block_figures.standing import SLIVER_M2
from cim.analysis.overlay import Floats, Ints

LIMIT_NAMES = {"far": "容积率", "density_pct": "建筑密度", "green_pct": "绿地率", "height_limit_m": "建筑限高"}


@dataclass(frozen=True, slots=True)
class Planned:
    """Limits on the part of a block that a plan covers; None where no plan parcel there gives one."""

    covered_m2: float | None = None
    parcels: int | None = None
    far: float | None = None
    density_pct: float | None = None
    green_pct: float | None = None
    height_limit_m: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def floor_area_m2(self) -> float | None:
        """The floor area that the plan allows there."""
        return None if self.far is None or self.covered_m2 is None else self.far * self.covered_m2

    @property
    def footprint_m2(self) -> float | None:
        """The ground that buildings may stand on there."""
        known = self.density_pct is not None and self.covered_m2 is not None
        return (self.density_pct or 0.0) / 100 * (self.covered_m2 or 0.0) if known else None


def planned(areas_m2: Floats, laid: Laid, parcels: Ints) -> Planned:
    """The limits on some parcels together; ``areas_m2`` are the areas of all parcels."""
    if not laid.features.present:
        return Planned(notes=[laid.features.edition.note])
    pieces = laid.of(parcels)
    pieces = pieces[laid.pieces.areas_m2[pieces] >= SLIVER_M2]
    notes = ["您只能查看规划图层的部分辖区，数字只含可见的规划地块"] if laid.partial else []
    if not len(pieces):
        return Planned(notes=[*notes, "范围内没有规划地块"])
    area_m2 = laid.pieces.areas_m2[pieces]
    covered_m2, site_m2 = float(area_m2.sum()), float(areas_m2[parcels].sum())
    if site_m2 - covered_m2 > 1.0:
        notes.append(
            f"规划地块覆盖 {covered_m2:.2f} 平方米，其余 {site_m2 - covered_m2:.2f} 平方米（道路等）没有地块指标；"
            "规划指标按被覆盖的部分加权"
        )
    heights = _given(laid, "height_limit_m", pieces, notes)
    return Planned(
        covered_m2=covered_m2,
        parcels=len(np.unique(laid.pieces.feature[pieces])),
        far=_weighted(laid, "far", pieces, notes),
        density_pct=_weighted(laid, "density_pct", pieces, notes),
        green_pct=_weighted(laid, "green_pct", pieces, notes),
        height_limit_m=float(heights.max()) if len(heights) else None,
        notes=notes,
    )


def _given(laid: Laid, name: str, pieces: Ints, notes: list[str]) -> Floats:
    values = laid.numbers(name, pieces)
    known = np.isfinite(values)
    if not known.all():
        lacking = len(np.unique(laid.pieces.feature[pieces[~known]]))
        rest = "按其余地块计" if known.any() else "不能计算"
        notes.append(f"{lacking} 个规划地块没有{LIMIT_NAMES[name]}，{rest}")
    return np.asarray(values[known], dtype=np.float64)


def _weighted(laid: Laid, name: str, pieces: Ints, notes: list[str]) -> float | None:
    values = _given(laid, name, pieces, notes)
    known = np.isfinite(laid.numbers(name, pieces))
    weights = laid.pieces.areas_m2[pieces[known]]
    return float(np.average(values, weights=weights)) if len(values) else None
