"""The rows a query reads: of a layer now, in an older version, or under a scenario, as one FROM item.

Whatever is asked for, the rows have the same columns: ``fid``, ``key``, the chosen fields and the stored geometries.
Conditions stand inside, below each branch, so that the indexes are used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from cim.model.collection import BoundingBox, Collection, CollectionSchema
from cim.store import tables as t
from cim.store.collection_tables import (
    LONLAT_SRID,
    MERCATOR_SRID,
    SCENARIOS,
    collection_table,
    derived_srids,
    is_current,
    lonlat,
    scenario_table_name,
)

MOST_PARTS_KEPT = 120
_MERCATOR_LIMIT_DEG = 85.0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a collection, and which of their fields.

    ``fields`` are the fields the rows have; ``regions`` the codes the caller is limited to (None: everywhere);
    ``where`` are conditions on bare column names (``cim.filters`` makes such); ``version`` is an older version (None:
    the current one); ``scenario`` the id of a scenario that holds something of this layer, over that version.
    """

    collection: Collection
    fields: tuple[str, ...]
    regions: tuple[str, ...] | None
    where: tuple[sa.ColumnElement[bool], ...] = ()
    version: int | None = None
    scenario: int | None = None


@lru_cache(maxsize=512)
def known_table(schema: CollectionSchema, scenario: int | None = None) -> sa.Table:
    """The table of a collection, or of what a scenario changes in it.

    The same object each time, so that SQLAlchemy compiles a query once.
    """
    if scenario is None:
        return collection_table(schema)
    return collection_table(schema, name=scenario_table_name(schema.id, scenario), namespace=SCENARIOS)


def selected_rows(selection: Selection, *, all_read: bool = False, name: str = "rows") -> sa.Subquery:
    """The selected rows as a subquery of a name; ``all_read`` says that all of them are read, not just some."""
    branches = branches_of(selection, all_read=all_read)
    return (branches[0] if len(branches) == 1 else sa.union_all(*branches)).subquery(name)


def branches_of(selection: Selection, *, all_read: bool = False) -> list[sa.Select[Any]]:
    """The selects whose rows together are the selected ones: one for what is current, more for other states.

    What a scenario hides is looked up for each row by an index, or, where all rows are read, hashed once.
    """
    table = known_table(selection.collection.schema)
    hidden: list[sa.ColumnElement[bool]] = []
    more: list[sa.Select[Any]] = []
    if selection.scenario is not None:
        changed = known_table(selection.collection.schema, selection.scenario)
        other = changed.alias("other")
        looked_up = ~sa.exists().where(other.c.key == table.c.key)
        hidden.append(table.c.key.not_in(sa.select(other.c.key)) if all_read else looked_up)
        more.append(_branch(selection, changed, is_current(changed)))
    return [*(_branch(selection, table, *rows, *hidden) for rows in _base_rows(table, selection.version)), *more]


def compiling(where: Sequence[sa.ColumnElement[bool]]) -> dict[str, Any]:
    """Execution options of a query with these conditions: one with many parts is not kept compiled.

    Each would be a statement of its own with megabytes of memory, and anybody can send any number of them.
    """
    parts = (part for condition in where for part in visitors.iterate(condition))
    many = next(islice(parts, MOST_PARTS_KEPT, None), None) is not None
    return {"compiled_cache": None} if many else {}


def _base_rows(table: sa.Table, version: int | None) -> list[list[sa.ColumnElement[bool]]]:
    """Current and ended rows apart, because each have an index of their own."""
    if version is None:
        return [[is_current(table)]]
    began = table.c.valid_from_version <= version
    return [[is_current(table), began], [table.c.valid_to_version > version, began]]


def _branch(selection: Selection, table: sa.Table, *rows: sa.ColumnElement[bool]) -> sa.Select[Any]:
    names = ["fid", "key", *selection.fields]
    if selection.collection.schema.geometry != "none":
        names += ["geom", *derived_srids(selection.collection.schema)]
    columns = [table.c[name] for name in dict.fromkeys(names)]
    return sa.select(*columns).where(*rows, *_in_regions(table, selection.regions), *selection.where)


def readable_rows(table: sa.Table, regions: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """Predicates every query of current rows carries: those inside the regions the caller is limited to."""
    return [is_current(table), *_in_regions(table, regions)]


def _in_regions(table: sa.Table, regions: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    """A feature belongs to the region that holds its representative point, so one on a border is in exactly one."""
    if regions is None:
        return []
    if "geom" not in table.c:
        return [sa.false()]
    area = sa.select(sa.func.ST_Union(t.region.c.geom)).where(t.region.c.code.in_(regions))
    return [sa.func.ST_Intersects(sa.func.ST_PointOnSurface(lonlat(table)), area.scalar_subquery())]


def in_box(schema: CollectionSchema, bbox: BoundingBox | None) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition, on bare column names, of touching a box in degrees; it may cross the antimeridian."""
    if bbox is None:
        return ()
    if schema.geometry == "none":
        return (sa.false(),)
    west, south, east, north = bbox
    place: sa.ColumnElement[Any] = sa.column("geom" if schema.srid == LONLAT_SRID else "geom_4490")
    tests = []
    for left, right in [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]:
        box = sa.func.ST_MakeEnvelope(left, south, right, north, LONLAT_SRID)
        limited = sa.func.ST_MakeEnvelope(
            left, max(south, -_MERCATOR_LIMIT_DEG), right, min(north, _MERCATOR_LIMIT_DEG), LONLAT_SRID
        )
        overlaps = sa.column("geom_3857").op("&&")(sa.func.ST_Transform(limited, MERCATOR_SRID))
        tests.append(sa.and_(overlaps, sa.func.ST_Intersects(place, box)))
    return (sa.or_(*tests),)
