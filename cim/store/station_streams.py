"""Datastreams of stations: found by their keys, and made when a known station sends a new indicator.

A station is known when an asset carries its code as an alias of the protocol. Of that asset there is one Thing, and of
each protocol one Sensor.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.sensing import StationStream
from cim.store.asset_places import new_location
from cim.store.sensing_tables import datastream, observed_property, sensor, thing, thing_location
from cim.store.tables import asset, asset_alias

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
STANDARDS = {"hj212": "HJ 212", "sl651": "SL 651-2014"}
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('sensing:stations', 0))")


async def find_streams(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, int]:
    """The ids of datastreams by key; those that do not exist are left out."""
    wanted = datastream.c.key == sa.any_(sa.literal(list(keys), sa.ARRAY(sa.Text)))
    rows = await connection.execute(sa.select(datastream.c.key, datastream.c.id).where(wanted))
    return {row.key: row.id for row in rows}


async def make_streams(connection: AsyncConnection, wanted: Sequence[StationStream]) -> dict[str, int]:
    """Make the datastreams that do not exist yet; those of stations that no asset stands for are left out."""
    await connection.execute(_LOCK)
    for scheme in sorted({one.scheme for one in wanted}):
        streams = [one for one in wanted if one.scheme == scheme]
        things = await _things(connection, scheme, sorted({one.station for one in streams}))
        known = [one for one in streams if one.station in things]
        if known:
            await _insert(connection, known, things, await _sensor(connection, scheme))
    return await find_streams(connection, [one.key for one in wanted])


async def _things(connection: AsyncConnection, scheme: str, stations: Sequence[str]) -> dict[str, int]:
    """The Things of stations; a known station without one gets it, and its Location."""
    named = (
        sa.select(
            asset_alias.c.code.label("station"),
            asset.c.code,
            asset.c.name,
            thing.c.id,
        )
        .select_from(asset_alias.join(asset, asset.c.code == asset_alias.c.asset))
        .outerjoin(thing, thing.c.asset == asset.c.code)
        .where(
            asset_alias.c.scheme == scheme,
            asset_alias.c.code == sa.any_(sa.literal(list(stations), sa.ARRAY(sa.Text))),
        )
    )
    found = {}
    for row in (await connection.execute(named)).all():
        found[row.station] = row.id or await _new_thing(connection, row)
    return found


async def _new_thing(connection: AsyncConnection, row: Any) -> int:
    made = sa.insert(thing).values(name=row.name, asset=row.code, description="").returning(thing.c.id)
    number = int(await connection.scalar(made) or 0)
    place = await new_location(connection, row.code)
    if place is not None:
        await connection.execute(sa.insert(thing_location).values(thing=number, location=place))
    return number


async def _sensor(connection: AsyncConnection, scheme: str) -> int:
    """The Sensor that stands for stations of a protocol."""
    name = f"{STANDARDS.get(scheme, scheme)} station"
    same = sa.select(sensor.c.id).where(sensor.c.name == name).order_by(sensor.c.id).limit(1)
    found = await connection.scalar(same)
    if found is None:
        values = {"name": name, "encoding_type": "text/plain", "metadata": STANDARDS.get(scheme, scheme)}
        found = await connection.scalar(sa.insert(sensor).values(values).returning(sensor.c.id))
    return int(found or 0)


async def _insert(
    connection: AsyncConnection, streams: Sequence[StationStream], things: dict[str, int], probe: int
) -> None:
    codes = {one.property_code: one for one in streams}
    properties = insert(observed_property).on_conflict_do_nothing(index_elements=["code"])
    await connection.execute(
        properties,
        [{"name": one.name or one.factor, "definition": code, "code": code} for code, one in sorted(codes.items())],
    )
    listed = observed_property.c.code == sa.any_(sa.literal(list(codes), sa.ARRAY(sa.Text)))
    rows = await connection.execute(sa.select(observed_property.c.code, observed_property.c.id).where(listed))
    ids = {row.code: row.id for row in rows}
    await connection.execute(
        insert(datastream).on_conflict_do_nothing(index_elements=["key"]),
        [
            {
                "name": one.title or f"{one.name or one.factor} {one.statistic}",
                "thing": things[one.station],
                "sensor": probe,
                "observed_property": ids[one.property_code],
                "observation_type": MEASUREMENT,
                "unit": {"name": one.unit or None, "symbol": one.unit or None, "definition": None},
                "properties": {"factor": one.factor, "statistic": one.statistic, "scheme": one.scheme},
                "key": one.key,
            }
            for one in streams
        ],
    )
