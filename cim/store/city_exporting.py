"""Reading the objects of a city layer with their shapes in pages, and what their file said of itself."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import tables as t
from cim.store.city_shapes import shapes_by_hash
from cim.store.exporting import feature_pages
from cim.store.features import FeatureQuery

CITY_FIELDS = ("object_id", "object_type", "parent", "attributes", "shape")
"""What a city object is put together from again."""
SHAPES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A city object as kept: its attributes as JSON text, and its body as ``importers.city.bodies`` packs it."""

    id: str
    type: str
    parent: str | None
    attributes: str | None
    body: bytes | None


async def stored_objects(connection: AsyncConnection, query: FeatureQuery) -> AsyncGenerator[list[StoredObject], None]:
    """The objects a query finds, in pages, with those of their fields that it asks for."""
    layer = query.collection.id
    open_fields = tuple(name for name in CITY_FIELDS if name in query.fields)
    async for page in feature_pages(connection, replace(query, fields=open_fields)):
        held = dict(zip(open_fields, page.columns, strict=True))
        hidden = [None] * len(page.fids)
        rows = list(zip(*(held.get(name, hidden) for name in CITY_FIELDS), strict=True))
        for first in range(0, len(rows), SHAPES_AT_ONCE):
            some = rows[first : first + SHAPES_AT_ONCE]
            bodies = await shapes_by_hash(connection, layer, [row[4] for row in some if row[4]])
            yield [StoredObject(row[0], row[1], row[2], row[3], bodies.get(row[4])) for row in some]


async def family_tree(connection: AsyncConnection, query: FeatureQuery) -> dict[str, str | None]:
    """The objects a query finds by id, each with the id of what it is a part of."""
    tree: dict[str, str | None] = {}
    async for page in feature_pages(connection, replace(query, fields=("object_id", "parent"))):
        tree.update(zip(*page.columns, strict=True))
    return tree


async def city_document(connection: AsyncConnection, layer: str) -> dict[str, Any]:
    """What the file of the newest import of a layer said of itself; empty where no import is known."""
    v, r = t.version, t.import_run
    found = await connection.scalar(
        sa.select(r.c.lineage["document"])
        .select_from(v.join(r, r.c.id == v.c.run))
        .where(v.c.layer == layer, r.c.lineage.has_key("document"))
        .order_by(v.c.number.desc())
        .limit(1)
    )
    return dict(found or {})
