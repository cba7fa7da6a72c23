"""What the picture of an incident is asked for."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, field_validator

from cim.analysis.analysis import Parameters, area_field
from cim.analysis.place import place_field
from cim.model.sensing import BEIJING

DAY, NIGHT = "day", "night"
FROM_HOUR, TO_HOUR, WORKDAYS = 8, 18, 5
MOST_RADIUS_M, MOST_RINGS = 20_000.0, 6
Radius = Annotated[float, Field(ge=10, le=MOST_RADIUS_M, allow_inf_nan=False)]


class PictureParameters(Parameters):
    """The place with its rings, or the area; the time of day; the state of the data."""

    place: Any = place_field(default=None)
    radii_m: list[Radius] = Field(
        default=[500.0, 1000.0, 3000.0],
        title="圈层半径（米） Rings",
        description="由内到外的半径 radii around the place, in metres",
        min_length=1,
        max_length=MOST_RINGS,
    )
    area: Any = area_field(default=None)
    time: str = Field(
        default=NIGHT,
        title="时段 Time of day",
        description="day 白天、night 夜间，或带时区的时刻 day, night, or a moment with zone that decides",
    )
    nearest: int = Field(
        default=3,
        title="圈外最近 Nearest outside",
        description="圈外每类最近的几处也列出 how many of each kind are listed outside the rings too",
        ge=0,
        le=20,
    )
    datetime: AwareDatetime | None = Field(
        default=None, title="数据时点 Data as of", description="带时区的时刻 the layers as they were published then"
    )
    scenario: str | None = Field(
        default=None, title="情景 Scenario", description="layers as under this scenario", max_length=200
    )
    data_versions: dict[str, int] = Field(
        default_factory=dict, title="数据版本 Data versions", description="layer to version: the picture as it was"
    )

    @field_validator("time")
    @classmethod
    def _readable(cls, given: str) -> str:
        time_of_day(given)
        return given

    @field_validator("radii_m")
    @classmethod
    def _ordered(cls, given: list[float]) -> list[float]:
        return sorted(set(given))


def time_of_day(given: str) -> str:
    """Day or night; a moment is day from 8 to 18 o'clock Beijing time, Monday to Friday.

    ValueError where it is neither a word nor a moment with zone.
    """
    if given in (DAY, NIGHT):
        return given
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError(
            f"{given[:40]!r} is neither day, night nor a moment such as 2026-07-01T14:30:00+08:00"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"{given[:40]!r} has no zone: write +08:00 after it")
    local = moment.astimezone(BEIJING)
    working = local.weekday() < WORKDAYS and timedelta(hours=FROM_HOUR) <= _since_midnight(local)
    return DAY if working and _since_midnight(local) < timedelta(hours=TO_HOUR) else NIGHT


def _since_midnight(moment: datetime) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
