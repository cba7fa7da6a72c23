"""From a station's connection to the database: what is kept, and what a technician is told of the rest."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cim.errors import SettingsError
from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.refusals import refusals_since
from cim.store.sensing_tables import datastream, latest, observation
from cim.store.tables import asset, asset_alias
from data_samples.station_courses import AIR_COURSES
from data_samples.stations import Hj212Station
from web.gathering.refusing import RefusalBook
from web.gathering.stations import StationSettings, station_parts
from web.settings import ServerSettings

MN, STRANGER = "510182AQ0000000000000001", "510182XX0000000000000009"
SECRET = "s3cret"
FILE = f"""
password = "{SECRET}"
minute_interval_min = 10
[sent_units."*"]
a34004 = "ug/m3"
"""


@pytest.fixture
async def port(database: Database, tmp_path: Path) -> AsyncIterator[int]:
    """The port of a listener for HJ 212, with one station registered."""
    async with database.writing() as connection:
        await connection.execute(sa.insert(asset).values(code="AQ0001", kind="air-station", name="天彭空气站"))
        await connection.execute(sa.insert(asset_alias).values(scheme="hj212", code=MN, asset="AQ0001"))
    file = tmp_path / "stations.toml"
    file.write_text(FILE, "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    settings = ServerSettings(hj212_port=number, stations=file)
    book = RefusalBook(database)
    parts = [book.part(), *station_parts(database, Intake(database), settings, book.note)]
    tasks = [asyncio.create_task(part.keep_running()) for part in parts]
    yield settings.hj212_port
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def said(port: int, frame: bytes, wait_s: float = 5.0) -> bytes:
    """What is answered to a frame; nothing where no answer comes in time."""
    for _ in range(100):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
    writer.write(frame)
    try:
        return await asyncio.wait_for(reader.read(1024), wait_s)
    except TimeoutError:
        return b""
    finally:
        writer.close()


async def test_a_frame_is_answered_once_its_readings_are_in_their_datastreams(port: int, database: Database) -> None:
    station = Hj212Station(MN, "22", AIR_COURSES, password=SECRET)
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    for _ in range(2):
        assert station.heard(await said(port, station.frame(at)))
    async with database.writing() as connection:
        count = await connection.scalar(sa.select(sa.func.count()).select_from(observation))
        rows = (
            await connection.execute(
                sa.select(datastream.c.name, datastream.c.unit, latest.c.at).join(
                    latest, latest.c.datastream_id == datastream.c.id
                )
            )
        ).all()
    assert count == len(AIR_COURSES) == len(rows)
    assert {row.at for row in rows} == {at}
    units = {row.name: row.unit["symbol"] for row in rows}
    assert (units["细微颗粒物PM2.5 实时"], units["一氧化碳 实时"]) == ("ug/m3", "mg/m3")


async def test_what_is_refused_can_be_looked_up_without_its_password(port: int, database: Database) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    unknown = Hj212Station(STRANGER, "22", AIR_COURSES, password=SECRET)
    wrong = Hj212Station(MN, "22", AIR_COURSES, password="wr0ng")
    broken = bytearray(Hj212Station(MN, "22", AIR_COURSES, password=SECRET).frame(at))
    broken[60] ^= 1
    for frame in (unknown.frame(at), wrong.frame(at), bytes(broken)):
        assert await said(port, frame, 0.5) == b""
    told = []
    for _ in range(100):
        async with database.writing() as connection:
            told = await refusals_since(connection)
        if {"not-kept", "password", "crc"} <= {one["code"] for one in told}:
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError([one["code"] for one in told])
    assert any("no device has the hj212 code" in one["message"] for one in told)
    assert SECRET not in str(told)
    assert "wr0ng" not in str(told)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("password = 5", "password"),
        ("minute_interval_min = 0", "minute_interval_min"),
        ('[passwords]\nAB = ["hush-hush"]', "passwords.AB"),
        ("pass word", "cannot be read"),
        ("unknown = 1", "unknown"),
    ],
)
def test_a_wrong_file_of_stations_is_refused_by_its_entry(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "stations.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        StationSettings.read(file)
    assert named in str(refused.value)
    assert "hush" not in str(refused.value)
