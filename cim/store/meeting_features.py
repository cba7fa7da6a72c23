"""The features of a layer that may meet some areas, as arrays for overlays in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, lonlat
from cim.store.selection import Selection, compiling, selected_rows

Array = np.ndarray[Any, np.dtype[Any]]
MOST_PARTS = 40


@dataclass(frozen=True, slots=True)
class MeetingFeatures:
    """Features in fid order: their ids, keys, a list of values for each field, and WKB in the system ``srid``.

    ``srid`` is the layer's own where that was asked for, else EPSG:4490.
    """

    fids: Array
    keys: list[str]
    columns: Mapping[str, list[Any]]
    wkb: list[bytes]
    srid: int


async def features_meeting(
    connection: AsyncConnection, selection: Selection, boxes: Sequence[BoundingBox], srid: int
) -> MeetingFeatures:
    """The selected features whose boxes touch any of some boxes of longitude and latitude.

    The boxes are looked up one by one in the spatial index, so that an area far longer than wide reads little more than
    it needs; of thousands of boxes each costs a look.
    """
    reaching = replace(selection, where=(*selection.where, touching(boxes)))
    rows = selected_rows(reaching)
    own = selection.collection.schema.srid
    shape = rows.c.geom if srid == own else lonlat(rows)
    statement = (
        sa.select(rows.c.fid, rows.c.key, sa.func.ST_AsBinary(shape), *(rows.c[name] for name in selection.fields))
        .where(shape.is_not(None))
        .order_by(rows.c.fid)
    )
    found = (await connection.execute(statement, execution_options=compiling(reaching.where))).all()
    given = srid if srid == own else LONLAT_SRID
    if not found:
        return MeetingFeatures(np.zeros(0, dtype=np.int64), [], {name: [] for name in selection.fields}, [], given)
    fids, keys, shapes, *columns = (list(column) for column in zip(*found, strict=True))
    named = dict(zip(selection.fields, columns, strict=True))
    return MeetingFeatures(np.array(fids, dtype=np.int64), keys, named, [bytes(shape) for shape in shapes], given)


def touching(boxes: Sequence[BoundingBox]) -> sa.ColumnElement[bool]:
    """Whether a feature's box touches any of some boxes: a part each, or, of many, one array of boxes."""
    place: sa.ColumnElement[Any] = sa.column("geom_3857")
    if len(boxes) <= MOST_PARTS:
        near = [place.op("&&")(_mercator(*box)) for box in boxes]
        return sa.or_(sa.false(), *near)
    sides = [sa.literal([box[k] for box in boxes], ARRAY(sa.Double)) for k in range(4)]
    given = sa.func.unnest(*sides).table_valued("west", "south", "east", "north", name="given").render_derived()
    of = sa.select(_mercator(given.c.west, given.c.south, given.c.east, given.c.north)).scalar_subquery()
    return place.op("&&")(sa.func.any(sa.func.array(of)))


def _mercator(*box: Any) -> sa.ColumnElement[Any]:
    return sa.func.ST_Transform(sa.func.ST_MakeEnvelope(*box, LONLAT_SRID), MERCATOR_SRID)
