"""The cycle of one project, parcel or area: its records, the stage reached, dates and gaps."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import shapely
from pydantic import Field, model_validator

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.context import Context
from cim.analysis.land_cycle.businesses import BUSINESSES, CHAIN, STAGE_NAMES, CodeKind
from cim.analysis.land_cycle.judging import area_m2, findings, reached, stages, united
from cim.analysis.land_cycle.records import SRID, Codes, Records, gather
from cim.analysis.land_cycle.rules import NAME, CycleRules, read_rules
from cim.analysis.overlay import overlay
from cim.analysis.reaching import area_in, places
from cim.analysis.rule_sets import RuleText, the_rules
from cim.model.analysis import Answer, Column, Finding, Place, Table, Title, Verdict

KINDS: tuple[CodeKind, ...] = ("project_code", "approval_no", "supervision_no", "parcel_code", "unit_no")
STATEMENT = "记录按代码和空间位置关联；缺口表示没有查到记录，不等于没有办理，须核对原件。"


class CycleParameters(Parameters):
    """One code, or an area."""

    project_code: str = Field("", title="项目代码 Project code", max_length=80)
    approval_no: str = Field("", title="批准文号 Approval number", max_length=80)
    supervision_no: str = Field("", title="电子监管号 Supervision number", max_length=80)
    parcel_code: str = Field("", title="宗地代码 Parcel code", max_length=80)
    unit_no: str = Field("", title="不动产单元号 Unit number", max_length=80)
    area: Any = area_field(default=None)
    rules: int | None = Field(None, title="规则版本 Edition of rules", ge=0, description="the newest when left out")
    data_versions: dict[str, int] = Field(default_factory=dict, title="数据版本 Data versions")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind).strip()]
        if len(given) + (self.area is not None) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)} and area")
        return self

    @property
    def codes(self) -> Codes:
        """The code that is asked for, by its kind."""
        return {kind: {getattr(self, kind).strip()} for kind in KINDS if getattr(self, kind).strip()}


async def run(asked: CycleParameters, context: Context) -> Answer:
    """Find the records, lay them on the subject, tell the stage and the gaps."""
    async with context.reading() as connection:
        text = await the_rules(connection, NAME, asked.rules)
        rules = read_rules(text)
        area = await area_in(context, connection, asked.area, SRID)
        subject, records = await gather(connection, context, asked.codes, area, rules.sliver_m2)
    return await asyncio.to_thread(_answer, subject, records, rules, text, context)


def _answer(
    subject: shapely.Geometry | None,
    records: Mapping[str, Records],
    rules: CycleRules,
    text: RuleText,
    context: Context,
) -> Answer:
    passed = stages(records)
    stage = reached(passed)
    found = findings(records, rules, context)
    missing = [of for of in records.values() if not of.found.present]
    whole = 0.0 if subject is None else area_m2(subject)
    return Answer(
        summary={
            "stage": stage,
            "stage_name": STAGE_NAMES[stage],
            "area_m2": round(whole, 2),
            "records": {name: len(of.found.keys) for name, of in records.items()},
            "gaps": sum(each.verdict in (Verdict.NOT, Verdict.PARTLY) for each in found),
        },
        findings=[_stage_finding(stage, missing), *found],
        tables=[_records_table(subject, records, context), _stages_table(subject, records, passed, whole)],
        places=_places(subject, records),
        sources=[of.found.edition for of in records.values()],
        rules={
            "name": text.name,
            "number": text.number,
            "edition": rules.edition,
            "sha256": text.digest,
            "source": rules.source,
        },
        statement=STATEMENT,
    )


def _stage_finding(stage: str, missing: list[Records]) -> Finding:
    told = f"已到“{STAGE_NAMES[stage]}”" if stage else "没有查到记录"
    if missing:
        told += f"；缺少图层“{'、'.join(of.business.zh for of in missing)}”，这些环节未评估"
    verdict = Verdict.INFORMATION if stage and not missing else Verdict.NOT_ASSESSED
    return Finding("stage", Title("所处环节", "Stage reached"), verdict, stage, None, "", "", message=told)


def _records_table(subject: shapely.Geometry | None, records: Mapping[str, Records], context: Context) -> Table:
    columns = (
        Column("business", Title("业务", "Business")),
        Column("number", Title("编号", "Number")),
        Column("project", Title("项目名称", "Project")),
        Column("day", Title("日期", "Day")),
        Column("area_m2", Title("记录面积", "Area"), "number", "m2", 2),
        Column("overlap_m2", Title("与对象重叠", "On the subject"), "number", "m2", 2),
        Column("link", Title("关联方式", "Linked by")),
        Column("codes", Title("代码", "Codes")),
        Column("facts", Title("其他", "More")),
    )
    rows: list[tuple[Any, ...]] = []
    for of in records.values():
        for k, key in enumerate(of.found.keys):
            shape = of.found.shapes[k]
            on = _overlap_m2(subject, shape)
            link = "、".join(word for word, holds in (("代码", key in of.by_code), ("空间", on > 0)) if holds)
            rows.append(
                (
                    of.business.zh,
                    key,
                    of.found.columns["project"][k],
                    context.shown(of.business.layer, of.business.day, of.found.columns[of.business.day][k]),
                    round(area_m2(shape), 2),
                    round(on, 2),
                    link,
                    "；".join(
                        str(of.found.columns[name][k]) for name in of.business.codes if of.found.columns[name][k]
                    ),
                    _facts(of, k, context),
                )
            )
    return Table("records", Title("业务记录链", "Chain of records"), columns, rows)


def _codes(of: Records, k: int) -> str:
    values = (of.found.columns[name][k] for name in of.business.codes)
    return "；".join(str(value) for value in values if value)


def _facts(of: Records, k: int, context: Context) -> str:
    titles = context.field_titles.get(of.business.layer, {})
    told = [(titles.get(name, name), of.found.columns[name][k], name) for name in of.business.facts]
    return "；".join(f"{title} {context.shown(of.business.layer, name, value)}" for title, value, name in told if value)


def _overlap_m2(subject: shapely.Geometry | None, shape: shapely.Geometry) -> float:
    if subject is None:
        return 0.0
    pieces = overlay(np.array([subject], dtype=object), np.array([shape], dtype=object), SRID)
    return float(pieces.areas_m2.sum())


def _stages_table(
    subject: shapely.Geometry | None, records: Mapping[str, Records], passed: Mapping[str, list[Any]], whole: float
) -> Table:
    columns = (
        Column("stage", Title("环节", "Stage")),
        Column("records", Title("记录数", "Records"), "count"),
        Column("first", Title("最早日期", "First day")),
        Column("last", Title("最晚日期", "Last day")),
        Column("covered_m2", Title("覆盖对象", "Of the subject"), "number", "m2", 2),
        Column("share", Title("覆盖比例", "Share"), "number", "%", 2),
        Column("state", Title("状态", "State")),
    )
    rows: list[tuple[Any, ...]] = []
    for stage in (*CHAIN, "consolidation"):
        of = records.get(stage, records["supply"])
        days = passed.get(stage, [])
        count = len(of.found.keys) if stage in records else len(days)
        covered = _overlap_m2(subject, united(of.found.shapes)) if stage in records and count else None
        share = round(100 * covered / whole, 2) if covered is not None and whole else None
        state = "未评估（缺少图层）" if not of.found.present else "有记录" if stage in passed else "没有记录"
        first, last = (days[0].isoformat(), days[-1].isoformat()) if days else (None, None)
        shown = None if covered is None else round(covered, 2)
        rows.append((STAGE_NAMES[stage], count, first, last, shown, share, state))
    return Table("stages", Title("各环节", "Stages"), columns, rows)


def _places(subject: shapely.Geometry | None, records: Mapping[str, Records]) -> list[Place]:
    if subject is None:
        return []
    shapes: list[shapely.Geometry] = [subject]
    facts: list[dict[str, Any]] = [{"kind": "subject"}]
    for business in BUSINESSES:
        of = records[business.id]
        shapes += list(of.found.shapes)
        facts += [{"kind": business.id, "number": key, "layer": business.layer} for key in of.found.keys]
    return places(np.array(shapes, dtype=object), SRID, facts)


ANALYSIS: Analysis[CycleParameters] = Analysis(
    id="land-cycle",
    version="1",
    title=Title("土地全周期", "Land cycle"),
    description=Title(
        "按项目代码、批准文号、电子监管号、宗地代码、不动产单元号或范围，列出预审、农转用、征收、供应、登记、整治记录，"
        "说明所处环节、日期、重叠面积和衔接缺口。",
        "The records of pre-review, conversion, expropriation, supply, registration and consolidation of a project, "
        "parcel or area: stage reached, days, overlaps and gaps.",
    ),
    parameters=CycleParameters,
    run=run,
)
