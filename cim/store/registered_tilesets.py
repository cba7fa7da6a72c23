"""The registered sets of tiles of a layer: which there are, and where they stand."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.model.tilesets import RegisteredTileset, Stand
from cim.store.collection_tables import collection_table, lonlat
from cim.store.selection import readable_rows


async def registered_tilesets(
    connection: AsyncConnection, collection: Collection, regions: Sequence[str] | None
) -> list[RegisteredTileset]:
    """The readable sets of a layer's current version, by name."""
    table = collection_table(collection.schema)
    shape = lonlat(table)
    sides = [getattr(sa.func, f"ST_{side}")(shape).label(side.lower()) for side in ("XMin", "YMin", "XMax", "YMax")]
    names = ("fid", "name", "file", "height_datum", "z_min_m", "z_max_m", "error_m")
    places = ("place_lon", "place_lat", "place_height_m", "place_heading_deg")
    statement = (
        sa.select(*(table.c[name] for name in (*names, *places)), *sides)
        .where(*readable_rows(table, regions), table.c.file.is_not(None))
        .order_by(table.c.name)
    )
    return [_tileset(row) for row in (await connection.execute(statement)).mappings()]


def _tileset(row: Any) -> RegisteredTileset:
    place = None
    if row["place_lon"] is not None:
        place = (row["place_lon"], row["place_lat"], row["place_height_m"] or 0.0, row["place_heading_deg"] or 0.0)
    return RegisteredTileset(
        row["fid"],
        row["name"],
        row["file"],
        Stand(row["height_datum"], place),
        (row["xmin"], row["ymin"], row["xmax"], row["ymax"]),
        row["z_min_m"] or 0.0,
        row["z_max_m"] or 0.0,
        row["error_m"] or 0.0,
    )
