"""Flood 洪水淹没: what lies below a water level and is joined to the river, by depth, in steps."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import position, red_line_of
from cim.analysis.context import Context
from cim.analysis.impact.flood_answer import Flooded, flood_answer
from cim.analysis.impact.grids import Grid, Mask, Window, grid_over, window_around, window_of
from cim.analysis.impact.rivers import River, river_of, water_in
from cim.analysis.impact.shapes import Point
from cim.analysis.impact.spreading import nearest_values, rising
from cim.analysis.overlay import Floats
from cim.analysis.place import place_field, place_of
from cim.analysis.terrain.ground import Ground, cell_field, ground_of, layer_field
from cim.errors import BadRequest
from cim.model.analysis import Answer, Title

MOST_STEPS = 48
LEAST_M, MOST_M = -200.0, 9_000.0


class FloodParameters(Parameters):
    """Where, how high the water stands, and where it comes from."""

    place: Any = place_field(default=None)
    radius_m: float = Field(2_500.0, title="范围半径 Radius (m)", ge=50, le=15_000)
    area: Any = area_field(default=None)
    level_m: float | None = Field(
        None, title="水位 Water level (m, 1985)", ge=LEAST_M, le=MOST_M, description="水平水面 a horizontal surface"
    )
    rise_m: float | None = Field(
        None,
        title="涨幅 Rise (m)",
        gt=0,
        le=100,
        description="高出河面多少，水面随河道比降 above the river, falling with it",
    )
    levels_m: list[float] = Field(
        default_factory=list, title="逐时水位 Levels of steps (m)", max_length=MOST_STEPS, description="依次升高"
    )
    rate_m_h: float | None = Field(None, title="上涨速率 Rate (m/h)", gt=0, le=50)
    hours: int | None = Field(None, title="时长 Hours", ge=1, le=MOST_STEPS - 1)
    seeds: Any = Field(
        None,
        title="来水点 Seeds",
        description="GeoJSON Point 或 MultiPoint，不填从河流来水 where the water comes from, if not the river",
        json_schema_extra={"x-cim-input": "geojson", "type": "object"},
    )
    water: str | None = Field(None, title="河流 River", max_length=60, description="名称或编码；不填取最近的")
    cell_m: float | None = cell_field()
    layer: str = layer_field()


@dataclass(frozen=True, slots=True)
class _Source:
    """Where water comes from and what its levels are above: the datum, or the river's own surface."""

    seeds: Mask
    surface_m: Floats
    river: River | None
    river_m: float | None


async def flood(asked: FloodParameters, context: Context) -> Answer:
    """Areas by depth for the last step, extents for every step, and the depths as a raster."""
    offsets = _offsets(asked)
    window, place = await _window(asked, context)
    ground = await ground_of(context, asked.layer)
    river = None
    if asked.seeds is None or asked.rise_m is not None:
        river = river_of(await water_in(context, window), window, place, asked.water)
    grid = await grid_over(ground, window, asked.cell_m)
    context.progress(40, "计算淹没 spreading")
    return await asyncio.to_thread(_answer, asked, grid, ground, river, place, offsets)


def _offsets(asked: FloodParameters) -> list[float]:
    """The levels of the steps, above the datum or the river; BadRequest where they are none or contradict."""
    ways = [asked.level_m is not None, asked.rise_m is not None, bool(asked.levels_m)]
    if sum(ways) != 1:
        raise BadRequest(
            f"{sum(ways)} water levels are given, and one is needed",
            where="level_m",
            remedy="give level_m (1985), rise_m above the river, or levels_m, a level for each step",
        )
    if (asked.rate_m_h is None) != (asked.hours is None):
        raise BadRequest("a rate needs hours, and hours a rate", where="hours", remedy="give rate_m_h and hours")
    if asked.levels_m:
        return _rising_levels(asked)
    first = asked.level_m if asked.level_m is not None else float(asked.rise_m or 0.0)
    if asked.rate_m_h is None or asked.hours is None:
        return [first]
    return [first + asked.rate_m_h * hour for hour in range(asked.hours + 1)]


def _rising_levels(asked: FloodParameters) -> list[float]:
    if asked.rate_m_h is not None:
        raise BadRequest("levels and a rate are both given", where="rate_m_h", remedy="give one of them")
    if not all(LEAST_M <= level <= MOST_M for level in asked.levels_m):
        raise BadRequest("a level is no height above the sea in China", where="levels_m", remedy="give metres (1985)")
    if sorted(asked.levels_m) != asked.levels_m:
        raise BadRequest(
            "the levels fall, and only rising water is followed",
            where="levels_m",
            remedy="order them upward: what stays in hollows when water falls is not modelled",
        )
    return list(asked.levels_m)


async def _window(asked: FloodParameters, context: Context) -> tuple[Window, Point | None]:
    place = place_of(asked.place) if asked.place is not None else None
    if asked.area is not None:
        red_line = await red_line_of(context, asked.area)
        return window_of(shapely.union_all(red_line.lonlat())), place
    if place is None:
        raise BadRequest("neither a place nor an area is given", where="place", remedy="give one of them")
    return window_around(place, asked.radius_m), place


def _answer(
    asked: FloodParameters,
    grid: Grid,
    ground: Ground,
    river: River | None,
    place: Point | None,
    offsets: Sequence[float],
) -> Answer:
    source = _source(asked, grid, river, place)
    terrain_m = np.where(grid.inside, grid.height_m, np.nan)
    _check_level(asked, terrain_m, source, offsets)
    steps = list(rising(terrain_m, source.surface_m, source.seeds, offsets))
    flooded = Flooded(
        grid=grid,
        steps=steps,
        river=river,
        river_cells=river.cells(grid) if river else np.zeros_like(source.seeds),
        river_m=source.river_m,
        follows_river=asked.rise_m is not None,
        hourly=asked.rate_m_h is not None,
    )
    return flood_answer(flooded, ground)


def _source(asked: FloodParameters, grid: Grid, river: River | None, place: Point | None) -> _Source:
    cells = river.cells(grid) if river else None
    if cells is not None and not cells.any():
        raise BadRequest(
            "the river has no heights in the window", where="layer", remedy="choose a window that the heights cover"
        )
    river_m = None if cells is None else _river_height(grid, cells, place)
    if asked.rise_m is not None and cells is not None:
        surface_m = nearest_values(grid.height_m, cells)
    else:
        surface_m = np.zeros(grid.height_m.shape)
    seeds = _seeds(asked.seeds, grid) if asked.seeds is not None else cells
    return _Source(np.asarray(seeds, dtype=bool), surface_m, river, river_m)


def _river_height(grid: Grid, cells: Mask, place: Point | None) -> float:
    """The height of the river where it is nearest to a place; its lowest where none is given."""
    at = grid.cell_of(place) if place is not None else None
    if at is None:
        return float(grid.height_m[cells].min())
    return float(nearest_values(grid.height_m, cells)[at])


def _seeds(value: Any, grid: Grid) -> Mask:
    geometry: Any = value.get("geometry") if isinstance(value, dict) and value.get("type") == "Feature" else value
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Point", "MultiPoint"):
        raise BadRequest("they are not points", where="seeds", remedy="give a GeoJSON Point or MultiPoint")
    given = geometry.get("coordinates")
    points = [given] if kind == "Point" else given
    if not isinstance(points, list) or not points:
        raise BadRequest("there are no points", where="seeds", remedy="give a GeoJSON Point or MultiPoint")
    seeds = np.zeros(grid.height_m.shape, dtype=bool)
    for number, point in enumerate(points, 1):
        cell = grid.cell_of(position(point, "seeds", f"point {number}"))
        if cell is None or not grid.known[cell]:
            raise BadRequest(
                f"point {number} lies outside of the heights of the window",
                where="seeds",
                remedy="choose points in the window, where there are heights",
            )
        seeds[cell] = True
    return seeds


def _check_level(asked: FloodParameters, terrain_m: Floats, source: _Source, offsets: Sequence[float]) -> None:
    """BadRequest where even the highest level leaves every seed dry."""
    highest = source.surface_m[source.seeds] + offsets[-1]
    if (terrain_m[source.seeds] < highest).any():
        return
    low, high = float(np.nanmin(terrain_m[source.seeds])), float(np.nanmax(terrain_m[source.seeds]))
    what = "the places that the water comes from are" if asked.seeds is not None else "the river there is"
    raise BadRequest(
        f"the level {offsets[-1]:g} m floods nothing: {what} {low:.2f} to {high:.2f} m high",
        where="levels_m" if asked.levels_m else "level_m",
        remedy="give a level above it, or rise_m, which counts from the river",
    )


ANALYSIS: Analysis[FloodParameters] = Analysis(
    id="flood",
    version="1",
    title=Title("洪水淹没", "Flood"),
    description=Title(
        "给定水位或涨幅下与河流连通的淹没范围、水深分级、水量和逐时过程，水深可下载为 GeoTIFF。",
        "What a water level or a rise floods, joined to the river: by depth, volumes, steps, depths as GeoTIFF.",
    ),
    parameters=FloodParameters,
    run=flood,
)
