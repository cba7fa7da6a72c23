"""The ledger of patches, the sums by verdict, and what enforcement finds of each layer."""

from collections.abc import Mapping
from typing import Any

from cim.analysis.context import Context
from cim.analysis.enforcement.judging import NAMES, Ledger, Standing, counts
from cim.analysis.enforcement.rules import EnforcementRules
from cim.analysis.land_figures import MU_M2
from cim.model.analysis import Column, Finding, Table, Title, Verdict

ARABLE_NOTE = "耕地面积为扣除田坎后的净面积，按当前（或指定版本）现状图斑计算；现状已更新为建设用地的，耕地面积为零"


def _square_metres(name: str, zh: str, en: str) -> Column:
    return Column(name, Title(zh, en), "number", "m2", 2)


def ledger_table(ledger: Ledger, rules: EnforcementRules, context: Context) -> Table:
    """One row for each patch."""
    layer = rules.patches_layer
    columns = (
        Column("patch_no", Title("图斑编号", "Patch")),
        Column("taken_on", Title("影像日期", "Seen on")),
        Column("class_before", Title("变化前地类", "Class before")),
        Column("class_after", Title("变化后地类", "Class after")),
        Column("source", Title("来源", "Found by")),
        _square_metres("area_m2", "椭球面积", "Area"),
        Column("verdict", Title("结论", "Verdict")),
        Column("reason", Title("理由", "Reason")),
        Column("clause", Title("条款", "Clause")),
        _square_metres("granted_m2", "已批准", "Granted"),
        Column("granted_share", Title("批准比例", "Share granted"), "number", "%", 2),
        Column("approvals", Title("批准文号", "Approvals")),
        _square_metres("prereviewed_m2", "已预审", "Pre-reviewed"),
        _square_metres("arable_m2", "占耕地（净）", "Arable land taken"),
        *(_square_metres(f"{each.id}_m2", f"占{each.title.zh}", each.title.en) for each in rules.control),
        *(_square_metres(f"{each.id}_m2", f"{each.title.zh}内", each.title.en) for each in rules.plan),
    )
    rows = [_row(ledger, rules, context, layer, patch) for patch in range(len(ledger.judged))]
    return Table("ledger", Title("变化图斑核查台账", "Ledger of change patches"), columns, rows, ARABLE_NOTE)


def _row(ledger: Ledger, rules: EnforcementRules, context: Context, layer: str, patch: int) -> tuple[Any, ...]:
    of, given = ledger.material, ledger.material.patches.columns
    area, judged = float(of.areas_m2[patch]), ledger.judged[patch]
    shown = (context.shown(layer, name, given[name][patch]) for name in ("taken_on", "class_before", "class_after"))
    then = float(ledger.granted.then_m2[patch])
    return (
        of.patches.keys[patch],
        *shown,
        context.shown(layer, "source", given["source"][patch]),
        round(area, 2),
        NAMES[judged.standing],
        judged.reason,
        judged.clause,
        round(then, 2),
        round(100 * min(then / area, 1.0), 2) if area else None,
        ledger.granted.numbers[patch],
        round(float(ledger.granted.prereviewed_m2[patch]), 2),
        round(float(of.arable_m2[patch]), 2) if of.land.features.present else None,
        *(
            round(float(ledger.within_m2[name][patch]), 2) if of.laid[name].features.present else None
            for name in rules.surrounding
        ),
    )


def sums_table(ledger: Ledger) -> Table:
    """Numbers and areas by verdict."""
    columns = (
        Column("verdict", Title("结论", "Verdict")),
        Column("count", Title("图斑数", "Patches"), "count"),
        _square_metres("area_m2", "面积", "Area"),
        Column("area_mu", Title("面积", "Area"), "number", "亩", 4),
    )
    found = counts(ledger.judged, ledger.material.areas_m2)
    rows = [(NAMES[each], n, round(m2, 2), round(m2 / MU_M2, 4)) for each, (n, m2) in found.items()]
    return Table("verdicts", Title("核查结论汇总", "Sums by verdict"), columns, rows)


def findings(ledger: Ledger, rules: EnforcementRules) -> list[Finding]:
    """One finding on all patches together, and one on each layer of controls and approvals."""
    of = ledger.material
    found = counts(ledger.judged, of.areas_m2)
    edition = of.patches.edition
    told = "，".join(f"{NAMES[each]} {n} 处" for each, (n, _) in found.items())
    patches = Finding(
        "patches",
        Title(rules.title.zh, rules.title.en),
        _overall(found),
        found[Standing.SUSPECTED][0],
        0,
        "count",
        rules.suspected_clause,
        rules.patches_layer,
        edition.text,
        told,
    )
    controls = [_control(ledger, rules, name) for name in (each.id for each in rules.control)]
    approvals = [
        Finding(
            each.id,
            Title(each.title.zh, each.title.en),
            Verdict.NOT_ASSESSED,
            None,
            None,
            "",
            rules.legal_clause,
            each.layer,
            of.laid[each.id].features.edition.text,
            "缺少该图层，不能判定有无批准" if not of.laid[each.id].features.present else "只能看到该图层的部分辖区",
        )
        for each in rules.approval
        if not of.laid[each.id].sure
    ]
    return [patches, *controls, *approvals]


def _overall(found: Mapping[Standing, tuple[int, float]]) -> Verdict:
    order = ((Standing.SUSPECTED, Verdict.NOT), (Standing.PARTLY, Verdict.PARTLY))
    for standing, verdict in order:
        if found[standing][0]:
            return verdict
    if found[Standing.NOT_ASSESSED][0] or not found[Standing.LEGAL][0]:
        return Verdict.NOT_ASSESSED
    return Verdict.CONFORMS


def _control(ledger: Ledger, rules: EnforcementRules, name: str) -> Finding:
    control = next(each for each in rules.control if each.id == name)
    laid, within = ledger.material.laid[name], ledger.within_m2[name]
    limit = max(control.limit_m2, rules.sliver_m2)
    taken = within[within > limit]
    total: float | None = round(float(taken.sum()), 2)
    verdict, text = Verdict.CONFORMS, f"没有图斑占用{control.title.zh}"
    if not laid.features.present:
        verdict, total, text = Verdict.NOT_ASSESSED, None, laid.features.edition.note
    elif len(taken):
        verdict, text = Verdict.NOT, f"{len(taken)} 处图斑占用{control.title.zh}，共 {total:.2f} 平方米"
    elif not laid.whole:
        verdict, text = Verdict.NOT_ASSESSED, f"只能看到部分辖区；可见部分{text}"
    return Finding(
        name,
        Title(control.title.zh, control.title.en),
        verdict,
        total,
        limit,
        "m2",
        control.clause,
        control.layer,
        laid.features.edition.text,
        text,
    )
