"""Mapbox Vector Tiles encoded in the database, from the stored Web Mercator or longitude-latitude column."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.model.grid import TileSquare
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, collection_table, lonlat
from cim.store.selection import readable_rows

EXTENT = 4096
BUFFER = 64
_MERCATOR_LIMIT_DEG = 85.06


async def vector_tile(
    connection: AsyncConnection,
    collection: Collection,
    fields: Sequence[str],
    regions: Sequence[str] | None,
    square: TileSquare,
) -> bytes:
    """One tile of one layer; empty bytes where nothing lies in it. The feature id is the fid."""
    table = collection_table(collection.schema)
    column = table.c.geom_3857 if square.srid == MERCATOR_SRID else lonlat(table)
    envelope = sa.func.ST_MakeEnvelope(square.west, square.south, square.east, square.north, square.srid)
    rows = (
        sa.select(
            table.c.fid,
            *(table.c[name] for name in fields),
            sa.func.ST_AsMVTGeom(column, envelope, EXTENT, BUFFER, True).label("mvt_geom"),
        )
        .where(*readable_rows(table, regions), table.c.geom_3857.op("&&")(reach(square)))
        .subquery("rows")
    )
    tile = sa.select(sa.func.ST_AsMVT(sa.literal_column("rows"), collection.id, EXTENT, "mvt_geom", "fid")).select_from(
        sa.select(rows).where(rows.c.mvt_geom.is_not(None)).subquery("rows")
    )
    return bytes(await connection.scalar(tile) or b"")


def reach(square: TileSquare) -> sa.ColumnElement[object]:
    """The box a tile is filled from, its buffer included, in Web Mercator: the one system that is indexed."""
    margin = (square.east - square.west) * BUFFER / EXTENT
    west, south, east, north = (
        square.west - margin,
        square.south - margin,
        square.east + margin,
        square.north + margin,
    )
    if square.srid == MERCATOR_SRID:
        return sa.func.ST_MakeEnvelope(west, south, east, north, MERCATOR_SRID)
    west, south = max(west, -180.0), max(south, -_MERCATOR_LIMIT_DEG)
    east, north = min(east, 180.0), min(north, _MERCATOR_LIMIT_DEG)
    return sa.func.ST_Transform(sa.func.ST_MakeEnvelope(west, south, east, north, LONLAT_SRID), MERCATOR_SRID)
