"""Mapbox Vector Tiles encoded in the database, from the stored Web Mercator column."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.store.collection_tables import collection_table
from cim.store.features import readable_rows

EXTENT = 4096
BUFFER = 64
_WORLD_M = 40_075_016.685578488


async def vector_tile(
    connection: AsyncConnection,
    collection: Collection,
    fields: Sequence[str],
    regions: Sequence[str] | None,
    z: int,
    x: int,
    y: int,
) -> bytes:
    """One tile of one layer; empty bytes where nothing lies in it. The feature id is the fid."""
    table = collection_table(collection.schema)
    envelope = sa.func.ST_TileEnvelope(z, x, y)
    margin = _WORLD_M / 2**z * BUFFER / EXTENT
    shape = sa.func.ST_AsMVTGeom(table.c.geom_3857, envelope, EXTENT, BUFFER, True)
    rows = (
        sa.select(table.c.fid, *(table.c[name] for name in fields), shape.label("mvt_geom"))
        .where(*readable_rows(table, regions))
        .where(table.c.geom_3857.op("&&")(sa.func.ST_Expand(envelope, margin)))
        .subquery("rows")
    )
    tile = sa.select(sa.func.ST_AsMVT(sa.literal_column("rows"), collection.id, EXTENT, "mvt_geom", "fid")).select_from(
        sa.select(rows).where(rows.c.mvt_geom.is_not(None)).subquery("rows")
    )
    return bytes(await connection.scalar(tile) or b"")
