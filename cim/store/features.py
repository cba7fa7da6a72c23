"""Reading features: one, many by box, condition and order, and those at a place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, Collection, CollectionSchema
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, column_type, lonlat
from cim.store.selection import Selection, branches_of, compiling, in_box, selected_rows

LONLAT_DIGITS, METRE_DIGITS = 7, 3


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as read: GeoJSON geometry in longitude and latitude unless another CRS was asked for.

    ``position`` are its values of the fields it was sorted by.
    """

    fid: int
    key: str
    properties: dict[str, Any]
    geometry: dict[str, Any] | None
    distance_m: float = 0.0
    position: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by. Features without a value come last either way."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """Which features, and how much of each.

    ``fields`` are the fields given out; ``regions`` the codes the caller is limited to (None: everywhere); ``bbox`` is
    longitude and latitude and may cross the antimeridian; ``after`` is the last fid of the page before, and
    ``position`` its values of the fields in ``sort``; ``srid`` the CRS of the geometries given out; ``where``,
    ``version`` and ``scenario`` are those of a ``Selection``.
    """

    collection: Collection
    fields: tuple[str, ...]
    regions: tuple[str, ...] | None = None
    bbox: BoundingBox | None = None
    after: int = 0
    limit: int = 10
    srid: int = 4490
    where: tuple[sa.ColumnElement[bool], ...] = ()
    version: int | None = None
    scenario: int | None = None
    sort: tuple[SortKey, ...] = ()
    position: tuple[Any, ...] = ()

    @property
    def selection(self) -> Selection:
        """The rows it reads from, before paging."""
        fields = tuple(dict.fromkeys((*self.fields, *(key.field for key in self.sort))))
        where = (*in_box(self.collection.schema, self.bbox), *self.where)
        return Selection(self.collection, fields, self.regions, where, self.version, self.scenario)


async def page_of_features(connection: AsyncConnection, query: FeatureQuery) -> list[Feature]:
    """Up to ``limit`` features after the last one of the page before, in the order of ``sort`` and then of fid.

    Keyset paging: no page is slower than the first, and none repeats or leaves out a feature.
    """
    pages = [_page(branch.subquery("rows"), query) for branch in branches_of(query.selection)]
    statement = pages[0]
    if len(pages) > 1:
        together = sa.union_all(*(sa.select(page.subquery()) for page in pages)).subquery("rows")
        statement = _in_order(sa.select(together), together, query)
    found = await connection.execute(statement, execution_options=compiling(query.where))
    return [_feature(row, query) for row in found.mappings()]


def _page(rows: sa.FromClause, query: FeatureQuery) -> sa.Select[Any]:
    return _in_order(_feature_columns(rows, query).where(_beyond(rows, query)), rows, query)


def _in_order(statement: sa.Select[Any], rows: sa.FromClause, query: FeatureQuery) -> sa.Select[Any]:
    return statement.order_by(*order_of(rows, query.sort)).limit(query.limit)


async def count_features(connection: AsyncConnection, query: FeatureQuery) -> int:
    """How many features match, whatever the page."""
    statement = sa.select(sa.func.count()).select_from(selected_rows(query.selection, all_read=True))
    return int(await connection.scalar(statement, execution_options=compiling(query.where)) or 0)


async def one_feature(connection: AsyncConnection, query: FeatureQuery, fid: int) -> Feature | None:
    """One feature by fid; None when there is none that the caller may see."""
    rows = selected_rows(query.selection)
    row = (await connection.execute(_feature_columns(rows, query).where(rows.c.fid == fid))).mappings().first()
    return _feature(row, query) if row else None


async def features_at(
    connection: AsyncConnection, query: FeatureQuery, lon: float, lat: float, radius_m: float
) -> list[Feature]:
    """Features at or within ``radius_m`` of a point, nearest first; distances are metres on the ground."""
    rows = selected_rows(query.selection)
    scale = sa.func.cos(sa.func.radians(sa.literal(lat, sa.Float)))
    point = sa.func.ST_Transform(
        sa.func.ST_SetSRID(sa.func.ST_MakePoint(sa.literal(lon, sa.Float), sa.literal(lat, sa.Float)), 4490),
        MERCATOR_SRID,
    )
    reach = sa.literal(radius_m, sa.Float) / scale
    distance = sa.func.ST_Distance(rows.c.geom_3857, point)
    statement = (
        _feature_columns(rows, query)
        .add_columns((distance * scale).label("distance_m"))
        .where(rows.c.geom_3857.op("&&")(sa.func.ST_Expand(point, reach)), distance <= reach)
        .order_by(sa.text("distance_m"), rows.c.fid)
        .limit(query.limit)
    )
    found = await connection.execute(statement)
    return [_feature(row, query) for row in found.mappings()]


def order_of(rows: sa.FromClause, sort: Sequence[SortKey]) -> list[sa.ColumnElement[Any]]:
    """The order of rows: by the fields, features without a value last, then by fid."""
    columns = [(rows.c[key.field], key.descending) for key in sort]
    return [*((column.desc() if falls else column.asc()).nulls_last() for column, falls in columns), rows.c.fid]


def _beyond(rows: sa.FromClause, query: FeatureQuery) -> sa.ColumnElement[bool]:
    """Rows after the last one of the page before: equal in the first fields, and beyond it in the next."""
    if not query.position:
        return rows.c.fid > query.after
    kinds = {field.name: column_type(field) for field in query.collection.schema.fields}
    ways: list[sa.ColumnElement[bool]] = []
    equal: list[sa.ColumnElement[bool]] = []
    for key, last in zip(query.sort, query.position, strict=True):
        column, value = rows.c[key.field], sa.literal(last, kinds[key.field])
        if last is not None:
            further = column < value if key.descending else column > value
            ways.append(sa.and_(*equal, sa.or_(further, column.is_(None))))
        equal.append(column.is_(None) if last is None else column == value)
    return sa.or_(*ways, sa.and_(*equal, rows.c.fid > query.after))


def _feature_columns(rows: sa.FromClause, query: FeatureQuery) -> sa.Select[Any]:
    names = dict.fromkeys((*query.fields, *(key.field for key in query.sort)))
    columns: list[sa.ColumnElement[Any]] = [rows.c.fid, rows.c.key, *(rows.c[name] for name in names)]
    if query.collection.schema.geometry != "none":
        digits = LONLAT_DIGITS if query.srid == LONLAT_SRID else METRE_DIGITS
        shape = shape_in(rows, query.collection.schema, query.srid)
        columns.append(sa.func.ST_AsGeoJSON(shape, digits, 0).label("geometry_json"))
    return sa.select(*columns)


def shape_in(rows: sa.FromClause, schema: CollectionSchema, srid: int) -> sa.ColumnElement[Any]:
    """The geometry of rows in a CRS, from what is stored where that is there."""
    if srid == LONLAT_SRID:
        return lonlat(rows)
    if srid == schema.srid:
        return rows.c.geom
    if srid == MERCATOR_SRID:
        return rows.c.geom_3857
    return sa.func.ST_Transform(rows.c.geom, srid)


def _feature(row: Any, query: FeatureQuery) -> Feature:
    text = row.get("geometry_json")
    return Feature(
        fid=row["fid"],
        key=row["key"],
        properties={name: row[name] for name in query.fields},
        geometry=json.loads(text) if text else None,
        distance_m=float(row.get("distance_m") or 0.0),
        position=tuple(row[key.field] for key in query.sort),
    )
