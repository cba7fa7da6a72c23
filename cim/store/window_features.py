"""Features for drawing: the shapes and a few attributes of what lies in a window, in the window's system."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.collection import BoundingBox, Collection
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, collection_table, lonlat
from cim.store.features import readable_rows


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """What to read of one layer.

    ``bounds`` is a box of Web Mercator metres. ``srid`` is the system of the shapes given out, axes east, north;
    ``cell`` the size of a pixel in it: points of a line nearer to each other than a third of one are left out.
    ``limit`` is the most features that are read.
    """

    collection: Collection
    fields: tuple[str, ...]
    regions: tuple[str, ...] | None
    bounds: BoundingBox
    srid: int
    cell: float
    limit: int


@dataclass(frozen=True, slots=True)
class WindowFeatures:
    """Shapes as WKB and, at the same places, the attributes that have a value."""

    shapes: list[bytes]
    attributes: list[Mapping[str, Any]]


async def features_in_window(connection: AsyncConnection, query: WindowQuery) -> WindowFeatures:
    """The features whose boxes touch the window, in fid order.

    Raises BadRequest when there are more than ``limit``: a picture with some of them would be a wrong one.
    """
    table = collection_table(query.collection.schema)
    box = sa.func.ST_MakeEnvelope(*query.bounds, MERCATOR_SRID)
    shape = _in_system(table, query.collection.schema.srid, query.srid)
    if not query.collection.schema.geometry.endswith("Point"):
        shape = sa.func.ST_RemoveRepeatedPoints(shape, query.cell / 3)
    statement = (
        sa.select(sa.func.ST_AsBinary(shape).label("shape"), *(table.c[name] for name in query.fields))
        .where(*readable_rows(table, query.regions), table.c.geom_3857.op("&&")(box))
        .order_by(table.c.fid)
        .limit(query.limit + 1)
    )
    rows = (await connection.execute(statement)).all()
    if len(rows) > query.limit:
        raise BadRequest(
            f"layer {query.collection.id} has more than {query.limit} features in this picture",
            where="bbox",
            remedy="ask for a smaller area, or use the layer's tiles at this scale",
        )
    found = WindowFeatures([], [])
    for row in rows:
        if row[0] is not None:
            found.shapes.append(bytes(row[0]))
            values = zip(query.fields, row[1:], strict=True)
            found.attributes.append({name: _plain(value) for name, value in values if value is not None})
    return found


def _in_system(table: sa.Table, stored: int, srid: int) -> sa.ColumnElement[Any]:
    if srid == stored:
        return table.c.geom
    if srid == MERCATOR_SRID:
        return table.c.geom_3857
    if srid == LONLAT_SRID:
        return lonlat(table)
    return sa.func.ST_Transform(table.c.geom, srid)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
