"""The point clouds of a layer: their kept files, and what is needed to draw them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.model.tilesets import KeptCloud
from cim.store.collection_tables import collection_table, lonlat
from cim.store.selection import readable_rows


async def kept_clouds(
    connection: AsyncConnection, collection: Collection, regions: Sequence[str] | None
) -> list[KeptCloud]:
    """The readable clouds of a layer's current version whose place and heights are known, by name."""
    table = collection_table(collection.schema)
    shape = lonlat(table)
    sides = [getattr(sa.func, f"ST_{side}")(shape).label(side.lower()) for side in ("XMin", "YMin", "XMax", "YMax")]
    names = ("fid", "name", "file", "crs", "height_datum", "z_min_m", "z_max_m", "points")
    drawable = [table.c[name].is_not(None) for name in ("file", "crs", "z_min_m", "z_max_m", "points")]
    statement = (
        sa.select(*(table.c[name] for name in names), *sides)
        .where(*readable_rows(table, regions), *drawable, table.c.points > 0)
        .order_by(table.c.name)
    )
    return [
        KeptCloud(
            row["fid"],
            row["name"],
            row["file"],
            row["crs"],
            row["height_datum"],
            row["z_min_m"],
            row["z_max_m"],
            (row["xmin"], row["ymin"], row["xmax"], row["ymax"]),
        )
        for row in (await connection.execute(statement)).mappings()
    ]
