"""What the three-dimensional view reads of city layers: where objects with shapes lie, and those of a tile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.scene import NEAR, PLACE_ZOOM, Square
from cim.store.scene_city_codes import NEEDED, codes_of_wholes, with_needed
from cim.store.scene_rows import ScenePlaces, column_in_sql, in_squares, place_in_sql, row_in_sql
from cim.store.selection import Selection, compiling, selected_rows

MOST_SHAPE_BYTES = 16 * 1024**2
"""Objects whose packed shapes are larger are left out."""
MOST_TILE_BYTES = 48 * 1024**2
BYTES_OF_ONE = 9_000
"""As many packed bytes count as one feature: those of about 200 triangles."""
_SIDES = ((sa.func.ST_XMin, sa.func.ST_XMax), (sa.func.ST_YMin, sa.func.ST_YMax))
_SHAPES = sa.table("city_shape", sa.column("layer"), sa.column("hash"), sa.column("body", BYTEA), schema="cim")


class CityRow(NamedTuple):
    """A city object: its packed shapes and the values of the selection's fields that a tile carries.

    The building code of a part is that of the whole it belongs to, where it has none of its own.
    """

    fid: int
    body: bytes
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CityCount:
    """Objects with shapes of a selection, by the datum of their heights; ``too_large`` are those left out."""

    by_datum: dict[str | None, int]
    too_large: int


async def city_count(connection: AsyncConnection, selection: Selection) -> CityCount:
    """How many objects are drawn, and how many are too large for that."""
    rows = _drawn(selection)
    fits = rows.c.size <= MOST_SHAPE_BYTES
    statement = sa.select(rows.c.height_datum, fits, sa.func.count()).group_by(rows.c.height_datum, fits)
    found = (await connection.execute(statement, execution_options=compiling(selection.where))).all()
    return CityCount(
        {datum: count for datum, small, count in found if small}, sum(count for _, small, count in found if not small)
    )


async def city_places(
    connection: AsyncConnection, selection: Selection, squares: Sequence[Square] | None = None
) -> ScenePlaces:
    """Where objects belong; with ``squares``, only of those whose place lies in one of them.

    Their zoom is that of leaves, whatever their size. ``features`` counts an object of many triangles as several.
    """
    rows = _drawn(selection, () if squares is None else (in_squares(squares),))
    f, c = sa.func, rows.c
    placed = sa.select(rows, place_in_sql(c.x, c.y).label("place")).where(c.size <= MOST_SHAPE_BYTES).subquery("placed")
    p, shape = placed.c, placed.c.geom_3857
    statement = (
        sa.select(p.place, f.sum(f.greatest(1, p.size / BYTES_OF_ONE)), f.min(p.ground_m), f.max(p.roof_m))
        .add_columns(f.min(f.ST_XMin(shape)), f.min(f.ST_YMin(shape)), f.max(f.ST_XMax(shape)), f.max(f.ST_YMax(shape)))
        .group_by(p.place)
        .order_by(p.place)
    )
    found = (await connection.execute(statement, execution_options=compiling(selection.where))).all()
    numbers = np.array([[np.nan if value is None else float(value) for value in row] for row in found], np.float64)
    numbers = numbers.reshape(-1, 8)
    place, features = (numbers[:, column].astype(np.int64) for column in (0, 1))
    zoom = np.full(len(numbers), NEAR, np.int64)
    ground_m, roof_m = numbers[:, 2], numbers[:, 3]
    return ScenePlaces(place, zoom, features, ground_m, roof_m, np.nan_to_num(roof_m - ground_m), numbers[:, 4:])


async def city_rows_in(connection: AsyncConnection, selection: Selection, square: Square) -> list[CityRow]:
    """The objects whose middle lies in a square, in the order of fids.

    AnswerTooLarge where their packed shapes are more than ``MOST_TILE_BYTES``.
    """
    rows = _objects(selection, (in_squares([square]),))
    c = rows.c
    finer = sa.literal(PLACE_ZOOM - square.z, sa.Integer)
    here = [c.size <= MOST_SHAPE_BYTES, c.x.op(">>")(finer) == square.x, c.y.op(">>")(finer) == square.y]
    options = compiling(selection.where)
    size = await connection.scalar(sa.select(sa.func.sum(c.size)).where(*here), execution_options=options)
    if size is not None and size > MOST_TILE_BYTES:
        raise AnswerTooLarge(
            f"the shapes of tile {square.z}/{square.x}/{square.y} take {float(size) / 1e6:.0f} MB packed",
            where=f"layer {selection.collection.id}",
            remedy="deliver the layer with fewer objects in one place, or of a lower level of detail",
        )
    statement = sa.select(c.fid, c.body, *(c[name] for name in selection.fields), c.parent).where(*here).order_by(c.fid)
    found = (await connection.execute(statement, execution_options=options)).all()
    codes = await codes_of_wholes(connection, selection, {row[-1] for row in found if row[-1]})
    return [CityRow(row[0], bytes(row[1]), _coded(selection, row[2:-1], codes.get(row[-1]))) for row in found]


def _coded(selection: Selection, values: Sequence[Any], code: str | None) -> tuple[Any, ...]:
    """Values of the selection's fields, with a building code where they have none."""
    return tuple(
        code if name == "building_code" and value is None else value
        for name, value in zip(selection.fields, values, strict=True)
    )


def _drawn(selection: Selection, where: tuple[sa.ColumnElement[bool], ...] = ()) -> sa.Subquery:
    """The objects of ``_objects`` but for those that only have parts."""
    rows = _objects(selection, where)
    names = selection.collection.schema.field_names
    if not {"parent", "object_id", "lods"} <= {*names}:
        return rows
    every = selected_rows(with_needed(selection), all_read=True, name="every")
    parents = sa.select(every.c.parent).where(every.c.parent.is_not(None))
    shown = sa.or_(rows.c.lods.is_not(None), rows.c.object_id.not_in(parents))
    return sa.select(rows).where(shown).subquery("drawn")


def _objects(selection: Selection, where: tuple[sa.ColumnElement[bool], ...] = ()) -> sa.Subquery:
    """The selected objects that have shapes and a footprint, with these, their size and their square.

    What no field of the layer says is null.
    """
    chosen = with_needed(replace(selection, where=(*selection.where, *where)))
    rows = selected_rows(chosen, all_read=not where, name="source")
    shape = rows.c.geom_3857
    middle = [(low(shape) + high(shape)) / 2 for low, high in _SIDES]
    absent = [name for name in NEEDED if name not in chosen.fields]
    # the hash is made before the join: below row-level security an index is used for equality alone
    source = (
        sa.select(rows, *(sa.cast(sa.null(), sa.Double).label(name) for name in absent))
        .add_columns(
            column_in_sql(middle[0]).label("x"),
            row_in_sql(middle[1]).label("y"),
            sa.func.decode(rows.c.shape, "hex").label("hash"),
        )
        .where(shape.is_not(None), rows.c.shape.is_not(None))
        .cte("hashed")
        .prefix_with("MATERIALIZED")
    )
    of = sa.and_(_SHAPES.c.layer == selection.collection.id, _SHAPES.c.hash == source.c.hash)
    size = sa.func.pg_column_size(_SHAPES.c.body).label("size")
    return sa.select(source, _SHAPES.c.body, size).join_from(source, _SHAPES, of).subquery("objects")
