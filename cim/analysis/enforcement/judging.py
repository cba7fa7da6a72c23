"""The verdict on each patch: lawful, partly, suspected, or not assessed, with its reason and clause."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cim.analysis.enforcement.material import Granted, Laid, Material, granted, united_m2
from cim.analysis.enforcement.rules import Control, EnforcementRules
from cim.analysis.overlay import Floats

CONSTRUCTION = "construction"
RollUp = Callable[[str], str | None]


class Standing(StrEnum):
    """What is said of a patch."""

    LEGAL = "legal"
    PARTLY = "partly"
    SUSPECTED = "suspected"
    NOT_ASSESSED = "not-assessed"


NAMES = {
    Standing.LEGAL: "合法",
    Standing.PARTLY: "部分合法或需核实",
    Standing.SUSPECTED: "疑似违法",
    Standing.NOT_ASSESSED: "未评估",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One patch: what is said of it, why, and by which clause."""

    standing: Standing
    reason: str
    clause: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """All patches judged, with what each takes of every control and plan, in m2."""

    material: Material
    granted: Granted
    within_m2: dict[str, Floats]
    judged: list[Judged]


def judge(of: Material, rules: EnforcementRules, roll_up: RollUp) -> Ledger:
    """Judge every patch."""
    count = len(of.areas_m2)
    within = {
        name: united_m2(of.laid[name].pieces.area, of.laid[name].pieces.shapes, count, of.srid)
        for name in rules.surrounding
    }
    found = granted(of, rules)
    case = _Case(of, rules, found, within, roll_up)
    return Ledger(of, found, within, [case.judged(patch) for patch in range(count)])


class _Case:
    """All that the judgement of one patch looks at."""

    def __init__(
        self, of: Material, rules: EnforcementRules, found: Granted, within: dict[str, Floats], roll_up: RollUp
    ) -> None:
        self.of, self.rules, self.granted, self.within, self.roll_up = of, rules, found, within, roll_up
        grants = [(each.title.zh, of.laid[each.id]) for each in rules.approval if each.grants]
        controls = [(each.title.zh, of.laid[each.id]) for each in rules.control]
        self.unsure_grants, self.unsure_controls = _unsure(grants), _unsure(controls)

    def judged(self, patch: int) -> Judged:
        """What is said of one patch."""
        area = float(self.of.areas_m2[patch])
        outside = self._outside_scope(patch, area)
        if outside:
            return Judged(Standing.NOT_ASSESSED, outside, "")
        share = float(self.granted.then_m2[patch]) / area
        if share >= self.rules.whole_share:
            return self._granted(patch, share)
        before = str(self.of.patches.columns["class_before"][patch] or "")
        if self.roll_up(before) == CONSTRUCTION:
            return Judged(Standing.NOT_ASSESSED, f"变化前地类 {before} 已是建设用地，须核对规划许可和供地情况", "")
        undated = float(self.granted.undated_m2[patch]) / area
        unknown = f"批准日期不明的范围覆盖 {min(undated, 1.0):.1%}" if undated > self.rules.part_share else ""
        if self.unsure_grants or unknown:
            return Judged(Standing.NOT_ASSESSED, f"不能判定没有批准：{self.unsure_grants or unknown}", "")
        told = self._told(patch, area, share)
        if share <= self.rules.part_share:
            return Judged(Standing.SUSPECTED, f"没有批准记录{told}", self.rules.suspected_clause)
        return Judged(Standing.PARTLY, f"批准范围只覆盖 {share:.1%}{told}", self.rules.suspected_clause)

    def _outside_scope(self, patch: int, area: float) -> str:
        if area <= 0:
            return "图斑没有面积"
        after = str(self.of.patches.columns["class_after"][patch] or "")
        if not after:
            return "没有变化后地类"
        kind = self.roll_up(after)
        if kind is None:
            return f"变化后地类 {after} 未归入三大类"
        return "" if kind == CONSTRUCTION else f"变化后地类 {after} 不是建设用地，不在本核查范围"

    def _granted(self, patch: int, share: float) -> Judged:
        """A granted patch: lawful unless it lies in a controlled area, or that cannot be known."""
        broken = [control for control in self.rules.control if self._taken(control, patch)]
        text = f"批准范围覆盖 {min(share, 1.0):.1%}"
        if broken:
            worst = min(broken, key=lambda control: control.beyond != "suspected")
            parts = "；".join(
                f"占{control.title.zh} {self.within[control.id][patch]:.2f} 平方米，{control.advice or '须核实'}"
                for control in broken
            )
            return Judged(Standing(worst.beyond), f"{text}，但{parts}", worst.clause)
        unsure = "；".join(part for part in (self.unsure_grants, self.unsure_controls) if part)
        if unsure:
            return Judged(Standing.NOT_ASSESSED, f"{text}；{unsure}", "")
        return Judged(Standing.LEGAL, text, self.rules.legal_clause)

    def _taken(self, control: Control, patch: int) -> bool:
        return bool(self.within[control.id][patch] > max(control.limit_m2, self.rules.sliver_m2))

    def _told(self, patch: int, area: float, share: float) -> str:
        """What else is known of a patch that is not wholly granted."""
        told = []
        late = float(self.granted.now_m2[patch]) / area
        if late - share > self.rules.part_share:
            told.append(f"影像日期之后才批准 {late - share:.1%}")
        prereviewed = float(self.granted.prereviewed_m2[patch]) / area
        if prereviewed > self.rules.part_share:
            told.append(f"已预审 {min(prereviewed, 1.0):.1%}，预审不是用地批准")
        told += [
            f"占{control.title.zh} {self.within[control.id][patch]:.2f} 平方米"
            for control in self.rules.control
            if self._taken(control, patch)
        ]
        told += [self.unsure_controls] if self.unsure_controls else []
        return "；" + "；".join(told) if told else ""


def _unsure(layers: list[tuple[str, Laid]]) -> str:
    """Which layers are missing, or seen in part only."""
    missing = [name for name, laid in layers if not laid.features.present]
    cut = [name for name, laid in layers if laid.features.present and not laid.whole]
    parts = [f"缺少图层“{'、'.join(missing)}”"] if missing else []
    parts += [f"“{'、'.join(cut)}”只能看到部分辖区"] if cut else []
    return "，".join(parts)


def counts(judged: list[Judged], areas_m2: Floats) -> dict[Standing, tuple[int, float]]:
    """How many patches of each standing, and their area in m2."""
    stand = np.array([str(each.standing) for each in judged], dtype=object)
    return {each: (int((stand == str(each)).sum()), float(areas_m2[stand == str(each)].sum())) for each in Standing}
