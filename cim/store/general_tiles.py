"""Tiles of generalised content, read from the tables that the job keeps true."""

import math
from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from cim.model.access import ReadContext
from cim.model.change import EVERY_LAYER
from cim.model.general import hidden_attributes
from cim.model.grid import TileSquare
from cim.store.collection_tables import MERCATOR_SRID, quoted
from cim.store.general_tables import SCHEMA, GeneralState
from cim.store.tile_connections import TileConnections
from cim.store.vector_tiles import BUFFER, EXTENT, RawTile

EARTH_RADIUS_M = 6_378_137.0
MOST_LATITUDE = 85.0511287798
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
    sums = [name for name in (plan.count_name, plan.measure_name, *(item.name for item in plan.sums)) if name]
    given = (square.west, square.south, square.east, square.north)
    values: dict[str, object] = {
        **dict(zip(("left", "bottom", "right", "top"), given, strict=True)),
        **dict(zip(("west", "south", "east", "north"), mercator_bounds(square), strict=True)),
        "layer": layer,
        "everywhere": EVERY_LAYER,
        "build": state.seq,
        "hidden": hidden_attributes(state.sources, fields),
        "sums": sums,
    }
    if square.srid == MERCATOR_SRID:
        values["per_unit"] = EXTENT / (square.east - square.west)
    seq, data = await connections.fetch(_statement(layer, zoom, square.srid), values, context)
    return None if data is None else RawTile(bytes(data), seq)


def mercator_bounds(square: TileSquare) -> tuple[float, float, float, float]:
    """Bounds in Web Mercator metres; latitudes end where Web Mercator does."""
    if square.srid == MERCATOR_SRID:
        return (square.west, square.south, square.east, square.north)
    low, high = (math.radians(min(max(y, -MOST_LATITUDE), MOST_LATITUDE)) for y in (square.south, square.north))
    across = (math.radians(square.west) * EARTH_RADIUS_M, math.radians(square.east) * EARTH_RADIUS_M)
    up = (math.asinh(math.tan(low)) * EARTH_RADIUS_M, math.asinh(math.tan(high)) * EARTH_RADIUS_M)
    return (across[0], up[0], across[1], up[1])


@lru_cache(maxsize=2048)
def _statement(layer: str, zoom: int, srid: int) -> str:
    """The SQL for one zoom, which is written out: the index that serves it holds that zoom only."""
    table = quoted(SCHEMA, layer).replace(":", r"\:")
    shape = (_SHAPE if srid == MERCATOR_SRID else _ANY_SHAPE).format(srid=srid, extent=EXTENT, buffer=BUFFER)
    text = _TILE.format(table=table, srid=srid, zoom=zoom, extent=EXTENT, margin=BUFFER / EXTENT, shape=shape)
    return str(sa.text(text).compile(dialect=_DIALECT))


_TILE = """
WITH box AS MATERIALIZED (
    SELECT ST_Expand(
        ST_MakeEnvelope(CAST(:west AS float8), CAST(:south AS float8), CAST(:east AS float8),
            CAST(:north AS float8), 3857),
        {margin} * (CAST(:east AS float8) - CAST(:west AS float8)),
        {margin} * (CAST(:north AS float8) - CAST(:south AS float8))) AS wide,
        ST_MakeEnvelope(CAST(:left AS float8), CAST(:bottom AS float8), CAST(:right AS float8),
            CAST(:top AS float8), {srid:d}) AS tile
), near AS MATERIALIZED (
    SELECT g.*, home_x >= CAST(:west AS float8) AND home_x < CAST(:east AS float8)
        AND home_y > CAST(:south AS float8) AND home_y <= CAST(:north AS float8) AS home
    FROM {table} g
    WHERE zoom = {zoom:d} AND geom_3857 && (SELECT wide FROM box)
), rows AS (
    SELECT fid, CASE WHEN home THEN attributes ELSE attributes - CAST(:sums AS text[]) END
        - CAST(:hidden AS text[]) AS attributes, {shape} AS mvt_geom
    FROM near WHERE wide OR home
), state AS (
    SELECT version FROM cim.general_state WHERE layer = :layer AND seq = :build
), fresh AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM state) AND NOT EXISTS (
        SELECT FROM cim.change c, state s WHERE c.layer = :layer AND c.version > s.version AND (c.bbox IS NULL OR
            ST_MakeEnvelope(c.bbox[1], c.bbox[2], c.bbox[3], c.bbox[4], 4490) &&
            (SELECT ST_Transform(wide, 4490) FROM box))) AS holds
)
SELECT (SELECT coalesce(max(seq), 0) FROM cim.change_head WHERE layer IN (:layer, :everywhere)),
    CASE WHEN (SELECT holds FROM fresh) THEN (
        SELECT coalesce(ST_AsMVT(rows, :layer, {extent:d}, 'mvt_geom', 'fid'), '') FROM rows
        WHERE mvt_geom IS NOT NULL) END
"""
_ANY_SHAPE = "ST_AsMVTGeom(geom_{srid:d}, (SELECT tile FROM box), {extent:d}, {buffer:d}, true)"
_SHAPE = f"""CASE WHEN fid IS NOT NULL OR NOT geom_3857 @ (SELECT wide FROM box) THEN {_ANY_SHAPE}
    ELSE ST_ForcePolygonCCW(ST_SnapToGrid(ST_Affine(geom_3857,
        CAST(:per_unit AS float8), 0, 0, -CAST(:per_unit AS float8),
        -CAST(:per_unit AS float8) * CAST(:west AS float8), CAST(:per_unit AS float8) * CAST(:north AS float8)), 1))
    END"""
"""Aggregates in Web Mercator lie on whole units already: scaling gives what ST_AsMVTGeom does, without its tests of
validity, which take most of its time."""
