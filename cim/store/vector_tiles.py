"""Mapbox Vector Tiles encoded in the database, from the stored Web Mercator or longitude-latitude column."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from cim.errors import AnswerTooLarge
from cim.model.access import ReadContext
from cim.model.change import EVERY_LAYER
from cim.model.collection import CollectionSchema
from cim.model.grid import TileSquare
from cim.store import tables as t
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, collection_table, lonlat
from cim.store.selection import Selection, readable_rows, selected_rows
from cim.store.tile_connections import TileConnections

EXTENT = 4096
BUFFER = 64
MOST_FEATURES = 200_000
MOST_BYTES = 16 * 1024 * 1024
_MERCATOR_LIMIT_DEG = 85.06
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


@dataclass(frozen=True, slots=True)
class TileRows:
    """Which rows and attributes of a layer fill a tile; ``regions`` are those the caller is limited to, if any."""

    schema: CollectionSchema
    fields: tuple[str, ...]
    regions: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RawTile:
    """A tile as encoded, empty where nothing lies in it, and the number of the newest change it may contain.

    ``stand_in`` says that it was made on request because prepared content is not at that change yet.
    """

    data: bytes
    seq: int
    stand_in: bool = False


async def vector_tile(
    connections: TileConnections, rows: TileRows, square: TileSquare, context: ReadContext
) -> RawTile:
    """One tile of one layer. The feature id is the fid.

    Raises AnswerTooLarge, and never leaves features out, when more than ``MOST_FEATURES`` lie in it or the encoded
    tile has more than ``MOST_BYTES``; StoreUnavailable as ``TileConnections.fetch`` does.
    """
    statement, values = tile_statement(rows, square.srid)
    seq, features, size, data = await connections.fetch(statement, {**values, **_bounds(square)}, context)
    if data is None:
        raise _too_large(rows.schema.id, features, size)
    return RawTile(bytes(data), seq)


@lru_cache(maxsize=1024)
def tile_statement(rows: TileRows, srid: int) -> tuple[str, Mapping[str, Any]]:
    """The SQL text for tiles of a grid in ``srid`` and its values but for the bounds, always the same object."""
    compiled = _tile_query(rows, srid).compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    values = {name: value for name, value in compiled.params.items() if name not in _BOUNDS}
    return str(compiled), values


_BOUNDS = frozenset({"west", "south", "east", "north", "reach_west", "reach_south", "reach_east", "reach_north"})


def _tile_query(rows: TileRows, srid: int) -> sa.Select[Any]:
    table = collection_table(rows.schema)
    column = table.c.geom_3857 if srid == MERCATOR_SRID else lonlat(table)
    inside = (
        sa.select(
            table.c.fid,
            *(table.c[name] for name in rows.fields),
            sa.func.ST_AsMVTGeom(column, _envelope("", srid), EXTENT, BUFFER, True).label("mvt_geom"),
        )
        .where(*readable_rows(table, rows.regions), table.c.geom_3857.op("&&")(_reach(srid)))
        .limit(MOST_FEATURES + 1)
        .subquery("inside")
    )
    return encoded(rows.schema.id, inside)


def encoded(layer: str, inside: sa.Subquery) -> sa.Select[Any]:
    """The one row of a tile: newest change, features, bytes, and the tile where it keeps within the bounds.

    ``inside`` is called so, and has the geometry in tile units as ``mvt_geom``.
    """
    made_of = sa.func.ST_AsMVT(sa.literal_column("inside"), layer, EXTENT, "mvt_geom", "fid")
    drawn = sa.func.coalesce(made_of.filter(inside.c.mvt_geom.is_not(None)), sa.literal(b"")).label("data")
    made = sa.select(sa.func.count().label("features"), drawn).select_from(inside).subquery("made")
    size = sa.func.octet_length(made.c.data)
    newest = sa.select(sa.func.coalesce(sa.func.max(t.change_head.c.seq), 0)).where(
        t.change_head.c.layer.in_([layer, EVERY_LAYER])
    )
    fits = sa.and_(made.c.features <= MOST_FEATURES, size <= MOST_BYTES)
    return sa.select(newest.scalar_subquery(), made.c.features, size, sa.case((fits, made.c.data)))


async def fetched(connections: TileConnections, layer: str, statement: sa.Select[Any], context: ReadContext) -> RawTile:
    """A tile by a statement of its own, made by ``encoded``; raises as ``vector_tile`` does."""
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    seq, features, size, data = await connections.fetch(str(compiled), compiled.params, context, prepare=False)
    if data is None:
        raise _too_large(layer, features, size)
    return RawTile(bytes(data), seq)


async def narrowed_tile(
    connections: TileConnections, selection: Selection, square: TileSquare, context: ReadContext
) -> RawTile:
    """One tile of the features of a selection; raises as ``vector_tile`` does."""
    rows = selected_rows(replace(selection, where=(*selection.where, in_reach(square))))
    column = rows.c.geom_3857 if square.srid == MERCATOR_SRID else lonlat(rows)
    box = sa.func.ST_MakeEnvelope(square.west, square.south, square.east, square.north, square.srid)
    shape = sa.func.ST_AsMVTGeom(column, box, EXTENT, BUFFER, True).label("mvt_geom")
    fields = (rows.c[name] for name in selection.fields)
    inside = sa.select(rows.c.fid, *fields, shape).limit(MOST_FEATURES + 1).subquery("inside")
    layer = selection.collection.id
    return await fetched(connections, layer, encoded(layer, inside), context)


def in_reach(square: TileSquare) -> sa.ColumnElement[bool]:
    """The condition, on bare column names, of lying in what a tile is filled from."""
    box = sa.func.ST_MakeEnvelope(*reach_of(square), square.srid)
    mercator = box if square.srid == MERCATOR_SRID else sa.func.ST_Transform(box, MERCATOR_SRID)
    return sa.column("geom_3857").op("&&", is_comparison=True)(mercator)


def _envelope(prefix: str, srid: int) -> sa.ColumnElement[object]:
    sides = (sa.bindparam(prefix + side, 0.0, type_=sa.Double) for side in ("west", "south", "east", "north"))
    return sa.func.ST_MakeEnvelope(*sides, srid)


def _reach(srid: int) -> sa.ColumnElement[object]:
    """The box a tile is filled from, its buffer included, in Web Mercator: the one system that is indexed."""
    box = _envelope("reach_", srid)
    return box if srid == MERCATOR_SRID else sa.func.ST_Transform(box, MERCATOR_SRID)


def _bounds(square: TileSquare) -> dict[str, float]:
    reach = reach_of(square)
    sides = {"west": square.west, "south": square.south, "east": square.east, "north": square.north}
    return sides | {f"reach_{side}": value for side, value in zip(sides, reach, strict=True)}


def reach_of(square: TileSquare) -> tuple[float, float, float, float]:
    """West, south, east, north of what a tile is filled from, in its grid's units: its bounds and the buffer."""
    margin = (square.east - square.west) * BUFFER / EXTENT
    west, south, east, north = (
        square.west - margin,
        square.south - margin,
        square.east + margin,
        square.north + margin,
    )
    if square.srid == LONLAT_SRID:
        west, south = max(west, -180.0), max(south, -_MERCATOR_LIMIT_DEG)
        east, north = min(east, 180.0), min(north, _MERCATOR_LIMIT_DEG)
    return (west, south, east, north)


def _too_large(layer: str, features: int, size: int) -> AnswerTooLarge:
    told = (
        f"more than {MOST_FEATURES} features"
        if features > MOST_FEATURES
        else f"{size / 2**20:.0f} MB, more than the {MOST_BYTES // 2**20} MB a tile may have"
    )
    return AnswerTooLarge(
        f"this tile of layer {layer} would hold {told}",
        where=f"layer {layer}",
        remedy="zoom in, or ask for fewer attributes with properties=",
    )
