"""Regions cut by a grid, so that the one a point lies in is found by the point's cell.

Most cells lie wholly in one region. In the others a point is compared with small pieces, not with whole regions: for
300 000 buildings and 200 villages that takes half the time.
"""

from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.city import RegionLevel
from cim.store import tables as t
from cim.store.collection_tables import LONLAT_SRID

PIECE_DEG = {
    RegionLevel.COUNTY: 0.02,
    RegionLevel.TOWN: 0.01,
    RegionLevel.VILLAGE: 0.01,
    RegionLevel.GRID: 0.002,
}
"""The side of a cell of the grid from the origin of EPSG:4490, in degrees."""
_RIM_DEG = 1e-6
"""Pieces reach a little over their cell, so that no point is compared with an edge that a cut has made."""
_POLYGONS = 3


async def region_pieces(connection: AsyncConnection, level: RegionLevel, name: str) -> sa.TableValuedAlias:
    """Rows ``i``, ``j`` (a cell), ``code``, ``piece`` and ``before``, as a FROM item of a name.

    ``piece`` is the part of the region in the cell, null where that is all of it; ``before`` are the parts of regions
    with lower codes: a point on a border belongs to the lowest. They are handed back as arrays, by whose length the
    planner knows that it should hash them.
    """
    cut = _cut(level).subquery("cut")
    kept = sa.select(cut.c.i, cut.c.j, cut.c.code, sa.cast(cut.c.piece, sa.Text), sa.cast(cut.c.before, sa.Text)).where(
        sa.not_(sa.func.coalesce(cut.c.beaten, sa.false()))
    )
    found = [tuple(row) for row in await connection.execute(kept)]
    kinds: dict[str, sa.types.TypeEngine[Any]] = {"i": sa.BigInteger(), "j": sa.BigInteger(), "code": sa.Text()}
    arrays: list[sa.ColumnElement[Any]] = []
    for place, kind in enumerate((*kinds.values(), sa.Text(), sa.Text())):
        arrays.append(sa.literal([row[place] for row in found], ARRAY(kind)))
    shapes = [sa.cast(array, ARRAY(Geometry("GEOMETRY", LONLAT_SRID))) for array in arrays[3:]]
    columns = [sa.column(column, kind) for column, kind in kinds.items()]
    columns += [sa.column("piece", Geometry), sa.column("before", Geometry)]
    return sa.func.unnest(*arrays[:3], *shapes).table_valued(*columns).render_derived(name)


def _cut(level: RegionLevel) -> sa.Select[Any]:
    """Every region of a level in every cell it has a part in; ``beaten`` where a lower code has all of the cell."""
    region = t.region
    grid = sa.func.ST_SquareGrid(PIECE_DEG[level], region.c.geom).table_valued("geom", "i", "j").lateral("grid")
    whole = sa.func.ST_Contains(region.c.geom, grid.c.geom)
    part = sa.func.ST_Intersection(region.c.geom, sa.func.ST_Expand(grid.c.geom, _RIM_DEG))
    parts = (
        sa.select(
            grid.c.i,
            grid.c.j,
            region.c.code,
            whole.label("whole"),
            sa.case((whole, sa.null()), else_=sa.func.ST_CollectionExtract(part, _POLYGONS)).label("piece"),
        )
        .select_from(region.join(grid, sa.true()))
        .where(region.c.level == level, sa.func.ST_Intersects(region.c.geom, grid.c.geom))
        .subquery("parts")
    )
    lower: dict[str, Any] = {"partition_by": (parts.c.i, parts.c.j), "order_by": parts.c.code, "rows": (None, -1)}
    return sa.select(
        parts.c.i,
        parts.c.j,
        parts.c.code,
        parts.c.piece,
        sa.func.ST_Collect(parts.c.piece).over(**lower).label("before"),
        sa.func.bool_or(parts.c.whole).over(**lower).label("beaten"),
    )
