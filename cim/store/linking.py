"""Features that belong to others: by equal values of two fields, or by where both are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.collection_tables import lonlat
from cim.store.paging import with_fids
from cim.store.selection import Selection, compiling, selected_rows

MOST_FIDS = 1_000


@dataclass(frozen=True, slots=True)
class ByValue:
    """The ``field`` of the one equals the field ``to`` of the other."""

    field: str
    to: str


@dataclass(frozen=True, slots=True)
class ByPlace:
    """The one ``holds`` the other's representative point, is ``within`` the other by its own, or is ``near`` it."""

    kind: Literal["holds", "within", "near"]
    metres: float = 0.0


Bond = ByValue | ByPlace


async def linked_fids(
    connection: AsyncConnection, source: Selection, fids: Sequence[int], target: Selection, bond: Bond
) -> tuple[int, list[int]]:
    """How many rows of the target are bound to any of some rows of the source, and the first ``MOST_FIDS`` of them.

    Both selections have the fields the bond names; neither gives more than its caller may see.
    """
    ones = selected_rows(replace(source, where=(*source.where, with_fids(fids))), name="ones")
    others = selected_rows(target, name="others")
    bound = _by_value(ones, others, bond) if isinstance(bond, ByValue) else _by_place(ones, others, bond)
    if source.collection.id == target.collection.id:
        bound = sa.and_(bound, ones.c.fid != others.c.fid)
    found = sa.select(others.c.fid).select_from(ones.join(others, bound)).distinct().subquery("found")
    statement = sa.select(sa.func.count().over().label("count"), found.c.fid).order_by(found.c.fid).limit(MOST_FIDS)
    rows = (await connection.execute(statement, execution_options=compiling(source.where))).all()
    return (rows[0][0] if rows else 0), [fid for _, fid in rows]


def _by_value(ones: sa.Subquery, others: sa.Subquery, bond: ByValue) -> sa.ColumnElement[bool]:
    one, other = ones.c[bond.field], others.c[bond.to]
    if type(one.type) is type(other.type):
        return one == other
    return sa.cast(one, sa.Text) == sa.cast(other, sa.Text)


def _by_place(ones: sa.Subquery, others: sa.Subquery, bond: ByPlace) -> sa.ColumnElement[bool]:
    if bond.kind == "near":
        scale = sa.func.cos(sa.func.radians(sa.func.ST_Y(_point(ones))))
        reach = sa.func.ST_Expand(ones.c.geom_3857, sa.literal(bond.metres, sa.Double) / scale)
        distance = sa.func.ST_Distance(ones.c.geom_3857, others.c.geom_3857) * scale
        return sa.and_(others.c.geom_3857.op("&&")(reach), distance <= bond.metres)
    touching = others.c.geom_3857.op("&&")(ones.c.geom_3857)
    if bond.kind == "holds":
        return sa.and_(touching, sa.func.ST_Intersects(lonlat(ones), _point(others)))
    return sa.and_(touching, sa.func.ST_Intersects(lonlat(others), _point(ones)))


def _point(rows: sa.Subquery) -> sa.ColumnElement[Any]:
    return sa.func.ST_PointOnSurface(lonlat(rows))
