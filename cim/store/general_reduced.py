"""Generalised tiles made on request from chosen rows: for callers limited to regions, filters, times and scenarios.

The cells are those of the prepared content, the shapes plainer: nothing is joined or carried on from cell to cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import sqlalchemy as sa

from cim.model.access import ReadContext
from cim.model.general import GeneralPlan
from cim.model.grid import TileSquare
from cim.store.collection_tables import MERCATOR_SRID, lonlat
from cim.store.selection import Selection, selected_rows
from cim.store.tile_connections import TileConnections
from cim.store.vector_tiles import BUFFER, EXTENT, RawTile, encoded, fetched, in_reach

CELL_UNITS = {"cells": 32, "classes": 16, "points": 64, "lines": 8, "simplified": 4}
ECCENTRICITY_2 = 0.006694380022900788
"""Of the CGCS2000 ellipsoid, squared."""
Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is asked for: selected rows near a box, and the fields of theirs that the caller sees and asks for.

    ``unit`` is the width of one of the 4096 units of a tile of the zoom, in the units of the box's CRS.
    """

    rows: sa.FromClause
    plan: GeneralPlan
    fields: Sequence[str]
    square: TileSquare
    unit: float

    @classmethod
    def of(cls, selection: Selection, plan: GeneralPlan, square: TileSquare, unit: float) -> Self:
        """The rows of a selection in the reach of a box."""
        rows = selected_rows(replace(selection, where=(*selection.where, in_reach(square))))
        return cls(rows, plan, selection.fields, square, unit)

    @property
    def cell(self) -> float:
        """The width of a cell."""
        return self.unit * CELL_UNITS[self.plan.method]

    @property
    def shape(self) -> Column:
        """The stored geometry in the tile's CRS."""
        return self.rows.c.geom_3857 if self.square.srid == MERCATOR_SRID else lonlat(self.rows)

    @property
    def box(self) -> Column:
        """The tile as a polygon."""
        square = self.square
        return sa.func.ST_MakeEnvelope(square.west, square.south, square.east, square.north, square.srid)

    @property
    def drawable(self) -> sa.ColumnElement[bool]:
        """The condition of having a shape."""
        return sa.not_(sa.func.ST_IsEmpty(self.shape))


async def reduced_tile(
    connections: TileConnections, selection: Selection, plan: GeneralPlan, square: TileSquare, context: ReadContext
) -> RawTile:
    """One tile of the rows of a selection; empty where no row lies in it.

    Points and areas are counted in the cell of their representative point, so counts and sums are exact; areas are
    drawn as squares of their summed area, classes as cells of the class most of their areas have. Lines are put on the
    grid of the zoom and joined by class; simplified areas stay themselves. The statement's time limit bounds the
    work (StoreUnavailable); no row is left out to keep within it.
    """
    layer = selection.collection.id
    wanted = Reduction.of(selection, plan, square, (square.east - square.west) / EXTENT)
    rows = reduced_rows(wanted)
    drawn = sa.func.ST_AsMVTGeom(rows.c.shape, wanted.box, EXTENT, BUFFER, True).label("mvt_geom")
    inside = sa.select(*(column for column in rows.c if column.name != "shape"), drawn).subquery("inside")
    return await fetched(connections, layer, encoded(layer, inside), context)


def reduced_rows(wanted: Reduction) -> sa.Subquery:
    """Rows with ``fid`` where a feature stays itself, ``shape`` in the CRS of the box, and attributes."""
    make = {"lines": _lines, "simplified": _each}.get(wanted.plan.method, _cells)
    return make(wanted)


def _each(wanted: Reduction) -> sa.Subquery:
    """Every row with fewer vertices."""
    fields = [wanted.rows.c[name] for name in wanted.plan.fields if name in wanted.fields]
    shape = sa.func.ST_SimplifyPreserveTopology(wanted.shape, wanted.cell).label("shape")
    return sa.select(wanted.rows.c.fid, *fields, shape).where(wanted.drawable).subquery("each")


def _lines(wanted: Reduction) -> sa.Subquery:
    """One row a class: its lines on the grid, each part once, with how many lines it stands for in this tile."""
    kind = _class(wanted)
    snapped = sa.func.ST_SnapToGrid(wanted.shape, wanted.cell)
    chosen = sa.select(*([kind.label("kind")] if kind is not None else []), snapped.label("line"))
    lines = chosen.where(wanted.drawable).subquery("lines")
    merged = sa.func.ST_LineMerge(sa.func.ST_Union(lines.c.line)).label("shape")
    columns: list[Column] = [sa.literal(None, sa.BigInteger).label("fid"), sa.func.count().label("count"), merged]
    if kind is None:
        return sa.select(*columns).select_from(lines).subquery("merged")
    grouped = sa.select(*columns, lines.c.kind.label(wanted.plan.class_field)).group_by(lines.c.kind)
    return grouped.subquery("merged")


def _cells(wanted: Reduction) -> sa.Subquery:
    """One row a cell: counts, sums, means and the dominant class of the rows whose point lies in it."""
    plan, base = wanted.plan, _placed(wanted)
    columns: list[Column] = [sa.func.count().label(plan.count_name)]
    if plan.measure_name:
        columns.append(_total(base.c.ground_m2).label(plan.measure_name))
    for item in plan.sums:
        if item.field in wanted.fields:
            value = sa.cast(base.c[f"of_{item.field}"], sa.Numeric)
            columns.append(_total(value if item.kind == "field" else value * base.c.ground_m2).label(item.name))
    means = [name for name in plan.means if name in wanted.fields]
    columns += [sa.cast(sa.func.avg(base.c[f"of_{name}"]), sa.Float).label(name) for name in means]
    if _class(wanted) is not None:
        columns.append(_dominant(base).label(str(plan.class_field)))
    alone = sa.case((sa.func.count() == 1, sa.func.min(base.c.fid))).label("fid")
    shape = _cell_shape(wanted, base).label("shape")
    return sa.select(alone, *columns, shape).group_by(base.c.across, base.c.down).subquery("cells")


def _placed(wanted: Reduction) -> sa.CTE:
    """The rows whose point lies in the tile, with point, areas, cell and what is summed up."""
    square, plan, table = wanted.square, wanted.plan, wanted.rows
    point = sa.func.ST_PointOnSurface(wanted.shape)
    names = sorted({*plan.means, *(item.field for item in plan.sums)} & {*wanted.fields})
    kind = _class(wanted)
    found = (
        sa.select(
            table.c.fid,
            sa.func.ST_X(point).label("x"),
            sa.func.ST_Y(point).label("y"),
            sa.func.ST_Area(wanted.shape).label("drawn"),
            _ground_m2(table).label("ground_m2"),
            *(table.c[name].label(f"of_{name}") for name in names),
            *([kind.label("kind")] if kind is not None else []),
        )
        .where(wanted.drawable)
        .subquery("found")
    )
    across = sa.func.floor((found.c.x - square.west) / wanted.cell).label("across")
    down = sa.func.floor((square.north - found.c.y) / wanted.cell).label("down")
    inside = (
        found.c.x >= square.west,
        found.c.x < square.east,
        found.c.y > square.south,
        found.c.y <= square.north,
    )
    return sa.select(found, across, down).where(*inside).cte("base")


def _cell_shape(wanted: Reduction, base: sa.CTE) -> Column:
    if wanted.plan.method == "classes":
        left = wanted.square.west + base.c.across * wanted.cell
        top = wanted.square.north - base.c.down * wanted.cell
        return sa.func.ST_MakeEnvelope(left, top - wanted.cell, left + wanted.cell, top, wanted.square.srid)
    middle = sa.func.ST_SetSRID(sa.func.ST_MakePoint(sa.func.avg(base.c.x), sa.func.avg(base.c.y)), wanted.square.srid)
    if wanted.plan.method == "points":
        return middle
    half = sa.func.sqrt(sa.func.sum(base.c.drawn)) / 2
    return sa.func.ST_Expand(middle, sa.func.greatest(half, wanted.unit / 2))


def _class(wanted: Reduction) -> Column | None:
    name = wanted.plan.class_field
    return sa.cast(wanted.rows.c[name], sa.Text) if name and name in wanted.fields else None


def _dominant(base: sa.CTE) -> Column:
    """The class most rows of the cell have."""
    return sa.func.mode().within_group(base.c.kind)


def _total(value: Column) -> Column:
    """A sum of values in whole tenths, as prepared content has them."""
    return sa.cast(sa.func.sum(sa.func.round(sa.cast(value, sa.Numeric), 1)), sa.Float)


def _ground_m2(table: sa.FromClause) -> Column:
    """Ellipsoidal area on the ground, from the planar Web Mercator area at the row's latitude."""
    latitude = sa.func.radians(sa.func.ST_Y(sa.func.ST_PointOnSurface(lonlat(table))))
    curve = 1 - ECCENTRICITY_2 * sa.func.power(sa.func.sin(latitude), 2)
    share = sa.func.power(sa.func.cos(latitude), 2) * (1 - ECCENTRICITY_2) / sa.func.power(curve, 2)
    return sa.cast(sa.func.ST_Area(table.c.geom_3857) * share, sa.Numeric)
