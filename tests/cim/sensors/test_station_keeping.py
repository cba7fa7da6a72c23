"""Readings of stations find their datastreams by the codes that assets carry."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from cim.model.access import Grade, ReadContext
from cim.model.sensing import StationReading, StationStream
from cim.sensors.intake import Intake
from cim.sensors.station_keeping import StationKeeper
from cim.store.assets import change_device, point_ewkt
from cim.store.database import Database
from cim.store.sensing_tables import (
    datastream,
    feature,
    historical_location,
    latest,
    location,
    observation,
    observed_feature,
    observed_property,
    thing,
)
from cim.store.tables import asset, asset_alias

NOON = datetime(2026, 11, 28, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
MN = "510182AQ0000000000000001"


def described(reading: StationReading) -> StationStream:
    return StationStream(reading.scheme, reading.station, reading.factor, reading.statistic, "细颗粒物", unit="ug/m3")


def reading(station: str = MN, factor: str = "a34004", value: float = 35.0) -> StationReading:
    return StationReading("hj212", station, factor, "hour-mean", NOON, value)


async def keeper(database: Database) -> StationKeeper:
    async with database.writing() as connection:
        place = sa.func.ST_SetSRID(sa.func.ST_MakePoint(103.95, 30.98), 4490)
        await connection.execute(
            sa.insert(asset).values(
                code="AQ0001",
                kind="air-station",
                name="天彭空气站",
                grade="public",
                region_code="510182001",
                geom=place,
            )
        )
        await connection.execute(sa.insert(asset_alias).values(scheme="hj212", code=MN, asset="AQ0001"))
    return StationKeeper(database, Intake(database), described)


async def test_a_known_station_gets_its_thing_and_a_datastream_for_each_indicator(database: Database) -> None:
    keep = (await keeper(database)).keep
    assert await keep([reading(), reading(factor="a05024", value=80.0)]) == [None, None]
    assert await keep([reading()]) == [None]
    async with database.reading(ReadContext(((Grade.PUBLIC, None),))) as connection:
        things = (await connection.execute(sa.select(thing))).all()
        streams = (await connection.execute(sa.select(datastream).order_by(datastream.c.id))).all()
        values = list(await connection.scalars(sa.select(latest.c.value).order_by(latest.c.datastream_id)))
        places = list(await connection.scalars(sa.select(sa.func.ST_X(location.c.geom))))
        codes = set(await connection.scalars(sa.select(observed_property.c.code)))
    assert [(one.asset, one.grade, one.region_code) for one in things] == [("AQ0001", "public", "510182001")]
    assert [one.key for one in streams] == [f"hj212:{MN}:{factor}:hour-mean" for factor in ("a34004", "a05024")]
    assert streams[0].unit["symbol"] == "ug/m3"
    assert (values, places, codes) == ([35.0, 80.0], [103.95], {"hj212:a34004", "hj212:a05024"})


async def test_an_unknown_station_is_refused_and_does_not_keep_the_known_ones_out(database: Database) -> None:
    told = await (await keeper(database)).keep([reading("X" * 24), reading()])
    assert told[1] is None
    assert told[0] is not None
    assert "no device has the hj212 code XXXX" in told[0]


async def test_a_datastream_that_was_deleted_is_made_anew(database: Database) -> None:
    keep = (await keeper(database)).keep
    await keep([reading()])
    async with database.writing() as connection:
        await connection.execute(sa.delete(datastream))
    (told,) = await keep([reading()])
    assert told == "there is no such datastream"
    assert await keep([reading()]) == [None]


async def test_a_datastream_keeps_its_unit_and_values_are_converted_to_it(database: Database) -> None:
    keep = (await keeper(database)).keep
    await keep([reading()])
    async with database.writing() as connection:
        old = {"name": "mg/m3", "symbol": "mg/m3", "definition": None}
        await connection.execute(sa.update(datastream).values(unit=old))
    await StationKeeper(database, Intake(database), described).keep([replace(reading(), at=NOON + HOUR)])
    async with database.reading(ReadContext(((Grade.PUBLIC, None),))) as connection:
        assert await connection.scalar(sa.select(latest.c.value)) == 0.035


async def test_readings_are_of_the_place_of_their_station_wherever_it_moves(database: Database) -> None:
    station = await keeper(database)
    await station.keep([reading(), reading(factor="a05024", value=80.0)])
    async with database.writing() as connection:
        await change_device(connection, "AQ0001", {"geom": point_ewkt(103.97, 31.01)})
        await change_device(connection, "AQ0001", {"name": "迁建站"})
    moved = StationKeeper(database, Intake(database), described)
    await moved.keep([replace(reading(), at=NOON + HOUR), replace(reading(factor="a05024"), at=NOON + HOUR)])
    async with database.reading(ReadContext(((Grade.PUBLIC, None),))) as connection:
        x = sa.func.ST_X(feature.c.geom)
        rows = await connection.execute(
            sa.select(observation.c.phenomenon_time, x, feature.c.id).join(
                feature, feature.c.id == observation.c.feature_id
            )
        )
        found = {(row[0], row[1], row[2]) for row in rows}
        pairs = await connection.scalar(sa.select(sa.func.count()).select_from(observed_feature))
        history = await connection.scalar(sa.select(sa.func.count()).select_from(historical_location))
        areas = set(await connection.scalars(sa.select(sa.func.ST_XMax(datastream.c.observed_geom))))
    assert {(at, x) for at, x, _ in found} == {(NOON, 103.95), (NOON + HOUR, 103.97)}
    assert (len({number for *_, number in found}), pairs, history, areas) == (2, 4, 1, {103.97})


async def test_a_station_without_a_place_is_kept_and_gets_its_feature_with_its_place(database: Database) -> None:
    station = await keeper(database)
    async with database.writing() as connection:
        await change_device(connection, "AQ0001", {"geom": None})
    assert await station.keep([reading()]) == [None]
    async with database.writing() as connection:
        assert await connection.scalar(sa.select(observation.c.feature_id)) is None
        await change_device(connection, "AQ0001", {"geom": point_ewkt(103.97, 31.01)})
    later = replace(reading(), at=NOON + HOUR)
    assert await StationKeeper(database, Intake(database), described).keep([later]) == [None]
    async with database.writing() as connection:
        assert await connection.scalar(sa.select(latest.c.feature_id)) is not None


async def test_two_processes_that_meet_a_new_station_make_one_datastream(database: Database) -> None:
    first = await keeper(database)
    second = StationKeeper(database, Intake(database), described)
    await asyncio.gather(first.keep([reading()]), second.keep([reading(value=36.0)]))
    async with database.reading(ReadContext(((Grade.PUBLIC, None),))) as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(datastream)) == 1
        assert await connection.scalar(sa.select(sa.func.count()).select_from(thing)) == 1
