"""Which acts need approval and by whom, and what must be made up for: each act by rules of its own."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cim.analysis.compliance_review.rules import Act, Condition, Measure, Replacement, ReviewRules
from cim.analysis.land_figures import MU_M2
from cim.model.analysis import Column, Table, Title

UNKNOWN = "不能判定"
Measures = Mapping[Measure, float | None]
MEASURE_NAMES: dict[Measure, str] = {
    "total_m2": "总面积",
    "agricultural_m2": "农用地",
    "arable_m2": "耕地（净）",
    "arable_outside_basic_farmland_m2": "永久基本农田以外的耕地（净）",
    "construction_m2": "建设用地",
    "unused_m2": "未利用地",
    "basic_farmland_m2": "永久基本农田",
    "collective_m2": "集体土地",
    "collective_basic_farmland_m2": "集体土地中的永久基本农田",
    "collective_arable_outside_basic_farmland_m2": "集体土地中永久基本农田以外的耕地（净）",
    "collective_other_m2": "集体土地中的其他土地",
}


def acts_table(rules: ReviewRules, found: Measures, on: date, project_level: str, region: str) -> Table:
    """Each act: whether it is needed, the authority, why, and by which clause."""
    rows = [_act_row(act, found, on, project_level, region) for act in rules.act]
    columns = (
        Column("act", Title("审批事项", "Act")),
        Column("needed", Title("是否需要", "Needed")),
        Column("authority", Title("审批机关", "Authority")),
        Column("reason", Title("判定依据", "Reason")),
        Column("clause", Title("条款", "Clause")),
    )
    return Table("acts", Title("审批事项与级别建议", "Acts and levels of approval"), columns, rows)


def _act_row(act: Act, found: Measures, on: date, project_level: str, region: str) -> tuple[Any, ...]:
    title = act.title.zh
    if not region.startswith(act.region):
        return (
            title,
            UNKNOWN,
            UNKNOWN,
            f"该规则适用于行政区代码 {act.region} 开头的地区，红线在 {region or '未知地区'}",
            act.clause,
        )
    if on < act.valid_from or (act.valid_until is not None and on > act.valid_until):
        until = act.valid_until or "至今"
        return title, UNKNOWN, UNKNOWN, f"审查日期 {on} 不在该规则有效期 {act.valid_from}—{until} 内", act.clause
    if act.by_project_level:
        authority = act.by_project_level.get(project_level, UNKNOWN)  # type: ignore[call-overload]  # keys are those words
        return title, "需要", authority, "随项目批准级别", act.clause
    if act.needed is not None:
        value = found[act.needed.measure]
        if value is None:
            return title, UNKNOWN, UNKNOWN, f"缺少“{MEASURE_NAMES[act.needed.measure]}”数据", act.clause
        if not _over(value, act.needed):
            return title, "不需要", "", f"{MEASURE_NAMES[act.needed.measure]} {value:.2f} 平方米", act.clause
    return title, "需要", *_authority(act, found)


def _authority(act: Act, found: Measures) -> tuple[str, str, str]:
    """The first level whose condition holds; none below a level that cannot be decided."""
    for level in act.level:
        if not level.any:
            return level.authority, _and(_figures(act, found), act.note), level.clause or act.clause
        known = [(condition, found[condition.measure]) for condition in level.any]
        met = [(condition, value) for condition, value in known if value is not None and _over(value, condition)]
        if met:
            reason = "；".join(_reason(condition, value) for condition, value in met)
            return level.authority, _and(reason, act.note), level.clause or act.clause
        missing = [MEASURE_NAMES[condition.measure] for condition, value in known if value is None]
        if missing:
            return (
                UNKNOWN,
                f"缺少“{'、'.join(missing)}”数据，不能排除由{level.authority}批准",
                level.clause or act.clause,
            )
    return UNKNOWN, "规则没有给出审批机关", act.clause


def _over(value: float, condition: Condition) -> bool:
    """Over, to the hundredth of a square metre that areas are stated in; what equals the limit is not over it."""
    return round(value, 2) > condition.over_m2


def _reason(condition: Condition, value: float) -> str:
    return f"{MEASURE_NAMES[condition.measure]} {value / 1e4:.4f} 公顷，超过 {condition.over_m2 / 1e4:g} 公顷"


def _figures(act: Act, found: Measures) -> str:
    names: list[Measure] = [condition.measure for level in act.level for condition in level.any]
    return "；".join(f"{MEASURE_NAMES[name]} {(found[name] or 0.0) / 1e4:.4f} 公顷" for name in dict.fromkeys(names))


def _and(text: str, note: str) -> str:
    return f"{text}。{note}" if note else text


def replacement_table(rules: ReviewRules, found: Measures) -> Table:
    """What must be made up for elsewhere."""
    columns = (
        Column("item", Title("事项", "Item")),
        Column("area_m2", Title("面积", "Area"), "number", "m2", 2),
        Column("area_ha", Title("面积", "Area"), "number", "ha", 4),
        Column("area_mu", Title("面积", "Area"), "number", "亩", 4),
        Column("clause", Title("条款", "Clause")),
        Column("note", Title("说明", "Note")),
    )
    return Table(
        "replacement",
        Title("补划与占补平衡", "To be made up for"),
        columns,
        [_replacement_row(entry, found[entry.measure]) for entry in rules.replacement],
    )


def _replacement_row(entry: Replacement, value: float | None) -> tuple[Any, ...]:
    if value is None:
        note = f"缺少“{MEASURE_NAMES[entry.measure]}”数据，不能判定"
        return entry.title.zh, None, None, None, entry.clause, note
    area = round(value * entry.factor, 2)
    return entry.title.zh, area, round(area / 1e4, 4), round(area / MU_M2, 4), entry.clause, entry.note
