"""Reading features by how many stand before them, for standards that page by number."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.features import FeatureQuery
from cim.store.selection import selected_rows


async def fid_before(connection: AsyncConnection, query: FeatureQuery, skipped: int) -> int | None:
    """The fid after which a page begins that leaves out the first ``skipped`` features; None when there are fewer."""
    if skipped == 0:
        return 0
    rows = selected_rows(query.selection)
    statement = sa.select(rows.c.fid).order_by(rows.c.fid).offset(skipped - 1).limit(1)
    fid = await connection.scalar(statement)
    return None if fid is None else int(fid)


def with_fids(fids: Sequence[int]) -> sa.ColumnElement[bool]:
    """The condition, on bare column names, of being one of some features."""
    return sa.column("fid", sa.BigInteger).in_(list(fids))
