"""Features for drawing: the shapes and a few attributes of what lies in a window, in the window's system."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, lonlat
from cim.store.selection import Selection, selected_rows


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """What to read of one layer.

    ``selection`` says which rows, and the fields given out. ``bounds`` is a box of Web Mercator metres. ``srid`` is
    the system of the shapes given out, axes east, north; ``cell`` the size of a pixel in it: points of a line nearer
    to each other than a third of one are left out. ``limit`` is the most features that are read.
    """

    selection: Selection
    bounds: BoundingBox
    srid: int
    cell: float
    limit: int


@dataclass(frozen=True, slots=True)
class WindowFeatures:
    """Shapes as WKB and, at the same places, the attributes that have a value.

    ``stand_in`` says that they were made on request because prepared content is not at the newest change yet.
    """

    shapes: list[bytes]
    attributes: list[dict[str, Any]]
    stand_in: bool = False


async def features_in_window(connection: AsyncConnection, query: WindowQuery) -> WindowFeatures:
    """The features whose boxes touch the window, in fid order.

    Raises BadRequest when there are more than ``limit``: a picture with some of them would be a wrong one.
    """
    selection, schema = query.selection, query.selection.collection.schema
    box = sa.func.ST_MakeEnvelope(*query.bounds, MERCATOR_SRID)
    reaching = replace(selection, where=(*selection.where, sa.column("geom_3857").op("&&")(box)))
    rows = selected_rows(reaching)
    shape = _in_system(rows, schema.srid, query.srid)
    if not schema.geometry.endswith("Point"):
        shape = sa.func.ST_RemoveRepeatedPoints(shape, query.cell / 3)
    statement = (
        sa.select(sa.func.ST_AsBinary(shape).label("shape"), *(rows.c[name] for name in selection.fields))
        .order_by(rows.c.fid)
        .limit(query.limit + 1)
    )
    found = WindowFeatures([], [])
    for row in _within(query, (await connection.execute(statement)).all()):
        if row[0] is not None:
            found.shapes.append(bytes(row[0]))
            values: Iterable[tuple[str, Any]] = zip(selection.fields, row[1:], strict=True)
            found.attributes.append({name: _plain(value) for name, value in values if value is not None})
    return found


async def read_features(connection: AsyncConnection, query: WindowQuery, statement: sa.Select[Any]) -> WindowFeatures:
    """What a statement gives as shape and attributes; raises as ``features_in_window`` does."""
    rows = _within(query, (await connection.execute(statement.limit(query.limit + 1))).all())
    drawn = [row for row in rows if row[0] is not None]
    return WindowFeatures([bytes(row[0]) for row in drawn], [row[1] for row in drawn])


def _within(query: WindowQuery, rows: Sequence[sa.Row[Any]]) -> list[tuple[Any, ...]]:
    if len(rows) > query.limit:
        raise BadRequest(
            f"with layer {query.selection.collection.id} there are too many features in this picture",
            where="bbox",
            remedy="ask for a smaller area or fewer layers, or use the layer's tiles at this scale",
        )
    return [tuple(row) for row in rows]


def _in_system(table: sa.FromClause, stored: int, srid: int) -> sa.ColumnElement[Any]:
    if srid == stored:
        return table.c.geom
    if srid == MERCATOR_SRID:
        return table.c.geom_3857
    if srid == LONLAT_SRID:
        return lonlat(table)
    return sa.func.ST_Transform(table.c.geom, srid)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
