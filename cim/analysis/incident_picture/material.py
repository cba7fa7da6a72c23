"""Everything the picture is made of, read from one state of the data."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from cim.analysis.context import Context
from cim.analysis.incident_picture.facilities import FIRMS, KINDS, Found, all_facilities, facilities
from cim.analysis.incident_picture.ground import COUNTY, LAND, PLAN, TOWNS, VILLAGES, Ground, ground_of
from cim.analysis.incident_picture.models import ModelInside, models_inside
from cim.analysis.incident_picture.networks import NETWORKS, Measured, networks
from cim.analysis.incident_picture.parameters import DAY, PictureParameters, time_of_day
from cim.analysis.incident_picture.people import BUILDINGS, NEAR_M, POPULATION, People, people_of
from cim.analysis.incident_picture.reader import Lack, Reader, reader_of
from cim.analysis.incident_picture.sensing import Devices, Watching, alarms_inside, cameras_watching, devices_inside
from cim.analysis.incident_picture.warned import warnings_over
from cim.analysis.incident_picture.zones import Zones, zones_of
from cim.analysis.visibility.records import CAMERAS
from cim.model.alarms import Alarm
from cim.model.analysis import SourceEdition
from cim.model.warning_course import HeldWarning

LAYERS = (
    *(BUILDINGS, POPULATION, FIRMS.layer, COUNTY, TOWNS, VILLAGES, LAND, PLAN, CAMERAS, "dem"),
    *(kind.layer for kind in KINDS),
    *(network.layer for network in NETWORKS),
)


@dataclass(frozen=True, slots=True)
class Material:
    """What was found. ``twice`` is how many may be counted at home and at work in the same building by day, at most."""

    zones: Zones
    by_day: bool
    people: People
    firms: Found
    facilities: Sequence[Found]
    networks: Sequence[Measured]
    models: Sequence[ModelInside]
    devices: Devices
    alarms: Sequence[tuple[Alarm, int, float]]
    warnings: Sequence[tuple[HeldWarning, int]]
    cameras: Watching
    ground: Ground
    twice: float
    lacks: Sequence[Lack] = field(default_factory=list)
    sources: Sequence[SourceEdition] = field(default_factory=list)

    def of(self, layer: str) -> Found:
        """The facilities of a layer."""
        return next(one for one in (*self.facilities, self.firms) if one.kind.layer == layer)

    def measured(self, layer: str) -> Measured:
        """What was measured of a network."""
        return next(one for one in self.networks if one.network.layer == layer)


async def gather(asked: PictureParameters, context: Context) -> Material:
    """Read everything in and around the zones."""
    zones = await zones_of(asked, context)
    by_day = time_of_day(asked.time) == DAY
    async with reader_of(context, zones, asked, LAYERS) as reader:
        ground = await ground_of(reader)
        people = await people_of(reader)
        context.progress(40, "人口已统计")
        firms = await facilities(reader, FIRMS, 0)
        found = Material(
            zones=zones,
            by_day=by_day,
            people=people,
            firms=firms,
            facilities=await all_facilities(reader, asked.nearest),
            networks=await networks(reader),
            models=await models_inside(reader),
            devices=await devices_inside(reader),
            alarms=await alarms_inside(reader),
            warnings=await warnings_over(reader),
            cameras=await cameras_watching(reader),
            ground=ground,
            twice=await _twice(reader, firms) if by_day and not people.reason else 0.0,
        )
        return replace(found, lacks=list(reader.lacks.values()), sources=list(reader.sources.values()))


async def _twice(reader: Reader, firms: Found) -> float:
    """How many people may be counted both at home and at work: of each building the lesser of the two."""
    employees: dict[str, float] = {}
    for code, count, inside in zip(
        firms.features.columns["building_code"], firms.features.columns["employees"], firms.inside, strict=False
    ):
        if inside and code and count:
            employees[str(code)] = employees.get(str(code), 0.0) + float(count)
    if not employees:
        return 0.0
    among = sa.column("building_code") == sa.func.any(sa.literal(list(employees), ARRAY(sa.Text)))
    fields = ("building_code", "day_persons")
    homes = await reader.near(POPULATION, fields, NEAR_M, (among,))
    at_home: dict[str, float] = {}
    for code, count in zip(*(homes.columns[name] for name in fields), strict=True):
        at_home[str(code)] = at_home.get(str(code), 0.0) + float(count or 0)
    return sum(min(count, employees[code]) for code, count in at_home.items())
