"""The search index: one entry per named feature, found by text, code, pinyin in full or initials."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, CollectionSchema
from cim.store import tables as t
from cim.store.collection_tables import collection_table, is_current, lonlat

BATCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """What the index holds of a feature. ``text`` is lower-case and begins with the title."""

    fid: int
    title: str
    subtitle: str
    text: str
    pinyin: str
    initials: str
    weight: int
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A feature found; ``score`` is 0 to 100, best first."""

    layer: str
    fid: int
    title: str
    subtitle: str
    lon: float
    lat: float
    score: int


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A feature's searchable values and the point that stands for it."""

    fid: int
    values: tuple[str | None, ...]
    lon: float
    lat: float


async def named_places(
    connection: AsyncConnection, schema: CollectionSchema, fields: Sequence[str]
) -> AsyncIterator[list[NamedPlace]]:
    """Current features that have a value in any of the fields, in batches by feature number.

    The connection may be used for something else between two batches.
    """
    table = collection_table(schema)
    values = [sa.cast(table.c[name], sa.Text) for name in fields]
    point = sa.func.ST_PointOnSurface(lonlat(table))
    statement = (
        sa.select(table.c.fid, sa.func.ST_X(point), sa.func.ST_Y(point), *values)
        .where(is_current(table), sa.or_(*(value.is_not(None) for value in values)), table.c.geom.is_not(None))
        .where(table.c.fid > sa.bindparam("last"))
        .order_by(table.c.fid)
        .limit(BATCH_ROWS)
    )
    last = -1
    while rows := (await connection.execute(statement, {"last": last})).all():
        last = rows[-1][0]
        yield [NamedPlace(row[0], tuple(row[3:]), row[1], row[2]) for row in rows]


async def model_place(connection: AsyncConnection, model: str) -> NamedPlace | None:
    """A building model's name, id and building code, and a point on its footprint; None where it has none."""
    rows = await connection.execute(
        sa.text("""
        SELECT name, id, building_code, ST_X(p) AS lon, ST_Y(p) AS lat
        FROM (SELECT *, ST_PointOnSurface(footprint) AS p FROM bim.model WHERE id = :model) AS m WHERE p IS NOT NULL
        """),
        {"model": model},
    )
    row = rows.first()
    return NamedPlace(0, (row.name, row.id, row.building_code), row.lon, row.lat) if row else None


async def clear_entries(connection: AsyncConnection, layer: str) -> None:
    """Take a layer out of the index."""
    await connection.execute(sa.delete(t.search_entry).where(t.search_entry.c.layer == layer))


async def add_entries(connection: AsyncConnection, layer: str, entries: Iterable[SearchEntry]) -> None:
    """Put entries of a layer into the index by COPY."""
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("no driver connection")
    statement = (
        "COPY cim.search_entry (layer, fid, title, subtitle, text, pinyin, initials, weight, lon, lat) FROM STDIN"
    )
    async with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for e in entries:
            row = (layer, e.fid, e.title, e.subtitle, e.text, e.pinyin, e.initials, e.weight, e.lon, e.lat)
            await copy.write_row(row)


async def mark_indexed(connection: AsyncConnection, layer: str, version: int) -> None:
    """Record which version of a layer the index holds."""
    await connection.execute(sa.update(t.collection).where(t.collection.c.id == layer).values(search_version=version))


async def behind_layers(connection: AsyncConnection) -> list[str]:
    """Layers whose index is older than their current version."""
    rows = await connection.execute(
        sa.select(t.collection.c.id).where(t.collection.c.search_version < t.collection.c.version)
    )
    return list(rows.scalars())


async def search(
    connection: AsyncConnection,
    term: str,
    latin: str,
    layers: Sequence[str],
    limit: int,
    bbox: BoundingBox = (-180.0, -90.0, 180.0, 90.0),
) -> list[SearchHit]:
    """Best matches among the layers given; the database leaves out what the transaction's caller may not see.

    ``term`` is lower-case text; ``latin`` its letters alone when it could be pinyin, else empty.
    """
    rows = await connection.execute(
        sa.text("SELECT * FROM cim.search(:term, :latin, :layers, :west, :south, :east, :north, :limit)").bindparams(
            sa.bindparam("layers", type_=sa.ARRAY(sa.Text))
        ),
        {
            "term": term,
            "latin": latin,
            "layers": list(layers),
            "west": bbox[0],
            "south": bbox[1],
            "east": bbox[2],
            "north": bbox[3],
            "limit": limit,
        },
    )
    return [SearchHit(row.layer, row.fid, row.title, row.subtitle, row.lon, row.lat, row.score) for row in rows]
