"""What stands on a block: floor area, footprints, heights, uses and people.

A building that the block's line cuts counts by the share of its footprint inside. What cannot be known is None, and a
note says why: a building without its floors leaves the whole floor area unknown, as a sum without it would be too
small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from cim.analysis.block_figures.material import Laid, Material
from cim.analysis.overlay import Ints
from cim.model.building_uses import HOMES
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

SLIVER_M2 = 0.1
"""A smaller piece of a building is a matter of drawing, not a building on the block."""
WHOLE = 0.999
OUTSIDE_M2 = 1.0
UNKNOWN_USE = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Figures of the buildings on some parcels, None where they are not known.

    ``uses`` is floor area in m2 by use; heights are weighted by footprint.
    """

    footprint_m2: float | None = None
    floor_area_m2: float | None = None
    buildings: int | None = None
    cut: int = 0
    mean_height_m: float | None = None
    max_height_m: float | None = None
    uses: dict[str, float] | None = None
    persons: float | None = None
    households: float | None = None
    notes: list[str] = field(default_factory=list)


def standing(material: Material, laid: Laid, parcels: Ints, *, with_people: bool) -> Standing:
    """The figures of some parcels together, from the buildings ``laid`` over them."""
    missing = _unreachable(material, laid, parcels)
    if missing:
        return Standing(notes=[missing])
    pieces = laid.of(parcels)
    pieces = pieces[laid.pieces.areas_m2[pieces] >= SLIVER_M2]
    if laid.partial and len(pieces) == 0:
        return Standing(notes=["您只能查看建筑图层的部分辖区，此处没有可见的建筑"])
    notes = ["您只能查看建筑图层的部分辖区，数字只含可见的建筑"] if laid.partial else []
    inside_m2 = laid.pieces.areas_m2[pieces]
    features = np.unique(laid.pieces.feature[pieces])
    cut = _cut(laid, pieces)
    if cut:
        notes.append(f"有 {cut} 栋建筑被范围线切割，按基底在范围内的比例计入")
    floor_area_m2, uses = _floor_area(laid, pieces, notes)
    mean_m, most_m = _heights(laid, pieces, notes)
    persons, households = _people(material, laid, pieces, notes) if with_people else (None, None)
    return Standing(
        footprint_m2=_united_m2(material, laid, pieces, float(inside_m2.sum()), notes),
        floor_area_m2=floor_area_m2,
        buildings=len(features),
        cut=cut,
        mean_height_m=mean_m,
        max_height_m=most_m,
        uses=uses,
        persons=persons,
        households=households,
        notes=notes,
    )


def _unreachable(material: Material, laid: Laid, parcels: Ints) -> str:
    """Why nothing can be said of the buildings; empty where something can."""
    if not laid.features.present:
        return laid.features.edition.note
    outside = material.outside_m2
    if outside is not None and outside[parcels].sum() > OUTSIDE_M2:
        return f"范围有 {outside[parcels].sum():.2f} 平方米在县域数据以外，建筑指标不能计算"
    return ""


def _cut(laid: Laid, pieces: Ints) -> int:
    """How many buildings lie partly outside; one that several parcels share between them does not."""
    features = laid.pieces.feature[pieces]
    inside = np.bincount(features, weights=laid.share[pieces]) if len(pieces) else np.zeros(0)
    return int((inside[np.unique(features)] < WHOLE).sum()) if len(pieces) else 0


def _united_m2(material: Material, laid: Laid, pieces: Ints, total_m2: float, notes: list[str]) -> float:
    """The ground under buildings, counted once where footprints overlap."""
    if len(pieces) < 2:
        return total_m2
    union = np.array([shapely.union_all(laid.pieces.shapes[pieces])], dtype=object)
    united = float(ellipsoidal_areas_m2(to_lonlat(union, material.srid))[0])
    if total_m2 - united <= SLIVER_M2:
        return total_m2
    notes.append(f"建筑基底相互重叠 {total_m2 - united:.2f} 平方米，基底面积只计一次，建筑面积分别计入")
    return united


def _floor_area(laid: Laid, pieces: Ints, notes: list[str]) -> tuple[float | None, dict[str, float] | None]:
    floors = laid.numbers("floors", pieces)
    known = np.isfinite(floors) & (floors >= 0)
    area_m2 = laid.pieces.areas_m2[pieces] * np.where(known, floors, 0.0)
    if not known.all():
        lacking = len(np.unique(laid.pieces.feature[pieces[~known]]))
        notes.append(f"{lacking} 栋建筑没有层数，总建筑面积和容积率不能计算；其余建筑合计 {area_m2.sum():.2f} 平方米")
        return None, None
    uses: dict[str, float] = {}
    for use, part in zip(laid.values("use", pieces), area_m2, strict=True):
        name = str(use) if use else UNKNOWN_USE
        uses[name] = uses.get(name, 0.0) + float(part)
    return float(area_m2.sum()), uses


def _heights(laid: Laid, pieces: Ints, notes: list[str]) -> tuple[float | None, float | None]:
    heights_m = laid.numbers("height_m", pieces)
    known = np.isfinite(heights_m)
    if not len(pieces):
        return None, None
    if not known.all():
        lacking = len(np.unique(laid.pieces.feature[pieces[~known]]))
        notes.append(f"{lacking} 栋建筑没有高度，平均高度和最大高度不能计算")
        return None, None
    weights = laid.pieces.areas_m2[pieces]
    return float(np.average(heights_m, weights=weights)), float(heights_m.max())


def _people(material: Material, laid: Laid, pieces: Ints, notes: list[str]) -> tuple[float | None, float | None]:
    """People and households of the buildings, by their code and share; None where no record may be read."""
    people = material.people
    if not people.present:
        notes.append(f"人口不能计算：{people.edition.note}")
        return None, None
    codes = laid.values("building_code", pieces)
    if any(code is None for code in codes):
        notes.append("人口不能计算：有建筑没有统一编码，或无权查看编码")
        return None, None
    share: dict[str, float] = {}
    for code, part in zip(codes, laid.share[pieces], strict=True):
        share[str(code)] = share.get(str(code), 0.0) + float(part)
    recorded = {str(code) for code in people.columns["building_code"]}
    homes = {str(c) for c, use in zip(codes, laid.values("use", pieces), strict=True) if use in HOMES} - recorded
    if homes:
        notes.append(f"{len(homes)} 栋住宅没有人口记录，按无人居住计")
    return _summed(people.columns, "persons", share, notes), _summed(people.columns, "households", share, notes)


def _summed(
    columns: Mapping[str, list[Any]], field_name: str, share: dict[str, float], notes: list[str]
) -> float | None:
    wanted = [
        (value, share[str(code)])
        for code, value in zip(columns["building_code"], columns[field_name], strict=True)
        if str(code) in share
    ]
    if any(value is None for value, _ in wanted):
        notes.append(f"人口记录缺少 {field_name} 或无权查看，不能计算")
        return None
    return float(sum(float(str(value)) * part for value, part in wanted))


def per_site(value_m2: float | None, site_m2: float) -> float | None:
    """What an area is of the site; None where it is not known."""
    return None if value_m2 is None or site_m2 <= 0 else value_m2 / site_m2


def shares_of(uses: dict[str, float] | None) -> Sequence[tuple[str, float, float | None]]:
    """Each use with its floor area and its share of all in percent, largest first."""
    if not uses:
        return []
    total = sum(uses.values())
    ordered = sorted(uses.items(), key=lambda one: (-one[1], one[0]))
    return [(use, area, area / total * 100 if total else None) for use, area in ordered]
