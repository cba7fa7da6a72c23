"""Tiles of generalised content, read from the tables that the job keeps true."""

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from cim.model.access import ReadContext
from cim.model.change import EVERY_LAYER
from cim.model.general import hidden_attributes
from cim.model.grid import TileSquare
from cim.store.collection_tables import quoted
from cim.store.general_tables import SCHEMA, GeneralState
from cim.store.tile_connections import TileConnections
from cim.store.vector_tiles import BUFFER, EXTENT, RawTile

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


async def general_tile(
    connections: TileConnections,
    layer: str,
    state: GeneralState,
    fields: Sequence[str],
    zoom: int,
    square: TileSquare,
    context: ReadContext,
) -> RawTile | None:
    """One tile of a layer's generalised content, empty where nothing lies in it.

    ``state`` is what is known of the content, at a ``zoom`` below its plan's full one; ``fields`` are those the caller
    sees and asks for: an attribute that came from another is left out. The matrix ``zoom`` of either grid shows the
    content of the same zoom. Features that stay themselves have their fid as id. Sums are in the tile that holds the
    row's home only, so those of several tiles may be added up.

    None where the content was built again since ``state``, or is older than a change that meets the tile: then full
    content or ``reduced_tile`` must answer. Only for callers whom the policy opens the layer everywhere, and without
    filter, time or scenario. Raises StoreUnavailable as ``TileConnections.fetch`` does.
    """
    plan = state.plan
    sums = [name for name in (plan.count_name, plan.measure_name, *(s.name for s in plan.sums)) if name]
    values = {
        "west": square.west,
        "south": square.south,
        "east": square.east,
        "north": square.north,
        "margin": (square.east - square.west) * BUFFER / EXTENT,
        "layer": layer,
        "everywhere": EVERY_LAYER,
        "build": state.seq,
        "zoom": zoom,
        "hidden": hidden_attributes(state.sources, fields),
        "sums": sums,
    }
    seq, data = await connections.fetch(_statement(layer, square.srid), values, context)
    return None if data is None else RawTile(bytes(data), seq)


@lru_cache(maxsize=512)
def _statement(layer: str, srid: int) -> str:
    text = _TILE.format(table=quoted(SCHEMA, layer).replace(":", r"\:"), srid=srid, extent=EXTENT, buffer=BUFFER)
    return str(sa.text(text).compile(dialect=_DIALECT))


_TILE = """
WITH tile AS MATERIALIZED (
    SELECT box, ST_Transform(ST_Expand(box, CAST(:margin AS float8)), 3857) AS wide,
        ST_XMin(mercator) AS west, ST_XMax(mercator) AS east, ST_YMin(mercator) AS south, ST_YMax(mercator) AS north
    FROM (SELECT box, ST_Transform(box, 3857) AS mercator
          FROM (SELECT ST_MakeEnvelope(CAST(:west AS float8), CAST(:south AS float8), CAST(:east AS float8),
                CAST(:north AS float8), {srid}) AS box) AS given) AS boxes
), rows AS (
    SELECT g.fid, CASE WHEN home THEN attributes ELSE attributes - CAST(:sums AS text[]) END
        - CAST(:hidden AS text[]) AS attributes,
        ST_AsMVTGeom(g.geom_{srid}, (SELECT box FROM tile), {extent}, {buffer}, true) AS mvt_geom
    FROM (SELECT g.*, home_x >= west AND home_x < east AND home_y > south AND home_y <= north AS home
          FROM {table} g, tile
          WHERE zoom = CAST(:zoom AS smallint) AND g.geom_3857 && (SELECT wide FROM tile)) AS g
    WHERE wide OR home
), state AS (
    SELECT version FROM cim.general_state WHERE layer = :layer AND seq = :build
), fresh AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM state) AND NOT EXISTS (
        SELECT FROM cim.change c, state s WHERE c.layer = :layer AND c.version > s.version AND (c.bbox IS NULL OR
            ST_MakeEnvelope(c.bbox[1], c.bbox[2], c.bbox[3], c.bbox[4], 4490) &&
            (SELECT ST_Transform(wide, 4490) FROM tile))) AS holds
)
SELECT (SELECT coalesce(max(seq), 0) FROM cim.change_head WHERE layer IN (:layer, :everywhere)),
    CASE WHEN (SELECT holds FROM fresh) THEN (
        SELECT coalesce(ST_AsMVT(rows, :layer, {extent}, 'mvt_geom', 'fid'), '') FROM rows
        WHERE mvt_geom IS NOT NULL) END
"""
