"""What a picture shows of a layer in a window: its features, or below the layer's full zoom its generalised content."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.change import EVERY_LAYER
from cim.model.general import hidden_attributes
from cim.model.grid import TileSquare
from cim.store import tables as t
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID
from cim.store.general_reduced import Reduction, reduced_rows
from cim.store.general_source import HALF_WORLD_M
from cim.store.general_tables import SCHEMA, GeneralState
from cim.store.tile_content import TileContent
from cim.store.vector_tiles import EXTENT
from cim.store.window_features import WindowFeatures, WindowQuery, features_in_window, read_features


async def content_in_window(
    connection: AsyncConnection, query: WindowQuery, content: TileContent, state: GeneralState | None, zoom: int
) -> WindowFeatures:
    """The content that tiles of a zoom have, for a window; ``query`` names the rows where that is the features.

    ``state`` is what is known of the layer's prepared content. Raises BadRequest when there is more than the query's
    limit.
    """
    if not content.is_general_at(zoom):
        return await features_in_window(connection, query)
    prepared = not content.is_narrowed and content.selection.regions is None
    if prepared and state is not None and state.plan == content.plan and await _is_fresh(connection, query, state):
        return await _prepared(connection, query, content, state, zoom)
    found = await _reduced(connection, query, content, zoom)
    return replace(found, stand_in=prepared)


async def _is_fresh(connection: AsyncConnection, query: WindowQuery, state: GeneralState) -> bool:
    """Whether prepared content is that of ``state``, and no later change meets the window."""
    built, layer = t.general_state, query.selection.collection.id
    known = sa.exists().where(built.c.layer == layer, built.c.seq == state.seq)
    box = sa.func.ST_Transform(sa.func.ST_MakeEnvelope(*query.bounds, MERCATOR_SRID), LONLAT_SRID)
    sides = (t.change.c.bbox[number] for number in range(1, 5))
    touched = sa.func.ST_MakeEnvelope(*sides, LONLAT_SRID).op("&&", is_comparison=True)(box)
    changed = sa.exists().where(
        t.change.c.layer.in_([layer, EVERY_LAYER]),
        t.change.c.version > state.version,
        sa.or_(t.change.c.bbox.is_(None), touched),
    )
    return bool(await connection.scalar(sa.select(known & ~changed)))


async def _prepared(
    connection: AsyncConnection, query: WindowQuery, content: TileContent, state: GeneralState, zoom: int
) -> WindowFeatures:
    layer = content.selection.collection.id
    columns: list[sa.ColumnClause[Any]] = [sa.column(n) for n in ("zoom", "attributes", "geom_3857", "geom_4490")]
    general = sa.table(layer, *columns, schema=SCHEMA)
    source = general.c.geom_3857 if query.srid == MERCATOR_SRID else general.c.geom_4490
    shape = source if query.srid in (MERCATOR_SRID, LONLAT_SRID) else sa.func.ST_Transform(source, query.srid)
    box = sa.func.ST_MakeEnvelope(*query.bounds, MERCATOR_SRID)
    statement = sa.select(sa.func.ST_AsBinary(shape), general.c.attributes).where(
        general.c.zoom == sa.literal_column(str(int(zoom))),
        general.c.geom_3857.op("&&", is_comparison=True)(box),
    )
    hidden = hidden_attributes(state.sources, content.selection.fields)
    found = await read_features(connection, query, statement)
    for attributes in found.attributes:
        for name in hidden:
            attributes.pop(name, None)
    return found


async def _reduced(connection: AsyncConnection, query: WindowQuery, content: TileContent, zoom: int) -> WindowFeatures:
    square = TileSquare(3857, *query.bounds)
    unit = 2 * HALF_WORLD_M / 2**zoom / EXTENT
    rows = reduced_rows(Reduction.of(content.selection, content.plan, square, unit))
    shape = rows.c.shape if query.srid == MERCATOR_SRID else sa.func.ST_Transform(rows.c.shape, query.srid)
    names = [column.name for column in rows.c if column.name not in {"fid", "shape"}]
    named = [part for name in names for part in (sa.cast(sa.literal(name), sa.Text), rows.c[name])]
    attributes = sa.func.jsonb_strip_nulls(sa.func.jsonb_build_object(*named))
    return await read_features(connection, query, sa.select(sa.func.ST_AsBinary(shape), attributes))
