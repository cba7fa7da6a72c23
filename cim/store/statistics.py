"""Figures of groups of features: counted, summed and compared by fields, administrative regions and grid cells.

A feature belongs to the region, or cell, that holds its representative point, as in ``cim.store.selection``.
``cim.store.region_pieces`` says how the region is found without comparing each point with each region.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.city import RegionLevel
from cim.store.collection_tables import LONLAT_SRID, lonlat
from cim.store.region_pieces import PIECE_DEG, region_pieces
from cim.store.selection import Selection, compiling, selected_rows

MOST_GROUPS = 10_000
FigureKind = Literal["sum", "mean", "min", "max"]
Column = sa.ColumnElement[Any]
_HASHED = sa.text("SELECT set_config('enable_mergejoin', 'off', true)")
"""Row security hides from the planner how many rows there are: it would sort all of them to find their pieces."""


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
        if isinstance(grouping, ByRegion):
            pieces = await region_pieces(connection, grouping.level, f"pieces_{number}")
            source = source.outerjoin(pieces, _lies_in(rows, pieces, grouping.level))
            keys.append(pieces.c.code)
        elif isinstance(grouping, ByCell):
            keys += _cell(rows, grouping.srid, grouping.size)
        else:
            keys.append(rows.c[grouping.field])
    labelled = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    figures = [_figure(rows, figure).label(f"figure_{number}") for number, figure in enumerate(query.figures)]
    statement = sa.select(*labelled, sa.func.count().label("count"), *figures).select_from(source)
    if keys:
        places: list[Column] = [sa.literal_column(str(number)) for number in range(1, len(keys) + 1)]
        statement = statement.group_by(*places).order_by(*(place.asc().nulls_last() for place in places))
    options = compiling(query.selection.where)
    if any(isinstance(grouping, ByRegion) for grouping in query.groupings):
        await connection.execute(_HASHED)
    found = (await connection.execute(statement.limit(MOST_GROUPS + 1), execution_options=options)).all()
    if len(found) > MOST_GROUPS:
        raise AnswerTooLarge(
            f"there are more than {MOST_GROUPS} groups",
            where="group-by",
            remedy="group by a field with fewer values or by larger cells, or narrow the filter",
        )
    return [_group(tuple(row), query.groupings, len(keys)) for row in found]


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


def _lies_in(rows: sa.FromClause, pieces: sa.TableValuedAlias, level: RegionLevel) -> sa.ColumnElement[bool]:
    """Whether a feature's point lies in a piece of a region, and in none of a region with a lower code."""
    i, j = _cell(rows, LONLAT_SRID, PIECE_DEG[level])
    point = sa.func.ST_PointOnSurface(lonlat(rows))
    beaten = sa.func.coalesce(sa.func.ST_Intersects(pieces.c.before, point), sa.false())
    holds = sa.and_(sa.func.ST_Intersects(pieces.c.piece, point), sa.not_(beaten))
    return sa.and_(pieces.c.i == i, pieces.c.j == j, sa.or_(pieces.c.piece.is_(None), holds))


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
