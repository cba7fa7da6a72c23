"""Datastreams as imported series look for them: by device and property, or by number; made where there is none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.assets import ensure_thing
from cim.store.sensing_tables import datastream, observed_property, sensor, thing

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
SENSOR = "imported series"


@dataclass(frozen=True, slots=True)
class SeriesStream:
    """A datastream with what its property is called and the symbol of its unit."""

    id: int
    names: frozenset[str]
    unit: str

    def measures(self, name: str) -> bool:
        """Whether a property of this name is what it measures."""
        return plain_name(name) in self.names


def plain_name(name: str) -> str:
    """A name of a property to be compared: PM2.5, pm25 and PM 2.5 are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


async def streams_by_asset(connection: AsyncConnection, codes: Collection[str]) -> dict[str, list[SeriesStream]]:
    """The datastreams of devices, by device."""
    among = thing.c.asset == sa.func.any(sa.literal(sorted(codes), ARRAY(sa.Text)))
    found: dict[str, list[SeriesStream]] = {}
    for row in await connection.execute(_streams().where(among)):
        found.setdefault(row.asset, []).append(_stream(row))
    return found


async def streams_by_number(connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, SeriesStream]:
    """Datastreams by their numbers."""
    among = datastream.c.id == sa.func.any(sa.literal(list(numbers), ARRAY(sa.Integer)))
    return {row.id: _stream(row) for row in await connection.execute(_streams().where(among))}


async def make_series_stream(connection: AsyncConnection, code: str, name: str, unit: str) -> SeriesStream:
    """A datastream of a device for a property, in a unit; the property is the one of that name, or made."""
    owner = await ensure_thing(connection, code)
    p, plain = observed_property.c, plain_name(name)
    known = await connection.execute(sa.select(p.id, p.code, p.name).order_by(p.id))
    prop = next((row.id for row in known if plain in {plain_name(row.code or ""), plain_name(row.name)}), None)
    if prop is None:
        made = sa.insert(observed_property).values(name=name, code=plain, definition=f"urn:cim:property:{plain}")
        prop = await connection.scalar(made.returning(p.id))
    probe = await connection.scalar(sa.select(sensor.c.id).where(sensor.c.name == SENSOR).limit(1))
    if probe is None:
        described = sa.insert(sensor).values(name=SENSOR, encoding_type="text/plain", metadata="values from files")
        probe = await connection.scalar(described.returning(sensor.c.id))
    stream = sa.insert(datastream).values(
        name=f"{name} {code}",
        thing=owner,
        sensor=probe,
        observed_property=prop,
        observation_type=MEASUREMENT,
        unit={"name": unit, "symbol": unit, "definition": ""},
        key=f"series:{code}:{plain}",
    )
    number = (await connection.scalars(stream.returning(datastream.c.id))).one()
    return SeriesStream(number, frozenset({plain}), unit)


def _streams() -> sa.Select[Any]:
    d, p = datastream.c, observed_property.c
    return sa.select(
        d.id,
        thing.c.asset,
        p.code,
        p.name,
        d.unit["symbol"].astext.label("symbol"),
        d.unit["name"].astext.label("called"),
    ).select_from(datastream.join(thing, thing.c.id == d.thing).join(observed_property, p.id == d.observed_property))


def _stream(row: Any) -> SeriesStream:
    names = frozenset(plain_name(text) for text in (row.code, row.name) if text)
    return SeriesStream(row.id, names, row.symbol or row.called or "")
