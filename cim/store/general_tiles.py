"""Tiles of generalised content, read from the tables that the job keeps true."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.model.general import hidden_attributes
from cim.store.collection_tables import MERCATOR_SRID, quoted
from cim.store.general_tables import SCHEMA, GeneralState

EXTENT = 4096
BUFFER = 64
Bounds = tuple[float, float, float, float]
"""West, south, east, north of a tile in the units of its CRS."""


async def general_tile(
    connection: AsyncConnection,
    collection: Collection,
    state: GeneralState | None,
    fields: Sequence[str],
    zoom: int,
    bounds: Bounds,
    srid: int = MERCATOR_SRID,
) -> bytes | None:
    """One tile of a layer's generalised content as MVT, empty where nothing lies in it.

    ``state`` is what ``general_state`` gives; ``fields`` are those the caller sees and asks for: an attribute that came
    from another is left out. ``bounds`` are in EPSG:3857 or, with ``srid`` 4490, in degrees; the matrix ``zoom`` of
    either grid shows the content of the same zoom. Features that stay themselves have their fid as id. Sums are in the
    tile that holds the row's home only, so those of several tiles may be added up.

    None where the layer has no such content at this zoom, or where it is older than a change that meets the tile: then
    full content or ``reduced_tile`` must answer. Only for callers whom the policy opens the layer everywhere, and
    without filter, time or scenario.
    """
    if state is None or zoom >= state.plan.full_zoom:
        return None
    if state.version < collection.version and await _is_stale(connection, collection.id, state.version, bounds, srid):
        return None
    hidden = hidden_attributes(state.sources, fields)
    west, south, east, north = bounds
    values = {"west": west, "south": south, "east": east, "north": north, "layer": collection.id, "hidden": hidden}
    margin = (east - west) * BUFFER / EXTENT
    sums = [
        name for name in (state.plan.count_name, state.plan.measure_name, *(s.name for s in state.plan.sums)) if name
    ]
    tile = await connection.scalar(
        sa.text(_TILE.format(table=quoted(SCHEMA, collection.id), srid=srid, zoom=zoom, extent=EXTENT, buffer=BUFFER)),
        {**values, "margin": margin, "sums": sums},
    )
    return bytes(tile or b"")


_TILE = """
WITH tile AS MATERIALIZED (
    SELECT box, ST_Expand(mercator, ST_XMax(mercator) - ST_XMin(mercator)) AS near, mercator,
        ST_Transform(ST_Expand(box, CAST(:margin AS float8)), 3857) AS wide,
        ST_XMin(mercator) AS west, ST_XMax(mercator) AS east, ST_YMin(mercator) AS south, ST_YMax(mercator) AS north
    FROM (SELECT box, ST_Transform(box, 3857) AS mercator
          FROM (SELECT ST_MakeEnvelope(:west, :south, :east, :north, {srid}) AS box) AS given) AS both
), rows AS (
    SELECT g.fid, CASE WHEN home THEN attributes ELSE attributes - CAST(:sums AS text[]) END
        - CAST(:hidden AS text[]) AS attributes,
        ST_AsMVTGeom(g.geom_{srid}, (SELECT box FROM tile), {extent}, {buffer}, true) AS mvt_geom
    FROM (SELECT g.*, home_x >= west AND home_x < east AND home_y > south AND home_y <= north AS home
          FROM {table} g, tile
          WHERE zoom = {zoom} AND g.geom_3857 && (SELECT wide FROM tile)) AS g
    WHERE wide OR home
)
SELECT ST_AsMVT(rows, :layer, {extent}, 'mvt_geom', 'fid') FROM rows WHERE mvt_geom IS NOT NULL
"""


async def _is_stale(connection: AsyncConnection, layer: str, version: int, bounds: Bounds, srid: int) -> bool:
    """Whether a change later than a version meets the tile's bounds."""
    west, south, east, north = bounds
    found = await connection.scalar(
        sa.text(f"""
        SELECT EXISTS (
            SELECT FROM cim.change c WHERE c.layer = :layer AND c.version > :version AND (c.bbox IS NULL OR
                ST_MakeEnvelope(c.bbox[1], c.bbox[2], c.bbox[3], c.bbox[4], 4490) &&
                ST_Transform(ST_MakeEnvelope(:west, :south, :east, :north, {srid:d}), 4490)))
        """),
        {"layer": layer, "version": version, "west": west, "south": south, "east": east, "north": north},
    )
    return bool(found)
