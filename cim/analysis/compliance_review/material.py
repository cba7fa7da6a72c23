"""What a review lays over each other: the areas, and the features of every layer that the rules name."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis import land_figures
from cim.analysis.boxes import boxes_over
from cim.analysis.compliance_review.rules import ReviewRules, Rule
from cim.analysis.context import Context, Features
from cim.analysis.land_figures import Patches
from cim.analysis.overlay import Floats, Overlay, Shapes, overlay
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat
from cim.store.scenarios import the_scenario

REGION_FIELD = "code"


@dataclass(frozen=True, slots=True)
class Laid:
    """A layer near the areas, and its pieces in them. ``partial``: the caller sees only some regions of it."""

    features: Features
    pieces: Overlay
    partial: bool

    def value(self, field: str, piece: int) -> Any:
        """A field of the feature that a piece is of."""
        return self.features.columns[field][int(self.pieces.feature[piece])]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that is needed to judge some areas; they are in the system ``srid``, figures in m2.

    ``farmland_m2`` is how much of each piece of land is permanent basic farmland, where that layer is there;
    ``rules`` holds what each rule looks at.
    """

    srid: int
    areas: Shapes
    areas_m2: Floats
    land: Laid
    patches: Patches
    farmland: Laid
    farmland_m2: Floats
    bounds: Laid
    rules: dict[str, Laid]


async def gather(
    connection: AsyncConnection,
    context: Context,
    rules: ReviewRules,
    areas: Shapes,
    srid: int,
    scenario: str | None = None,
) -> Material:
    """Read the layers around the areas and lay them over."""
    plans = await _scenario_of(connection, context, scenario)
    named = {rules.land_layer, rules.basic_farmland_layer, rules.bounds_layer, *(rule.layer for rule in rules.rule)}
    await context.look_up(connection, named)
    async with _Reader(connection, context, areas, srid, plans) as read:
        await read.begin(rules.land_layer, land_figures.FIELDS)
        await read.begin(rules.basic_farmland_layer, ())
        await read.begin(rules.bounds_layer, (REGION_FIELD,))
        for rule in rules.rule:
            await read.begin(*_wanted(rule))
        land = await read.laid(rules.land_layer, land_figures.FIELDS)
        farmland = await read.laid(rules.basic_farmland_layer, ())
        inside = await asyncio.to_thread(_farmland_in, land.pieces, farmland.features.shapes, srid)
        return Material(
            srid=srid,
            areas=areas,
            areas_m2=ellipsoidal_areas_m2(to_lonlat(areas, srid)),
            land=land,
            patches=land_figures.patches(land.pieces, land.features.columns, land.features.shapes, srid),
            farmland=farmland,
            farmland_m2=inside,
            bounds=await read.laid(rules.bounds_layer, (REGION_FIELD,)),
            rules={rule.id: await read.laid(*_wanted(rule)) for rule in rules.rule},
        )


def _wanted(rule: Rule) -> tuple[str, tuple[str, ...], str, float]:
    """What a rule looks at: the layer, its fields, the condition, and how far around the areas."""
    fields = (*rule.list_fields, *((rule.field,) if rule.field else ()))
    return rule.layer, fields, rule.where, rule.distance_m if rule.test == "near" else 0.0


async def _scenario_of(connection: AsyncConnection, context: Context, name: str | None) -> dict[str, int]:
    """The layers that a scenario changes and the caller may read, with its id."""
    if name is None:
        return {}
    known = await the_scenario(connection, name)
    return {layer: known.id for layer in known.layers if layer in context.decisions}


def _farmland_in(land: Overlay, farmland: Shapes, srid: int) -> Floats:
    inside = overlay(land.shapes, farmland, srid)
    sums = np.bincount(inside.area, weights=inside.areas_m2, minlength=len(land.shapes))
    return np.minimum(sums, land.areas_m2)


class _Reader:
    """Reads each layer once, however many rules look at it, and lays one over the areas while the next is read."""

    def __init__(
        self, connection: AsyncConnection, context: Context, areas: Shapes, srid: int, scenarios: dict[str, int]
    ) -> None:
        self._connection, self._context, self._areas, self._srid = connection, context, areas, srid
        self._scenarios = scenarios
        self._boxes = boxes_over(to_lonlat(areas, srid))
        self._known: dict[tuple[str, str, tuple[str, ...], float], asyncio.Task[Laid]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._known.values():
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)

    async def laid(self, layer: str, fields: Sequence[str], where: str = "", within_m: float = 0.0) -> Laid:
        """A layer laid over the areas."""
        return await (await self.begin(layer, fields, where, within_m))

    async def begin(
        self, layer: str, fields: Sequence[str], where: str = "", within_m: float = 0.0
    ) -> asyncio.Task[Laid]:
        """Read a layer; laying it over the areas goes on in a thread."""
        key = (layer, where, tuple(dict.fromkeys(fields)), within_m)
        if key not in self._known:
            features = await self._context.features(
                self._connection,
                layer,
                key[2],
                self._areas,
                self._srid,
                where=where,
                scenario=self._scenarios.get(layer),
                within_m=within_m,
                boxes=self._boxes,
            )
            decision = self._context.decisions.get(layer)
            partial = decision is not None and decision.regions is not None
            self._known[key] = asyncio.create_task(self._over(features, partial=partial))
        return self._known[key]

    async def _over(self, features: Features, *, partial: bool) -> Laid:
        return Laid(features, await asyncio.to_thread(overlay, self._areas, features.shapes, self._srid), partial)
