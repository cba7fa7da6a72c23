"""Each limit of a site applied to a scheme: one finding."""

from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.block_figures.material import PLAN, Laid
from cim.analysis.block_figures.planned import Planned
from cim.analysis.overlay import Floats, Shapes, areal, overlay
from cim.analysis.scheme_check.scheme import Scheme
from cim.model.analysis import Finding, Title, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import LONLAT_SRID, moved

CLAUSE_PLAN, CLAUSE_SITE = "详细规划地块控制指标", "用地范围"
SLIVER_M2 = 0.1
TOLERANCE_M = 0.01


@dataclass(frozen=True, slots=True)
class Case:
    """A scheme on its site: ``site`` in longitude and latitude, ``flat`` in metres of the zone ``srid``.

    ``plan`` is laid over the site in the system ``plan_srid``; ``setback_m`` None where none is asked for.
    """

    scheme: Scheme
    setback_m: float | None
    site: shapely.Geometry
    flat: shapely.Geometry
    srid: int
    plan: Laid
    plan_srid: int
    limits: Planned
    footprint_m2: Floats

    def finding(
        self,
        rule: str,
        title: Title,
        verdict: Verdict,
        measured: float | None,
        limit: float | None,
        unit: str,
        message: str,
        *,
        planned_limit: bool = True,
    ) -> Finding:
        """A finding; those on limits of the plan name its edition, and pass only where all of it is seen."""
        edition = self.plan.features.edition
        if planned_limit and self.plan.partial and verdict is Verdict.CONFORMS:
            verdict, message = Verdict.NOT_ASSESSED, f"您只能查看规划图层的部分辖区，不能判定；可见部分：{message}"
        source = (CLAUSE_PLAN, PLAN, edition.text) if planned_limit else (CLAUSE_SITE, "", "")
        return Finding(rule, title, verdict, measured, limit, unit, *source, message)


def floor_area_m2(case: Case) -> float:
    """Floor area of the buildings whose storeys are given."""
    return float((case.footprint_m2 * np.nan_to_num(case.scheme.floors)).sum())


def far(case: Case) -> Finding:
    """Floor area on the land that the plan covers, against the limits there weighted by area."""
    title, limits = Title("容积率", "FAR"), case.limits
    limit, covered_m2 = limits.far, limits.covered_m2
    if limit is None or not covered_m2:
        return case.finding("far", title, Verdict.NOT_ASSESSED, None, None, "", _no_limit(limits, "容积率"))
    ratio = floor_area_m2(case) / covered_m2
    over = ratio > limit + 5e-4
    text = f"方案 {ratio:.3f}，控制 {limit:.3f}（按规划地块 {covered_m2:.2f} 平方米计）"
    missing = int((~np.isfinite(case.scheme.floors)).sum())
    if missing and not over:
        text = f"{missing} 栋建筑没有层数，不能判定；其余建筑：{text}"
        return case.finding("far", title, Verdict.NOT_ASSESSED, None, round(limit, 3), "", text)
    return case.finding("far", title, _verdict(over), round(ratio, 3), round(limit, 3), "", text)


def density(case: Case) -> Finding:
    """Ground under buildings of the land that the plan covers."""
    title, limits = Title("建筑密度", "Building density"), case.limits
    limit, covered_m2 = limits.density_pct, limits.covered_m2
    if limit is None or not covered_m2:
        return case.finding("density", title, Verdict.NOT_ASSESSED, None, None, "%", _no_limit(limits, "建筑密度"))
    share = united_m2(case.scheme.footprints) / covered_m2 * 100
    text = f"方案 {share:.2f}%，控制 {limit:.2f}%"
    return case.finding("density", title, _verdict(share > limit + 0.005), round(share, 2), round(limit, 2), "%", text)


def height(case: Case) -> Finding:
    """Each building against the lowest limit of the plan parcels it stands on."""
    title = Title("建筑高度", "Height")
    limit_m = _limits_m(case)
    height_m = case.scheme.height_m
    limited = np.isfinite(limit_m)
    if not limited.any():
        return case.finding("height", title, Verdict.NOT_ASSESSED, None, None, "m", _no_limit(case.limits, "建筑限高"))
    over = limited & (np.nan_to_num(height_m) > np.nan_to_num(limit_m) + TOLERANCE_M)
    known = np.isfinite(height_m)
    measured = round(float(height_m[known].max()), 2) if known.any() else None
    lowest = round(float(limit_m[limited].min()), 2)
    if over.any():
        names = "、".join(case.scheme.names[k] for k in np.flatnonzero(over)[:10])
        return case.finding(
            "height", title, Verdict.NOT, measured, lowest, "m", f"{int(over.sum())} 栋超过限高：{names}"
        )
    unsure = int((~known | ~limited).sum())
    if unsure:
        text = f"{unsure} 栋没有高度或所在处没有限高，不能判定"
        return case.finding("height", title, Verdict.NOT_ASSESSED, measured, lowest, "m", text)
    return case.finding("height", title, Verdict.CONFORMS, measured, lowest, "m", "各栋均不超过所在地块限高")


def _limits_m(case: Case) -> Floats:
    """The lowest height limit that each building stands under, NaN where there is none."""
    limit_m = np.full(len(case.scheme.names), np.nan)
    pieces = case.plan.pieces
    met = overlay(case.scheme.footprints, moved(pieces.shapes, case.plan_srid, LONLAT_SRID), LONLAT_SRID)
    limits = case.plan.numbers("height_limit_m", np.arange(len(pieces.feature)))
    for building, piece, area in zip(met.area, met.feature, met.areas_m2, strict=True):
        if area >= SLIVER_M2:
            limit_m[building] = np.fmin(limit_m[building], limits[piece])
    return limit_m


def setback(case: Case) -> Finding:
    """The least distance from a building to the edge of the site."""
    title = Title("建筑退界", "Setback")
    found_m = setbacks_m(case)
    nearest = int(np.argmin(found_m))
    measured, limit = round(float(found_m[nearest]), 2), case.setback_m
    text = f"“{case.scheme.names[nearest]}”距用地边界 {measured:.2f} 米"
    if limit is None:
        return case.finding(
            "setback", title, Verdict.INFORMATION, measured, None, "m", f"{text}；未给出退界要求", planned_limit=False
        )
    short = int((found_m < limit - TOLERANCE_M).sum())
    text += f"；要求不小于 {limit:.2f} 米" + (f"，{short} 栋不足" if short else "")
    return case.finding("setback", title, _verdict(bool(short)), measured, limit, "m", text, planned_limit=False)


def setbacks_m(case: Case) -> Floats:
    """How far each building is from the edge of the site, in metres; 0 where it crosses it or stands outside."""
    shapes = case.scheme.in_system(case.srid)
    inside = shapely.covers(case.flat, shapes)
    return np.where(inside, shapely.distance(shapely.boundary(case.flat), shapes), 0.0)


def outside(case: Case) -> Finding:
    """What of the footprints is not on the site."""
    title = Title("超出用地范围", "Outside the site")
    beyond_m2 = ellipsoidal_areas_m2(areal(np.asarray(shapely.difference(case.scheme.footprints, case.site))))
    over = np.flatnonzero(beyond_m2 > SLIVER_M2)
    measured = round(float(beyond_m2.sum()), 2)
    text = "建筑均在用地范围内"
    if len(over):
        names = "、".join(case.scheme.names[k] for k in over[:10])
        text = f"{len(over)} 栋建筑超出用地范围 {measured:.2f} 平方米：{names}"
    return case.finding("outside", title, _verdict(bool(len(over))), measured, 0.0, "m2", text, planned_limit=False)


def united_m2(shapes: Shapes) -> float:
    """The ground under footprints, counted once where they overlap."""
    return float(ellipsoidal_areas_m2(np.array([shapely.union_all(shapes)], dtype=object))[0])


def _verdict(over: bool) -> Verdict:
    return Verdict.NOT if over else Verdict.CONFORMS


def _no_limit(limits: Planned, name: str) -> str:
    return "；".join([f"没有{name}控制指标", *limits.notes])
