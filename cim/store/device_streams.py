"""The datastreams of a device with their newest values."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.sensing_tables import datastream, latest, observed_property


async def streams_of(connection: AsyncConnection, things: Sequence[int]) -> list[dict[str, Any]]:
    """The datastreams of things, in the order of their numbers: property, unit, bounds, newest value."""
    d, p, n = datastream.c, observed_property.c, latest.c
    rows = await connection.execute(
        sa.select(
            d.id,
            d.thing,
            d.name,
            p.code.label("property_code"),
            p.name.label("property_name"),
            d.unit,
            d.least,
            d.greatest,
            d.properties,
            n.at,
            n.until,
            sa.func.coalesce(sa.func.to_jsonb(n.value), n.result).label("value"),
            n.quality,
        )
        .select_from(
            datastream.join(observed_property, p.id == d.observed_property).outerjoin(latest, n.datastream_id == d.id)
        )
        .where(d.thing == sa.func.any(sa.literal(list(things), ARRAY(sa.Integer))))
        .order_by(d.id)
    )
    return [dict(row) for row in rows.mappings()]
