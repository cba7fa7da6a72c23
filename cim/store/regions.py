"""Administrative regions, kept in step with the layers that deliver them."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.city import RegionLevel
from cim.model.collection import CollectionSchema
from cim.store import tables as t
from cim.store.collection_tables import collection_table, is_current, lonlat


async def take_regions(
    connection: AsyncConnection,
    schema: CollectionSchema,
    level: RegionLevel,
    code: str,
    name: str,
    parent: str | None,
) -> int:
    """Replace the regions of a level by the current features of a layer; returns how many there are."""
    table = collection_table(schema)
    rows = sa.select(
        sa.cast(table.c[code], sa.Text),
        sa.literal(str(level)),
        sa.cast(table.c[name], sa.Text),
        sa.cast(table.c[parent], sa.Text) if parent else sa.null(),
        sa.func.ST_Force2D(lonlat(table)),
    ).where(is_current(table), table.c[code].is_not(None))
    await connection.execute(sa.delete(t.region).where(t.region.c.level == level))
    done = await connection.execute(
        sa.insert(t.region).from_select(["code", "level", "name", "parent_code", "geom"], rows)
    )
    return done.rowcount


async def region_shapes(connection: AsyncConnection, level: str) -> list[bytes]:
    """The regions of a level as WKB in longitude and latitude of CGCS2000."""
    rows = await connection.execute(sa.select(sa.func.ST_AsBinary(t.region.c.geom)).where(t.region.c.level == level))
    return [bytes(wkb) for wkb in rows.scalars()]


async def region_names(connection: AsyncConnection, level: RegionLevel | None = None) -> dict[str, str]:
    """The names of regions by code; of one level, where it is given."""
    query = sa.select(t.region.c.code, t.region.c.name)
    rows = await connection.execute(query if level is None else query.where(t.region.c.level == level))
    return {row.code: row.name for row in rows}
