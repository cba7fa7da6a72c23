"""Grades of major hazard sources 重大危险源分级, with the residents outside of the plant counted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.analysis.impact.hazard_rules import GRADE_NAMES, alpha_of, grade_of, r_of
from cim.analysis.impact.hazard_units import GradeParameters, Unit, outside_of, units_of
from cim.analysis.impact.people import METHOD, People, people_in
from cim.analysis.impact.shapes import absent, drawn, stated
from cim.analysis.impact.substances import UNCHECKED
from cim.analysis.overlay import Shapes
from cim.model.analysis import Answer, Column, Finding, Place, SourceEdition, Table, Title

FORMULA = "R = α·Σ(β·q/Q)，Ⅰ级 R≥100，Ⅱ级 50–100，Ⅲ级 10–50，Ⅳ级 <10（GB 18218-2018）"
STATEMENT = "本结果按登记的存量和人口推算，用于核对，不代替重大危险源辨识与分级报告。"


async def hazard_grade(asked: GradeParameters, context: Context) -> Answer:
    """R and grade of each unit, beside the registered ones."""
    units, source = await units_of(asked, context)
    zones = np.array([outside_of(unit.plant) for unit in units], dtype=object)
    people = await people_in(context, zones)
    rows = [_row(unit, people, number) for number, unit in enumerate(units)]
    graded = [row for row in rows if row[7] is not None]
    summary: dict[str, Any] = {
        "hazards": len(units),
        "graded": len(graded),
        "by_grade": {str(grade): sum(row[7] == GRADE_NAMES[grade] for row in graded) for grade in GRADE_NAMES},
        "differing": sum(row[10] == "不一致" for row in rows),
        "notes": [FORMULA, METHOD, "临界量、β 值为二手数据，未与标准原文核对"],
    }
    if len(rows) == 1:
        names = ("residents", "alpha", "sum", "r", "grade")
        summary |= dict(zip(names, (rows[0][3], rows[0][4], rows[0][5], rows[0][6], rows[0][7]), strict=True))
    return Answer(
        summary,
        findings=_findings(asked, units, people, source),
        tables=[_table(rows), _stocks(units)],
        places=_places(units, zones, rows),
        sources=[*([source] if source else []), people.edition],
        statement=STATEMENT,
    )


def _row(unit: Unit, people: People, number: int) -> tuple[Any, ...]:
    """Residents, alpha, the sum, R, grade; what is registered, and whether both grades agree."""
    residents = None if people.persons is None else people.persons[number]
    total = None if unit.lacking else round(sum(stock.share for stock in unit.stocks), 3)
    r = grade = None
    if residents is not None and not unit.lacking:
        r = round(r_of(unit.stocks, residents), 2)
        grade = GRADE_NAMES[grade_of(r_of(unit.stocks, residents))]
    told = {str(number): name for number, name in GRADE_NAMES.items()}.get(unit.registered_grade or "")
    agree = "" if grade is None or told is None else ("一致" if grade == told else "不一致")
    alpha = None if residents is None else alpha_of(residents)
    substances = "、".join(f"{stock.name} {stock.quantity_t:g} t" for stock in unit.stocks) or unit.lacking
    return (
        unit.code,
        unit.name,
        substances,
        residents,
        alpha,
        total,
        r,
        grade,
        unit.registered_r,
        told,
        agree,
    )


def _findings(
    asked: GradeParameters, units: Sequence[Unit], people: People, source: SourceEdition | None
) -> list[Finding]:
    out = []
    if people.persons is None:
        out.append(absent(people.edition, "厂外人数未知，α 不能确定，未分级"))
    if people.partly:
        text = "只计您有权查看的区域内的人口，α 和级别可能偏低"
        out.append(stated("partly", "人口不全", "Not all people", text, missing=True))
    if source is not None and not units:
        out.append(stated("none", "没有危险源", "No hazards", "图层中没有危险源"))
    if asked.area is None:
        text = f"没有厂界，以点位周围 {asked.boundary_m:g} 米代替，500 米带的人数随之变化，请给出厂界核对"
        out.append(stated("boundary", "厂界近似", "Boundary", text, missing=True))
    lacking = [f"{unit.code} {unit.lacking}" for unit in units if unit.lacking]
    if lacking:
        out.append(stated("lacking", "未分级", "Not graded", "；".join(lacking[:20]), missing=True))
    unlike = [
        f"{unit.code} 登记 {unit.registered_beta:g}，标准 {unit.stocks[0].beta:g}"
        for unit in units
        if unit.stocks and unit.registered_beta is not None and unit.registered_beta != unit.stocks[0].beta
    ]
    if unlike:
        text = f"{len(unlike)} 处登记的 β 与标准不同，按标准计算：{'；'.join(unlike[:10])}"
        out.append(stated("beta", "β 值不一致", "Beta differs", text))
    return out


def _places(units: Sequence[Unit], zones: Shapes, rows: Sequence[tuple[Any, ...]]) -> list[Place]:
    out = []
    for unit, zone, row in zip(units, zones, rows, strict=True):
        facts = {"code": unit.code, "residents": row[3], "r": row[6], "grade": row[7]}
        out.append(drawn(zone, {"kind": "outside", "title": f"{unit.name} 厂界外 500 米", **facts}))
        out.append(drawn(unit.plant, {"kind": "plant", "title": unit.name, **facts}))
    return out


def _table(rows: Sequence[tuple[Any, ...]]) -> Table:
    columns = (
        Column("id", Title("编号", "Id")),
        Column("name", Title("名称", "Name")),
        Column("substances", Title("物质", "Substances")),
        Column("residents", Title("厂外 500 米人数", "Residents"), "count", "人"),
        Column("alpha", Title("α", "Alpha"), "number", "", 1),
        Column("sum", Title("Σβq/Q", "Sum"), "number", "", 3),
        Column("r", Title("R", "R"), "number"),
        Column("grade", Title("级别", "Grade")),
        Column("registered_r", Title("登记 R", "Registered R"), "number"),
        Column("registered_grade", Title("登记级别", "Registered grade")),
        Column("agree", Title("与登记", "Agrees")),
    )
    return Table("grades", Title("重大危险源分级", "Grades"), columns, rows, f"{FORMULA}。{METHOD}")


def _stocks(units: Sequence[Unit]) -> Table:
    columns = (
        Column("id", Title("编号", "Id")),
        Column("substance", Title("物质", "Substance")),
        Column("quantity_t", Title("存量 q", "Quantity"), "number", "t"),
        Column("critical_t", Title("临界量 Q", "Critical quantity"), "number", "t"),
        Column("beta", Title("β", "Beta"), "number"),
        Column("share", Title("βq/Q", "Share"), "number", "", 3),
    )
    rows = [
        (unit.code, one.name, one.quantity_t, one.critical_t, one.beta, round(one.share, 3))
        for unit in units
        for one in unit.stocks
    ]
    note = f"GB 18218-2018 表 1、表 3、表 4（{UNCHECKED}）"
    return Table("stocks", Title("存量与临界量", "Stocks and critical quantities"), columns, rows, note)


ANALYSIS: Analysis[GradeParameters] = Analysis(
    id="hazard-grade",
    version="1",
    title=Title("重大危险源分级", "Major hazard grade"),
    description=Title(
        "按存量、临界量和厂界外 500 米常住人口计算 R 值和级别，并与登记值比对。",
        "R and grade by stock, critical quantities and the residents within 500 m outside, beside the registered ones.",
    ),
    parameters=GradeParameters,
    run=hazard_grade,
)
