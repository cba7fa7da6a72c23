"""The rows that two versions of a layer do not share, as conditions for ``Selection``, and sums over those they share.

A row counts by when it was written and ended, as differences of versions do. So a feature that was rewritten stands on
both sides, with the same or another shape.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.collection_tables import lonlat
from cim.store.selection import Selection, compiling, selected_rows

ended, began = sa.column("valid_to_version"), sa.column("valid_from_version")


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
    """The ellipsoidal areas of the selected features, in m2, summed up by the values of a field."""
    rows = selected_rows(selection, all_read=True)
    area = sa.func.sum(sa.func.cim.ellipsoidal_area(lonlat(rows)))
    statement = sa.select(rows.c[field], area).group_by(rows.c[field])
    found = await connection.execute(statement, execution_options=compiling(selection.where))
    return {value: float(total or 0.0) for value, total in found}
