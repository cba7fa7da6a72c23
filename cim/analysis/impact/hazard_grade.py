"""Grades of major hazard sources 重大危险源分级, with the residents outside of the plant counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.impact.hazard_rules import GRADE_NAMES, OUTSIDE_M, Stock, alpha_of, grade_of, r_of
from cim.analysis.impact.people import METHOD, People, people_in
from cim.analysis.impact.shapes import absent, drawn, place_field, point_of, stated
from cim.analysis.impact.substances import UNCHECKED, found_substance
from cim.analysis.overlay import Shapes
from cim.analysis.reaching import EVERYWHERE
from cim.analysis.terrain.cells import metric_srid
from cim.errors import BadRequest, NotFound
from cim.model.analysis import Answer, Column, Finding, Place, SourceEdition, Table, Title
from cim.model.redline import LONLAT_SRID, moved, to_lonlat

HAZARDS = "hazards"
FIELDS = ("id", "name", "substance", "quantity_t", "beta", "r_value", "grade")
FORMULA = "R = α·Σ(β·q/Q)，Ⅰ级 R≥100，Ⅱ级 50–100，Ⅲ级 10–50，Ⅳ级 <10（GB 18218-2018）"
STATEMENT = "本结果按登记的存量和人口推算，用于核对，不代替重大危险源辨识与分级报告。"
FAR = 1e-3


class Item(Parameters):
    """A substance and how much of it there is."""

    substance: str = Field(max_length=60)
    quantity_t: float = Field(ge=0, le=10_000_000)


class GradeParameters(Parameters):
    """Which hazard, or a plant's own stock and boundary."""

    hazard: str | None = Field(
        None, title="危险源编号 Hazard id", max_length=60, description="不填为全部 all when left out"
    )
    boundary_m: float = Field(
        100.0,
        title="厂界半径 Plant radius (m)",
        ge=0,
        le=3_000,
        description="图层只有点位时代替厂界 stands for the plant boundary where only a point is known",
    )
    area: Any = area_field(default=None)
    place: Any = place_field(default=None)
    inventory: list[Item] = Field(default_factory=list, title="存量 Stock", max_length=50)


@dataclass(frozen=True, slots=True)
class Unit:
    """A hazard source: its plant in longitude and latitude, what is registered of it, what it holds.

    ``lacking`` says why its grade cannot be computed; empty where it can.
    """

    code: str
    name: str
    plant: shapely.Geometry
    stocks: tuple[Stock, ...]
    lacking: str = ""
    registered_r: float | None = None
    registered_grade: str | None = None
    registered_beta: float | None = None


async def hazard_grade(asked: GradeParameters, context: Context) -> Answer:
    """R and grade of each unit, beside the registered ones."""
    units, source = await _units(asked, context)
    zones = np.array([_outside(unit.plant) for unit in units], dtype=object)
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


async def _units(asked: GradeParameters, context: Context) -> tuple[list[Unit], SourceEdition | None]:
    area = None
    if asked.area is not None:
        area = shapely.union_all((await red_line_of(context, asked.area)).lonlat())
    if asked.inventory:
        return [_given(asked, area)], None
    units, edition = await _registered(asked, context)
    if area is not None:
        if len(units) != 1:
            raise BadRequest("a boundary is of one plant", where="area", remedy="name the hazard that it belongs to")
        units = [_with_plant(units[0], area)]
    return units, edition


def _given(asked: GradeParameters, area: shapely.Geometry | None) -> Unit:
    if area is None and asked.place is None:
        raise BadRequest("the stock has no place", where="place", remedy="give the plant's area, or its place")
    plant = area if area is not None else _disc(shapely.Point(*point_of(asked.place)), asked.boundary_m)
    stocks = tuple(_stock(item.substance, item.quantity_t) for item in asked.inventory)
    return Unit("", "给定存量", plant, stocks)


def _stock(name: str, quantity_t: float) -> Stock:
    found = found_substance(name)
    if found is None or found.critical_t is None or found.beta is None:
        raise BadRequest(
            f"no critical quantity of {name[:40]!r} is known",
            where="inventory",
            remedy="use a substance of substances.toml, or add it there with its source",
        )
    return Stock(found.zh, quantity_t, found.critical_t, found.beta)


async def _registered(asked: GradeParameters, context: Context) -> tuple[list[Unit], SourceEdition]:
    context.collection(HAZARDS)
    none = np.zeros(0, dtype=object)
    async with context.reading() as connection:
        found = await context.features(connection, HAZARDS, FIELDS, none, LONLAT_SRID, boxes=EVERYWHERE)
    units = []
    for number, shape in enumerate(found.shapes):
        record = {name: found.columns[name][number] for name in FIELDS}
        if asked.hazard is None or asked.hazard == str(record["id"]):
            units.append(_unit(record, _disc(shapely.centroid(shape), asked.boundary_m)))
    if asked.hazard is not None and not units:
        raise NotFound(
            f"there is no hazard {asked.hazard[:40]!r} that you may see",
            where="hazard",
            remedy=f"GET /collections/{HAZARDS}/items lists them",
        )
    return sorted(units, key=lambda unit: unit.code), found.edition


def _unit(record: dict[str, Any], plant: shapely.Geometry) -> Unit:
    name, quantity = str(record["substance"] or ""), record["quantity_t"]
    known = found_substance(name)
    stocks: tuple[Stock, ...] = ()
    if known is None or known.critical_t is None or known.beta is None:
        lacking = f"没有“{name or '未登记物质'}”的临界量"
    elif quantity is None:
        lacking = "没有登记存量"
    else:
        lacking, stocks = "", (Stock(known.zh, float(quantity), known.critical_t, known.beta),)
    registered = (record["r_value"], record["grade"], record["beta"])
    return Unit(str(record["id"]), str(record["name"] or ""), plant, stocks, lacking, *registered)


def _with_plant(unit: Unit, plant: shapely.Geometry) -> Unit:
    return Unit(
        unit.code,
        unit.name,
        plant,
        unit.stocks,
        unit.lacking,
        unit.registered_r,
        unit.registered_grade,
        unit.registered_beta,
    )


def _disc(point: shapely.Geometry, radius_m: float) -> shapely.Geometry:
    return _widened(point, max(radius_m, FAR))


def _outside(plant: shapely.Geometry) -> shapely.Geometry:
    """What lies within 500 m outside of a plant."""
    return shapely.difference(_widened(plant, OUTSIDE_M), plant)


def _widened(shape: shapely.Geometry, by_m: float) -> shapely.Geometry:
    srid = metric_srid(shapely.centroid(shape).x)
    plane: Shapes = moved(np.array([shape], dtype=object), LONLAT_SRID, srid)
    wide = np.asarray(shapely.buffer(plane, by_m, quad_segs=32), dtype=object)
    found: shapely.Geometry = to_lonlat(wide, srid)[0]
    return found


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
