"""The devices of the city as one list, as an office would hand it over: stations, cameras, poles with what they carry.

Made from the layers of the sample that are written already, so that a station of a layer and its device are the same.
"""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_samples.stations import county_gauges

COLUMNS = (
    "设备编码", "设备名称", "设备类型", "布设场景", "权属单位", "厂商", "型号", "安装日期", "所属杆件",
    "MN", "测站地址", "国标编码", "模型", "楼层", "安装高度", "数据等级", "经度", "纬度",
)  # fmt: skip
POLES, MANHOLES, SITES, COUNTERS = 36, 24, 10, 12
HAZARD_MONITORS, GREENWAY, TUNNEL, FIRE, WEATHER = 16, 8, 8, 6, 6
HOSPITAL_STOREYS = 5
GAUGE_PLACES = ((103.8105, 31.2412), (103.8421, 31.1903), (103.8873, 31.1274), (103.9268, 31.0741))
Row = dict[str, str]


def write_devices(folder: Path, seed: int) -> int:
    """Write ``devices.csv`` beside the layers; returns how many devices it lists."""
    rows = list(_rows(folder, np.random.default_rng(seed)))
    with (folder / "devices.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _rows(folder: Path, rng: np.random.Generator) -> Iterator[Row]:
    cameras = _read(folder / "cameras.csv")
    yield from _stations(folder)
    yield from _gauges(rng)
    yield from _poles(cameras, rng)
    yield from _cameras(cameras[POLES:])
    yield from _near(cameras, rng)
    yield from _hazards(folder)
    yield from _hospital()


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _device(code: str, name: str, kind: str, placement: str, owner: str, **more: str) -> Row:
    row = {"设备编码": code, "设备名称": name, "设备类型": kind, "布设场景": placement, "权属单位": owner}
    return {**row, "厂商": "合成数据", "数据等级": "internal", **more}


def _place(row: Row) -> Row:
    return {"经度": row["lon"], "纬度": row["lat"]}


def _moved(row: Row, rng: np.random.Generator) -> Row:
    """A place some dozens of metres beside that of a row."""
    east, north = rng.uniform(-3e-4, 3e-4, 2)
    return {"经度": f"{float(row['lon']) + east:.7f}", "纬度": f"{float(row['lat']) + north:.7f}"}


def _stations(folder: Path) -> Iterator[Row]:
    office = "生态环境局"
    for layer, kind, grade in (("air_stations", "空气站", "public"), ("water_stations", "水质站", "public")):
        for row in _read(folder / f"{layer}.csv"):
            yield _device(row["id"], row["name"], kind, "生态", office, MN=row["mn"], 数据等级=grade, **_place(row))
    for row in _read(folder / "pollution_sources.csv"):
        name = f"{row['enterprise']}{row['name']}"
        yield _device(row["id"], name, "排放口监测", "生态", row["enterprise"], MN=row["mn"], **_place(row))


def _gauges(rng: np.random.Generator) -> Iterator[Row]:
    for number, gauge in enumerate(county_gauges()):
        lon, lat = GAUGE_PLACES[number % len(GAUGE_PLACES)]
        at = {"lon": str(lon + 0.004 * (number // len(GAUGE_PLACES))), "lat": str(lat)}
        name = f"湔江水文{number + 1}站"
        place = _moved(at, rng)
        yield _device(
            f"HY{number + 1:04d}", name, "水文站", "应急", "水务局", 测站地址=gauge.address, 数据等级="public", **place
        )


def _poles(cameras: list[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Poles where cameras are, each with its camera, a light, and every third a noise monitor."""
    for number, camera in enumerate(cameras[:POLES], 1):
        code, place = f"PL{number:04d}", _place(camera)
        yield _device(code, f"智慧多功能杆{number:02d}号", "杆", "市政", "城市管理局", 安装日期="2025-06-18", **place)
        yield _camera(camera, 所属杆件=code)
        yield _device(f"LT{number:04d}", f"{number:02d}号杆照明", "路灯", "市政", "城市管理局", 所属杆件=code, **place)
        if number % 3 == 0:
            name = f"{number:02d}号杆噪声"
            yield _device(f"NO{number:04d}", name, "噪声监测", "执法", "综合行政执法局", 所属杆件=code, **place)


def _cameras(cameras: list[Row]) -> Iterator[Row]:
    for camera in cameras:
        yield _camera(camera)


def _camera(camera: Row, **more: str) -> Row:
    owner, placement = {"00": ("公安局", "交通"), "08": ("城市管理局", "市政")}.get(
        camera["industry"], ("公安局", "交通")
    )
    given = {"国标编码": camera["gb_code"], "安装高度": camera["height_m"], "数据等级": "restricted", **_place(camera)}
    return _device(camera["gb_code"], camera["name"], "摄像机", placement, owner, **given, **more)


def _near(cameras: list[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Devices beside streets, of the placements that no layer of the sample has."""
    picks = itertools.cycle(rng.permutation(len(cameras)).tolist())
    groups = (
        ("MH", "窨井液位", "液位计", "市政", "住房和城乡建设局", MANHOLES),
        ("DU", "工地扬尘", "扬尘监测", "工地", "住房和城乡建设局", SITES),
        ("TR", "交通流量", "交通流量", "交通", "交通运输局", COUNTERS),
        ("GW", "绿道人流", "交通流量", "绿道", "公园城市建设局", GREENWAY),
        ("TG", "管廊燃气", "燃气监测", "管廊", "住房和城乡建设局", TUNNEL),
        ("FF", "林火气象", "气象站", "应急", "应急管理局", FIRE),
        ("WX", "气象站", "气象站", "气象", "气象局", WEATHER),
    )
    for prefix, name, kind, placement, owner, count in groups:
        for number in range(1, count + 1):
            place = _moved(cameras[next(picks)], rng)
            yield _device(f"{prefix}{number:04d}", f"{name}{number:02d}号", kind, placement, owner, **place)


def _hazards(folder: Path) -> Iterator[Row]:
    for row in _read(folder / "geohazards.csv")[:HAZARD_MONITORS]:
        code, name = row["id"].replace("GH", "GM"), f"{row['name']}位移监测"
        yield _device(code, name, "地灾监测", "地灾", "规划和自然资源局", **_place(row))


def _hospital() -> Iterator[Row]:
    for storey in range(1, HOSPITAL_STOREYS + 1):
        for kind, word, prefix in (("温湿度", "温湿度", "CL"), ("烟感", "烟感", "SM")):
            name = f"医院{storey}层{word}"
            yield _device(f"{prefix}H{storey:03d}", name, kind, "应急", "人民医院", 模型="hospital", 楼层=str(storey))
