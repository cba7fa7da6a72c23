"""What lies inside the area of a warning: counts, sums and the first rows of a layer, and the regions it meets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.city import RegionLevel
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, lonlat
from cim.store.selection import Selection, selected_rows
from cim.store.tables import asset, region


@dataclass(frozen=True, slots=True)
class Met:
    """Features inside an area: how many, sums of fields over all of them, and the first of them by key."""

    count: int
    sums: dict[str, float]
    rows: list[dict[str, Any]]


async def features_met(
    connection: AsyncConnection, selection: Selection, area: bytes, *, sums: Sequence[str] = (), limit: int = 100
) -> Met:
    """The selected features that meet an area (WKB in EPSG:4490); rows have key, fields, ``lon`` and ``lat``."""
    reaching = replace(selection, where=(*selection.where, meets(selection, area)))
    rows = selected_rows(reaching)
    totals = [sa.func.coalesce(sa.func.sum(rows.c[name]), 0).label(name) for name in sums]
    whole = sa.select(sa.func.count().label("features"), *totals).select_from(rows)
    counted = (await connection.execute(whole)).mappings().one()
    found = {name: float(counted[name]) for name in sums}
    if limit == 0 or counted["features"] == 0:
        return Met(counted["features"], found, [])
    middle = sa.func.ST_PointOnSurface(lonlat(rows))
    place = (sa.func.ST_X(middle).label("lon"), sa.func.ST_Y(middle).label("lat"))
    listed = sa.select(rows.c.key, *(rows.c[name] for name in selection.fields), *place).order_by(rows.c.key)
    told = (await connection.execute(listed.limit(limit))).mappings()
    return Met(counted["features"], found, [dict(row) for row in told])


def meets(selection: Selection, area: bytes) -> sa.ColumnElement[bool]:
    """The condition, on bare column names, of meeting an area; areas that only share a border with it do not."""
    shape = sa.func.ST_GeomFromWKB(sa.literal(area, sa.LargeBinary), LONLAT_SRID)
    place: sa.ColumnElement[Any] = sa.column("geom" if selection.collection.schema.srid == LONLAT_SRID else "geom_4490")
    near = sa.column("geom_3857").op("&&")(sa.func.ST_Transform(sa.func.ST_Envelope(shape), MERCATOR_SRID))
    inside = sa.func.ST_Intersects(place, shape)
    if "Polygon" in selection.collection.schema.geometry:
        return sa.and_(near, inside, ~sa.func.ST_Touches(place, shape))
    return sa.and_(near, inside)


async def devices_met(connection: AsyncConnection, area: bytes, limit: int) -> Met:
    """Devices inside an area that this transaction may see."""
    shape = sa.func.ST_GeomFromWKB(sa.literal(area, sa.LargeBinary), LONLAT_SRID)
    inside = sa.func.ST_Intersects(asset.c.geom, shape)
    count = int(await connection.scalar(sa.select(sa.func.count()).select_from(asset).where(inside)) or 0)
    middle = sa.func.ST_PointOnSurface(asset.c.geom)
    columns = (asset.c.code.label("key"), asset.c.name, asset.c.kind, sa.func.ST_X(middle).label("lon"))
    listed = sa.select(*columns, sa.func.ST_Y(middle).label("lat")).where(inside).order_by(asset.c.code).limit(limit)
    rows = (await connection.execute(listed)).mappings()
    return Met(count, {}, [dict(row) for row in rows] if limit else [])


async def regions_met(connection: AsyncConnection, area: bytes) -> list[tuple[str, str]]:
    """Level and code of the regions that an area meets, by code; not of those that only share a border with it."""
    shape = sa.func.ST_GeomFromWKB(sa.literal(area, sa.LargeBinary), LONLAT_SRID)
    inside = (sa.func.ST_Intersects(region.c.geom, shape), ~sa.func.ST_Touches(region.c.geom, shape))
    query = sa.select(region.c.level, region.c.code).where(*inside)
    return [(row.level, row.code) for row in await connection.execute(query.order_by(region.c.code))]


async def area_of_regions(connection: AsyncConnection, codes: Sequence[str]) -> tuple[bytes | None, list[str]]:
    """The shape of some regions together as WKB, and the codes that are none."""
    known = set(await connection.scalars(sa.select(region.c.code).where(region.c.code.in_(codes))))
    if not known:
        return None, list(codes)
    whole = sa.func.ST_AsBinary(sa.func.ST_Multi(sa.func.ST_Union(region.c.geom)))
    shape = await connection.scalar(sa.select(whole).where(region.c.code.in_(known)))
    return (None if shape is None else bytes(shape)), [code for code in codes if code not in known]


async def county_code(connection: AsyncConnection) -> str | None:
    """The code of the county this server keeps; None where no region of that level is held."""
    query = sa.select(region.c.code).where(region.c.level == RegionLevel.COUNTY).order_by(region.c.code).limit(1)
    return await connection.scalar(query)
