"""The features of a layer that may meet some areas, as arrays for overlays in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, lonlat
from cim.store.selection import Selection, compiling, selected_rows

Array = np.ndarray[Any, np.dtype[Any]]


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
    it needs.
    """
    near = [
        sa.column("geom_3857").op("&&")(sa.func.ST_Transform(sa.func.ST_MakeEnvelope(*box, LONLAT_SRID), MERCATOR_SRID))
        for box in boxes
    ]
    reaching = replace(selection, where=(*selection.where, sa.or_(sa.false(), *near)))
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
