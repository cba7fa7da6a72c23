"""Reading a whole layer in pages, for files that leave the house."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.store import tables as t
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, collection_table, lonlat
from cim.store.selection import readable_rows

PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Some features in fid order: a list of values for each field, and WKB (None: no geometry) in the CRS asked for."""

    fids: list[int]
    keys: list[str]
    columns: list[list[Any]]
    wkb: list[bytes | None]


async def feature_pages(
    connection: AsyncConnection,
    collection: Collection,
    fields: Sequence[str],
    regions: Sequence[str] | None,
    srid: int,
) -> AsyncIterator[FeaturePage]:
    """The current features of a layer in pages; within one reading transaction they are all of one version."""
    table = collection_table(collection.schema)
    shape = sa.null() if collection.schema.geometry == "none" else sa.func.ST_AsBinary(_shape(table, collection, srid))
    columns = [table.c.fid, table.c.key, *(table.c[name] for name in fields), shape.label("wkb")]
    last = 0
    while True:
        page = sa.select(*columns).where(*readable_rows(table, regions), table.c.fid > last)
        rows = (await connection.execute(page.order_by(table.c.fid).limit(PAGE_ROWS))).all()
        if not rows:
            return
        fids, keys, *values, wkb = (list(column) for column in zip(*rows, strict=True))
        last = fids[-1]
        yield FeaturePage(fids, keys, values, [None if shape is None else bytes(shape) for shape in wkb])


def _shape(table: sa.Table, collection: Collection, srid: int) -> sa.ColumnElement[Any]:
    stored = {collection.schema.srid: table.c.geom, MERCATOR_SRID: table.c.geom_3857, LONLAT_SRID: lonlat(table)}
    return stored[srid] if srid in stored else sa.func.ST_Transform(table.c.geom, srid)


async def sources_of(connection: AsyncConnection, layer: str) -> list[dict[str, Any]]:
    """The imports that made the versions of a layer, oldest first: file, hash, reader, systems, tools, who and when."""
    v, r = t.version, t.import_run
    rows = await connection.execute(
        sa.select(
            v.c.number,
            v.c.created_at,
            v.c.origin,
            v.c.author,
            r.c.source_name,
            r.c.source_layer,
            r.c.source_sha256,
            r.c.driver,
            r.c.mode,
            r.c.lineage,
        )
        .select_from(v.outerjoin(r, r.c.id == v.c.run))
        .where(v.c.layer == layer)
        .order_by(v.c.number)
    )
    return [dict(row) for row in rows.mappings()]
