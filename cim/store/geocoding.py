"""Reading what addresses are found in: names of streets and areas, the doors of some of them, places by name.

All of it reads through ``cim.store.selection``, so that a caller finds nothing beyond what he may read.
"""

from collections.abc import Collection as Some
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import CollectionSchema
from cim.model.doors import Door
from cim.model.gazetteer import Area
from cim.store.collection_tables import lonlat, quoted
from cim.store.selection import Selection, selected_rows

ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class DoorFields:
    """The fields of a layer of addresses; ``building`` is None where there is none or it is hidden."""

    address: str
    street: str
    number: str
    town: str
    village: str
    building: str | None


@dataclass(frozen=True, slots=True)
class NamedPoint:
    """A place by its name."""

    key: str
    name: str
    lon: float
    lat: float


async def index_doors(connection: AsyncConnection, schema: CollectionSchema, street: str, village: str) -> None:
    """Let the current doors of a street or village be found by an index."""
    for field in (street, village):
        await connection.execute(
            sa.text(
                f"CREATE INDEX IF NOT EXISTS {quoted(f'{schema.id}_doors_{field}'[:63])}"
                f" ON {quoted('history', schema.id)} ({quoted(field)}) WHERE valid_to_version IS NULL"
            )
        )


async def street_towns(connection: AsyncConnection, selection: Selection, fields: DoorFields) -> list[tuple[str, str]]:
    """Every street that has doors, with the code of each town it has them in."""
    rows = selected_rows(selection, all_read=True)
    street, town = _text(rows, fields.street), _text(rows, fields.town)
    found = await connection.execute(sa.select(street, town).where(street != "").group_by(street, town))
    return [(row[0], row[1]) for row in found]


async def named_areas(
    connection: AsyncConnection, selection: Selection, code: str, name: str, parent: str | None
) -> list[Area]:
    """The areas of a layer of regions, each with a point inside it."""
    rows = selected_rows(selection, all_read=True)
    point = sa.func.ST_PointOnSurface(lonlat(rows))
    above = _text(rows, parent) if parent else sa.literal("")
    found = await connection.execute(
        sa.select(_text(rows, code), _text(rows, name), above, sa.func.ST_X(point), sa.func.ST_Y(point))
        .where(rows.c[name].is_not(None), lonlat(rows).is_not(None))
        .order_by(rows.c.key)
    )
    return [Area(*row) for row in found]


async def doors_of(
    connection: AsyncConnection,
    selection: Selection,
    fields: DoorFields,
    streets: Some[str],
    villages: Some[str],
) -> list[Door]:
    """All doors of streets, by name, and those of villages, by code, that are on no street."""
    street, village = sa.column(fields.street, sa.Text), sa.column(fields.village, sa.Text)
    wanted = sa.or_(
        street == sa.any_(_array(streets)),
        sa.and_(village == sa.any_(_array(villages)), sa.or_(street.is_(None), street == "")),
    )
    rows = selected_rows(
        Selection(selection.collection, selection.fields, selection.regions, (*selection.where, wanted))
    )
    place = lonlat(rows)
    point = place if selection.collection.schema.geometry == "Point" else sa.func.ST_PointOnSurface(place)
    names = (fields.address, fields.street, fields.number, fields.town, fields.village)
    building = sa.cast(rows.c[fields.building], sa.Text) if fields.building else sa.null()
    statement = sa.select(
        rows.c.key, *(_text(rows, name) for name in names), building, sa.func.ST_X(point), sa.func.ST_Y(point)
    ).where(place.is_not(None))
    found: list[Door] = []
    async with connection.stream(statement) as rows_read:
        async for part in rows_read.partitions(ROWS_AT_ONCE):
            found += [Door._make(row) for row in part]
    return found


async def named_points(
    connection: AsyncConnection, selection: Selection, name: str, names: Some[str]
) -> list[NamedPoint]:
    """The features whose name is one of some."""
    wanted = sa.column(name, sa.Text) == sa.any_(_array(names))
    rows = selected_rows(
        Selection(selection.collection, selection.fields, selection.regions, (*selection.where, wanted))
    )
    point = sa.func.ST_PointOnSurface(lonlat(rows))
    found = await connection.execute(
        sa.select(rows.c.key, rows.c[name], sa.func.ST_X(point), sa.func.ST_Y(point))
        .where(lonlat(rows).is_not(None))
        .order_by(rows.c.fid)
    )
    return [NamedPoint(*row) for row in found]


def _text(rows: sa.FromClause, name: str) -> sa.ColumnElement[str]:
    return sa.func.coalesce(sa.cast(rows.c[name], sa.Text), "")


def _array(values: Some[str]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.literal(sorted(values), sa.ARRAY(sa.Text)), sa.ARRAY(sa.Text))
