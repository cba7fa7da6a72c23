"""Reading features: one, many by box and key, and those at a place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, Collection, CollectionSchema
from cim.store import tables as t
from cim.store.collection_tables import MERCATOR_SRID, collection_table, is_current, lonlat


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as read: GeoJSON geometry in longitude and latitude unless another CRS was asked for."""

    fid: int
    key: str
    properties: dict[str, Any]
    geometry: dict[str, Any] | None
    distance_m: float = 0.0


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """Which features, and how much of each.

    ``fields`` are the visible fields; ``regions`` the codes the caller is limited to (None: everywhere); ``bbox`` is
    longitude and latitude and may cross the antimeridian; ``after`` is the last fid of the page before; ``srid`` the
    CRS of the geometries given out.
    """

    collection: Collection
    fields: tuple[str, ...]
    regions: tuple[str, ...] | None = None
    bbox: BoundingBox | None = None
    after: int = 0
    limit: int = 10
    srid: int = 4490


async def page_of_features(connection: AsyncConnection, query: FeatureQuery) -> list[Feature]:
    """Up to ``limit`` features in fid order after ``after``: keyset paging, so no page is slower than the first."""
    table = collection_table(query.collection.schema)
    statement = (
        _feature_columns(table, query)
        .where(*readable_rows(table, query.regions), *_box_predicates(table, query.bbox))
        .where(table.c.fid > query.after)
        .order_by(table.c.fid)
        .limit(query.limit)
    )
    rows = await connection.execute(statement)
    return [_feature(row, query.fields) for row in rows.mappings()]


async def count_features(connection: AsyncConnection, query: FeatureQuery) -> int:
    """How many features match, whatever the page."""
    table = collection_table(query.collection.schema)
    statement = sa.select(sa.func.count()).select_from(table)
    statement = statement.where(*readable_rows(table, query.regions), *_box_predicates(table, query.bbox))
    return int(await connection.scalar(statement) or 0)


async def one_feature(connection: AsyncConnection, query: FeatureQuery, fid: int) -> Feature | None:
    """One feature by fid; None when there is none that the caller may see."""
    table = collection_table(query.collection.schema)
    statement = _feature_columns(table, query).where(*readable_rows(table, query.regions), table.c.fid == fid)
    row = (await connection.execute(statement)).mappings().first()
    return _feature(row, query.fields) if row else None


async def features_at(
    connection: AsyncConnection, query: FeatureQuery, lon: float, lat: float, radius_m: float
) -> list[Feature]:
    """Features at or within ``radius_m`` of a point, nearest first; distances are metres on the ground."""
    table = collection_table(query.collection.schema)
    scale = sa.func.cos(sa.func.radians(sa.literal(lat, sa.Float)))
    point = sa.func.ST_Transform(
        sa.func.ST_SetSRID(sa.func.ST_MakePoint(sa.literal(lon, sa.Float), sa.literal(lat, sa.Float)), 4490),
        MERCATOR_SRID,
    )
    reach = sa.literal(radius_m, sa.Float) / scale
    distance = sa.func.ST_Distance(table.c.geom_3857, point)
    statement = (
        _feature_columns(table, query)
        .add_columns((distance * scale).label("distance_m"))
        .where(*readable_rows(table, query.regions))
        .where(table.c.geom_3857.op("&&")(sa.func.ST_Expand(point, reach)), distance <= reach)
        .order_by(sa.text("distance_m"), table.c.fid)
        .limit(query.limit)
    )
    rows = await connection.execute(statement)
    return [_feature(row, query.fields) for row in rows.mappings()]


def readable_rows(table: sa.Table, regions: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """Predicates every query carries: current rows, inside the regions the caller is limited to.

    A feature belongs to the region that holds its representative point, so a feature on a border is in exactly one.
    """
    predicates = [is_current(table)]
    if regions is not None:
        if "geom" not in table.c:
            return [sa.false()]
        area = sa.select(sa.func.ST_Union(t.region.c.geom)).where(t.region.c.code.in_(regions))
        predicates.append(sa.func.ST_Intersects(sa.func.ST_PointOnSurface(lonlat(table)), area.scalar_subquery()))
    return predicates


def _box_predicates(table: sa.Table, bbox: BoundingBox | None) -> list[sa.ColumnElement[bool]]:
    if bbox is None:
        return []
    if "geom" not in table.c:
        return [sa.false()]
    west, south, east, north = bbox
    boxes = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    tests = []
    for left, right in boxes:
        box = sa.func.ST_MakeEnvelope(left, south, right, north, 4490)
        mercator_box = sa.func.ST_Transform(
            sa.func.ST_MakeEnvelope(left, max(south, -85.0), right, min(north, 85.0), 4490), MERCATOR_SRID
        )
        tests.append(
            sa.and_(
                table.c.geom_3857.op("&&")(mercator_box),
                sa.func.ST_Intersects(lonlat(table), box),
            )
        )
    return [sa.or_(*tests)]


def _feature_columns(table: sa.Table, query: FeatureQuery) -> sa.Select[Any]:
    columns: list[sa.ColumnElement[Any]] = [table.c.fid, table.c.key]
    columns += [table.c[name] for name in query.fields]
    if query.collection.schema.geometry != "none":
        geometry: sa.ColumnElement[Any] = lonlat(table)
        digits = 7
        if query.srid != 4490:
            geometry, digits = _in_srid(table, query.collection.schema, query.srid), 3
        columns.append(sa.func.ST_AsGeoJSON(geometry, digits, 0).label("geometry_json"))
    return sa.select(*columns)


def _in_srid(table: sa.Table, schema: CollectionSchema, srid: int) -> sa.ColumnElement[Any]:
    if srid == schema.srid:
        return table.c.geom
    if srid == MERCATOR_SRID:
        return table.c.geom_3857
    return sa.func.ST_Transform(table.c.geom, srid)


def _feature(row: Any, fields: Sequence[str]) -> Feature:
    text = row.get("geometry_json")
    return Feature(
        fid=row["fid"],
        key=row["key"],
        properties={name: row[name] for name in fields},
        geometry=json.loads(text) if text else None,
        distance_m=float(row.get("distance_m") or 0.0),
    )
