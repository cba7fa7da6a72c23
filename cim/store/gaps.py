"""Spans in which a way in was closed, so that what is missing has its reason."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.alarm_tables import gap


async def note_gap(connection: AsyncConnection, source: str, since: datetime, until: datetime, note: str) -> None:
    """Keep that a way in was closed from one moment to another."""
    await connection.execute(sa.insert(gap).values(source=source, since=since, until=until, note=note))


async def gaps(connection: AsyncConnection, limit: int) -> list[dict[str, Any]]:
    """The newest gaps."""
    rows = await connection.execute(sa.select(gap).order_by(gap.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]
