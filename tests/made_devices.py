"""Devices and what they measured, made by the same store functions as an import."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sensing import MEASUREMENT

from cim.model.access import Grade
from cim.model.devices import Device
from cim.model.sensing import Quality, Reading
from cim.sensors.intake import Intake
from cim.store.asset_bindings import bound_devices
from cim.store.assets import ensure_thing, put_devices
from cim.store.database import Database
from cim.store.sensing_tables import datastream, observed_property, sensor

MICROGRAMS = {
    "name": "microgram per cubic metre",
    "symbol": "µg/m³",
    "definition": "http://qudt.org/vocab/unit/MicroGM-PER-M3",
}


async def make_devices(database: Database, devices: Sequence[Device]) -> dict[str, str]:
    """Devices with what follows from their bindings."""
    async with database.writing() as connection:
        bound = await bound_devices(connection, devices)
        assert not bound.faults, bound.faults
        return await put_devices(connection, bound.devices)


async def make_stream(database: Database, device: str, code: str = "pm25", unit: dict[str, Any] = MICROGRAMS) -> int:
    """A datastream of a device."""
    async with database.writing() as connection:
        owner = await ensure_thing(connection, device)
        held = await connection.scalar(sa.select(observed_property.c.id).where(observed_property.c.code == code))
        if held is None:
            made = sa.insert(observed_property).values(
                name=code.upper(), definition=f"http://example.org/{code}", code=code
            )
            held = await connection.scalar(made.returning(observed_property.c.id))
        probe = sa.insert(sensor).values(name="probe", encoding_type="text/plain", metadata="none")
        number = await connection.scalar(probe.returning(sensor.c.id))
        stream = sa.insert(datastream).values(
            name=f"{device} {code}",
            thing=owner,
            sensor=number,
            observed_property=held,
            observation_type=MEASUREMENT,
            unit=unit,
        )
        return int((await connection.scalars(stream.returning(datastream.c.id))).one())


async def observe(database: Database, stream: int, values: Sequence[tuple[datetime, Any]], flag: str = "N") -> None:
    """Values of a datastream."""
    await Intake(database).keep([Reading(stream, at, value, quality=Quality(flag)) for at, value in values])


async def make_regions(database: Database) -> None:
    """A county with two towns side by side, each with a village."""
    rows = [("510182", "county", "彭州市", None, 103.8, 104.2)]
    rows += [
        ("510182001", "town", "西镇", "510182", 103.8, 104.0),
        ("510182002", "town", "东镇", "510182", 104.0, 104.2),
    ]
    rows += [("510182001001", "village", "西村", "510182001", 103.8, 103.99)]
    rows += [("510182002001", "village", "东村", "510182002", 104.0, 104.2)]
    async with database.writing() as connection:
        for code, level, name, parent, west, east in rows:
            await connection.execute(
                sa.text(
                    "INSERT INTO cim.region (code, level, name, parent_code, geom) VALUES"
                    " (:code, :level, :name, :parent, ST_MakeEnvelope(:west, 30.9, :east, 31.2, 4490))"
                ),
                {"code": code, "level": level, "name": name, "parent": parent, "west": west, "east": east},
            )


def device(code: str, kind: str = "air", **more: Any) -> Device:
    """A public device unless told otherwise."""
    return Device(code, kind, more.pop("name", code), more.pop("grade", Grade.PUBLIC), **more)
