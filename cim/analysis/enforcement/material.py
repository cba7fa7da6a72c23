"""What enforcement lays over each other: all patches at once, and each layer that the rules name."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis import land_figures
from cim.analysis.context import Context, Features
from cim.analysis.enforcement.rules import Approval, EnforcementRules
from cim.analysis.overlay import Floats, Overlay, Shapes, overlay
from cim.analysis.reaching import features_of_each, partial
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.model.redline import to_lonlat

PATCH_FIELDS = ("patch_no", "taken_on", "class_before", "class_after", "source", "area_m2")


@dataclass(frozen=True, slots=True)
class Laid:
    """A layer near the patches and its pieces in them; ``whole`` says that the caller sees all of it."""

    features: Features
    pieces: Overlay
    whole: bool

    @property
    def sure(self) -> bool:
        """Whether what is not in it is nowhere."""
        return self.features.present and self.whole


@dataclass(frozen=True, slots=True)
class Material:
    """All patches with their areas in m2, the layers laid over them by the rules' ids, and arable land taken."""

    patches: Features
    areas_m2: Floats
    srid: int
    laid: dict[str, Laid]
    land: Laid
    arable_m2: Floats


async def gather(
    connection: AsyncConnection, context: Context, rules: EnforcementRules, patches: Features, srid: int
) -> Material:
    """Read every layer near the patches and lay it over all of them."""
    wanted = [
        *((each.id, each.layer, (each.date_field, each.number_field), "") for each in rules.approval),
        *((each.id, each.layer, (), each.where) for each in rules.control),
        *((each.id, each.layer, (), "") for each in rules.plan),
    ]
    laid = {}
    for number, (name, layer, fields, where) in enumerate(wanted):
        context.progress(10 + 50 * number // len(wanted), f"叠加 {context.titles.get(layer, layer)}")
        laid[name] = await _laid(connection, context, layer, fields, patches.shapes, srid, where)
    context.progress(60, "叠加土地利用现状")
    land = await _laid(connection, context, rules.land_layer, land_figures.FIELDS, patches.shapes, srid)
    arable = await asyncio.to_thread(_arable, land, len(patches.keys), srid)
    return Material(patches, ellipsoidal_areas_m2(to_lonlat(patches.shapes, srid)), srid, laid, land, arable)


async def _laid(
    connection: AsyncConnection,
    context: Context,
    layer: str,
    fields: Sequence[str],
    shapes: Shapes,
    srid: int,
    where: str = "",
) -> Laid:
    features = await features_of_each(context, connection, layer, fields, shapes, srid, where)
    pieces = await asyncio.to_thread(overlay, shapes, features.shapes, srid)
    return Laid(features, pieces, not partial(context, layer))


def _arable(land: Laid, count: int, srid: int) -> Floats:
    """Arable land in each patch, net of field ridges."""
    found = land_figures.patches(land.pieces, land.features.columns, land.features.shapes, srid)
    net = 1 - np.divide(found.ridge_m2, found.register_m2, out=np.zeros(len(found.code)), where=found.register_m2 > 0)
    weights = np.where(found.arable(), found.computed_m2 * net, 0.0)
    return np.asarray(np.bincount(land.pieces.area, weights=weights, minlength=count), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Granted:
    """Of each patch in m2: granted when it was seen, granted by now, without a day, and pre-reviewed.

    ``numbers`` are those of the approvals that were there when it was seen.
    """

    then_m2: Floats
    now_m2: Floats
    undated_m2: Floats
    prereviewed_m2: Floats
    numbers: list[str]


def granted(of: Material, rules: EnforcementRules) -> Granted:
    """Lay approvals together: what several of them cover counts once."""
    parts = [_dated(approval, of) for approval in rules.approval]
    grants = [part for approval, part in zip(rules.approval, parts, strict=True) if approval.grants]
    others = [part for approval, part in zip(rules.approval, parts, strict=True) if not approval.grants]
    count = len(of.areas_m2)
    numbers: list[list[str]] = [[] for _ in range(count)]
    for part in grants:
        for area, number in zip(part.area[part.before], part.number[part.before], strict=True):
            if number and number not in numbers[int(area)]:
                numbers[int(area)].append(str(number))

    def covered(parts: Sequence[_Dated], masks: Sequence[NDArray[np.bool_]]) -> Floats:
        if not parts:
            return np.zeros(count)
        area = np.concatenate([part.area[mask] for part, mask in zip(parts, masks, strict=True)])
        shapes = np.concatenate([part.shapes[mask] for part, mask in zip(parts, masks, strict=True)])
        return united_m2(area, shapes, count, of.srid)

    return Granted(
        then_m2=covered(grants, [part.before for part in grants]),
        now_m2=covered(grants, [part.dated for part in grants]),
        undated_m2=covered(grants, [~part.dated for part in grants]),
        prereviewed_m2=covered(others, [np.ones(len(part.area), dtype=bool) for part in others]),
        numbers=["、".join(each) for each in numbers],
    )


@dataclass(frozen=True, slots=True)
class _Dated:
    """Pieces of one layer of approvals: ``dated`` those with a day, ``before`` those of a day not after the patch's."""

    area: NDArray[np.int64]
    shapes: Shapes
    number: NDArray[np.object_]
    dated: NDArray[np.bool_]
    before: NDArray[np.bool_]


def _dated(approval: Approval, of: Material) -> _Dated:
    laid = of.laid[approval.id]
    pieces, seen = laid.pieces, of.patches.columns["taken_on"]
    of_feature = [laid.features.columns[name] for name in (approval.date_field, approval.number_field)]
    days, numbers = ([values[int(k)] for k in pieces.feature] for values in of_feature)
    before = [_not_after(day, seen[int(area)]) for day, area in zip(days, pieces.area, strict=True)]
    return _Dated(
        pieces.area,
        pieces.shapes,
        np.array(numbers, dtype=object),
        np.array([isinstance(day, date) for day in days], dtype=bool),
        np.array(before, dtype=bool),
    )


def _not_after(day: Any, seen: Any) -> bool:
    """Whether an approval was there when the patch was seen; one without a day is no evidence that it was."""
    return isinstance(day, date) and (not isinstance(seen, date) or day <= seen)


def united_m2(area: NDArray[np.int64], shapes: Shapes, count: int, srid: int) -> Floats:
    """The area in m2 that pieces of each of ``count`` areas cover, what several cover counted once."""
    if len(area) == 0:
        return np.zeros(count)
    order = np.argsort(area, kind="stable")
    owners, starts = np.unique(area[order], return_index=True)
    groups = np.split(shapes[order], starts[1:])
    united = np.array([group[0] if len(group) == 1 else shapely.union_all(group) for group in groups], dtype=object)
    out = np.zeros(count)
    out[owners] = ellipsoidal_areas_m2(to_lonlat(united, srid))
    return out
