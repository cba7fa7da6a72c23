"""How the values of the sample's other devices go over the day: properties, units and courses by kind of device."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from data_samples.station_courses import Course, value_of


@dataclass(frozen=True, slots=True)
class Measured:
    """One property of a kind of device; ``decimals`` are those its values are written with."""

    name: str
    unit: str
    course: Course
    decimals: int = 1


MEASURED: dict[str, tuple[Measured, ...]] = {
    "液位计": (Measured("液位", "m", Course(1.3, 0.5, 20), 2),),
    "扬尘监测": (Measured("PM10", "ug/m3", Course(95, 40, 15)), Measured("噪声", "dB", Course(64, 8, 15))),
    "噪声监测": (Measured("噪声", "dB", Course(56, 9, 18)),),
    "交通流量": (Measured("流量", "1/h", Course(620, 420, 18), 0),),
    "燃气监测": (Measured("甲烷", "%LEL", Course(2.0, 1.2, 3)),),
    "气象站": (
        Measured("气温", "°C", Course(12, 6, 15)),
        Measured("相对湿度", "%", Course(78, 14, 5)),
        Measured("风速", "m/s", Course(1.8, 1.2, 16)),
    ),
    "地灾监测": (Measured("位移", "mm", Course(6, 1.5, 6), 2),),
    "温湿度": (Measured("室温", "°C", Course(22, 2, 15)), Measured("相对湿度", "%", Course(52, 6, 5))),
    "路灯": (Measured("功率", "W", Course(70, 68, 0), 0),),
}


def measured_by(kind: str) -> tuple[Measured, ...]:
    """What a kind of device measures here; nothing where it has no values."""
    return MEASURED.get(kind, ())


def rows_between(devices: list[dict[str, str]], moments: list[datetime]) -> Iterator[list[str]]:
    """Rows of a long series: time, station, property, value, unit."""
    for device in devices:
        for one in measured_by(device["设备类型"]):
            for at in moments:
                value = course_value(device["设备编码"], one, at)
                yield [at.isoformat(), device["设备编码"], one.name, f"{value:.{one.decimals}f}", one.unit]


def course_value(code: str, measured: Measured, at: datetime) -> float:
    """The value of a device's property at a moment."""
    return max(0.0, value_of(code, measured.name, measured.course, at))
