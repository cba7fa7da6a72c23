"""Which datastream a reading of a station goes to, and how that is called: by the tables of the protocols."""

import re

from cim.model.sensing import StationReading, StationStream
from cim.sensors.hj212 import codes as hj212
from cim.sensors.hj212.readings import SCHEME as HJ212
from cim.sensors.sl651 import codes as sl651
from cim.sensors.sl651.readings import SCHEME as SL651

_WHOLE = {"real-time": "实时", "state": "状态", "day-running-hours": "日运行时间"}
_SPANS = {"single": "单次", "minute": "分钟", "hour": "小时", "day": "日", "day-daytime": "昼间", "day-night": "夜间"}
_MINUTES = re.compile(r"([0-9]+)-minute")
_KINDS = {"mean": "均值", "least": "最小值", "greatest": "最大值", "sum": "累计值", "value": "值"}


def describe(reading: StationReading) -> StationStream:
    """The datastream of a reading; an indicator that no table has keeps its code as its name, and no unit."""
    name, unit = reading.factor, ""
    if reading.scheme == HJ212 and reading.factor in hj212.factors():
        name = hj212.factors()[reading.factor].zh
        unit = hj212.kept_unit(reading.factor, reading.statistic, ambient=reading.ambient) or ""
    elif reading.scheme == SL651 and reading.factor in sl651.elements():
        element = sl651.elements()[reading.factor]
        name, unit = element.zh, element.unit
    title = f"{name} {statistic_in_words(reading.statistic)}"
    return StationStream(reading.scheme, reading.station, reading.factor, reading.statistic, name, title, unit)


def statistic_in_words(statistic: str) -> str:
    """What a statistic is called: ``hour-mean`` is 小时均值; one that is not known stays as it is."""
    plain = statistic.removesuffix("-converted")
    span, _, kind = plain.rpartition("-")
    minutes = _MINUTES.fullmatch(span)
    spoken = f"{minutes[1]}分钟" if minutes else _SPANS.get(span)
    known = _WHOLE.get(plain) or (f"{spoken}{_KINDS[kind]}" if spoken and kind in _KINDS else "")
    if not known:
        return statistic
    return f"{known}（折算）" if statistic.endswith("-converted") else known
