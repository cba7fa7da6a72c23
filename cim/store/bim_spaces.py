"""How many spaces there are on the storeys of a building model."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.bim_elements import ElementQuery, everything


async def spaces_by_storey(connection: AsyncConnection, model: str, version: int | None) -> dict[str, int]:
    """The number of spaces by the GlobalId of their storey; "" stands for those on none."""
    rows = everything(ElementQuery((model,), version)).subquery("every")
    storey = sa.func.coalesce(rows.c.storey, "")
    found = await connection.execute(sa.select(storey, sa.func.count()).where(rows.c.kind == "space").group_by(storey))
    return {row[0]: row[1] for row in found}
