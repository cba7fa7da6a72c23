"""The tables of a review: parcels, land status by class, owner and tenure, and lists of patches."""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.analysis.compliance_review.checking import Checked
from cim.analysis.compliance_review.measuring import RollUp, Subject, class_of
from cim.analysis.compliance_review.rules import Measure
from cim.analysis.context import CodeNames, Context
from cim.analysis.land_figures import MU_M2, by_class, closed
from cim.analysis.overlay import Closure
from cim.model.analysis import Column, Table, Title
from cim.model.redline import RedLine

NAME = Column("name", Title("名称", "Name"))
CODE = Column("code", Title("编码", "Code"))
HECTARES = Column("computed_ha", Title("计算面积", "Computed"), "number", "ha", 4)
MU = Column("computed_mu", Title("计算面积", "Computed"), "number", "亩", 4)
THREE_NAMES = {
    "agricultural": "农用地",
    "construction": "建设用地",
    "unused": "未利用地",
    "unclassified": "未归入三大类",
}
MOST_LISTED = 2_000
CLOSURE_NOTE = (
    "计算面积为 CGCS2000 椭球面积；各部分按“按交点加密后的面积”闭合，再统一调整到按界址点的面积，"
    "空缺与重叠如实列出、不分摊"
)
REGISTER_NOTE = "登记面积＝图斑面积 TBMJ ×（部分椭球面积／图斑椭球面积）"


def _square_metres(name: str, zh: str, en: str) -> Column:
    return Column(name, Title(zh, en), "number", "m2", 2)


COMPUTED = _square_metres("computed_m2", "计算面积", "Computed")
REGISTER = _square_metres("register_m2", "登记面积（图斑面积折算）", "Register")


def parcels_table(red_line: RedLine, areas: Sequence[float], found: Sequence[Closure]) -> Table:
    """Each parcel: declared and computed area, and how the pieces of land close on it."""
    columns = (
        Column("number", Title("地块编号", "Parcel")),
        NAME,
        _square_metres("declared_m2", "申报面积", "Declared"),
        _square_metres("computed_m2", "椭球面积（按界址点）", "Ellipsoidal, by corner points"),
        _square_metres("difference_m2", "差值", "Difference"),
        _square_metres("noded_m2", "按交点加密后的面积", "With points of intersection"),
        _square_metres("parts_m2", "各图斑部分之和", "Sum of parts"),
        _square_metres("gap_m2", "无现状数据", "Without data"),
        _square_metres("overlap_m2", "图斑重叠", "Overlapping data"),
    )
    rows = []
    for parcel, area, each in zip(red_line.parcels, areas, found, strict=True):
        declared = parcel.declared_m2
        difference = None if declared is None else round(area - declared, 2)
        figures = (round(value, 2) for value in (each.noded_m2, each.parts_m2, each.gap_m2, each.overlap_m2))
        rows.append((parcel.number, parcel.name, declared, round(area, 2), difference, *figures))
    return Table("parcels", Title("地块", "Parcels"), columns, rows, CLOSURE_NOTE)


def classes_table(of: Subject, factor: float, names: CodeNames | None, roll_up: RollUp) -> Table:
    """Land status by class; ridges are inside the computed and register areas and outside the net one."""
    columns = (
        CODE,
        NAME,
        Column("three_class", Title("三大类", "Of three classes")),
        COMPUTED,
        HECTARES,
        MU,
        Column("share", Title("占比", "Share"), "number", "%", 2),
        REGISTER,
        _square_metres("net_m2", "地类净面积", "Net"),
        _square_metres("ridge_m2", "其中田坎", "Ridges"),
        Column("pieces", Title("图斑数", "Patches"), "count"),
    )
    mine = of.material.patches.at(of.pieces)
    figures = by_class(mine, factor)
    total = sum(figure.computed_m2 for figure in figures)
    called = dict(zip(mine.code, mine.name, strict=True))
    hectares = closed([figure.computed_m2 / 1e4 for figure in figures], 1e-4)
    rows: list[tuple[Any, ...]] = []
    for figure, ha in zip(figures, hectares, strict=True):
        name = (names.names.get(figure.code) if names else None) or called.get(figure.code, "")
        share = round(figure.computed_m2 / total * 100, 2) if total else 0.0
        three = THREE_NAMES[class_of(roll_up, figure.code)]
        areas = (figure.computed_m2, ha, round(figure.computed_m2 / MU_M2, 4), share)
        rows.append(
            (figure.code, name, three, *areas, figure.register_m2, figure.net_m2, figure.ridge_m2, figure.pieces)
        )
    return Table("land_status", Title("土地利用现状", "Land status"), columns, rows, REGISTER_NOTE)


def owners_table(of: Subject, factor: float, tenures: CodeNames | None) -> Table:
    """Land status by owner, tenure and class."""
    mine = of.material.patches.at(of.pieces)

    def group(index: int) -> str:
        return "\t".join((mine.owner[index], mine.tenure[index], mine.code[index]))

    columns = (
        Column("owner", Title("权属单位", "Owner")),
        Column("tenure", Title("权属性质", "Tenure")),
        CODE,
        COMPUTED,
        REGISTER,
        Column("pieces", Title("图斑数", "Patches"), "count"),
    )
    rows = []
    for figure in by_class(mine, factor, group):
        owner, tenure, code = figure.code.split("\t")
        named = (tenures.names.get(tenure) if tenures else None) or tenure
        rows.append((owner, named, code, figure.computed_m2, figure.register_m2, figure.pieces))
    return Table("owners", Title("权属", "Owners"), columns, rows)


def totals_table(found: Mapping[Measure, float | None], names: Mapping[Measure, str]) -> Table:
    """The measures by name, in m2, hectares and mu; empty where they could not be measured."""
    columns = (NAME, COMPUTED, HECTARES, MU)
    rows = [(names[measure], *_units(value)) for measure, value in found.items()]
    return Table("totals", Title("汇总", "Totals"), columns, rows)


def _units(value: float | None) -> tuple[float | None, ...]:
    if value is None:
        return None, None, None
    return round(value, 2), round(value / 1e4, 4), round(value / MU_M2, 4)


def patch_tables(checked: Sequence[Checked], of: Subject, context: Context) -> list[Table]:
    """For each rule with pieces a list of them, with the fields the rule names."""
    listed = [each for each in checked if len(each.pieces) and each.rule.list_fields]
    return [_patches(each, of, context) for each in listed]


def _patches(each: Checked, of: Subject, context: Context) -> Table:
    laid, rule = of.material.rules[each.rule.id], each.rule
    near = rule.test == "near"
    titles = context.field_titles.get(rule.layer, {})
    columns = [Column(name, Title(titles.get(name, name), name)) for name in rule.list_fields]
    columns += [] if near else [_square_metres("inside_m2", "红线内面积", "Inside")]
    rows = []
    for piece in each.pieces[:MOST_LISTED]:
        feature = int(piece) if near else int(laid.pieces.feature[piece])
        held = laid.features.columns
        values = [context.shown(rule.layer, name, held[name][feature]) for name in rule.list_fields]
        rows.append(tuple(values if near else [*values, round(float(laid.pieces.areas_m2[piece]), 2)]))
    more = len(each.pieces) - MOST_LISTED
    note = f"另有 {more} 处未列出" if more > 0 else ""
    title = Title(f"{rule.title.zh}清单", f"{rule.title.en}: list")
    return Table(f"patches-{rule.id}", title, tuple(columns), rows, note)
