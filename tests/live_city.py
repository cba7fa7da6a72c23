"""A small sensing network over the sample county: all placements, two days of values, alarms, a pole with a camera."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from made_devices import device, make_devices
from sensing import MEASUREMENT, made_rule

from cim.model.access import Grade
from cim.model.device_codes_other import Alias
from cim.model.devices import Device
from cim.model.sensing import Quality, Reading
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store.assets import ensure_thing, put_devices
from cim.store.database import Database
from cim.store.sensing_tables import datastream, observed_property, sensor, thing

SEAT = (103.9455, 30.9865)
HOUR = timedelta(hours=1)
HOURS = 48
GAP = range(20, 25)
"""Hours, counted back from now, in which the first air station was silent."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator: code, name, unit, and between which values a day goes."""

    code: str
    name: str
    unit: str
    low: float
    high: float


PM25 = Indicator("pm25", "PM2.5", "µg/m³", 18, 130)
INDICATORS = {
    "air": (PM25, Indicator("pm10", "PM10", "µg/m³", 40, 170)),
    "dust": (Indicator("pm10", "PM10", "µg/m³", 60, 320),),
    "water": (Indicator("w01009", "溶解氧", "mg/L", 2.2, 8.4), Indicator("w21003", "氨氮", "mg/L", 0.1, 1.6)),
    "noise": (Indicator("leq", "等效声级", "dB(A)", 44, 72),),
    "weather": (Indicator("temperature", "气温", "°C", 6, 15),),
    "level": (Indicator("level", "液位", "m", 0.3, 1.9),),
    "geohazard": (Indicator("displacement", "位移", "mm", 1, 9),),
    "climate": (Indicator("temperature", "气温", "°C", 18, 27),),
    "gas": (Indicator("ch4", "甲烷", "%LEL", 0, 12),),
    "traffic": (Indicator("flow", "交通流量", "veh/h", 80, 1400),),
}

PLACES = """
air ecology 生态环境局 天彭空气站 0.4 0.6
air ecology 生态环境局 致和空气站 3.5 -1.2
air ecology 生态环境局 濛阳空气站 15.0 -4.0
air ecology 生态环境局 丽春空气站 -9.0 1.5
air greenway 公园城市局 龙门山绿道空气站 -8.0 33.0
air weather 气象局 白鹿空气站 3.0 22.0
dust building-site 住建局 牡丹大道工地扬尘 1.1 0.2
dust building-site 住建局 金彭西路工地扬尘 -1.4 -0.6
dust building-site 住建局 职教城工地扬尘 2.2 1.8
noise enforcement 城管局 西大街噪声 -0.3 0.1
noise enforcement 城管局 步行街噪声 0.1 -0.3
noise building-site 住建局 职教城工地噪声 2.25 1.82
water ecology 生态环境局 人民渠水质站 -0.9 1.7
water ecology 生态环境局 青白江水质站 10.0 -5.0
water ecology 生态环境局 湔江水质站 -5.0 14.0
weather weather 气象局 彭州国家气象站 0.8 -1.5
weather weather 气象局 葛仙山气象站 8.0 18.0
weather weather 气象局 龙门山气象站 -9.0 36.0
level municipal 城管局 下穿隧道液位 0.6 -0.2
level municipal 城管局 南大街排水井液位 0.0 -0.8
level emergency 应急管理局 湔江堰水位 -4.2 12.5
level emergency 应急管理局 白鹿河水位 3.2 21.0
geohazard geological-hazard 规自局 银厂沟滑坡位移 -7.5 37.5
geohazard geological-hazard 规自局 谢家店滑坡位移 -10.0 34.0
geohazard geological-hazard 规自局 白鹿崩塌位移 3.8 24.0
gas utility-tunnel 管廊公司 牡丹大道管廊1舱甲烷 1.3 0.45
gas utility-tunnel 管廊公司 牡丹大道管廊2舱甲烷 1.6 0.5
gas utility-tunnel 管廊公司 牡丹大道管廊3舱甲烷 1.9 0.55
traffic traffic 交警大队 彭州大道流量 -0.6 -0.9
traffic traffic 交警大队 成彭高速出口流量 2.8 -2.5
traffic traffic 交警大队 天府路口流量 0.5 0.9
climate emergency 消防大队 消防站一楼温湿度 0.2 0.2
"""
"""Kind, placement, owner, name, and how many km east and north of the seat."""
POLE, CAMERA, CAMERA_CODE = "POLE-1", "CAM-1", "51018200001310000001"


@dataclass
class LiveCity:
    """What was made: datastreams by device and indicator, and the intake that judges alarms."""

    database: Database
    intake: Intake
    streams: dict[tuple[str, str], int]

    async def post(self, device_code: str, indicator: str, value: float, at: datetime | None = None) -> None:
        """A new value, as a station would bring it."""
        reading = Reading(self.streams[device_code, indicator], at or datetime.now(UTC), value)
        await self.intake.keep([reading])


async def make_live_city(database: Database, *, hours: int = HOURS) -> LiveCity:
    """Devices of all placements with values up to now, three of them alarming, one silent, one of grade internal."""
    devices = _devices()
    await make_devices(database, devices)
    streams = await _streams(database, devices)
    rules = await _rules(database, streams)
    assert rules
    city = LiveCity(database, Intake(database, [AlarmJudge()]), streams)
    await city.intake.keep(_past(streams, hours))
    await city.post("AIR-3", "pm25", 168.0)
    await city.post("LEVEL-1", "level", 2.3)
    await city.post("GAS-2", "ch4", 21.5)
    return city


def _devices() -> list[Device]:
    counts: dict[str, int] = {}
    found = [device(POLE, "pole", name="牡丹大道12号智慧杆", placement="municipal", owner="城管局", **_at(0.15, 0.35))]
    for kind, placement, owner, name, east, north in map(str.split, PLACES.strip().splitlines()):
        counts[kind] = counts.get(kind, 0) + 1
        code = f"{kind.upper()}-{counts[kind]}"
        grade = Grade.INTERNAL if kind == "geohazard" else Grade.PUBLIC
        more: dict[str, Any] = {"height_m": 3.0, "grade": grade, **_at(float(east), float(north))}
        found.append(device(code, kind, name=name, placement=placement, owner=owner, **more))
    found.append(
        device(
            "LIGHT-1",
            "light",
            name="12号杆照度",
            placement="municipal",
            owner="城管局",
            parent=POLE,
            height_m=6.0,
            **_at(0.15, 0.35),
        )
    )
    aliases = (Alias("gb28181", CAMERA_CODE, "2016"),)
    found.append(
        device(
            CAMERA,
            "camera",
            name="12号杆球机",
            placement="traffic",
            owner="公安局",
            parent=POLE,
            height_m=5.5,
            aliases=aliases,
            **_at(0.15, 0.35),
        )
    )
    return found


def _at(east_km: float, north_km: float) -> dict[str, float]:
    return {"lon": round(SEAT[0] + east_km / 95.6, 6), "lat": round(SEAT[1] + north_km / 110.9, 6)}


async def _streams(database: Database, devices: Sequence[Device]) -> dict[tuple[str, str], int]:
    made: dict[tuple[str, str], int] = {}
    properties: dict[str, int] = {}
    async with database.writing() as connection:
        probe = sa.insert(sensor).values(name="probe", encoding_type="text/plain", metadata="none")
        number = await connection.scalar(probe.returning(sensor.c.id))
        for one in devices:
            for indicator in INDICATORS.get(one.kind, ()):
                if indicator.code not in properties:
                    described = sa.insert(observed_property).values(
                        name=indicator.name, definition=f"http://example.org/{indicator.code}", code=indicator.code
                    )
                    properties[indicator.code] = (
                        await connection.scalars(described.returning(observed_property.c.id))
                    ).one()
                unit = {"name": indicator.unit, "symbol": indicator.unit, "definition": "http://example.org/unit"}
                values = {
                    "name": f"{one.name} {indicator.name}",
                    "thing": await ensure_thing(connection, one.code),
                    "sensor": number,
                    "observed_property": properties[indicator.code],
                    "observation_type": MEASUREMENT,
                    "unit": unit,
                }
                stream = sa.insert(datastream).values(values)
                made[one.code, indicator.code] = (await connection.scalars(stream.returning(datastream.c.id))).one()
    return made


async def _rules(database: Database, streams: dict[tuple[str, str], int]) -> list[int]:
    async def above(code: str, indicator: str, limit: float, name: str, severity: str) -> int:
        condition = {"kind": "threshold", "above": limit}
        return await made_rule(database, condition, name=name, severity=severity, datastream=streams[code, indicator])

    found = [await above(f"AIR-{number}", "pm25", 150.0, "PM2.5 超过 150", "orange") for number in range(1, 7)]
    found.append(await above("LEVEL-1", "level", 2.0, "下穿隧道积水", "red"))
    found.append(await above("GAS-2", "ch4", 20.0, "管廊甲烷超限", "yellow"))
    return found


def _past(streams: dict[tuple[str, str], int], hours: int) -> list[Reading]:
    """Hourly values that rise and fall over the day, each device a little later and higher than the one before."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    found = []
    for place, ((code, indicator), stream) in enumerate(streams.items()):
        kind = code.rpartition("-")[0].lower()
        held = next(one for one in INDICATORS[kind] if one.code == indicator)
        for back in range(hours):
            silent = (code == "AIR-1" and back in GAP) or (code == "WATER-2" and back < 16)
            if silent or (code == "NOISE-2" and back < 3):
                continue
            wave = 0.5 + 0.4 * math.sin((back + place * 1.7) / 24 * 2 * math.pi) + 0.1 * math.sin(back * 2.3 + place)
            value = round(held.low + (held.high - held.low) * wave, 2)
            quality = Quality.MAINTENANCE if code == "AIR-2" and back == 30 else Quality.NORMAL
            found.append(Reading(stream, now - back * HOUR - timedelta(minutes=2), value, quality=quality))
    return found


async def make_crowd(database: Database, count: int) -> list[int]:
    """So many weather stations all over the county, each with a temperature of just now; their datastreams."""
    codes = [f"CROWD-{number:05d}" for number in range(count)]
    across = math.ceil(math.sqrt(count))
    east, north = 0.35 / across, 0.4 / across
    devices = [
        device(
            code,
            "weather",
            placement="weather",
            lon=103.75 + east * (place % across),
            lat=30.95 + north * (place // across),
        )
        for place, code in enumerate(codes)
    ]
    async with database.writing() as connection:
        for start in range(0, count, 2_000):
            await put_devices(connection, devices[start : start + 2_000])
        probe = sa.insert(sensor).values(name="probe", encoding_type="text/plain", metadata="none")
        number = await connection.scalar(probe.returning(sensor.c.id))
        described = sa.insert(observed_property).values(name="气温", definition="http://example.org/t", code="crowd-t")
        held = await connection.scalar(described.returning(observed_property.c.id))
        named = [{"name": code, "asset": code} for code in codes]
        things = list(
            await connection.scalars(sa.insert(thing).returning(thing.c.id, sort_by_parameter_order=True), named)
        )
        unit = {"name": "degree Celsius", "symbol": "°C", "definition": "http://example.org/unit"}
        same = {"sensor": number, "observed_property": held, "observation_type": MEASUREMENT, "unit": unit}
        rows = [{"name": code, "thing": owner, **same} for code, owner in zip(codes, things, strict=True)]
        made = sa.insert(datastream).returning(datastream.c.id, sort_by_parameter_order=True)
        streams = list(await connection.scalars(made, rows))
    now = datetime.now(UTC)
    await Intake(database).keep([Reading(stream, now, 10 + stream % 15) for stream in streams])
    return streams
