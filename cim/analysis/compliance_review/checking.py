"""Each rule applied to a red line: one finding, and the pieces it is about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.compliance_review.material import Laid
from cim.analysis.compliance_review.measuring import Subject
from cim.analysis.compliance_review.parameters import ReviewParameters
from cim.analysis.compliance_review.rules import ReviewRules, Rule
from cim.analysis.overlay import Ints, Shapes
from cim.model.analysis import Finding, Title, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import moved, to_lonlat

OVERLAP_M2 = 0.01


@dataclass(frozen=True, slots=True)
class Checked:
    """A finding and the places of the pieces, in the rule's layer, that a list of patches shows."""

    rule: Rule
    finding: Finding
    pieces: Ints


@dataclass(frozen=True, slots=True)
class Case:
    """One rule about to be applied: the subject, what the rule looks at, the rules as a whole and the inputs.

    ``outside_m2`` is how much of the subject lies where the data do not reach.
    """

    rule: Rule
    of: Subject
    laid: Laid
    rules: ReviewRules
    asked: ReviewParameters
    outside_m2: float

    def pieces(self) -> Ints:
        """The subject's pieces in the layer that are no slivers."""
        mine = self.of.pieces_in(self.laid)
        return mine[self.laid.pieces.areas_m2[mine] >= self.rules.sliver_m2]

    def area_m2(self, pieces: Ints) -> float:
        """The area of pieces, where features of the layer overlap counted once."""
        total = float(self.laid.pieces.areas_m2[pieces].sum())
        if len(pieces) < 2:
            return total
        union = np.array([shapely.union_all(self.laid.pieces.shapes[pieces])], dtype=object)
        united = float(ellipsoidal_areas_m2(to_lonlat(union, self.of.material.srid))[0])
        return united if total - united > OVERLAP_M2 else total

    def finding(
        self, verdict: Verdict, measured: float | str | None, limit: float | str | None, unit: str, message: str
    ) -> Finding:
        """A finding of this rule; a pass where data are missing is none."""
        rule = self.rule
        if verdict is Verdict.CONFORMS:
            verdict, message = self._certain(message)
        return Finding(
            rule=rule.id,
            title=Title(rule.title.zh, rule.title.en),
            verdict=verdict,
            measured=measured,
            limit=limit,
            unit=unit,
            clause=rule.clause,
            layer=rule.layer,
            edition=self.laid.features.edition.text,
            message=message if verdict in (Verdict.CONFORMS, Verdict.NOT_ASSESSED) else _with(message, rule.advice),
        )

    def _certain(self, message: str) -> tuple[Verdict, str]:
        if self.outside_m2 > self.rules.sliver_m2:
            return (
                Verdict.NOT_ASSESSED,
                f"红线有 {self.outside_m2:.2f} 平方米在数据范围以外，不能判定；范围内：{message}",
            )
        if self.laid.partial:
            return Verdict.NOT_ASSESSED, f"您只能查看该图层的部分辖区，不能判定；可见部分：{message}"
        return Verdict.CONFORMS, message


def check(case: Case) -> Checked:
    """Apply one rule; a layer that is not there is not assessed, whatever the rule."""
    if not case.laid.features.present:
        missing = case.finding(Verdict.NOT_ASSESSED, None, None, "", case.laid.features.edition.note)
        return Checked(case.rule, missing, np.zeros(0, dtype=np.int64))
    return _TESTS[case.rule.test](case)


def _occupied(case: Case) -> Checked:
    pieces = case.pieces()
    measured, limit = case.area_m2(pieces), case.rule.limit_m2
    title = case.rule.title.zh
    if measured > max(limit, 0.0) and len(pieces):
        message = f"占用{title} {measured:.2f} 平方米（{len(pieces)} 处）"
        return Checked(case.rule, case.finding(case.rule.failing, round(measured, 2), limit, "m2", message), pieces)
    return Checked(case.rule, case.finding(Verdict.CONFORMS, round(measured, 2), limit, "m2", f"未占用{title}"), pieces)


def _inside(case: Case) -> Checked:
    pieces = case.pieces()
    whole = case.of.area_m2
    inside = min(case.area_m2(pieces), whole)
    share = inside / whole if whole else 0.0
    title, least = case.rule.title.zh, case.rule.least_share
    message = f"{title}内 {inside:.2f} 平方米，外 {whole - inside:.2f} 平方米"
    met = whole - inside <= case.rules.sliver_m2 or share >= least
    verdict = Verdict.CONFORMS if met else case.rule.failing if inside else Verdict.NOT
    return Checked(case.rule, case.finding(verdict, round(share, 6), least, "share", message), pieces)


def _near(case: Case) -> Checked:
    features = case.laid.features
    none = np.zeros(0, dtype=np.int64)
    if len(features.shapes) == 0:
        text = f"{case.rule.distance_m:.0f} 米内没有{case.rule.title.zh}"
        return Checked(case.rule, case.finding(Verdict.CONFORMS, None, case.rule.distance_m, "m", text), none)
    material = case.of.material
    plane = plane_srid(material.areas[case.of.areas], material.srid)
    areas = shapely.union_all(moved(material.areas[case.of.areas], material.srid, plane))
    distances = shapely.distance(areas, moved(features.shapes, material.srid, plane))
    near = np.flatnonzero(distances <= case.rule.distance_m)
    nearest = round(float(distances.min()), 1)
    if len(near):
        text = f"{case.rule.distance_m:.0f} 米内有{case.rule.title.zh} {len(near)} 处，最近 {nearest:.1f} 米"
        return Checked(case.rule, case.finding(case.rule.failing, nearest, case.rule.distance_m, "m", text), near)
    text = f"{case.rule.distance_m:.0f} 米内没有{case.rule.title.zh}"
    return Checked(case.rule, case.finding(Verdict.CONFORMS, nearest, case.rule.distance_m, "m", text), near)


def plane_srid(areas: Shapes, srid: int) -> int:
    """The three-degree zone of CGCS2000, without zone in the easting, that areas lie in."""
    west, _, east, _ = shapely.total_bounds(to_lonlat(areas, srid))
    return 4534 + round(float(west + east) / 2 / 3) - 25


def _plan_use(case: Case) -> Checked:
    pieces = case.pieces()
    field = case.rule.field or ""
    if not len(pieces):
        text = "红线不在已入库的详细规划地块内"
        return Checked(case.rule, case.finding(Verdict.NOT_ASSESSED, None, None, "", text), pieces)
    sums: dict[str, float] = {}
    for piece in pieces:
        code = str(case.laid.value(field, int(piece)) or "")
        sums[code] = sums.get(code, 0.0) + float(case.laid.pieces.areas_m2[piece])
    listed = "；".join(f"{code or '无代码'} {area:.2f} 平方米" for code, area in sorted(sums.items()))
    use = case.asked.use
    if not use:
        text = f"未给出项目拟用途；规划用途：{listed}"
        return Checked(case.rule, case.finding(Verdict.NOT_ASSESSED, listed, None, "", text), pieces)
    accepted = {use, use[:2], *case.rules.uses.get(use[:2], ())}
    misfit = sum(area for code, area in sums.items() if not any(code.startswith(prefix) for prefix in accepted))
    uncovered = case.of.area_m2 - sum(sums.values())
    fits = "、".join(sorted(accepted))
    if misfit > case.rules.sliver_m2:
        verdict, text = case.rule.failing, f"规划用途与拟用途 {use} 不符 {misfit:.2f} 平方米；规划用途：{listed}"
    elif uncovered > case.rules.sliver_m2:
        verdict, text = (
            Verdict.PARTLY,
            f"规划地块内相符，另有 {uncovered:.2f} 平方米不在详细规划地块内；规划用途：{listed}",
        )
    else:
        verdict, text = Verdict.CONFORMS, f"规划用途与拟用途 {use} 相符；规划用途：{listed}"
    return Checked(case.rule, case.finding(verdict, round(misfit, 2), fits, "m2", text), pieces)


def _plan_limit(case: Case) -> Checked:
    pieces = case.pieces()
    values = [case.laid.value(case.rule.field or "", int(piece)) for piece in pieces]
    known = [float(value) for value in values if value is not None]
    title = case.rule.title.zh
    proposed = getattr(case.asked, case.rule.parameter or "")
    if not known:
        text = f"红线内没有给出{title}的详细规划地块"
        return Checked(case.rule, case.finding(Verdict.NOT_ASSESSED, proposed, None, "", text), pieces)
    limit = min(known)
    if proposed is None:
        text = f"未给出拟建{title}；规划上限 {limit:g}"
        return Checked(case.rule, case.finding(Verdict.NOT_ASSESSED, None, limit, "", text), pieces)
    met = proposed <= limit
    text = f"拟建{title} {proposed:g}，规划上限 {limit:g}"
    return Checked(
        case.rule, case.finding(Verdict.CONFORMS if met else case.rule.failing, proposed, limit, "", text), pieces
    )


def _recorded(case: Case) -> Checked:
    pieces = case.pieces()
    measured = case.area_m2(pieces)
    title = case.rule.title.zh
    if len(pieces):
        text = f"与{title}重叠 {measured:.2f} 平方米（{len(pieces)} 处）"
        return Checked(case.rule, case.finding(case.rule.failing, round(measured, 2), 0.0, "m2", text), pieces)
    return Checked(case.rule, case.finding(Verdict.CONFORMS, 0.0, 0.0, "m2", f"与{title}没有重叠"), pieces)


def _with(message: str, advice: str) -> str:
    return f"{message}。建议：{advice}" if advice else message


_TESTS: dict[str, Callable[[Case], Checked]] = {
    "occupied": _occupied,
    "inside": _inside,
    "near": _near,
    "plan-use": _plan_use,
    "plan-limit": _plan_limit,
    "recorded": _recorded,
}
