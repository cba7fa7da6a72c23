"""The review of one red line: checks, land status, findings, levels of approval, replacement needs."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely

from cim.analysis.analysis import Analysis
from cim.analysis.area import red_line_of
from cim.analysis.compliance_review import tables
from cim.analysis.compliance_review.checking import Case, Checked, check
from cim.analysis.compliance_review.levels import MEASURE_NAMES, acts_table, replacement_table
from cim.analysis.compliance_review.material import REGION_FIELD, Material, gather
from cim.analysis.compliance_review.measuring import Subject, closures, factor_of, measures, subject
from cim.analysis.compliance_review.parameters import ReviewParameters
from cim.analysis.compliance_review.rules import Measure, ReviewRules, read_rules
from cim.analysis.context import Context
from cim.analysis.overlay import Closure, Shapes, areal
from cim.analysis.rule_sets import RuleText, the_rules
from cim.model.analysis import Answer, Finding, Place, SourceEdition, Title, Verdict
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import RedLine, to_lonlat

VERSION = "1"
STATEMENT = "本结果由系统依据所列数据版本和规则版本自动计算，仅供辅助审查，不代替主管部门的审批决定。"
CLAUSE_COVER = "面积闭合：各部分之和应等于整体"
_ORDER = (Verdict.NOT, Verdict.PARTLY, Verdict.NOT_ASSESSED)


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject under all rules."""

    of: Subject
    closures: list[Closure]
    factor: float
    measures: dict[Measure, float | None]
    checked: list[Checked]
    findings: list[Finding]

    @property
    def verdict(self) -> Verdict:
        """The worst of the findings; a rule that is not assessed keeps the whole from being a pass."""
        return overall(self.findings)


def overall(findings: Sequence[Finding]) -> Verdict:
    """The verdict of findings together."""
    found = {finding.verdict for finding in findings}
    return next((verdict for verdict in _ORDER if verdict in found), Verdict.CONFORMS)


def judge(of: Subject, rules: ReviewRules, asked: ReviewParameters, context: Context) -> Judged:
    """Apply every rule to a subject."""
    roll_up = context.roll_ups[rules.three_way].of
    closing = closures(of)
    factor = factor_of(closing)
    outside = _outside_m2(of)
    checked = [
        check(Case(rule, of, of.material.rules[rule.id], rules, asked, outside if outside is not None else 0.0))
        for rule in rules.rule
    ]
    findings = [_coverage(of, closing, rules), *(each.finding for each in checked)]
    return Judged(of, closing, factor, measures(of, roll_up, factor), checked, findings)


def _outside_m2(of: Subject) -> float | None:
    """How much of a subject lies beyond the bounds of the data; None where these are not there."""
    bounds = of.material.bounds
    if not bounds.features.present:
        return None
    inside = float(bounds.pieces.areas_m2[of.pieces_in(bounds)].sum())
    return max(0.0, of.area_m2 - inside)


def _coverage(of: Subject, closing: Sequence[Closure], rules: ReviewRules) -> Finding:
    """Whether the land status covers the red line once everywhere; the residue is told, never spread."""
    land = of.material.land
    title = Title("现状数据完整性", "Completeness of land status")
    edition = land.features.edition
    if not land.features.present:
        missing = Verdict.NOT_ASSESSED
        return Finding(
            "land-status", title, missing, None, None, "", CLAUSE_COVER, rules.land_layer, edition.text, edition.note
        )
    gap, overlap = sum(each.gap_m2 for each in closing), sum(each.overlap_m2 for each in closing)
    text = f"无现状数据 {gap:.2f} 平方米，图斑重叠 {overlap:.2f} 平方米"
    verdict = Verdict.NOT_ASSESSED if max(gap, overlap) > rules.sliver_m2 else Verdict.CONFORMS
    if verdict is Verdict.CONFORMS and land.partial:
        verdict, text = Verdict.NOT_ASSESSED, f"您只能查看该图层的部分辖区；可见部分：{text}"
    measured = round(gap + overlap, 2)
    return Finding(
        "land-status",
        title,
        verdict,
        measured,
        rules.sliver_m2,
        "m2",
        CLAUSE_COVER,
        rules.land_layer,
        edition.text,
        text,
    )


async def review(asked: ReviewParameters, context: Context) -> Answer:
    """Review one red line, all its parcels together."""
    async with context.reading() as connection:
        text = await the_rules(connection, "compliance-review", asked.rules)
        rules = read_rules(text)
        red_line = await red_line_of(context, asked.area)
        context.progress(10, "读取图层")
        material = await gather(connection, context, rules, red_line.shapes, red_line.srid, asked.scenario)
    context.progress(60, "逐条审查")
    whole = subject(material, np.arange(len(red_line.parcels)))
    judged = await asyncio.to_thread(judge, whole, rules, asked, context)
    return await asyncio.to_thread(_answer, judged, red_line, rules, text, asked, context)


def _region(material: Material) -> str:
    """The administrative code of where most of the areas are, from the layer of bounds."""
    pieces = material.bounds.pieces
    return str(material.bounds.value(REGION_FIELD, int(np.argmax(pieces.areas_m2))) or "") if len(pieces.area) else ""


def _answer(
    judged: Judged,
    red_line: RedLine,
    rules: ReviewRules,
    text: RuleText,
    asked: ReviewParameters,
    context: Context,
) -> Answer:
    on = asked.on or date.today()  # noqa: DTZ011 - the day at the office that reviews
    areas = [float(area) for area in judged.of.material.areas_m2]
    region = _region(judged.of.material)
    acts = acts_table(rules, judged.measures, on, asked.project_level, region)
    found = [
        tables.parcels_table(red_line, areas, judged.closures),
        tables.classes_table(
            judged.of, judged.factor, context.codes.get("third-survey"), context.roll_ups[rules.three_way].of
        ),
        tables.owners_table(judged.of, judged.factor, context.codes.get("tenure")),
        tables.totals_table(judged.measures, MEASURE_NAMES),
        acts,
        replacement_table(rules, judged.measures),
        *tables.patch_tables(judged.checked, judged.of, context),
    ]
    return Answer(
        summary={
            "verdict": str(judged.verdict),
            "area_m2": round(sum(areas), 2),
            "parcels": len(red_line.parcels),
            "measures": {name: None if value is None else round(value, 2) for name, value in judged.measures.items()},
            "closure": _closure(judged),
            "project": asked.project,
            "project_code": asked.project_code,
            "applicant": asked.applicant,
            "on": on.isoformat(),
            "operator": context.operator,
            "region": region,
            "red_line": {
                "name": red_line.name,
                "sha256": red_line.digest,
                "crs": f"EPSG:{red_line.srid}",
                "evidence": red_line.evidence,
                "notes": list(red_line.notes),
            },
        },
        findings=judged.findings,
        tables=found,
        places=_places(judged, red_line),
        sources=sources_of(judged.of.material),
        rules=rules_document(text, rules, context),
        statement=STATEMENT,
    )


def _closure(judged: Judged) -> dict[str, float]:
    """The sums before any adjustment, and the whole that the parts close on."""
    names = ("corner_m2", "noded_m2", "parts_m2", "gap_m2", "overlap_m2")
    sums = {name: sum(getattr(each, name) for each in judged.closures) for name in names}
    whole = sums["noded_m2"]
    rest = whole - sums["parts_m2"] - sums["gap_m2"] + sums["overlap_m2"]
    return {**sums, "relative": abs(rest) / whole if whole else 0.0, "factor": judged.factor}


def rules_document(text: RuleText, rules: ReviewRules, context: Context) -> dict[str, Any]:
    """Which rules an answer stands on."""
    return {
        "name": text.name,
        "number": text.number,
        "edition": rules.edition,
        "sha256": text.digest,
        "source": rules.source,
        "three_way": context.roll_ups[rules.three_way].edition,
    }


def sources_of(material: Material) -> list[SourceEdition]:
    """The editions of every layer that was read."""
    laid = [material.land, material.farmland, material.bounds, *material.rules.values()]
    return list({each.features.edition.layer: each.features.edition for each in laid}.values())


def _shown(each: Checked, of: Subject) -> Shapes:
    """What a finding is about: pieces, the features nearby, or what of the areas lies outside."""
    laid = of.material.rules[each.rule.id]
    if each.rule.test == "near":
        return laid.features.shapes[each.pieces]
    if each.rule.test != "inside":
        return laid.pieces.shapes[each.pieces]
    areas = of.material.areas[of.areas]
    outside = areal(np.asarray(shapely.difference(areas, shapely.union_all(laid.pieces.shapes[each.pieces]))))
    return outside[~shapely.is_empty(outside)]


def _places(judged: Judged, red_line: RedLine) -> list[Place]:
    """The parcels, and what every rule that is not met is about, in longitude and latitude."""
    material = judged.of.material
    shapes = list(to_lonlat(material.areas, material.srid))
    facts: list[dict[str, object]] = [
        {"kind": "parcel", "number": parcel.number, "name": parcel.name, "area_m2": round(float(area), 2)}
        for parcel, area in zip(red_line.parcels, material.areas_m2, strict=True)
    ]
    for each in judged.checked:
        if each.finding.verdict not in (Verdict.NOT, Verdict.PARTLY, Verdict.INFORMATION):
            continue
        pieces = to_lonlat(_shown(each, judged.of), material.srid)
        shapes += list(pieces)
        facts += [
            {
                "kind": "finding",
                "rule": each.rule.id,
                "verdict": str(each.finding.verdict),
                "area_m2": round(float(area), 2),
            }
            for area in ellipsoidal_areas_m2(pieces)
        ]
    texts = shapely.to_geojson(np.array(shapes, dtype=object))
    return [Place(json.loads(text), fact) for text, fact in zip(texts, facts, strict=True)]


ANALYSIS: Analysis[ReviewParameters] = Analysis(
    id="compliance-review",
    version=VERSION,
    title=Title("建设用地合规性审查", "Compliance review"),
    description=Title(
        "红线与土地利用现状、三条控制线、其他控制线、详细规划、地质灾害和已有业务记录逐项比对，"
        "给出面积、结论、条款、审批级别建议和补充耕地要求。",
        "A red line against land status, control lines, plans, hazards and earlier business: areas, findings with "
        "clauses, levels of approval and what must be made up for.",
    ),
    parameters=ReviewParameters,
    run=review,
)
