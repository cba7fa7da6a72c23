"""Enforcement: read the patches, lay everything over them, judge each, make the ledger."""

import asyncio

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.enforcement.judging import Ledger, Standing, counts, judge
from cim.analysis.enforcement.material import PATCH_FIELDS, gather
from cim.analysis.enforcement.parameters import EnforcementParameters
from cim.analysis.enforcement.rules import NAME, EnforcementRules, read_rules
from cim.analysis.enforcement.tables import findings, ledger_table, sums_table
from cim.analysis.reaching import MOST_PLACES, area_in, features_in, places
from cim.analysis.rule_sets import RuleText, the_rules
from cim.errors import BadRequest
from cim.model.analysis import Answer, Title

MOST_PATCHES = 50_000
STATEMENT = (
    "本结果由系统依据所列数据版本和规则版本自动比对，是执法线索，不是违法认定；"
    "“合法”只表示批准范围覆盖图斑且未见管控冲突。"
)


async def run(asked: EnforcementParameters, context: Context) -> Answer:
    """Check change patches, all at once."""
    async with context.reading() as connection:
        text = await the_rules(connection, NAME, asked.rules)
        rules = read_rules(text)
        srid = context.collection(rules.patches_layer).schema.srid
        area = await area_in(context, connection, asked.area, srid)
        context.progress(5, "读取变化图斑")
        patches = await features_in(
            context, connection, rules.patches_layer, PATCH_FIELDS, area, srid, where=asked.where
        )
        if len(patches.keys) > MOST_PATCHES:
            raise BadRequest(
                f"{len(patches.keys)} patches are more than are checked at once ({MOST_PATCHES})",
                where="area",
                remedy="give an area, or the days between which they were seen",
            )
        material = await gather(connection, context, rules, patches, srid)
    context.progress(80, "逐个判定")
    ledger = await asyncio.to_thread(judge, material, rules, context.roll_ups[rules.three_way].of)
    return await asyncio.to_thread(_answer, ledger, rules, text, context)


def _answer(ledger: Ledger, rules: EnforcementRules, text: RuleText, context: Context) -> Answer:
    of = ledger.material
    found = counts(ledger.judged, of.areas_m2)
    facts = [
        {"patch_no": key, "verdict": str(each.standing), "reason": each.reason, "area_m2": round(float(area), 2)}
        for key, each, area in zip(of.patches.keys, ledger.judged, of.areas_m2, strict=True)
    ]
    editions = [of.patches.edition, of.land.features.edition, *(laid.features.edition for laid in of.laid.values())]
    suspected = [each.standing is Standing.SUSPECTED for each in ledger.judged]
    arable = float(of.arable_m2[suspected].sum()) if of.land.features.present else None
    return Answer(
        summary={
            "patches": len(facts),
            **{f"{str(each).replace('-', '_')}_count": n for each, (n, _) in found.items()},
            **{f"{str(each).replace('-', '_')}_m2": round(m2, 2) for each, (_, m2) in found.items()},
            "suspected_arable_m2": None if arable is None else round(arable, 2),
            "places_left_out": max(0, len(facts) - MOST_PLACES),
        },
        findings=findings(ledger, rules),
        tables=[sums_table(ledger), ledger_table(ledger, rules, context)],
        places=places(of.patches.shapes, of.srid, facts),
        sources=list({edition.layer: edition for edition in editions}.values()),
        rules={
            "name": text.name,
            "number": text.number,
            "edition": rules.edition,
            "sha256": text.digest,
            "source": rules.source,
        },
        statement=STATEMENT,
    )


ANALYSIS: Analysis[EnforcementParameters] = Analysis(
    id="enforcement",
    version="1",
    title=Title("变化图斑执法核查", "Check of change patches"),
    description=Title(
        "变化图斑与农用地转用、供应、预审、管控范围和规划逐一比对：批准比例、结论、理由、条款、占用耕地和永久基本农田面积，形成台账。",
        "Change patches against approvals, controlled areas and plans: share granted, verdict with reason and clause, "
        "arable land and basic farmland taken, as a ledger.",
    ),
    parameters=EnforcementParameters,
    run=run,
    long=True,
)
