"""Reading a whole layer, or all that a query finds, in pages: for files that leave the house."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import tables as t
from cim.store.features import FeatureQuery, order_of, shape_in
from cim.store.selection import compiling, selected_rows

PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Some features in order: a list of values for each field, and WKB (None: no geometry) in the CRS asked for."""

    fids: list[int]
    keys: list[str]
    columns: list[list[Any]]
    wkb: list[bytes | None]


async def feature_pages(connection: AsyncConnection, query: FeatureQuery) -> AsyncGenerator[FeaturePage, None]:
    """All features a query finds, whatever its limit, in its order and CRS.

    They are of one state of the layer. The database keeps the place, so that memory holds a page and not the layer.
    """
    schema = query.collection.schema
    rows = selected_rows(query.selection, all_read=True)
    shape = sa.null() if schema.geometry == "none" else sa.func.ST_AsBinary(shape_in(rows, schema, query.srid))
    columns = [rows.c.fid, rows.c.key, *(rows.c[name] for name in query.fields), shape.label("wkb")]
    statement = sa.select(*columns).order_by(*order_of(rows, query.sort))
    options = {"yield_per": PAGE_ROWS, **compiling(query.where)}
    found = await connection.stream(statement, execution_options=options)
    try:
        async for page in found.partitions():
            fids, keys, *values, wkb = (list(column) for column in zip(*page, strict=True))
            yield FeaturePage(fids, keys, values, [None if shape is None else bytes(shape) for shape in wkb])
    finally:
        await found.close()


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
