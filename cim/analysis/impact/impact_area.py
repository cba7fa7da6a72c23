"""Impact area 影响范围: rings, a wind sector, a drawn area, a grid above a threshold, or blast distances."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.impact.blast import DAMAGES, ERROR, METHOD, blast_distance_m, tnt_of
from cim.analysis.impact.grids import class_shapes, grid_over, window_of
from cim.analysis.impact.shapes import (
    Point,
    area_m2,
    circle,
    downwind,
    drawn,
    ring,
    sector,
    stated,
    united,
    wind_from_field,
)
from cim.analysis.place import place_field, place_of
from cim.analysis.terrain.ground import ground_of
from cim.errors import BadRequest
from cim.model.analysis import Answer, Column, Finding, Place, SourceEdition, Table, Title

STATEMENT = "本范围按给定参数画出，供指挥参考，不代替现场判断。"
Shape = Literal["rings", "sector", "drawn", "grid", "blast"]


class ImpactParameters(Parameters):
    """Which shape, and what it is made of; each shape says what it needs."""

    shape: Shape = Field("rings", title="范围形状 Shape", description="圆环、扇形、绘制、栅格、爆炸")
    place: Any = place_field(default=None)
    radii_m: list[float] = Field(
        default_factory=lambda: [500.0, 1000.0, 3000.0], title="半径 Radii (m)", min_length=1, max_length=10
    )
    wind_from_deg: float | None = wind_from_field(default=None)
    angle_deg: float = Field(60.0, title="扇形角度 Angle (°)", gt=0, le=360)
    area: Any = area_field(default=None)
    layer: str | None = Field(None, title="栅格图层 Raster layer", max_length=60)
    threshold: float | None = Field(None, title="阈值 Threshold", description="栅格值不小于它的范围 cells at or above")
    tnt_kg: float | None = Field(None, title="TNT 当量 TNT equivalent (kg)", gt=0, le=10_000_000)
    fuel_kg: float | None = Field(None, title="参与爆炸的可燃物 Fuel (kg)", gt=0, le=10_000_000)
    heat_mj_kg: float = Field(46.0, title="燃烧热 Heat of combustion (MJ/kg)", gt=0, le=150)
    yield_share: float = Field(0.04, title="当量系数 Yield", gt=0, le=1)


Made = tuple[list[Place], list[tuple[Any, ...]], list[Finding], list[SourceEdition]]


async def impact_area(asked: ImpactParameters, context: Context) -> Answer:
    """The areas, from the widest to the innermost, with their ellipsoidal sizes."""
    places, rows, findings, sources = await _made(asked, context)
    sizes = [float(place.properties["area_m2"]) for place in places if "area_m2" in place.properties]
    summary: dict[str, Any] = {
        "shape": asked.shape,
        "areas": len(rows),
        "area_m2": round(sum(sizes) if asked.shape in ("rings", "grid", "drawn") else max(sizes, default=0.0), 2),
        "notes": [METHOD, ERROR] if asked.shape == "blast" else [],
    }
    return Answer(summary, findings, [_table(rows)], places, sources, statement=STATEMENT)


async def _made(asked: ImpactParameters, context: Context) -> Made:
    if asked.shape == "drawn":
        return await _drawn(asked, context)
    if asked.shape == "grid":
        return await _grid(asked, context)
    place = place_of(asked.place)
    if asked.shape == "blast":
        return _blast(asked, place)
    radii = _radii(asked.radii_m)
    return _sector(asked, place, radii) if asked.shape == "sector" else _rings(place, radii)


def _radii(given: Sequence[float]) -> list[float]:
    radii = sorted(set(given))
    if not (radii[0] > 0 and radii[-1] <= 100_000):
        raise BadRequest(
            "a radius is not above 0 and at most 100 km", where="radii_m", remedy="give radii in metres, e.g. 500, 1000"
        )
    return radii


def _rings(place: Point, radii: Sequence[float]) -> Made:
    places, rows = [], []
    for inner, outer in zip((0.0, *radii[:-1]), radii, strict=True):
        title = f"{inner:g}–{outer:g} 米"
        shape = ring(place, inner, outer)
        places.append(drawn(shape, {"kind": "ring", "title": title, "from_m": inner, "to_m": outer}))
        rows.append((title, outer, round(area_m2(shape), 2)))
    return places[::-1], rows, [], []


def _sector(asked: ImpactParameters, place: Point, radii: Sequence[float]) -> Made:
    if asked.wind_from_deg is None:
        raise BadRequest(
            "a sector needs the wind",
            where="wind_from_deg",
            remedy="give where it comes from in degrees: 0 north, 90 east; or use shape=rings",
        )
    bearing = downwind(asked.wind_from_deg)
    places, rows = [], []
    for radius in radii:
        title = f"下风向 {radius:g} 米"
        shape = sector(place, bearing, asked.angle_deg, radius)
        facts = {"kind": "sector", "title": title, "to_m": radius, "bearing_deg": bearing, "angle_deg": asked.angle_deg}
        places.append(drawn(shape, facts))
        rows.append((title, radius, round(area_m2(shape), 2)))
    text = f"风从 {asked.wind_from_deg:g}° 来，扇形朝向 {bearing:g}°"
    return places[::-1], rows, [stated("wind", "风向", "Wind", text)], []


def _blast(asked: ImpactParameters, place: Point) -> Made:
    tnt_kg = asked.tnt_kg
    if tnt_kg is None:
        if asked.fuel_kg is None:
            raise BadRequest("a blast needs a charge", where="tnt_kg", remedy="give tnt_kg, or fuel_kg and heat_mj_kg")
        tnt_kg = tnt_of(asked.fuel_kg, asked.heat_mj_kg, asked.yield_share)
    places, rows = [], []
    for damage in DAMAGES:
        radius = blast_distance_m(damage.kpa, tnt_kg)
        shape, title = circle(place, radius), f"{damage.kpa:g} kPa {damage.zh}"
        places.append(drawn(shape, {"kind": "blast", "title": title, "kpa": damage.kpa, "to_m": round(radius, 1)}))
        rows.append((title, round(radius, 1), round(area_m2(shape), 2)))
    limit = stated("limits", "方法与局限", "Method and limits", f"{METHOD}。{ERROR}")
    size = stated("charge", "TNT 当量", "Charge", f"按 {tnt_kg:.1f} 千克 TNT 计算")
    return places[::-1], rows, [size, limit], []


async def _drawn(asked: ImpactParameters, context: Context) -> Made:
    if asked.area is None:
        raise BadRequest(
            "a drawn area needs the area", where="area", remedy="draw it, or give GeoJSON or a red line's id"
        )
    red_line = await red_line_of(context, asked.area)
    places, rows = [], []
    for parcel, shape in zip(red_line.parcels, red_line.lonlat(), strict=True):
        title = parcel.name or f"绘制范围 {parcel.number}"
        places.append(drawn(shape, {"kind": "drawn", "title": title}))
        rows.append((title, None, round(area_m2(shape), 2)))
    return places, rows, [], []


async def _grid(asked: ImpactParameters, context: Context) -> Made:
    if asked.layer is None or asked.threshold is None or asked.area is None:
        raise BadRequest(
            "a grid needs a raster layer, a threshold and an area",
            where="layer",
            remedy="give layer, threshold and the area that is looked at",
        )
    threshold = asked.threshold
    ground = await ground_of(context, asked.layer)
    red_line = await red_line_of(context, asked.area)
    window = window_of(shapely.union_all(red_line.lonlat()))
    grid = await grid_over(ground, window, None)
    above = (np.nan_to_num(grid.height_m, nan=-np.inf) >= threshold) & grid.inside
    parts = await asyncio.to_thread(class_shapes, above.astype(np.uint8), grid.lattice)
    title = f"{context.titles.get(asked.layer, asked.layer)} ≥ {threshold:g}"
    unknown = float((~np.isfinite(grid.height_m) & grid.inside).sum() / max(1, grid.inside.sum()))
    findings = (
        [stated("gaps", "缺少数据", "Gaps", f"{unknown:.1%} 的范围没有栅格值，未计入", missing=True)] if unknown else []
    )
    if not parts:
        none = stated("nothing", "没有超过阈值", "Nothing above", f"范围内没有不小于 {threshold:g} 的格")
        return [], [], [*findings, none], [ground.edition]
    shape = united(parts.values())
    facts = {"kind": "grid", "title": title, "threshold": threshold}
    return [drawn(shape, facts)], [(title, None, round(area_m2(shape), 2))], findings, [ground.edition]


def _table(rows: Sequence[tuple[Any, ...]]) -> Table:
    columns = (
        Column("title", Title("范围", "Area")),
        Column("radius_m", Title("半径", "Radius"), "number", "m", 1),
        Column("area_m2", Title("面积", "Area"), "number", "m2"),
    )
    return Table("areas", Title("影响范围", "Impact areas"), columns, rows)


ANALYSIS: Analysis[ImpactParameters] = Analysis(
    id="impact-area",
    version="1",
    title=Title("影响范围", "Impact area"),
    description=Title(
        "圆环、下风向扇形、绘制范围、栅格超阈值范围和爆炸超压距离。",
        "Rings, a wind sector, a drawn area, a raster above a threshold, and distances of blast.",
    ),
    parameters=ImpactParameters,
    run=impact_area,
)
