"""The rows that stand up in the three-dimensional view: where they belong, how high they are, and their shapes."""

import math
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.change import EVERY_LAYER
from cim.model.collection import BoundingBox
from cim.model.scene import FAR, FAR_FROM_M, MIDDLE, MIDDLE_FROM_M, NEAR, PLACE_ZOOM, ScenePlan, Square
from cim.store import tables as t
from cim.store.collection_tables import MERCATOR_SRID, lonlat
from cim.store.selection import Selection, compiling, selected_rows

_RADIUS_M = 6_378_137.0
_HALF_M = math.pi * _RADIUS_M
_FARTHEST_M = 1e6
_STOREY_M = 3.0
"""Height of a storey where only their number is known."""
PAGE_ROWS = 5_000
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SceneSelection:
    """The rows of a selection and how they stand; the selection's fields are those the plan names."""

    selection: Selection
    plan: ScenePlan

    @classmethod
    def of(cls, selection: Selection, plan: ScenePlan) -> "SceneSelection":
        """The selection with every field that the plan needs."""
        return cls(replace(selection, fields=plan.named_fields), plan)


@dataclass(frozen=True, slots=True)
class ScenePlaces:
    """Features by place and the zoom of the squares their size puts them in, arrays of one length.

    ``ground_m`` and ``top_m`` are the lowest ground and the highest top among them in the layer's datum, NaN where no
    row says its ground; then ``top_m`` is NaN and ``rise_m`` the greatest height over the ground. ``boxes`` of shape
    (n, 4) are west, south, east, north in metres of Web Mercator.
    """

    place: Integers
    zoom: Integers
    features: Integers
    ground_m: Floats
    top_m: Floats
    rise_m: Floats
    boxes: Floats


@dataclass(frozen=True, slots=True)
class SceneRows:
    """Features by column: their places, shapes as WKB in longitude and latitude, the numbers they stand by.

    ``height_m`` and ``ground_m`` are those of areas, ``diameter_mm`` and the depths those of lines, None where there is
    none; ``values`` are columns of the plan's fields in their order.
    """

    place: Sequence[int]
    fid: Sequence[int]
    key: Sequence[str]
    shape: Sequence[bytes]
    height_m: Sequence[float | None]
    ground_m: Sequence[float | None]
    diameter_mm: Sequence[float | None]
    depth_start_m: Sequence[float | None]
    depth_end_m: Sequence[float | None]
    values: tuple[Sequence[Any], ...]

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], fields: int) -> Self:
        """The columns of rows that each have zoom, place and the rest in this order, with so many values."""
        columns: tuple[Any, ...] = tuple(zip(*rows, strict=True)) or ((),) * (_LEADING + fields)
        named = dict(zip(_ROW_COLUMNS, columns[1:_LEADING], strict=True))
        return cls(**named, values=columns[_LEADING:])

    def __len__(self) -> int:
        """How many features there are."""
        return len(self.fid)

    def taken(self, numbers: Sequence[int]) -> Self:
        """The features of these numbers, which ascend."""
        if len(numbers) == len(self):
            return self

        def of(column: Sequence[Any]) -> Any:
            return [column[number] for number in numbers]

        named = {name: of(getattr(self, name)) for name in _ROW_COLUMNS}
        return type(self)(**named, values=tuple(map(of, self.values)))


_ROW_COLUMNS = tuple(one.name for one in fields(SceneRows) if one.name != "values")
_LEADING = 1 + len(_ROW_COLUMNS)


async def newest_change(connection: AsyncConnection, layer: str) -> int:
    """The number of the newest change that may concern a layer; asked before its rows are read."""
    heads = t.change_head.c
    newest = sa.select(sa.func.coalesce(sa.func.max(heads.seq), 0)).where(heads.layer.in_([layer, EVERY_LAYER]))
    return int(await connection.scalar(newest) or 0)


async def scene_places(
    connection: AsyncConnection, chosen: SceneSelection, squares: Sequence[Square] | None = None
) -> ScenePlaces:
    """Where the selected features belong; with ``squares``, only of those whose place lies in one of them."""
    rows = _standing(chosen, () if squares is None else (in_squares(squares),))
    c = rows.c
    top = c.ground + sa.func.coalesce(c.height, 0.0)
    statement = (
        sa.select(
            c.place,
            c.zoom,
            sa.func.count(),
            sa.func.min(c.ground),
            sa.func.max(top),
            sa.func.max(c.height),
            sa.func.min(c.xmin),
            sa.func.min(c.ymin),
            sa.func.max(c.xmax),
            sa.func.max(c.ymax),
            sa.func.bool_or(c.ground.is_(None)),
        )
        .group_by(c.place, c.zoom)
        .order_by(c.place)
    )
    found = (await connection.execute(statement, execution_options=compiling(chosen.selection.where))).all()
    numbers = np.array([[np.nan if value is None else float(value) for value in row] for row in found], np.float64)
    numbers = numbers.reshape(-1, 11)
    unsure = numbers[:, 10] > 0
    ground, top_m = (np.where(unsure, np.nan, numbers[:, column]) for column in (3, 4))
    return ScenePlaces(
        numbers[:, 0].astype(np.int64),
        numbers[:, 1].astype(np.int64),
        numbers[:, 2].astype(np.int64),
        ground,
        top_m,
        np.nan_to_num(numbers[:, 5]),
        numbers[:, 6:10],
    )


async def scene_rows_in(connection: AsyncConnection, chosen: SceneSelection, square: Square) -> SceneRows:
    """The features whose size puts them in squares of the zoom of ``square`` and whose middle lies in it.

    A square finer than ``NEAR`` is a leaf, and has what belongs to none of the coarser zooms.
    """
    rows = _standing(chosen, (in_squares([square]),))
    statement = _columns(rows, chosen).where(rows.c.zoom == min(square.z, NEAR)).order_by(rows.c.place, rows.c.fid)
    found = await connection.execute(statement, execution_options=compiling(chosen.selection.where))
    return SceneRows.of(found, len(chosen.plan.fields))


async def all_scene_rows(
    connection: AsyncConnection, chosen: SceneSelection
) -> AsyncGenerator[Sequence[Sequence[Any]], None]:
    """Every selected feature as ``SceneRows.of`` takes it, page by page in the order of places.

    Each begins with the zoom its size puts it in, and its place. The database sorts, on its disk where there are many;
    memory holds a page.
    """
    rows = _standing(chosen, (), all_read=True)
    statement = _columns(rows, chosen).order_by(rows.c.place, rows.c.fid)
    options = {"yield_per": PAGE_ROWS, **compiling(chosen.selection.where)}
    found = await connection.stream(statement, execution_options=options)
    try:
        async for page in found.partitions():
            yield page
    finally:
        await found.close()


def _columns(rows: sa.Subquery, chosen: SceneSelection) -> sa.Select[Any]:
    """What ``SceneRows.of`` takes."""
    c = rows.c
    numbers = (c.height, c.ground, c.diameter, c.depth_start, c.depth_end)
    shape = sa.func.ST_AsBinary(c.shape).label("wkb")
    values = (c[f"v_{n}"] for n in range(len(chosen.plan.fields)))
    return sa.select(c.zoom, c.place, c.fid, c.key, shape, *numbers, *values)


def _standing(
    chosen: SceneSelection, where: tuple[sa.ColumnElement[bool], ...], *, all_read: bool = False
) -> sa.Subquery:
    """The selected rows with what they stand by, under names of its own."""
    selection, plan = chosen.selection, chosen.plan
    rows = selected_rows(replace(selection, where=(*selection.where, *where)), all_read=all_read, name="source")

    def number(name: str | None) -> sa.ColumnElement[Any]:
        """A field's numbers; what is no number that can be drawn, such as infinity, counts as none."""
        if name is None:
            return sa.cast(sa.null(), sa.Double)
        given = sa.cast(rows.c[name], sa.Double)
        return sa.case((given.between(-_FARTHEST_M, _FARTHEST_M), given))

    height = number(plan.height)
    if plan.storeys:
        height = sa.func.coalesce(height, number(plan.storeys) * _STOREY_M)
    shape = rows.c.geom_3857
    boxed = _once(
        sa.select(
            rows.c.fid,
            rows.c.key,
            lonlat(rows).label("shape"),
            sa.func.Box3D(shape).label("box"),
            sa.func.ST_Area(shape, type_=sa.Double).label("area"),
            height.label("height"),
            number(plan.ground).label("ground"),
            number(plan.diameter_mm).label("diameter"),
            number(plan.depth_start).label("depth_start"),
            number(plan.depth_end).label("depth_end"),
            *(rows.c[name].label(f"v_{n}") for n, name in enumerate(plan.fields)),
        ),
        "boxed",
    )
    sides = (getattr(sa.func, f"ST_{name}")(boxed.c.box, type_=sa.Double).label(name.lower()) for name in _SIDES)
    bounded = _once(sa.select(*(column for column in boxed.c if column.name != "box"), *sides), "bounded")
    c = bounded.c
    middle_y = (c.ymin + c.ymax) / 2
    width = sa.func.sqrt(c.area, type_=sa.Double) / sa.func.cosh(middle_y / _RADIUS_M, type_=sa.Double)
    size = sa.func.greatest(width, c.height)
    zoom: sa.ColumnElement[Any] = sa.literal(NEAR)
    if plan.kind != "tube":
        zoom = sa.case((size >= FAR_FROM_M, FAR), (size >= MIDDLE_FROM_M, MIDDLE), else_=NEAR)
    placed = _once(
        sa.select(
            bounded,
            column_in_sql((c.xmin + c.xmax) / 2).label("x"),
            row_in_sql(middle_y).label("y"),
            sa.cast(zoom, sa.Integer).label("zoom"),
        ),
        "placed",
    )
    return sa.select(placed, place_in_sql(placed.c.x, placed.c.y).label("place")).subquery("standing")


_SIDES = ("XMin", "YMin", "XMax", "YMax")


def _once(statement: sa.Select[Any], name: str) -> sa.Subquery:
    """A subquery whose columns are worked out once a row, however often they are named outside."""
    return statement.offset(sa.literal(0, sa.Integer)).subquery(name)


def column_in_sql(x_m: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The column of squares of zoom ``PLACE_ZOOM`` that an easting of Web Mercator lies in."""
    return _square(x_m + _HALF_M)


def row_in_sql(y_m: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The row of squares of zoom ``PLACE_ZOOM`` that a northing of Web Mercator lies in."""
    return _square(_HALF_M - y_m)


def _square(offset_m: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Which column or row of zoom ``PLACE_ZOOM`` lies so far from the grid's corner."""
    count = 2**PLACE_ZOOM
    step = sa.func.floor(offset_m * (count / (2 * _HALF_M)))
    return sa.cast(sa.func.least(sa.func.greatest(step, 0), count - 1), sa.BigInteger)


def place_in_sql(x: sa.ColumnElement[Any], y: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """``cim.model.scene.place_of`` in SQL."""

    def shifted(value: sa.ColumnElement[Any], way: str, by: int) -> sa.ColumnElement[Any]:
        return value.op(way)(sa.literal(by, sa.Integer))

    def pair(right: int, mask: int, width: int) -> sa.ColumnElement[Any]:
        """Some bits of the row and, after them, as many of the column."""
        row, column = (shifted(value, ">>", right).op("&")(sa.literal(mask, sa.BigInteger)) for value in (y, x))
        return shifted(row, "<<", width) + column

    far = shifted(shifted(y, ">>", 7), "<<", FAR) + shifted(x, ">>", 7)
    place = shifted(far, "<<", 14) + shifted(pair(5, 3, 2), "<<", 10) + shifted(pair(3, 3, 2), "<<", 6)
    return sa.cast(place + pair(0, 7, 3), sa.BigInteger)


def in_squares(squares: Sequence[Square]) -> sa.ColumnElement[bool]:
    """The condition, on bare column names, of reaching into one of some squares."""
    boxes = [sa.func.ST_MakeEnvelope(*mercator_box(square), MERCATOR_SRID) for square in squares]
    return sa.or_(*(sa.column("geom_3857").op("&&", is_comparison=True)(box) for box in boxes))


def mercator_box(square: Square) -> BoundingBox:
    """West, south, east, north of a square in metres of Web Mercator."""
    side = 2 * _HALF_M / 2**square.z
    west, north = square.x * side - _HALF_M, _HALF_M - square.y * side
    return (west, north - side, west + side, north)
