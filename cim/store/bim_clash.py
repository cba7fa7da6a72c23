"""Pairs of elements whose boxes overlap, for the clash test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import bim_tables as b


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a test: a model in a version (None: now), and the classes looked at (none: everything built)."""

    model: str
    classes: tuple[str, ...]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class BoxedElement:
    """An element with what its shape is made of."""

    global_id: str
    ifc_class: str
    name: str | None
    storey: str | None
    mesh: bytes
    matrix: tuple[float, ...]


async def overlapping_boxes(
    connection: AsyncConnection, one: Side, other: Side, tolerance_m: float, most: int
) -> list[tuple[BoxedElement, BoxedElement]]:
    """Pairs whose outlines' boxes meet and whose heights overlap by more than a tolerance, in order, at most ``most``.

    Of one model a pair is there once. Each outline is looked up in the spatial index of the other side's.
    """
    a, c = b.element.alias("a"), b.element.alias("c")
    overlap = sa.func.least(a.c.z_max_m, c.c.z_max_m) - sa.func.greatest(a.c.z_min_m, c.c.z_min_m)
    conditions = [
        *_of(a, one),
        *_of(c, other),
        a.c.outline_3857.op("&&")(c.c.outline_3857),
        overlap > tolerance_m,
        # a thing and what it is part of, or what it fills, are meant to be in one another
        a.c.parent.is_distinct_from(c.c.global_id),
        c.c.parent.is_distinct_from(a.c.global_id),
    ]
    if one.model == other.model:
        ordered = a.c.global_id < c.c.global_id
        apart = a.c.global_id != c.c.global_id
        conditions.append(ordered if one.classes == other.classes else apart)
    statement = (
        sa.select(*_columns(a, "a"), *_columns(c, "c"))
        .where(*conditions)
        .order_by(a.c.global_id, c.c.global_id)
        .limit(most)
    )
    return [(_element(row, "a"), _element(row, "c")) for row in (await connection.execute(statement)).mappings()]


def _of(table: Any, side: Side) -> Sequence[sa.ColumnElement[bool]]:
    ended = table.c.valid_to_version
    stands: sa.ColumnElement[bool] = ended.is_(None)
    if side.version is not None:
        stands = sa.and_(table.c.valid_from_version <= side.version, sa.or_(ended.is_(None), ended > side.version))
    of = table.c.ifc_class.in_(side.classes) if side.classes else table.c.kind == "element"
    return [table.c.model == side.model, stands, of, table.c.mesh.is_not(None)]


_NAMES = ("global_id", "ifc_class", "name", "storey_name", "mesh", "matrix")


def _columns(table: Any, prefix: str) -> list[sa.ColumnElement[Any]]:
    return [table.c[name].label(f"{prefix}_{name}") for name in _NAMES]


def _element(row: Any, prefix: str) -> BoxedElement:
    global_id, ifc_class, name, storey, mesh, matrix = (row[f"{prefix}_{name}"] for name in _NAMES)
    return BoxedElement(global_id, ifc_class, name, storey, bytes(mesh), tuple(matrix))
