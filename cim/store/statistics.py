"""Figures of groups of features: counted, summed and compared by fields, administrative regions and grid cells.

A feature belongs to the region, or cell, that holds its representative point, as in ``cim.store.selection``. Most need
no point for that: where the box around one lies in one cell of a fine grid, and that cell in one region, so does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.city import RegionLevel
from cim.store import tables as t
from cim.store.collection_tables import LONLAT_SRID, lonlat
from cim.store.selection import Selection, compiling, selected_rows

MOST_GROUPS = 10_000
FigureKind = Literal["sum", "mean", "min", "max"]
_FINE_CELL_DEG = {
    RegionLevel.COUNTY: 0.02,
    RegionLevel.TOWN: 0.005,
    RegionLevel.VILLAGE: 0.0025,
    RegionLevel.GRID: 0.001,
}
Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class ByField:
    """Groups of features with the same value of a field."""

    field: str


@dataclass(frozen=True, slots=True)
class ByRegion:
    """Groups of features in the same administrative region; outside of all regions is a group too."""

    level: RegionLevel


@dataclass(frozen=True, slots=True)
class ByCell:
    """Groups of features in the same square of a grid of ``size`` (units of the CRS) from the origin of ``srid``."""

    srid: int
    size: float


Grouping = ByField | ByRegion | ByCell


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a field of numbers; of times there are the least and the greatest."""

    kind: FigureKind
    field: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group: a value for each grouping (a cell's is the x and y of its lower left corner), its count and figures."""

    values: tuple[Any, ...]
    count: int
    figures: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """Groups and figures of selected rows; the selection has every field they name."""

    selection: Selection
    groupings: tuple[Grouping, ...]
    figures: tuple[Figure, ...]


async def grouped(connection: AsyncConnection, query: StatisticsQuery) -> list[Group]:
    """All groups, in the order of their values, those without a value last.

    Raises AnswerTooLarge when there are more than ``MOST_GROUPS``.
    """
    rows: sa.FromClause = selected_rows(query.selection, all_read=True)
    source = rows
    keys: list[Column] = []
    for number, grouping in enumerate(query.groupings):
        made, source = _keys(grouping, rows, source, number)
        keys += made
    labelled = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    figures = [_figure(rows, figure).label(f"figure_{number}") for number, figure in enumerate(query.figures)]
    statement = sa.select(*labelled, sa.func.count().label("count"), *figures).select_from(source)
    if keys:
        places: list[Column] = [sa.literal_column(str(number)) for number in range(1, len(keys) + 1)]
        statement = statement.group_by(*places).order_by(*(place.asc().nulls_last() for place in places))
    options = compiling(query.selection.where)
    found = (await connection.execute(statement.limit(MOST_GROUPS + 1), execution_options=options)).all()
    if len(found) > MOST_GROUPS:
        raise AnswerTooLarge(
            f"there are more than {MOST_GROUPS} groups",
            where="group-by",
            remedy="group by a field with fewer values or by larger cells, or narrow the filter",
        )
    return [_group(tuple(row), query.groupings, len(keys)) for row in found]


async def region_names(connection: AsyncConnection, level: RegionLevel) -> dict[str, str]:
    """Names of the regions of a level by code."""
    rows = await connection.execute(sa.select(t.region.c.code, t.region.c.name).where(t.region.c.level == level))
    return {row.code: row.name for row in rows}


def _figure(rows: sa.FromClause, figure: Figure) -> Column:
    column = rows.c[figure.field]
    made: Column = getattr(sa.func, "avg" if figure.kind == "mean" else figure.kind)(column)
    return sa.cast(made, sa.Double) if figure.kind in ("sum", "mean") else made


def _group(row: tuple[Any, ...], groupings: Sequence[Grouping], keys: int) -> Group:
    values, at = [], 0
    for grouping in groupings:
        if isinstance(grouping, ByCell):
            x, y = row[at : at + 2]
            values.append(None if x is None else (x * grouping.size, y * grouping.size))
            at += 2
        else:
            values.append(row[at])
            at += 1
    return Group(tuple(values), row[keys], row[keys + 1 :])


def _keys(
    grouping: Grouping, rows: sa.FromClause, source: sa.FromClause, number: int
) -> tuple[list[Column], sa.FromClause]:
    """The columns a grouping groups by, and the FROM item they are read from."""
    match grouping:
        case ByField(field):
            return [rows.c[field]], source
        case ByCell(srid, size):
            return _cell(rows, srid, size), source
        case ByRegion(level):
            return _region(rows, source, level, f"fine_{number}")


def _cell(rows: sa.FromClause, srid: int, size: float) -> list[Column]:
    """Column and row of the cell. In the system of storage the box around a feature often lies in one cell."""
    stored = _stored(rows, srid)
    point = sa.func.ST_PointOnSurface(lonlat(rows) if stored is None else stored)
    if stored is None:
        point = sa.func.ST_Transform(point, srid)
    found = []
    for least, most, of_point in (("XMin", "XMax", "X"), ("YMin", "YMax", "Y")):
        exact = _floored(getattr(sa.func, f"ST_{of_point}")(point), size)
        if stored is None:
            found.append(exact)
            continue
        first = _floored(getattr(sa.func, f"ST_{least}")(stored), size)
        last = _floored(getattr(sa.func, f"ST_{most}")(stored), size)
        found.append(sa.case((first == last, first), else_=exact))
    return found


def _stored(rows: sa.FromClause, srid: int) -> Column | None:
    if srid == LONLAT_SRID:
        return lonlat(rows)
    kind = rows.c.geom.type
    return rows.c.geom if getattr(kind, "srid", None) == srid else None


def _floored(value: Column, size: float) -> Column:
    return sa.cast(sa.func.floor(value / sa.literal(size, sa.Double)), sa.BigInteger)


def _region(
    rows: sa.FromClause, source: sa.FromClause, level: RegionLevel, name: str
) -> tuple[list[Column], sa.FromClause]:
    """The code of the region: that of the fine cell around a feature, else of the region its point lies in."""
    size = _FINE_CELL_DEG[level]
    fine, place = _fine_cells(level, size, name), lonlat(rows)
    inside = sa.and_(
        fine.c.i == _floored(sa.func.ST_XMin(place), size),
        fine.c.i == _floored(sa.func.ST_XMax(place), size),
        fine.c.j == _floored(sa.func.ST_YMin(place), size),
        fine.c.j == _floored(sa.func.ST_YMax(place), size),
    )
    holds = sa.func.ST_Intersects(t.region.c.geom, sa.func.ST_PointOnSurface(place))
    exact = sa.select(sa.func.min(t.region.c.code)).where(t.region.c.level == level, holds).scalar_subquery()
    return [sa.func.coalesce(fine.c.code, exact)], source.outerjoin(fine, inside)


def _fine_cells(level: RegionLevel, size: float, name: str) -> sa.CTE:
    """Cells of a fine grid in degrees that lie in exactly one region of a level, with its code."""
    grid = sa.func.ST_SquareGrid(size, t.region.c.geom).table_valued("geom", "i", "j").lateral("squares")
    held = sa.func.ST_Contains(t.region.c.geom, grid.c.geom)
    cells = (
        sa.select(grid.c.i, grid.c.j, sa.func.min(t.region.c.code).label("code"))
        .select_from(t.region.join(grid, sa.true()))
        .where(t.region.c.level == level, held)
        .group_by(grid.c.i, grid.c.j)
        .having(sa.func.count() == 1)
    )
    return cells.cte(name)
