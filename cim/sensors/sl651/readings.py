"""From a report of SL 651 to readings of its stations."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cim.model.sensing import StationReading
from cim.sensors.sl651.codes import elements, function_of
from cim.sensors.sl651.frames import Frame
from cim.sensors.sl651.hex_body import read_hex
from cim.sensors.sl651.report import Observed, Report
from cim.sensors.sl651.text_body import read_text
from cim.sensors.stations import demand_not_ahead

SCHEME = "sl651"


def read_report(frame: Frame) -> Report:
    """The report of a frame, or of the joined packets of one; FrameRefused where it cannot be followed."""
    function = function_of(frame.function)
    read = read_text if frame.ascii else read_hex
    return read(frame.body, frame.station, function)


def readings_of(report: Report, now: datetime | None = None) -> list[StationReading]:
    """The readings of a report, missing values left out; FrameRefused when one lies in the future.

    The time of a sum of rain or evaporation is the end of its period there; readings have the start, and the end.
    """
    return [reading for observed in report.observed for reading in _readings(observed, now)]


def _readings(observed: Observed, now: datetime | None) -> Iterator[StationReading]:
    element = elements().get(observed.element)
    period = timedelta(minutes=element.period_min if element else 0)
    for place, value in enumerate(observed.values):
        if value is None:
            continue
        at = observed.at + timedelta(minutes=observed.step_min) * place
        demand_not_ahead(at, now, observed.station)
        yield StationReading(
            scheme=SCHEME,
            station=observed.station,
            factor=observed.element,
            statistic=element.statistic if element else "real-time",
            at=at - period,
            value=value,
            until=at if period else None,
        )
