"""Writing entities of SensorThings: rows, links between them, and what follows from either."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store import sensing_tables as t
from cim.store import tables
from cim.store.sensing_entities import TABLES

LONLAT_SRID = 4490
COLUMNS = {
    "encodingType": "encoding_type",
    "observationType": "observation_type",
    "unitOfMeasurement": "unit",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A grade and region that an entity belongs to; who changes it must have the right there."""

    grade: str
    region_code: str | None


@dataclass(frozen=True, slots=True)
class Stream:
    """What must be known of a datastream to take observations for it; ``unit`` is the symbol, empty without one."""

    id: int
    reach: int
    claim: Claim
    observation_type: str
    feature: int | None
    unit: str = ""


async def insert_row(
    connection: AsyncConnection, entity: str, values: Mapping[str, Any], shape: BaseGeometry | None = None
) -> int:
    """Add an entity other than an Observation; ``values`` go by property or column; returns its number."""
    table = TABLES[entity]
    statement = sa.insert(table).values(**_row(entity, values, shape)).returning(table.c.id)
    return int((await connection.execute(statement)).scalar_one())


async def update_row(
    connection: AsyncConnection, entity: str, number: int, values: Mapping[str, Any], shape: BaseGeometry | None = None
) -> None:
    """Change properties or columns of an entity."""
    row = _row(entity, values, shape)
    if row:
        table = TABLES[entity]
        await connection.execute(sa.update(table).where(table.c.id == number).values(**row))


async def locked_row(connection: AsyncConnection, entity: str, number: int) -> Mapping[str, Any] | None:
    """The row of an entity as it is, kept from others until the transaction ends."""
    table = TABLES[entity]
    columns = [column for column in table.c if column.name not in ("geom", "observed_geom")]
    found = await connection.execute(sa.select(*columns).where(table.c.id == number).with_for_update())
    row = found.mappings().first()
    return None if row is None else dict(row)


def _row(entity: str, values: Mapping[str, Any], shape: BaseGeometry | None) -> dict[str, Any]:
    row = {COLUMNS.get(name, name): value for name, value in values.items()}
    placed = {"Location": "location", "FeatureOfInterest": "feature"}.get(entity)
    if placed in row:
        row["geom"] = None if shape is None else f"SRID={LONLAT_SRID};{shape.wkt}"
    return row


async def claims_of(connection: AsyncConnection, entity: str, number: int) -> set[Claim] | None:
    """The grades and regions of what an entity belongs to; None where there is no such entity.

    An entity that nothing uses yet has none.
    """
    table = TABLES[entity]
    if not await connection.scalar(sa.select(sa.exists().where(table.c.id == number))):
        return None
    reaches = sa.union(*_reaches(entity, number)).subquery()
    rows = await connection.execute(
        sa.select(tables.reach.c.grade, tables.reach.c.region_code).where(
            tables.reach.c.id.in_(sa.select(reaches.c.reach))
        )
    )
    return {Claim(row.grade, row.region_code) for row in rows}


def _reaches(entity: str, number: int) -> list[sa.Select[Any]]:
    """The reaches of an entity itself and of the datastreams or things that use it."""
    streams, things = t.datastream.c, t.thing.c
    placed = sa.select(t.thing_location.c.thing).where(t.thing_location.c.location == number)
    noted = sa.select(t.historical_location.c.thing).where(t.historical_location.c.id == number)
    named = sa.select(t.observed_feature.c.datastream_id).where(t.observed_feature.c.feature_id == number)
    using: dict[str, tuple[sa.Column[Any], sa.ColumnElement[bool]]] = {
        "Thing": (things.reach, things.id == number),
        "Datastream": (streams.reach, streams.id == number),
        "Sensor": (streams.reach, streams.sensor == number),
        "ObservedProperty": (streams.reach, streams.observed_property == number),
        "HistoricalLocation": (things.reach, things.id.in_(noted)),
        "Location": (things.reach, things.id.in_(placed)),
        "FeatureOfInterest": (streams.reach, sa.or_(streams.feature == number, streams.id.in_(named))),
    }
    reach, condition = using[entity]
    found = [sa.select(reach.label("reach")).where(condition)]
    if entity in ("Location", "FeatureOfInterest"):
        own = TABLES[entity].c
        found.append(sa.select(own.reach).where(own.id == number))
    return found


async def asset_claim(connection: AsyncConnection, code: str) -> Claim | None:
    """The grade and region of an asset; None where there is no such asset."""
    found = await connection.execute(
        sa.select(tables.asset.c.grade, tables.asset.c.region_code).where(tables.asset.c.code == code)
    )
    row = found.first()
    return Claim(row.grade, row.region_code) if row else None


async def place_thing(
    connection: AsyncConnection, thing: int, locations: Sequence[int], at: datetime | None = None
) -> int:
    """Put a thing at locations in place of where it was, and note it; returns the number of the HistoricalLocation.

    FeaturesOfInterest that were made from where it was are made anew with the next observation.
    """
    await connection.execute(sa.delete(t.thing_location).where(t.thing_location.c.thing == thing))
    pairs = [{"thing": thing, "location": one} for one in dict.fromkeys(locations)]
    await connection.execute(sa.insert(t.thing_location), pairs)
    made = sa.select(t.feature.c.id).where(t.feature.c.made_from.is_not(None))
    await connection.execute(
        sa.update(t.datastream)
        .where(t.datastream.c.thing == thing, t.datastream.c.feature.in_(made))
        .values(feature=None)
    )
    return await note_place(connection, thing, locations, at)


async def note_place(
    connection: AsyncConnection, thing: int, locations: Iterable[int], at: datetime | None = None
) -> int:
    """Add a HistoricalLocation; of now where no time is given."""
    values = {"thing": thing, "time": at if at is not None else sa.func.now()}
    history = t.historical_location
    number = (await connection.execute(sa.insert(history).values(**values).returning(history.c.id))).scalar_one()
    pairs = [{"historical_location": number, "location": one} for one in dict.fromkeys(locations)]
    if pairs:
        await connection.execute(sa.insert(t.historical_location_place), pairs)
    return int(number)


async def is_newest_place(connection: AsyncConnection, thing: int, at: datetime) -> bool:
    """Whether no HistoricalLocation of a thing is as late as this."""
    later = sa.exists().where(t.historical_location.c.thing == thing, t.historical_location.c.time >= at)
    return not await connection.scalar(sa.select(later))


async def streams_of(connection: AsyncConnection, ids: Sequence[int]) -> list[Stream]:
    """Those of the datastreams that there are."""
    d, r = t.datastream, tables.reach
    rows = await connection.execute(
        sa.select(d.c.id, d.c.reach, r.c.grade, r.c.region_code, d.c.observation_type, d.c.feature)
        .add_columns(sa.func.coalesce(d.c.unit["symbol"].astext, "").label("symbol"))
        .join(r, r.c.id == d.c.reach)
        .where(d.c.id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Integer))))
    )
    return [
        Stream(row.id, row.reach, Claim(row.grade, row.region_code), row.observation_type, row.feature, row.symbol)
        for row in rows
    ]
