"""Reading a layer where an analysis may be asked for everywhere or for an area."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.area import red_line_of
from cim.analysis.context import Context, Features
from cim.analysis.overlay import Ints, Shapes
from cim.model.analysis import Place
from cim.model.collection import BoundingBox
from cim.model.redline import moved, to_lonlat

EVERYWHERE: list[BoundingBox] = [(70.0, 0.0, 140.0, 56.0)]
MOST_PLACES = 5_000


async def area_in(context: Context, connection: AsyncConnection, area: Any, srid: int) -> Shapes | None:
    """The parcels of an asked area in a system, or None where none was asked for."""
    if area is None:
        return None
    red_line = await red_line_of(context, area)
    return moved(red_line.shapes, red_line.srid, srid)


async def features_in(
    context: Context,
    connection: AsyncConnection,
    layer: str,
    wanted: Sequence[str],
    area: Shapes | None,
    srid: int,
    *,
    where: str = "",
    more: tuple[Any, ...] = (),
) -> Features:
    """The features of a layer that meet an area, or all of them."""
    if area is None:
        none = np.zeros(0, dtype=object)
        return await context.features(connection, layer, wanted, none, srid, where=where, boxes=EVERYWHERE, more=more)
    found = await context.features(connection, layer, wanted, area, srid, where=where, more=more)
    return taken(found, np.unique(shapely.STRtree(found.shapes).query(area, predicate="intersects")[1]))


def taken(found: Features, rows: Ints) -> Features:
    """Some of the features."""
    return replace(
        found,
        fids=found.fids[rows],
        keys=[found.keys[int(row)] for row in rows],
        columns={name: [values[int(row)] for row in rows] for name, values in found.columns.items()},
        shapes=found.shapes[rows],
    )


async def features_of_each(
    context: Context,
    connection: AsyncConnection,
    layer: str,
    wanted: Sequence[str],
    areas: Shapes,
    srid: int,
    where: str = "",
) -> Features:
    """The features of a layer that may meet any of many small areas: each area is looked up by its own box."""
    sides = shapely.bounds(to_lonlat(areas, srid)) if len(areas) else np.zeros((0, 4))
    boxes: list[BoundingBox] = [(west, south, east, north) for west, south, east, north in sides.tolist()]
    return await context.features(connection, layer, wanted, areas, srid, where=where, boxes=boxes)


def places(shapes: Shapes, srid: int, facts: Sequence[Mapping[str, Any]]) -> list[Place]:
    """Shapes for the map, at most ``MOST_PLACES`` of them, with what they stand for."""
    held = to_lonlat(shapes[:MOST_PLACES], srid)
    return [Place(shapely.geometry.mapping(shape), fact) for shape, fact in zip(held, facts[:MOST_PLACES], strict=True)]


def partial(context: Context, layer: str) -> bool:
    """Whether the caller sees only some regions of a layer."""
    decision = context.decision(layer)
    return decision is not None and decision.regions is not None
