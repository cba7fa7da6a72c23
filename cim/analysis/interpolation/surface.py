"""A surface of an observed property between its stations, as a raster, with the error it makes at the stations."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Analysis, Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.interpolation.bands import band_places
from cim.analysis.interpolation.methods import Floats, Kriging, Variogram, fitted_variogram, idw, idw_left_out
from cim.analysis.terrain.cells import Lattice, lattice_over, metric_srid
from cim.errors import BadRequest
from cim.filters.literals import instant
from cim.model.analysis import Answer, Column, Place, Raster, Table, Title
from cim.model.redline import LONLAT_SRID, moved
from cim.model.units import conversion
from cim.store.devices import properties_named
from cim.store.surface_values import StationMean, station_means

LEAST_STATIONS = 5
MOST_STATIONS = 1_500
MOST_CELLS = 250_000
CELLS_ACROSS = 200
SAME_PLACE_M = 1.0
ZONES = range(4534, 4555)
STATEMENT = "本结果由站点监测值插值得到，站点之间的数值是估计值，不代替监测；误差见交叉检验。"


class SurfaceParameters(Parameters):
    """What is interpolated, of which time, how, and where."""

    property: str = Field(
        title="指标 Property", max_length=100, description="code or name of an observed property: pm25"
    )
    at: str | None = Field(
        None,
        title="时刻 Moment",
        max_length=40,
        description="with a zone: 2026-01-31T08:00:00+08:00; now when left out",
    )
    window_h: float = Field(
        1.0, title="时段 Window (h)", gt=0, le=744, description="means of the hours before the moment"
    )
    method: Literal["idw", "kriging"] = Field("kriging", title="方法 Method")
    power: float = Field(2.0, title="距离幂次 Power of IDW", gt=0, le=8)
    cell_m: float | None = Field(None, title="格网边长 Cell (m)", ge=10, le=20_000)
    beyond_m: float | None = Field(
        None, title="最远距离 Farthest (m)", gt=0, le=500_000, description="no values farther than this from a station"
    )
    area: Any = area_field(default=None)


@dataclass(frozen=True, slots=True)
class Stations:
    """Stations in metres of a plane; those at one place are one."""

    srid: int
    places: Floats
    values: Floats
    names: tuple[str, ...]
    unit: str


async def interpolated_surface(asked: SurfaceParameters, context: Context) -> Answer:
    """A raster of values between stations; nothing outside of their hull, or too far from any."""
    until = _moment(asked.at)
    since = until - timedelta(hours=asked.window_h)
    async with context.reading() as connection:
        properties = await properties_named(connection, asked.property)
        if not properties:
            raise BadRequest(
                f"nothing called {asked.property[:60]!r} is observed", where="property", remedy="see /devices/{code}"
            )
        means = await station_means(connection, properties, since, until)
    stations = stations_of(means)
    hull = shapely.MultiPoint(stations.places).convex_hull
    if shapely.area(hull) == 0:
        raise BadRequest("the stations lie on a line", where="property", remedy="a surface needs stations around it")
    window = hull if asked.area is None else await _within(asked.area, context, hull, stations.srid)
    context.progress(20, "插值 interpolating")
    return await asyncio.to_thread(_answer, asked, stations, means, window, since, until)


def stations_of(means: list[StationMean]) -> Stations:
    """Stations in one unit and on one plane; BadRequest where they are too few, too many or not comparable."""
    if len(means) < LEAST_STATIONS:
        raise _too_few(len(means))
    if len(means) > MOST_STATIONS:
        raise BadRequest(
            f"{len(means)} stations are more than {MOST_STATIONS}", where="property", remedy="choose a rarer property"
        )
    unit = max((one.unit for one in means), key=[one.unit for one in means].count)
    values = np.array([conversion(one.unit, unit)(one.value) for one in means])
    lon = float(np.mean([one.lon for one in means]))
    srid = metric_srid(lon)
    if srid not in ZONES:
        raise BadRequest("the stations are not in China", where="property", remedy="check where they are")
    points = moved(np.array([shapely.Point(one.lon, one.lat) for one in means], dtype=object), LONLAT_SRID, srid)
    places = shapely.get_coordinates(points)
    _, first, which = np.unique(np.round(places / SAME_PLACE_M), axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    if len(first) < LEAST_STATIONS:
        raise _too_few(len(first))
    merged = np.bincount(which, values) / np.bincount(which)
    return Stations(srid, places[first], merged, tuple(means[k].code for k in first), unit)


def _too_few(count: int) -> BadRequest:
    return BadRequest(
        f"{count} stations have values of that time that you may see; a surface needs {LEAST_STATIONS}",
        where="property",
        remedy="choose a longer window or another moment",
    )


async def _within(area: Any, context: Context, hull: shapely.Geometry, srid: int) -> shapely.Geometry:
    line = await red_line_of(context, area)
    shape: shapely.Geometry = shapely.union_all(moved(line.lonlat(), LONLAT_SRID, srid))
    inside: shapely.Geometry = shapely.intersection(shape, hull)
    if shapely.area(inside) == 0:
        raise BadRequest("the area lies outside of the stations", where="area", remedy="choose one between them")
    return inside


def _answer(
    asked: SurfaceParameters,
    stations: Stations,
    means: list[StationMean],
    window: shapely.Geometry,
    since: datetime,
    until: datetime,
) -> Answer:
    lattice = lattice_over(np.array([window], dtype=object), stations.srid, _cell_m(asked.cell_m, window))
    estimate, left_out, told = _method(asked, stations)
    values = _cells(lattice, window, stations, estimate, asked.beyond_m)
    known = values[np.isfinite(values)]
    if not len(known):
        raise BadRequest("no cell has a value", where="beyond_m", remedy="choose smaller cells or a longer distance")
    errors = left_out - stations.values
    rmse = float(np.sqrt((errors**2).mean()))
    spread = float(stations.values.std())
    summary = {
        "property": asked.property,
        "unit": stations.unit,
        "from": since.isoformat(),
        "to": until.isoformat(),
        "stations": len(stations.values),
        **told,
        "cross_validation_rmse": rmse,
        "cross_validation_bias": float(errors.mean()),
        "standard_deviation_of_stations": spread,
        "least": float(known.min()),
        "greatest": float(known.max()),
        "mean": float(known.mean()),
        "cell_m": lattice.cell_m,
        "cells": len(known),
        "notes": _notes(rmse, spread),
    }
    raster = Raster(lattice.srid, lattice.west, lattice.north, lattice.cell_m, values.astype(np.float32), stations.unit)
    places = [*band_places(values, lattice, stations.unit), *_points(means)]
    return Answer(summary, tables=[_table(stations, left_out)], places=places, statement=STATEMENT, raster=raster)


def _method(asked: SurfaceParameters, stations: Stations) -> tuple[Any, Floats, dict[str, Any]]:
    """The estimator, what it says of each station from the others, and what is told of it."""
    if asked.method == "idw":
        left_out = idw_left_out(stations.places, stations.values, asked.power)
        told: dict[str, Any] = {"method": "idw", "power": asked.power}
        return (lambda places: idw(stations.places, stations.values, places, asked.power)), left_out, told
    variogram: Variogram = fitted_variogram(stations.places, stations.values)
    kriging = Kriging(stations.places, stations.values, variogram)
    told = {
        "method": "ordinary kriging",
        "variogram": variogram.kind,
        "nugget": variogram.nugget,
        "sill": variogram.sill,
        "range_m": variogram.range_m,
    }
    return kriging, kriging.left_out(), told


def _cell_m(asked_m: float | None, window: shapely.Geometry) -> float:
    west, south, east, north = shapely.bounds(window)
    chosen = asked_m or max(10.0, round(max(east - west, north - south) / CELLS_ACROSS, -1))
    if (east - west) * (north - south) / chosen**2 > MOST_CELLS:
        raise BadRequest(
            f"these are more than {MOST_CELLS} cells", where="cell_m", remedy="choose larger cells or a smaller area"
        )
    return float(chosen)


def _cells(
    lattice: Lattice, window: shapely.Geometry, stations: Stations, estimate: Any, beyond_m: float | None
) -> Floats:
    """Values by cell, rows from the north; NaN where there are none."""
    x = lattice.west + (np.arange(lattice.columns) + 0.5) * lattice.cell_m
    y = lattice.north - (np.arange(lattice.rows) + 0.5) * lattice.cell_m
    middles = np.column_stack([np.tile(x, lattice.rows), np.repeat(y, lattice.columns)])
    shapely.prepare(window)
    wanted = shapely.contains_xy(window, middles[:, 0], middles[:, 1])
    if beyond_m is not None:
        tree = shapely.STRtree(np.asarray(shapely.points(stations.places), dtype=object))
        near = tree.query(
            np.asarray(shapely.points(middles[wanted]), dtype=object), predicate="dwithin", distance=beyond_m
        )[0]
        chosen = np.flatnonzero(wanted)
        wanted = np.zeros(len(middles), dtype=bool)
        wanted[chosen[np.unique(near)]] = True
    found = np.full(len(middles), np.nan)
    if wanted.any():
        found[wanted] = estimate(middles[wanted])
    return found.reshape(lattice.rows, lattice.columns)


def _notes(rmse: float, spread: float) -> list[str]:
    if spread and rmse >= spread:
        return ["交叉检验误差不小于站点值的标准差：插值并不比取平均值更好，请慎用"]
    return []


def _points(means: list[StationMean]) -> list[Place]:
    return [
        Place(
            {"type": "Point", "coordinates": [round(one.lon, 7), round(one.lat, 7)]},
            {"kind": "station", "code": one.code, "name": one.name, "value": one.value, "unit": one.unit},
        )
        for one in means
    ]


def _table(stations: Stations, left_out: Floats) -> Table:
    columns = (
        Column("code", Title("站点", "Station")),
        Column("value", Title("监测值", "Value"), "number", stations.unit),
        Column("left_out", Title("由其他站点估计", "From the others"), "number", stations.unit),
        Column("error", Title("误差", "Error"), "number", stations.unit),
    )
    rows = [
        (code, float(value), float(other), float(other - value))
        for code, value, other in zip(stations.names, stations.values, left_out, strict=True)
    ]
    return Table("stations", Title("站点与交叉检验", "Stations and cross-validation"), columns, rows)


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    value = instant(text, "at").value
    if not isinstance(value, datetime):
        raise BadRequest(f"{text[:40]!r} is no moment", where="at", remedy="write 2026-01-31T08:00:00+08:00")
    return value


ANALYSIS: Analysis[SurfaceParameters] = Analysis(
    id="interpolated-surface",
    version="1",
    title=Title("插值面", "Interpolated surface"),
    description=Title(
        "由站点监测值插值成面（反距离加权或普通克里金），给出交叉检验误差，可下载为 GeoTIFF。",
        "Values between stations by inverse distances or ordinary kriging, with their error, also as GeoTIFF.",
    ),
    parameters=SurfaceParameters,
    run=interpolated_surface,
)
