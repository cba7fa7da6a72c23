"""Tiles of generalised content, read from the tables that the job keeps true."""

import math
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import Collection
from cim.model.general import hidden_attributes
from cim.store.collection_tables import MERCATOR_SRID, quoted
from cim.store.general_tables import SCHEMA, GeneralState

EXTENT = 4096
BUFFER = 64
EARTH_RADIUS_M = 6_378_137.0
MOST_LATITUDE = 85.0511287798
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
    plan = state.plan
    sums = [name for name in (plan.count_name, plan.measure_name, *(item.name for item in plan.sums)) if name]
    given = dict(zip(("left", "bottom", "right", "top"), bounds, strict=True))
    home = dict(zip(("west", "south", "east", "north"), mercator_bounds(bounds, srid), strict=True))
    shape = (_SHAPE if srid == MERCATOR_SRID else _ANY_SHAPE).format(srid=srid, extent=EXTENT, buffer=BUFFER)
    table = quoted(SCHEMA, collection.id)
    statement = _TILE.format(table=table, zoom=zoom, reach=_REACH, shape=shape, extent=EXTENT)
    hidden = hidden_attributes(state.sources, fields)
    values: dict[str, object] = {**given, **home, "layer": collection.id, "hidden": hidden, "sums": sums}
    if srid == MERCATOR_SRID:
        values["per_unit"] = EXTENT / (bounds[2] - bounds[0])
    return bytes(await connection.scalar(sa.text(statement), values) or b"")


def mercator_bounds(bounds: Bounds, srid: int) -> Bounds:
    """Bounds in Web Mercator metres, from such or from degrees; latitudes end where Web Mercator does."""
    if srid == MERCATOR_SRID:
        return bounds
    west, south, east, north = bounds
    low, high = (math.radians(min(max(value, -MOST_LATITUDE), MOST_LATITUDE)) for value in (south, north))
    across = (math.radians(west) * EARTH_RADIUS_M, math.radians(east) * EARTH_RADIUS_M)
    up = (math.asinh(math.tan(low)) * EARTH_RADIUS_M, math.asinh(math.tan(high)) * EARTH_RADIUS_M)
    return (across[0], up[0], across[1], up[1])


_TILE = """
WITH near AS MATERIALIZED (
    SELECT g.*, home_x >= :west AND home_x < :east AND home_y > :south AND home_y <= :north AS home
    FROM {table} g WHERE zoom = {zoom:d} AND geom_3857 && {reach}
), rows AS (
    SELECT fid, CASE WHEN home THEN attributes ELSE attributes - CAST(:sums AS text[]) END
        - CAST(:hidden AS text[]) AS attributes, {shape} AS mvt_geom
    FROM near WHERE wide OR home
)
SELECT ST_AsMVT(rows, :layer, {extent:d}, 'mvt_geom', 'fid') FROM rows
WHERE mvt_geom IS NOT NULL
"""
_REACH = (
    f"ST_Expand(ST_MakeEnvelope(:west, :south, :east, :north, {MERCATOR_SRID}),"
    f" {BUFFER / EXTENT} * (CAST(:east AS float8) - :west), {BUFFER / EXTENT} * (CAST(:north AS float8) - :south))"
)
_ANY_SHAPE = """ST_AsMVTGeom(geom_{srid:d}, ST_MakeEnvelope(:left, :bottom, :right, :top, {srid:d}),
    {extent:d}, {buffer:d}, true)"""
_SHAPE = f"""CASE WHEN fid IS NOT NULL OR NOT geom_3857 @ {_REACH} THEN {_ANY_SHAPE}
    ELSE ST_ForcePolygonCCW(ST_SnapToGrid(ST_Affine(geom_3857,
        CAST(:per_unit AS float8), 0, 0, -CAST(:per_unit AS float8),
        -CAST(:per_unit AS float8) * :west, CAST(:per_unit AS float8) * :north), 1)) END"""
"""Aggregates in Web Mercator lie on whole units already: scaling gives what ST_AsMVTGeom does, without its tests of
validity, which take most of its time."""


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
