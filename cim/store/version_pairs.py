"""The rows that two versions of a layer do not share, as conditions for ``Selection``, and sums over those they share.

A row counts by when it was written and ended, as differences of versions do. So a feature that was rewritten stands on
both sides, with the same or another shape.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.collection_tables import lonlat
from cim.store.selection import Selection, compiling, selected_rows

BATCH = 20_000
ended: sa.ColumnElement[int] = sa.column("valid_to_version")
began: sa.ColumnElement[int] = sa.column("valid_from_version")


def ended_by(newer: int) -> sa.ColumnElement[bool]:
    """Of the rows of an older version: those that are gone in ``newer``."""
    return ended <= newer


def begun_after(older: int) -> sa.ColumnElement[bool]:
    """Of the rows of a newer version: those that ``older`` did not have."""
    return began > older


def lasting_to(newer: int) -> sa.ColumnElement[bool]:
    """Of the rows of an older version: those that are still there in ``newer``."""
    return sa.or_(ended.is_(None), ended > newer)


async def areas_by_value(connection: AsyncConnection, selection: Selection, field: str) -> dict[Any, float]:
    """The ellipsoidal areas of the selected features, in m2, summed up by the values of a field.

    Shapes come in batches and are summed here: the function of the database takes five times as long.
    """
    rows = selected_rows(selection, all_read=True)
    statement = sa.select(rows.c[field], sa.func.ST_AsBinary(lonlat(rows)))
    options = {**compiling(selection.where), "yield_per": BATCH}
    sums: dict[Any, float] = {}
    async with connection.stream(statement, execution_options=options) as found:
        async for batch in found.partitions():
            values, areas_m2 = await asyncio.to_thread(_areas, batch)
            for value, area_m2 in zip(values, areas_m2, strict=True):
                sums[value] = sums.get(value, 0.0) + area_m2
    return sums


def _areas(batch: Sequence[Any]) -> tuple[list[Any], list[float]]:
    """The values and the areas of some rows of value and WKB."""
    wkb = np.array([None if shape is None else bytes(shape) for _, shape in batch], dtype=object)
    areas_m2 = ellipsoidal_areas_m2(np.asarray(shapely.from_wkb(wkb), dtype=object))
    return [value for value, _ in batch], [float(area_m2) for area_m2 in areas_m2]
