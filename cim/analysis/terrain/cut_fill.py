"""Earthwork 挖填方: what is cut and filled to make an area level at a height, or at the height where both are equal."""

import asyncio
from typing import Any

import numpy as np
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.terrain.cells import Cells, cells_over
from cim.analysis.terrain.ground import (
    STATEMENT,
    Ground,
    cell_field,
    ground_of,
    heights_told,
    layer_field,
    source_note,
)
from cim.model.analysis import Answer, Column, Table, Title

METHOD = "按格网逐格计算，边界格按落入范围的面积计；未计放坡、松散系数和表土剥离"


class CutFillParameters(Parameters):
    """The area, the height it is levelled to, and the grid."""

    area: Any = area_field()
    height_m: float | None = Field(
        None, title="设计标高 Design height (m)", ge=-500, le=9000, description="where cut equals fill when left out"
    )
    cell_m: float | None = cell_field()
    layer: str = layer_field()


async def cut_fill(asked: CutFillParameters, context: Context) -> Answer:
    """Cut and fill of an area."""
    red_line = await red_line_of(context, asked.area)
    ground = await ground_of(context, asked.layer)
    cells = await cells_over(ground, red_line, asked.cell_m)
    return await asyncio.to_thread(_answer, cells, ground, asked.height_m)


def _answer(cells: Cells, ground: Ground, asked_m: float | None) -> Answer:
    known = cells.known
    height_m, area_m2 = cells.height_m[known], cells.area_m2[known]
    unknown_m2 = float(cells.area_m2[~known].sum())
    mean_m = float(np.average(height_m, weights=area_m2))
    design_m = mean_m if asked_m is None else asked_m
    above_m = height_m - design_m
    cut_m3 = float((np.maximum(above_m, 0) * area_m2).sum())
    fill_m3 = float((np.maximum(-above_m, 0) * area_m2).sum())
    notes = [source_note(cells.found), f"计算格网 {cells.cell_m:.2f} 米", METHOD, *cells.notes]
    complete = unknown_m2 <= 0.01
    if not complete:
        parts = f"有高程部分：挖 {cut_m3:.1f}、填 {fill_m3:.1f} 立方米"
        notes.append(f"{unknown_m2:.2f} 平方米没有高程，不能给出整个范围的土方；{parts}")

    def when(value: float) -> float | None:
        return round(value, 2) if complete else None

    summary = {
        "area_m2": round(float(cells.area_m2.sum()), 2),
        "unknown_m2": round(unknown_m2, 2),
        "design_height_m": round(design_m, 3) if complete or asked_m is not None else None,
        "balanced": asked_m is None,
        "mean_height_m": when(mean_m),
        "lowest_m": round(float(height_m.min()), 2),
        "highest_m": round(float(height_m.max()), 2),
        "cut_m3": when(cut_m3),
        "fill_m3": when(fill_m3),
        "balance_m3": when(cut_m3 - fill_m3),
        "cut_area_m2": when(float(area_m2[above_m > 0].sum())),
        "fill_area_m2": when(float(area_m2[above_m < 0].sum())),
        "cell_m": round(cells.cell_m, 2),
    }
    return Answer(
        summary={**summary, **heights_told(cells.found), "notes": notes},
        tables=[_table(summary, "；".join(notes))],
        sources=[ground.edition],
        statement=STATEMENT,
    )


_ROWS = (
    ("area_m2", "面积", "m2"),
    ("design_height_m", "设计标高", "m"),
    ("mean_height_m", "现状平均高程", "m"),
    ("lowest_m", "现状最低", "m"),
    ("highest_m", "现状最高", "m"),
    ("cut_m3", "挖方", "m3"),
    ("fill_m3", "填方", "m3"),
    ("balance_m3", "挖方－填方", "m3"),
    ("cut_area_m2", "挖方区面积", "m2"),
    ("fill_area_m2", "填方区面积", "m2"),
)


def _table(summary: dict[str, Any], note: str) -> Table:
    columns = (
        Column("fact", Title("项目", "Fact")),
        Column("value", Title("数值", "Value"), "number"),
        Column("unit", Title("单位", "Unit")),
    )
    rows = [(title, summary[name], unit) for name, title, unit in _ROWS]
    return Table("earthwork", Title("挖填方", "Cut and fill"), columns, rows, note)


ANALYSIS: Analysis[CutFillParameters] = Analysis(
    id="cut-fill",
    version="1",
    title=Title("挖填方", "Cut and fill"),
    description=Title(
        "平整到设计标高的挖方、填方，或求挖填平衡的标高。",
        "What is cut and filled to level an area at a height, or the height at which both are equal.",
    ),
    parameters=CutFillParameters,
    run=cut_fill,
)
