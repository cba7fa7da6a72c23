"""The answer of a flood: areas by depth, extents by step, volumes, and what a reader must know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cim.analysis.impact.grids import Grid, Mask, class_shapes
from cim.analysis.impact.rivers import River
from cim.analysis.impact.shapes import area_m2, drawn, stated
from cim.analysis.impact.spreading import Step
from cim.analysis.terrain.ground import Ground, heights_told, source_note
from cim.model.analysis import Answer, Column, Finding, Place, Raster, Table, Title
from cim.model.redline import to_lonlat

DEPTHS_M = (0.5, 1.0, 2.0, 3.0)
DEPTH_NAMES = ("0–0.5 米", "0.5–1 米", "1–2 米", "2–3 米", "3 米以上")
FALL_M = 2.0
METHOD = (
    "低于水面且经相邻格（边相邻）与来水连通的格为淹没；静水面，未计流速、洪量、历时、糙率、堤防过流和排水，"
    "高程数据未反映的堤坝、涵洞不计；河道内水深从高程数据的河面起算"
)
STATEMENT = "本结果由高程和水位推算，用于预估影响范围，不代替水文水动力计算。"


@dataclass(frozen=True, slots=True)
class Flooded:
    """What was computed: steps in their order; ``river_m`` is the river's height at the place."""

    grid: Grid
    steps: Sequence[Step]
    river: River | None
    river_cells: Mask
    river_m: float | None
    follows_river: bool
    hourly: bool


def flood_answer(flooded: Flooded, ground: Ground) -> Answer:
    """The whole answer."""
    last = flooded.steps[-1]
    cell_m2 = _cell_m2(flooded.grid)
    rows = [_row(number, step, flooded, cell_m2) for number, step in enumerate(flooded.steps)]
    classes = class_shapes(_classes(last), flooded.grid.lattice)
    summary: dict[str, Any] = {
        "surface": "river" if flooded.follows_river else "level",
        "level_m": None if flooded.follows_river else round(last.offset_m, 3),
        "rise_m": round(last.offset_m, 3) if flooded.follows_river else None,
        "river": (flooded.river.name or flooded.river.code) if flooded.river else None,
        "river_m": None if flooded.river_m is None else round(flooded.river_m, 2),
        "river_distance_m": round(flooded.river.distance_m, 1) if flooded.river else None,
        "flooded_m2": rows[-1][4],
        "beyond_river_m2": rows[-1][5],
        "volume_m3": rows[-1][6],
        "deepest_m": rows[-1][8],
        "steps": len(rows),
        "cell_m": round(flooded.grid.lattice.cell_m, 2),
        **heights_told(flooded.grid.found),
        "notes": [source_note(flooded.grid.found), METHOD, *flooded.grid.notes],
    }
    lattice = flooded.grid.lattice
    raster = Raster(lattice.srid, lattice.west, lattice.north, lattice.cell_m, last.depth_m.astype(np.float32), "m")
    return Answer(
        summary,
        findings=_findings(flooded),
        tables=[_depth_table(classes), _step_table(rows)],
        places=[*_step_places(flooded), *_depth_places(classes)],
        sources=[ground.edition, *([flooded.river.edition] if flooded.river else [])],
        statement=STATEMENT,
        raster=raster,
    )


def _cell_m2(grid: Grid) -> float:
    """The area of a cell on the ellipsoid: that of the whole lattice by the number of its cells."""
    lattice = grid.lattice
    east, south = lattice.west + lattice.columns * lattice.cell_m, lattice.north - lattice.rows * lattice.cell_m
    box = np.array([shapely.box(lattice.west, south, east, lattice.north)], dtype=object)
    return area_m2(to_lonlat(box, lattice.srid)[0]) / (lattice.rows * lattice.columns)


def _row(number: int, step: Step, flooded: Flooded, cell_m2: float) -> tuple[Any, ...]:
    depths = step.depth_m[step.flooded]
    dry_land = int((step.flooded & ~flooded.river_cells).sum())
    return (
        number + 1,
        float(number) if flooded.hourly else None,
        None if flooded.follows_river else round(step.offset_m, 3),
        round(step.offset_m, 3) if flooded.follows_river else None,
        round(len(depths) * cell_m2, 2),
        round(dry_land * cell_m2, 2),
        round(float(depths.sum()) * cell_m2, 1),
        round(float(depths.mean()), 2) if len(depths) else 0.0,
        round(float(depths.max()), 2) if len(depths) else 0.0,
    )


def _classes(step: Step) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The class of depth of each cell from 1, 0 dry; a bound belongs to the shallower class."""
    found = np.zeros(step.flooded.shape, dtype=np.uint8)
    found[step.flooded] = 1 + np.searchsorted(DEPTHS_M, np.round(step.depth_m[step.flooded], 3), side="left")
    return found


def _depth_places(classes: dict[int, shapely.Geometry]) -> list[Place]:
    return [
        drawn(shape, {"kind": "depth", "title": f"水深 {DEPTH_NAMES[number - 1]}", "depth_class": number})
        for number, shape in classes.items()
    ]


def _step_places(flooded: Flooded) -> list[Place]:
    """The extent of every step before the last, whose areas by depth are drawn."""
    out = []
    for number, step in enumerate(flooded.steps[:-1], 1):
        for shape in class_shapes(step.flooded.astype(np.uint8), flooded.grid.lattice).values():
            title = f"第 {number} 步 {'涨' if flooded.follows_river else '水位'} {step.offset_m:g} 米"
            out.append(drawn(shape, {"kind": "step", "step": number, "title": title, "water_m": step.offset_m}))
    return out


def _findings(flooded: Flooded) -> list[Finding]:
    grid, last = flooded.grid, flooded.steps[-1]
    out = []
    edge = grid.inside & ~_inner(grid.inside)
    if (last.flooded & edge).any():
        text = "淹没范围到达计算范围边缘，范围外还会淹没，请加大半径"
        out.append(stated("open", "范围不完整", "Goes on beyond the window", text, missing=True))
    unknown = float((grid.inside & ~np.isfinite(grid.height_m)).sum() / grid.inside.sum())
    if unknown:
        text = f"计算范围的 {unknown:.1%} 没有高程，按不淹没处理"
        out.append(stated("gaps", "缺少高程", "Gaps in the heights", text, missing=True))
    heights = grid.height_m[flooded.river_cells]
    if len(heights) and not flooded.follows_river and float(np.ptp(heights)) > FALL_M:
        text = (
            f"河面在计算范围内相差 {float(np.ptp(heights)):.1f} 米，而水位按水平面计算："
            "上游偏少、下游偏多；可缩小范围，或用涨幅（水面随河道比降）"
        )
        out.append(stated("horizontal", "水平水面", "A horizontal surface", text))
    if flooded.follows_river:
        text = "水面取最近河道格的河面加涨幅，离河越远误差越大，支流处按较近的河道"
        out.append(stated("river-surface", "随河水面", "A surface that follows the river", text))
    return out


def _inner(mask: Mask) -> Mask:
    """The cells of a mask all of whose neighbours by sides are in it."""
    wide = np.pad(mask, 1)
    return mask & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _depth_table(classes: dict[int, shapely.Geometry]) -> Table:
    columns = (
        Column("depth", Title("水深", "Depth")),
        Column("area_m2", Title("面积", "Area"), "number", "m2"),
    )
    empty = shapely.Polygon()
    rows = [(name, round(area_m2(classes.get(number, empty)), 2)) for number, name in enumerate(DEPTH_NAMES, 1)]
    return Table("depths", Title("水深分级（最后一步）", "By depth, last step"), columns, rows, METHOD)


def _step_table(rows: Sequence[tuple[Any, ...]]) -> Table:
    columns = (
        Column("step", Title("步", "Step"), "count"),
        Column("hours", Title("时刻", "Time"), "number", "h", 0),
        Column("level_m", Title("水位", "Level"), "number", "m"),
        Column("rise_m", Title("涨幅", "Rise"), "number", "m"),
        Column("flooded_m2", Title("淹没面积", "Flooded"), "number", "m2"),
        Column("beyond_river_m2", Title("其中河道外", "Beyond the river"), "number", "m2"),
        Column("volume_m3", Title("水量", "Volume"), "number", "m3", 1),
        Column("mean_depth_m", Title("平均水深", "Mean depth"), "number", "m"),
        Column("deepest_m", Title("最大水深", "Deepest"), "number", "m"),
    )
    return Table("steps", Title("逐步淹没", "Steps"), columns, rows)
