"""Which datastream a reading of a station goes to, and how that is called: by the tables of the protocols."""

from cim.model.sensing import StationReading, StationStream
from cim.sensors.hj212 import codes as hj212
from cim.sensors.hj212.readings import SCHEME as HJ212
from cim.sensors.sl651 import codes as sl651
from cim.sensors.sl651.readings import SCHEME as SL651


def describe(reading: StationReading) -> StationStream:
    """The datastream of a reading; an indicator that no table has keeps its code as its name, and no unit."""
    name, unit = reading.factor, ""
    if reading.scheme == HJ212 and reading.factor in hj212.factors():
        name = hj212.factors()[reading.factor].zh
        unit = hj212.unit_of(reading.factor, reading.statistic) or ""
    elif reading.scheme == SL651 and reading.factor in sl651.elements():
        element = sl651.elements()[reading.factor]
        name, unit = element.zh, element.unit
    return StationStream(reading.scheme, reading.station, reading.factor, reading.statistic, name, unit)
