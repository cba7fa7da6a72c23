"""Which version was valid at an instant, and the rows of a version."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import tables as t
from cim.store.versions import the_version


def rows_as_of(table: sa.FromClause, version: int) -> sa.ColumnElement[bool]:
    """Rows that were current in a version."""
    ended = table.c.valid_to_version
    return sa.and_(table.c.valid_from_version <= version, sa.or_(ended.is_(None), ended > version))


async def version_at(connection: AsyncConnection, layer: str, instant: datetime) -> int:
    """The number of the version that was valid at an instant with zone; 0 before the first one.

    Raises NotFound when the rows of that version were removed to save space.
    """
    number = await connection.scalar(
        sa.select(sa.func.max(t.version.c.number)).where(t.version.c.layer == layer, t.version.c.created_at <= instant)
    )
    if number is None:
        return 0
    return (await the_version(connection, layer, number)).number
