"""Schemes that the city keeps already: building models, and layers of buildings or city objects."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context
from cim.analysis.scheme_check.scheme import MOST_BUILDINGS, Scheme, scheme_of
from cim.errors import BadRequest
from cim.model.redline import LONLAT_SRID, RedLine, moved
from cim.policy.policy import Decision
from cim.store.bim_elements import floors_of
from cim.store.bim_models import ModelRow, models_by_id

_FLOORS, _NAMES = ("storeys_above", "floors"), ("label", "name")


async def the_scheme(connection: AsyncConnection, context: Context, given: Any, site: RedLine) -> Scheme:
    """The scheme that an input is or names: GeoJSON, ``{"model": ID}`` or ``{"layer": ID}``.

    Of a layer these are the objects that meet the site. BadRequest where there is none, or the caller may not see it.
    """
    if isinstance(given, Mapping) and isinstance(given.get("model"), str):
        return await _of_model(connection, context, given["model"])
    if isinstance(given, Mapping) and isinstance(given.get("layer"), str):
        return await _of_layer(connection, context, given["layer"], site)
    return scheme_of(given)


async def _of_model(connection: AsyncConnection, context: Context, name: str) -> Scheme:
    decision = _readable(context.models.get(name), name, "GET /models")
    (row,) = await models_by_id(connection, {name: decision.collection.version})
    if row.footprint is None:
        raise BadRequest(f"the model {name} has no footprint", where="scheme", remedy="no element of it has a shape")
    floors = await floors_of(connection, name)
    footprint = np.array([shapely.from_geojson(row.footprint)], dtype=object)
    height = math.nan if row.z_max_m is None else row.z_max_m - _ground_m(row)
    return Scheme((row.name,), footprint, np.array([float(floors) if floors else math.nan]), np.array([height]))


def _ground_m(row: ModelRow) -> float:
    """The height of the model's own zero, which is the ground floor's."""
    return row.placement.height_m


async def _of_layer(connection: AsyncConnection, context: Context, layer: str, site: RedLine) -> Scheme:
    decision = _readable(context.decisions.get(layer), layer, "GET /collections")
    if decision.collection.schema.geometry != "MultiPolygon":
        raise BadRequest(f"the layer {layer} holds no footprints", where="scheme", remedy="name a layer of buildings")
    fields = [name for name in (*_FLOORS, *_NAMES, "height_m") if name in decision.field_names]
    found = await context.features(connection, layer, fields, site.shapes, site.srid)
    meets = shapely.intersects(found.shapes, shapely.union_all(site.shapes))
    at = np.flatnonzero(meets)
    if not 1 <= len(at) <= MOST_BUILDINGS:
        raise BadRequest(
            f"{len(at)} objects of the layer {layer} meet the site, a scheme has 1 to {MOST_BUILDINGS}",
            where="scheme",
            remedy="name the layer that the scheme was imported as",
        )
    names = [str(_first(found.columns, _NAMES, k) or found.keys[int(k)]) for k in at]
    floors = np.array([_number(_first(found.columns, _FLOORS, k)) for k in at])
    heights = np.array([_number(_first(found.columns, ("height_m",), k)) for k in at])
    return Scheme(tuple(names), moved(found.shapes[at], site.srid, LONLAT_SRID), floors, heights)


def _readable(decision: Decision | None, name: str, listed: str) -> Decision:
    if decision is None:
        raise BadRequest(
            f"there is no {name[:60]!r} that you may see", where="scheme", remedy=f"{listed} lists what you may see"
        )
    return decision


def _first(columns: Mapping[str, list[Any]], names: tuple[str, ...], k: Any) -> Any:
    return next((columns[name][k] for name in names if name in columns and columns[name][k] is not None), None)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
