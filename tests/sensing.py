"""Datastreams for tests: made straight in the database."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from cim.model.alarms import RuleBody
from cim.store.alarm_rules import add_rule
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


async def made_rule(database: Database, condition: Mapping[str, Any], **more: Any) -> int:
    """A rule of alarms, orange where nothing else is said; returns its id."""
    body = RuleBody.model_validate({"name": "水位超警", "severity": "orange", "condition": condition, **more})
    async with database.writing() as connection:
        return (await add_rule(connection, body, "tester")).id
