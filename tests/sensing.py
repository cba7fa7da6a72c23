"""Datastreams for tests: made straight in the database."""

import sqlalchemy as sa

from cim.store.database import Database
from cim.store.sensing_tables import datastream, observed_property, sensor, thing

CELSIUS = {"name": "degree Celsius", "symbol": "°C", "definition": "http://unitsofmeasure.org/ucum.html#para-30"}
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


async def made_datastreams(
    database: Database,
    count: int,
    *,
    least: float | None = None,
    greatest: float | None = None,
    grade: str = "public",
    region_code: str | None = None,
) -> list[int]:
    """Datastreams of one thing each; returns their ids."""
    async with database.writing() as connection:
        owner = sa.insert(sensor).values(name="probe", encoding_type="text/plain", metadata="none")
        probe = await connection.scalar(owner.returning(sensor.c.id))
        described = sa.insert(observed_property).values(name="temperature", definition="http://example.org/t")
        prop = await connection.scalar(described.returning(observed_property.c.id))
        things = await connection.scalars(
            sa.insert(thing).returning(thing.c.id),
            [{"name": f"thing {k}", "grade": grade, "region_code": region_code} for k in range(count)],
        )
        rows = [
            {
                "name": f"stream {number}",
                "thing": number,
                "sensor": probe,
                "observed_property": prop,
                "observation_type": MEASUREMENT,
                "unit": CELSIUS,
                "least": least,
                "greatest": greatest,
            }
            for number in things
        ]
        return list(await connection.scalars(sa.insert(datastream).returning(datastream.c.id), rows))
