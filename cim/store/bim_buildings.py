"""Which building a model stands for: by the code given with it, else the footprint it covers."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Grade
from cim.store.collection_tables import lonlat_name, quoted
from cim.store.collections import find_collection

BUILDINGS, CODE = "buildings", "building_code"
LEAST_SHARE = 0.5
_WIDEST_FIRST = (Grade.PUBLIC, Grade.INTERNAL, Grade.RESTRICTED, Grade.DRAFT)


async def building_code_of(connection: AsyncConnection, model: str) -> str | None:
    """The unified building code of a model, where it has one."""
    code: str | None = await connection.scalar(
        sa.text("SELECT building_code FROM bim.model WHERE id = :model"), {"model": model}
    )
    return code


async def match_building(connection: AsyncConnection, model: str) -> tuple[str, float] | None:
    """Give a model the code of the building that covers most of its footprint, and more than half.

    Returns the code and the share that is covered. A model that more people may see than the layer of buildings gets
    none.
    """
    held, buildings = await find_collection(connection, model), await find_collection(connection, BUILDINGS)
    if held is None or buildings is None or CODE not in buildings.schema.field_names:
        return None
    if _WIDEST_FIRST.index(held.grade) < _WIDEST_FIRST.index(buildings.grade):
        return None
    shape = lonlat_name(buildings.schema)
    found = (
        await connection.execute(
            sa.text(f"""
            SELECT b.{CODE} AS code,
                ST_Area(ST_Intersection(ST_MakeValid(b.{shape}, 'method=structure'), m.footprint))
                    / ST_Area(m.footprint) AS share
            FROM bim.model m JOIN {quoted("history", BUILDINGS)} b ON b.geom_3857 && m.footprint_3857
            WHERE m.id = :model AND b.valid_to_version IS NULL AND b.{CODE} IS NOT NULL AND ST_Area(m.footprint) > 0
            ORDER BY 2 DESC, 1 LIMIT 1
            """),
            {"model": model},
        )
    ).first()
    if found is None or found.share <= LEAST_SHARE:
        return None
    await connection.execute(
        sa.text("UPDATE bim.model SET building_code = :code WHERE id = :model"), {"code": found.code, "model": model}
    )
    return found.code, float(found.share)
