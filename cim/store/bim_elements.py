"""Reading the elements of building models: of one in any version, or of many as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import bim_tables as b
from cim.store.selection import compiling

_APART = b.DERIVED_COLUMNS | {"id", "mesh", "matrix", "source_hash", "valid_from_version", "valid_to_version"}
RECORD = tuple(
    "class" if column.name == "ifc_class" else column.name for column in b.element.c if column.name not in _APART
)
"""The columns an element's record is made of, in its order."""
DIGITS = 9
"""Decimals of degrees: a tenth of a millimetre."""


@dataclass(frozen=True, slots=True)
class ElementQuery:
    """Which elements.

    ``models`` are the models looked into, all of which the caller may read; ``version`` an older version of the one
    there is (None: the current ones); ``where`` conditions on the bare columns of ``element_rows``; ``after`` the model
    and GlobalId the page before ended with.
    """

    models: tuple[str, ...]
    version: int | None = None
    where: tuple[sa.ColumnElement[bool], ...] = ()
    limit: int = 10
    after: tuple[str, str] | None = None


def element_rows(query: ElementQuery) -> sa.Subquery:
    """The elements asked for, whatever the page: the columns of a record, ``mesh``, ``matrix`` and the outlines.

    The outlines are called ``geom`` (longitude and latitude) and ``geom_3857``, as those of features are.
    """
    return everything(query).where(*query.where).subquery("found")


def everything(query: ElementQuery) -> sa.Select[Any]:
    """All elements of the query's models, for conditions to be put on."""
    e = b.element.c
    names = {"class": e.ifc_class, "geom": e.outline, "geom_3857": e.outline_3857}
    columns = [
        (names[name] if name in names else e[name]).label(name)
        for name in (*RECORD, "mesh", "matrix", "geom", "geom_3857")
    ]
    # one value however many models: PostgreSQL looks them up by hash
    among = sa.func.any(sa.literal(list(query.models), ARRAY(sa.Text)))
    of = e.model == query.models[0] if len(query.models) == 1 else e.model == among
    return sa.select(sa.select(*columns).where(of, b.in_version(query.version)).subquery("elements"))


async def page_of_elements(connection: AsyncConnection, query: ElementQuery) -> list[dict[str, Any]]:
    """Up to ``limit`` records in the order of model and GlobalId, each with ``geometry`` as GeoJSON text.

    The order and where a page begins do not depend on versions, so that no element is repeated or left out.
    """
    rows = element_rows(query)
    statement = _records(rows).order_by(rows.c.model, rows.c.global_id).limit(query.limit)
    if query.after is not None:
        place = sa.tuple_(rows.c.model, rows.c.global_id)
        statement = statement.where(place > sa.tuple_(*(sa.literal(part, sa.Text) for part in query.after)))
    found = await connection.execute(statement, execution_options=compiling(query.where))
    return [dict(row) for row in found.mappings()]


async def count_elements(connection: AsyncConnection, query: ElementQuery) -> int:
    """How many elements match, whatever the page."""
    statement = sa.select(sa.func.count()).select_from(element_rows(query))
    return int(await connection.scalar(statement, execution_options=compiling(query.where)) or 0)


async def one_element(
    connection: AsyncConnection, model: str, global_id: str, version: int | None
) -> dict[str, Any] | None:
    """The record of one element with the versions it has stood since and until; None where there is none."""
    query = ElementQuery((model,), version, (sa.column("global_id") == sa.literal(global_id, sa.Text),))
    row = (await connection.execute(_records(element_rows(query)))).mappings().first()
    return dict(row) if row else None


async def called(
    connection: AsyncConnection, model: str, global_ids: Sequence[str], version: int | None
) -> dict[str, str]:
    """What elements are called, by GlobalId; those without a name, or that are not there, are left out."""
    if not global_ids:
        return {}
    query = ElementQuery((model,), version, (sa.column("global_id").in_(list(global_ids)),))
    rows = element_rows(query)
    name = sa.func.coalesce(rows.c.long_name, rows.c.name)
    found = await connection.execute(sa.select(rows.c.global_id, name.label("called")).where(name.is_not(None)))
    return {row.global_id: row.called for row in found}


async def all_elements(connection: AsyncConnection, query: ElementQuery, most: int) -> list[dict[str, Any]]:
    """Records with ``mesh`` and ``matrix``, at most ``most``, in the order of model and GlobalId."""
    rows = element_rows(query)
    statement = _records(rows).add_columns(rows.c.mesh, rows.c.matrix)
    found = await connection.execute(
        statement.order_by(rows.c.model, rows.c.global_id).limit(most), execution_options=compiling(query.where)
    )
    return [dict(row) for row in found.mappings()]


def _records(rows: sa.Subquery) -> sa.Select[Any]:
    geometry = sa.func.ST_AsGeoJSON(rows.c.geom, DIGITS, 0).label("geometry")
    return sa.select(*(rows.c[name] for name in RECORD), rows.c.mesh.is_not(None).label("has_mesh"), geometry)


async def spatial_nodes(connection: AsyncConnection, model: str, version: int | None) -> list[dict[str, Any]]:
    """The spatial structure of a model: its spatial elements and spaces, and how many others hang on each."""
    rows = everything(ElementQuery((model,), version)).subquery("every")
    kinds = rows.c.kind.in_(("spatial", "space"))
    nodes = await connection.execute(
        sa.select(*(rows.c[n] for n in ("global_id", "class", "name", "parent", "storey_number", "elevation_m")))
        .where(kinds)
        .order_by(rows.c.elevation_m.nulls_first(), rows.c.name, rows.c.global_id)
    )
    held = await connection.execute(
        sa.select(rows.c.parent, sa.func.count()).where(sa.not_(kinds)).group_by(rows.c.parent)
    )
    counts: dict[str | None, int] = {row[0]: row[1] for row in held}
    return [{**row, "elements": counts.get(row["global_id"], 0)} for row in map(dict, nodes.mappings())]


async def class_counts(connection: AsyncConnection, query: ElementQuery) -> dict[str, int]:
    """How many elements of each class are found."""
    rows = element_rows(query)
    name = rows.c["class"]
    found = await connection.execute(sa.select(name, sa.func.count()).group_by(name).order_by(name))
    return {row[0]: row[1] for row in found}


async def plan_elements(
    connection: AsyncConnection, model: str, storey: str, version: int | None, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """The elements of a storey that have an outline and are of some classes, for its plan."""
    where = (
        sa.column("storey") == sa.literal(storey, sa.Text),
        sa.column("class").in_(list(classes)),
        sa.column("geom").is_not(None),
    )
    rows = element_rows(ElementQuery((model,), version, where))
    names = (
        "global_id",
        "class",
        "name",
        "long_name",
        "object_type",
        "predefined_type",
        "type_name",
        "space",
        "z_min_m",
        "z_max_m",
    )
    geometry = sa.func.ST_AsGeoJSON(rows.c.geom, DIGITS, 0).label("geometry")
    found = await connection.execute(sa.select(*(rows.c[name] for name in names), geometry).order_by(rows.c.global_id))
    return [dict(row) for row in found.mappings()]


async def floors_of(connection: AsyncConnection, model: str) -> int:
    """How many storeys at and above the ground of a model have rooms; 0 where none has."""
    rows = everything(ElementQuery((model,))).subquery("every")
    counted = sa.func.count(rows.c.storey_number.distinct())
    statement = sa.select(counted).where(rows.c.kind == "space", rows.c.storey_number > 0)
    return int(await connection.scalar(statement) or 0)


async def storeys_of(connection: AsyncConnection, model: str, version: int | None) -> list[dict[str, Any]]:
    """The storeys of a model from the lowest up: name, number, elevation, and the elements on them."""
    rows = everything(ElementQuery((model,), version)).subquery("every")
    inside = (
        sa.select(
            rows.c.storey,
            sa.func.count().label("elements"),
            sa.func.min(rows.c.z_min_m).label("z_min_m"),
            sa.func.max(rows.c.z_max_m).label("z_max_m"),
        )
        .where(rows.c.storey != rows.c.global_id)
        .group_by(rows.c.storey)
        .subquery("inside")
    )
    names = ("global_id", "name", "long_name", "storey_number", "elevation_m", "building")
    found = await connection.execute(
        sa.select(*(rows.c[name] for name in names), sa.func.coalesce(inside.c.elements, 0).label("elements"))
        .add_columns(inside.c.z_min_m, inside.c.z_max_m)
        .select_from(rows.outerjoin(inside, inside.c.storey == rows.c.global_id))
        .where(rows.c["class"] == "IfcBuildingStorey")
        .order_by(rows.c.elevation_m.nulls_first(), rows.c.storey_number, rows.c.global_id)
    )
    return [dict(row) for row in found.mappings()]
