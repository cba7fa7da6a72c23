"""Hazard sources as units to grade: those of the layer ``hazards``, or a plant's own stock and boundary."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Parameters, area_field
from cim.analysis.area import red_line_of
from cim.analysis.context import Context
from cim.analysis.impact.hazard_rules import OUTSIDE_M, Stock
from cim.analysis.impact.substances import found_substance
from cim.analysis.overlay import Shapes
from cim.analysis.place import place_field, place_of
from cim.analysis.reaching import EVERYWHERE
from cim.analysis.terrain.cells import metric_srid
from cim.errors import BadRequest, NotFound
from cim.model.analysis import SourceEdition
from cim.model.redline import LONLAT_SRID, moved, to_lonlat

HAZARDS = "hazards"
FIELDS = ("id", "name", "substance", "quantity_t", "beta", "r_value", "grade")
LEAST_M = 1e-3


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


async def units_of(asked: GradeParameters, context: Context) -> tuple[list[Unit], SourceEdition | None]:
    """The hazards asked for with their edition, or the given stock as one; an error where there is none."""
    area = None
    if asked.area is not None:
        area = shapely.union_all((await red_line_of(context, asked.area)).lonlat())
    if asked.inventory:
        return [_given(asked, area)], None
    units, edition = await _registered(asked, context)
    if area is not None:
        if len(units) != 1:
            raise BadRequest("a boundary is of one plant", where="area", remedy="name the hazard that it belongs to")
        units = [replace(units[0], plant=area)]
    return units, edition


def _given(asked: GradeParameters, area: shapely.Geometry | None) -> Unit:
    if area is None and asked.place is None:
        raise BadRequest("the stock has no place", where="place", remedy="give the plant's area, or its place")
    plant = area if area is not None else _disc(shapely.Point(*place_of(asked.place)), asked.boundary_m)
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


def _disc(point: shapely.Geometry, radius_m: float) -> shapely.Geometry:
    return _widened(point, max(radius_m, LEAST_M))


def outside_of(plant: shapely.Geometry) -> shapely.Geometry:
    """What lies within 500 m outside of a plant."""
    return shapely.difference(_widened(plant, OUTSIDE_M), plant)


def _widened(shape: shapely.Geometry, by_m: float) -> shapely.Geometry:
    srid = metric_srid(shapely.centroid(shape).x)
    plane: Shapes = moved(np.array([shape], dtype=object), LONLAT_SRID, srid)
    wide = np.asarray(shapely.buffer(plane, by_m, quad_segs=32), dtype=object)
    found: shapely.Geometry = to_lonlat(wide, srid)[0]
    return found
