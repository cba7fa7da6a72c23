"""Where a building model stands: its footprint from the outlines of what encloses it, its heights and its box."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox
from cim.model.ifc_classes import all_kinds_of

ENCLOSING = tuple(sorted(all_kinds_of(("IfcWall", "IfcSlab", "IfcRoof", "IfcCurtainWall", "IfcPlate", "IfcColumn"))))
"""Classes whose outlines make the footprint; where a model has none of them, all that is built does."""
SEAM_M = 0.3
"""Gaps up to twice this wide between outlines are closed."""


async def refresh_extent(connection: AsyncConnection, model: str) -> BoundingBox | None:
    """Compute footprint and heights from the current elements and keep them with the model; returns the box."""
    await connection.execute(
        sa.text("""
        WITH built AS MATERIALIZED (
            SELECT outline_3857 AS shape, z_min_m, z_max_m, ifc_class = ANY (:enclosing) AS encloses FROM bim.element
            WHERE model = :model AND valid_to_version IS NULL AND kind = 'element'
        ), chosen AS (
            SELECT ST_MakeValid(shape, 'method=structure') AS shape FROM built
            WHERE shape IS NOT NULL AND ST_Dimension(shape) = 2
              AND (encloses OR NOT EXISTS (SELECT FROM built WHERE encloses AND shape IS NOT NULL))
        ), joined AS (
            SELECT ST_Buffer(ST_Buffer(ST_Union(shape), :seam, 'join=mitre'), -:seam, 'join=mitre') AS shape FROM chosen
        ), footprint AS (
            SELECT ST_Multi(ST_CollectionExtract(ST_MakeValid(shape, 'method=structure'), 3)) AS shape FROM joined
            WHERE shape IS NOT NULL AND NOT ST_IsEmpty(shape)
        )
        UPDATE bim.model SET footprint_3857 = (SELECT shape FROM footprint),
            footprint = (SELECT ST_Transform(shape, 4490) FROM footprint),
            z_min_m = (SELECT min(z_min_m) FROM built), z_max_m = (SELECT max(z_max_m) FROM built)
        WHERE id = :model
        """),
        {"model": model, "enclosing": list(ENCLOSING), "seam": SEAM_M},
    )
    sides = (
        await connection.execute(
            sa.text("""
            SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e)
            FROM (SELECT ST_Extent(outline) AS e FROM bim.element
                  WHERE model = :model AND valid_to_version IS NULL) AS extent
            """),
            {"model": model},
        )
    ).one()
    return None if sides[0] is None else (sides[0], sides[1], sides[2], sides[3])
