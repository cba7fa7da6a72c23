"""How steep an area is and which way it faces: areas by the survey's grades of slope and by eight directions."""

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.land_figures import closed
from cim.analysis.overlay import Floats
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

GRADES_DEG = (2.0, 6.0, 15.0, 25.0)
"""The upper bounds of the survey's grades 1 to 4, each belonging to its grade; above the last is grade 5."""
GRADE_NAMES = ("≤2°", "2°–6°", "6°–15°", "15°–25°", ">25°")
ASPECTS = (
    ("N", "北"),
    ("NE", "东北"),
    ("E", "东"),
    ("SE", "东南"),
    ("S", "南"),
    ("SW", "西南"),
    ("W", "西"),
    ("NW", "西北"),
)
FLAT, UNKNOWN = ("flat", "平地（≤2°）"), ("unknown", "无高程")
METHOD = "坡度坡向按 Horn 三阶差分计算，坡向为坡面朝向、自坐标北起算；坡度不大于 2° 的为平地，不计坡向"


class SlopeParameters(Parameters):
    """The area, and the grid that slopes are taken on."""

    area: Any = area_field()
    cell_m: float | None = cell_field()
    layer: str = layer_field()


async def slope_aspect(asked: SlopeParameters, context: Context) -> Answer:
    """Areas by slope and aspect."""
    red_line = await red_line_of(context, asked.area)
    ground = await ground_of(context, asked.layer)
    cells = await cells_over(ground, red_line, asked.cell_m)
    return await asyncio.to_thread(_answer, cells, ground)


def slopes(height_m: Floats, cell_m: float) -> tuple[Floats, Floats]:
    """Slope and the direction it faces, in degrees clockwise from north, by Horn; NaN beside unknown heights."""
    slope, aspect = np.full(height_m.shape, np.nan), np.full(height_m.shape, np.nan)
    n, s, w, e = height_m[:-2], height_m[2:], height_m[:, :-2], height_m[:, 2:]
    east = (e[:-2] + 2 * e[1:-1] + e[2:] - w[:-2] - 2 * w[1:-1] - w[2:]) / (8 * cell_m)
    north = (n[:, :-2] + 2 * n[:, 1:-1] + n[:, 2:] - s[:, :-2] - 2 * s[:, 1:-1] - s[:, 2:]) / (8 * cell_m)
    slope[1:-1, 1:-1] = np.degrees(np.arctan(np.hypot(east, north)))
    aspect[1:-1, 1:-1] = np.degrees(np.arctan2(-east, -north)) % 360
    return slope, aspect


def _answer(cells: Cells, ground: Ground) -> Answer:
    slope, aspect = slopes(cells.height_m, cells.cell_m)
    known = np.isfinite(slope) & (cells.area_m2 > 0)
    area_m2 = cells.area_m2
    grade = np.searchsorted(GRADES_DEG, slope, side="left")
    flat = known & (grade == 0)
    sector = np.floor((np.nan_to_num(aspect) + 22.5) / 45).astype(np.int64)
    unknown_m2 = float(area_m2[~known].sum())
    by_grade = [float(area_m2[known & (grade == k)].sum()) for k in range(len(GRADE_NAMES))]
    by_aspect = [float(area_m2[known & ~flat & (sector % 8 == k)].sum()) for k in range(len(ASPECTS))]
    notes = [source_note(cells.found), f"计算格网 {cells.cell_m:.2f} 米", METHOD, *cells.notes]
    if unknown_m2 > 0:
        notes.append(f"{unknown_m2:.2f} 平方米没有高程或处在数据边缘，未计坡度")
    grades = closed([*by_grade, unknown_m2])
    aspects = closed([*by_aspect, float(area_m2[flat].sum()), unknown_m2])
    grade_rows = [(str(k + 1), name, area) for k, (name, area) in enumerate(zip(GRADE_NAMES, grades, strict=False))]
    aspect_rows = [(*name, area) for name, area in zip((*ASPECTS, FLAT, UNKNOWN), aspects, strict=True)]
    return Answer(
        summary={
            "area_m2": round(float(area_m2.sum()), 2),
            "unknown_m2": grades[-1],
            "cell_m": round(cells.cell_m, 2),
            "mean_slope_deg": _mean(slope, area_m2, known),
            "steepest_deg": round(float(slope[known].max()), 2) if known.any() else None,
            "slope_m2": dict(zip("12345", grades, strict=False)),
            "aspect_m2": {row[0]: row[2] for row in aspect_rows},
            **heights_told(cells.found),
            "notes": notes,
        },
        tables=[
            _table(
                "slope", Title("坡度分级面积", "Area by slope"), [*grade_rows, (*UNKNOWN, grades[-1])], "；".join(notes)
            ),
            _table("aspect", Title("坡向面积", "Area by aspect"), aspect_rows, ""),
        ],
        sources=[ground.edition],
        statement=STATEMENT,
    )


def _mean(slope: Floats, area_m2: Floats, known: NDArray[np.bool_]) -> float | None:
    return round(float(np.average(slope[known], weights=area_m2[known])), 2) if known.any() else None


def _table(name: str, title: Title, rows: list[tuple[str, str, float]], note: str) -> Table:
    columns = (
        Column("code", Title("代码", "Code")),
        Column("name", Title("名称", "Name")),
        Column("area_m2", Title("面积", "Area"), "number", "m2"),
        Column("share", Title("占比", "Share"), "number", "%"),
    )
    total = sum(area for _, _, area in rows)
    return Table(
        name, title, columns, [(*row, round(row[2] / total * 100, 2) if total else None) for row in rows], note
    )


ANALYSIS: Analysis[SlopeParameters] = Analysis(
    id="slope-aspect",
    version="1",
    title=Title("坡度坡向", "Slope and aspect"),
    description=Title(
        "范围内按国土调查坡度五级和八个坡向统计的面积。",
        "Area by the survey's five grades of slope and by eight aspects.",
    ),
    parameters=SlopeParameters,
    run=slope_aspect,
)
