"""Things by their codes."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.sensing_tables import thing


async def things_named(connection: AsyncConnection, code: str, number: int | None, most: int) -> list[dict[str, Any]]:
    """Things whose properties have a ``code``, or the one of a number; those of devices only by their number."""
    t = thing.c
    by_code = sa.and_(t.asset.is_(None), t.properties["code"].astext == code)
    wanted = by_code if number is None else t.id == number
    rows = await connection.execute(sa.select(t.id, t.name, t.asset).where(wanted).order_by(t.id).limit(most))
    return [dict(row) for row in rows.mappings()]
