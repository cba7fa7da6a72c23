"""Sums of number fields by groups of text fields, over the rows a caller sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.collection_tables import lonlat
from cim.store.selection import Selection, compiling, selected_rows


@dataclass(frozen=True, slots=True)
class GroupedSum:
    """One group: its texts, the sums by field, how many features, and their ellipsoidal area where it was asked for."""

    group: tuple[str, ...]
    sums: Mapping[str, float]
    features: int
    computed_m2: float | None = None


async def grouped_sums(
    connection: AsyncConnection,
    selection: Selection,
    by: Sequence[tuple[str, int | None]],
    sums: Sequence[str],
    *,
    computed: bool = False,
) -> list[GroupedSum]:
    """Sums by groups, in the order of the groups.

    ``by`` are fields with how many of their first letters count (None: all). ``computed`` adds the area by the survey's
    formula, which takes a tenth of a millisecond for each feature.
    """
    rows = selected_rows(selection, all_read=True)
    groups = [
        sa.func.coalesce(rows.c[name] if letters is None else sa.func.left(rows.c[name], letters), "")
        for name, letters in by
    ]
    figures = [sa.func.coalesce(sa.func.sum(rows.c[name]), 0) for name in sums]
    area = sa.func.sum(sa.func.cim.ellipsoidal_area(lonlat(rows))) if computed else sa.null()
    statement = sa.select(*groups, *figures, sa.func.count(), area).group_by(*groups).order_by(*groups)
    found = await connection.execute(statement, execution_options=compiling(selection.where))
    return [
        GroupedSum(
            tuple(row[: len(by)]),
            dict(zip(sums, (float(value) for value in row[len(by) : -2]), strict=True)),
            row[-2],
            None if row[-1] is None else float(row[-1]),
        )
        for row in found
    ]
