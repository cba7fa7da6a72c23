"""Green land and water on a block, estimated from the land-status survey and the layer of waters.

Green is land of class 0810 (parks and green; squares, 0810A, are none). Green between houses is no class of its own
there, so the true green ratio of an estate, which needs a green survey, is higher.
"""

from dataclasses import dataclass, field

import numpy as np
import shapely

from cim.analysis.block_figures.material import Laid, Material
from cim.analysis.overlay import Ints, Shapes
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

GREEN = "0810"
GAP_M2, GAP_SHARE = 1.0, 0.001
METHOD = (
    "现状绿地率按土地利用现状 0810（公园与绿地）图斑估算，不含宅旁、路旁等未单独成图斑的绿地，"
    "不是园林绿化普查的绿地率；蓝绿占比另加水系面"
)


@dataclass(frozen=True, slots=True)
class Green:
    """Green land in m2, and green land and water together, each counted once; None where not known."""

    green_m2: float | None = None
    blue_green_m2: float | None = None
    notes: list[str] = field(default_factory=list)


def green(material: Material, parcels: Ints) -> Green:
    """The green and the water of some parcels together."""
    land, water = material.land, material.water
    if not land.features.present:
        return Green(notes=[f"绿地率不能计算：{land.features.edition.note}"])
    pieces = land.of(parcels)
    site_m2 = float(material.areas_m2[parcels].sum())
    gap_m2 = site_m2 - _united_m2(material, land.pieces.shapes[pieces])
    if gap_m2 > max(GAP_M2, GAP_SHARE * site_m2):
        return Green(notes=[f"绿地率不能计算：有 {gap_m2:.2f} 平方米没有土地利用现状数据"])
    codes = land.values("DLBM", pieces)
    if any(code is None for code in codes):
        return Green(notes=["绿地率不能计算：现状图斑没有地类编码，或无权查看"])
    chosen = pieces[np.array([str(code) == GREEN for code in codes], dtype=bool)]
    shapes = land.pieces.shapes[chosen]
    green_m2 = _united_m2(material, shapes)
    if not water.features.present or water.partial:
        note = water.features.edition.note or "您只能查看水系图层的部分辖区"
        return Green(green_m2, None, [f"蓝绿占比不能计算：{note}"])
    both = np.concatenate([shapes, _inside(water, parcels)])
    return Green(green_m2, _united_m2(material, both))


def _inside(laid: Laid, parcels: Ints) -> Shapes:
    return laid.pieces.shapes[laid.of(parcels)]


def _united_m2(material: Material, shapes: Shapes) -> float:
    if not len(shapes):
        return 0.0
    union = np.array([shapely.union_all(shapes)], dtype=object)
    return float(ellipsoidal_areas_m2(to_lonlat(union, material.srid))[0])
