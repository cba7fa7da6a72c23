"""What the figures of a block stand on: the parcels, and the layers laid over them, now and under a scenario."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context, Features
from cim.analysis.overlay import Floats, Ints, Overlay, Shapes, overlay
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import RedLine, to_lonlat
from cim.store.scenarios import no_scenario, the_scenario

BUILDINGS, PLAN, LAND, WATER = "buildings", "plan_parcels", "land_status", "water"
POPULATION, BOUNDS = "population", "admin_county"
BUILDING_FIELDS = ("building_code", "floors", "height_m", "use")
PLAN_FIELDS = ("parcel_code", "use_code", "use_name", "far", "height_limit_m", "density_pct", "green_pct")
PEOPLE_FIELDS = ("building_code", "persons", "households")
NEAR_M = 300.0
"""How far from the block a record of people may lie; it is joined by its building's code."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A layer near the parcels and its pieces in them. ``share`` is what each piece is of its whole feature.

    ``partial``: the caller sees only some regions of the layer.
    """

    features: Features
    pieces: Overlay
    share: Floats
    partial: bool

    def values(self, field: str, pieces: Ints) -> list[Any]:
        """A field of the features that some pieces are of."""
        column = self.features.columns[field]
        return [column[int(self.pieces.feature[piece])] for piece in pieces]

    def numbers(self, field: str, pieces: Ints) -> Floats:
        """A field as numbers, NaN where there is none."""
        return np.array([_number(value) for value in self.values(field, pieces)], dtype=float)

    def of(self, parcels: Ints) -> Ints:
        """The pieces of some parcels."""
        return np.flatnonzero(np.isin(self.pieces.area, parcels))


@dataclass(frozen=True, slots=True)
class Material:
    """The parcels in the system ``srid`` and every layer over them; scenario parts are None where it says nothing.

    ``outside_m2`` is how much of each parcel lies beyond the county's bounds, None where these are not known.
    """

    srid: int
    areas: Shapes
    areas_m2: Floats
    buildings: Laid
    plan: Laid
    land: Laid
    water: Laid
    people: Features
    outside_m2: Floats | None
    scenario: str | None
    scenario_buildings: Laid | None
    scenario_plan: Laid | None


async def gather(connection: AsyncConnection, context: Context, red_line: RedLine, scenario: str | None) -> Material:
    """Read every layer around the parcels; NotFound for a scenario that the caller may not know of."""
    changed = await changed_by(connection, context, scenario)
    reader = BlockReader(connection, context, red_line.shapes, red_line.srid, changed)
    areas_m2 = red_line.areas_m2()
    bounds = await reader.laid(BOUNDS, ())
    return Material(
        srid=red_line.srid,
        areas=red_line.shapes,
        areas_m2=areas_m2,
        buildings=await reader.laid(BUILDINGS, BUILDING_FIELDS),
        plan=await reader.laid(PLAN, PLAN_FIELDS),
        land=await reader.laid(LAND, ("DLBM",)),
        water=await reader.laid(WATER, ()),
        people=await reader.near(POPULATION, PEOPLE_FIELDS),
        outside_m2=_outside(bounds, areas_m2),
        scenario=scenario,
        scenario_buildings=await reader.under_scenario(BUILDINGS, BUILDING_FIELDS),
        scenario_plan=await reader.under_scenario(PLAN, PLAN_FIELDS),
    )


def _outside(bounds: Laid, areas_m2: Floats) -> Floats | None:
    if not bounds.features.present or bounds.partial:
        return None
    inside = np.bincount(bounds.pieces.area, weights=bounds.pieces.areas_m2, minlength=len(areas_m2))
    return np.maximum(areas_m2 - inside, 0.0)


async def changed_by(
    connection: AsyncConnection, context: Context, name: str | None
) -> Mapping[str, tuple[int, int | None]]:
    """The readable layers that a scenario changes: its id, and the version it stands on."""
    if name is None:
        return {}
    known = await the_scenario(connection, name)
    changed = {
        layer: (known.id, change.version) for layer, change in known.layers.items() if layer in context.decisions
    }
    if not changed:
        raise no_scenario(name)
    return changed


class BlockReader:
    """Reads layers around the parcels and lays them over."""

    def __init__(
        self,
        connection: AsyncConnection,
        context: Context,
        areas: Shapes,
        srid: int,
        changed: Mapping[str, tuple[int, int | None]],
    ) -> None:
        self._connection, self._context, self._areas, self._srid = connection, context, areas, srid
        self._changed = changed

    async def near(self, layer: str, fields: Sequence[str]) -> Features:
        """The features of a layer in and beside the parcels."""
        return await self._context.features(self._connection, layer, fields, self._areas, self._srid, within_m=NEAR_M)

    async def laid(self, layer: str, fields: Sequence[str]) -> Laid:
        """A layer over the parcels."""
        found = await self._context.features(self._connection, layer, fields, self._areas, self._srid)
        return await self._over(layer, found)

    async def under_scenario(self, layer: str, fields: Sequence[str]) -> Laid | None:
        """A layer over the parcels as under the scenario; None where that says nothing of it."""
        if layer not in self._changed:
            return None
        number, version = self._changed[layer]
        context = self._context
        if version is not None:
            context = replace(context, versions={**context.versions, layer: version})
        found = await context.features(self._connection, layer, fields, self._areas, self._srid, scenario=number)
        return await self._over(layer, found)

    async def _over(self, layer: str, found: Features) -> Laid:
        pieces, share = await asyncio.to_thread(_pieces, self._areas, found.shapes, self._srid)
        decision = self._context.decisions.get(layer)
        return Laid(found, pieces, share, decision is not None and decision.regions is not None)


def _pieces(areas: Shapes, shapes: Shapes, srid: int) -> tuple[Overlay, Floats]:
    """The pieces of shapes in areas, and what each is of its whole shape."""
    pieces = overlay(areas, shapes, srid)
    if not len(pieces.feature):
        return pieces, np.zeros(0)
    used, place = np.unique(pieces.feature, return_inverse=True)
    whole_m2 = ellipsoidal_areas_m2(to_lonlat(shapes[used], srid))[place]
    share = np.divide(pieces.areas_m2, whole_m2, out=np.zeros(len(whole_m2)), where=whole_m2 > 0)
    return pieces, np.minimum(share, 1.0)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
