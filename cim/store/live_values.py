"""Newest values for those who follow them: what changed, and which datastreams a selection holds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Grade, ReadContext
from cim.model.collection import BoundingBox
from cim.store.sensing_tables import datastream, latest, location, observed_property, thing, thing_location
from cim.store.tables import asset, reach

EVERYTHING = ReadContext(tuple((grade, None) for grade in Grade), "live", 5_000)
"""What a process reads for all who follow; who gets which of it, the policy says for each value."""


@dataclass(frozen=True, slots=True)
class LiveValue:
    """The newest value of a datastream, and the reach and grade it is open by."""

    datastream: int
    at: datetime
    result: Any
    quality: str
    received_at: datetime
    reach: int
    grade: str


@dataclass(frozen=True, slots=True)
class Following:
    """Which datastreams somebody follows: all conditions that are given hold.

    ``property`` is the id or the code of an observed property, ``bbox`` a box in degrees that the device lies in.
    """

    datastreams: tuple[int, ...] = ()
    property: str | None = None
    placement: str | None = None
    bbox: BoundingBox | None = None


async def live_values(connection: AsyncConnection, datastreams: Collection[int] | None) -> list[LiveValue]:
    """The newest values of some datastreams, or of all."""
    columns = (latest.c.datastream_id, latest.c.at, sa.func.coalesce(sa.func.to_jsonb(latest.c.value), latest.c.result))
    query = sa.select(*columns, latest.c.quality, latest.c.received_at, datastream.c.reach, reach.c.grade)
    query = query.join(datastream, datastream.c.id == latest.c.datastream_id)
    query = query.join(reach, reach.c.id == datastream.c.reach)
    if datastreams is not None:
        query = query.where(latest.c.datastream_id == _any(list(datastreams)))
    return [LiveValue(*row) for row in await connection.execute(query.order_by(latest.c.datastream_id))]


async def received_since(connection: AsyncConnection, span: timedelta) -> list[int]:
    """The datastreams whose newest value came within the last span of time."""
    return list(
        await connection.scalars(sa.select(latest.c.datastream_id).where(latest.c.received_at >= sa.func.now() - span))
    )


async def followed_streams(connection: AsyncConnection, following: Following) -> frozenset[int]:
    """The datastreams of a selection that this transaction may see."""
    whole = datastream.join(thing, thing.c.id == datastream.c.thing).outerjoin(asset, asset.c.code == thing.c.asset)
    query = sa.select(datastream.c.id).select_from(whole)
    if following.datastreams:
        query = query.where(datastream.c.id == _any(list(following.datastreams)))
    if following.placement is not None:
        query = query.where(asset.c.placement == following.placement)
    if following.property is not None:
        named = observed_property.c.code == following.property
        if following.property.isascii() and following.property.isdecimal() and len(following.property) < 10:
            named = sa.or_(named, observed_property.c.id == int(following.property))
        properties = sa.select(observed_property.c.id).where(named)
        query = query.where(datastream.c.observed_property.in_(properties))
    if following.bbox is not None:
        box = sa.func.ST_MakeEnvelope(*following.bbox, 4490)
        placed = thing_location.join(location, location.c.id == thing_location.c.location)
        inside = sa.select(thing_location.c.thing).select_from(placed).where(location.c.geom.ST_Intersects(box))
        query = query.where(sa.or_(thing.c.id.in_(inside), asset.c.geom.ST_Intersects(box)))
    return frozenset(await connection.scalars(query))


async def open_reaches(connection: AsyncConnection) -> frozenset[int]:
    """The reaches that are open to this transaction."""
    return frozenset(await connection.scalar(sa.text("SELECT cim.open_reaches()")) or ())


def _any(ids: Sequence[int]) -> Any:
    return sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Integer)))
