"""The tables of a block: figures now, planned and under a scenario, the mix of uses, and each parcel by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.analysis.block_figures.green import Green
from cim.analysis.block_figures.planned import Planned
from cim.analysis.block_figures.standing import Standing, per_site, shares_of
from cim.analysis.context import CodeNames
from cim.model.analysis import Column, Table, Title
from cim.model.redline import RedLine

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A row of the table of figures: its name for programs and people, unit, and decimals."""

    id: str
    title: Title
    unit: str
    digits: int


INDICATORS = (
    Indicator("site_m2", Title("用地面积", "Site area"), "m2", 2),
    Indicator("floor_area_m2", Title("地上建筑面积", "Floor area above ground"), "m2", 2),
    Indicator("far", Title("容积率", "FAR"), "", 3),
    Indicator("footprint_m2", Title("建筑基底面积", "Footprint"), "m2", 2),
    Indicator("density_pct", Title("建筑密度", "Building density"), "%", 2),
    Indicator("green_pct", Title("绿地率（现状为估算）", "Green ratio (now: estimated)"), "%", 2),
    Indicator("blue_green_pct", Title("蓝绿占比（含水域）", "Green and water"), "%", 2),
    Indicator("max_height_m", Title("最大高度／限高", "Greatest height, limit"), "m", 2),
    Indicator("mean_height_m", Title("平均高度（按基底加权）", "Mean height by footprint"), "m", 2),
    Indicator("buildings", Title("建筑栋数", "Buildings"), "", 0),
    Indicator("persons", Title("实有人口", "People"), "", 0),
    Indicator("households", Title("户数", "Households"), "", 0),
)


@dataclass(frozen=True, slots=True)
class Side:
    """One column of the table of figures: its id, what it is called, and its figures."""

    id: str
    title: Title
    figures: Figures


def standing_figures(site_m2: float, found: Standing, land: Green | None) -> Figures:
    """What stands, as rows; ``land`` None where the green is not that of this state."""

    def percent(value_m2: float | None) -> float | None:
        share = per_site(value_m2, site_m2)
        return None if share is None else share * 100

    return {
        "site_m2": site_m2,
        "floor_area_m2": found.floor_area_m2,
        "far": per_site(found.floor_area_m2, site_m2),
        "footprint_m2": found.footprint_m2,
        "density_pct": percent(found.footprint_m2),
        "green_pct": percent(land.green_m2) if land else None,
        "blue_green_pct": percent(land.blue_green_m2) if land else None,
        "max_height_m": found.max_height_m,
        "mean_height_m": found.mean_height_m,
        "buildings": found.buildings,
        "persons": found.persons,
        "households": found.households,
    }


def planned_figures(found: Planned) -> Figures:
    """What the plan allows, as rows; areas are of the part it covers."""
    return {
        "site_m2": found.covered_m2,
        "floor_area_m2": found.floor_area_m2,
        "far": found.far,
        "footprint_m2": found.footprint_m2,
        "density_pct": found.density_pct,
        "green_pct": found.green_pct,
        "max_height_m": found.height_limit_m,
    }


def rounded(figures: Figures) -> Figures:
    """Figures with the decimals of their rows."""
    return {one.id: _rounded(figures.get(one.id), one.digits) for one in INDICATORS}


def figures_table(sides: Sequence[Side], note: str) -> Table:
    """The sides beside each other, and the last less the first."""
    first, last = sides[0], sides[-1]
    difference = Title(f"差值（{last.title.zh}－{first.title.zh}）", f"{last.title.en} less {first.title.en}")
    columns = (
        Column("indicator", Title("指标", "Figure")),
        Column("unit", Title("单位", "Unit")),
        *(Column(side.id, side.title, "number") for side in sides),
        Column("difference", difference, "number"),
    )
    rows: list[tuple[Any, ...]] = []
    for one in INDICATORS:
        values = [side.figures.get(one.id) for side in sides]
        more = None if values[-1] is None or values[0] is None else values[-1] - values[0]
        shown = [_rounded(value, one.digits) for value in [*values, more]]
        rows.append((one.title.zh, one.unit, *shown))
    return Table("figures", Title("地块指标", "Block figures"), columns, rows, note)


def uses_table(now: Standing, scenario: Standing | None, names: CodeNames | None) -> Table:
    """Floor area by use, now and under the scenario."""
    then = dict((scenario.uses if scenario else None) or {})
    columns = [
        Column("code", Title("用途代码", "Code")),
        Column("use", Title("用途", "Use")),
        Column("now_m2", Title("现状建筑面积", "Now"), "number", "m2"),
        Column("now_pct", Title("占比", "Share"), "number", "%"),
    ]
    columns += [Column("scenario_m2", Title("情景建筑面积", "Scenario"), "number", "m2")] if scenario else []
    rows: list[tuple[Any, ...]] = []
    for use, area, share in shares_of(now.uses):
        more = (_rounded(then.pop(use, 0.0), 2),) if scenario else ()
        rows.append((use, _named(use, names), round(area, 2), _rounded(share, 2), *more))
    for use, area in sorted(then.items()):
        rows.append((use, _named(use, names), 0.0, 0.0, round(area, 2)))
    note = "" if now.uses is not None else "现状建筑面积不能计算，见说明"
    return Table("uses", Title("用途构成（按建筑面积）", "Use mix by floor area"), tuple(columns), rows, note)


def parcels_table(red_line: RedLine, each: Sequence[tuple[Standing, Planned, float]]) -> Table:
    """The main figures of each parcel by itself."""
    columns = (
        Column("number", Title("地块编号", "Parcel")),
        Column("name", Title("名称", "Name")),
        Column("site_m2", Title("用地面积", "Site area"), "number", "m2"),
        Column("floor_area_m2", Title("地上建筑面积", "Floor area"), "number", "m2"),
        Column("far", Title("容积率", "FAR"), "number"),
        Column("plan_far", Title("规划容积率", "Planned FAR"), "number"),
        Column("density_pct", Title("建筑密度", "Density"), "number", "%"),
        Column("max_height_m", Title("最大高度", "Greatest height"), "number", "m"),
        Column("height_limit_m", Title("限高", "Height limit"), "number", "m"),
    )
    rows = []
    for parcel, (now, plan, site_m2) in zip(red_line.parcels, each, strict=True):
        own = rounded(standing_figures(site_m2, now, None))
        built = (own["floor_area_m2"], own["far"], _rounded(plan.far, 3), own["density_pct"], own["max_height_m"])
        rows.append((parcel.number, parcel.name, own["site_m2"], *built, plan.height_limit_m))
    return Table("parcels", Title("分地块", "By parcel"), columns, rows)


def _named(use: str, names: CodeNames | None) -> str:
    known: Mapping[str, str] = names.names if names else {}
    return known.get(use, use or "未注明")


def _rounded(value: float | None, digits: int) -> float | int | None:
    if value is None:
        return None
    return round(value, digits) if digits else round(value)
