"""The generic objects that carry a city's many systems as data.

A theme of the city (street lamps, citizen cases, indicators, projects, buses) is rows of these types, not new code.
Coordinates are longitude, latitude in degrees of CGCS2000 (EPSG:4490) as GeoJSON geometry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Properties = Mapping[str, Any]
GeoJson = Mapping[str, Any]


class RegionLevel(StrEnum):
    """Levels of administration and of grid management, from the whole to the cell."""

    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"
    GRID = "grid"


@dataclass(frozen=True, slots=True)
class Region:
    """A county, town or street, village or community, or management grid cell, by its administrative code."""

    code: str
    level: RegionLevel
    name: str
    parent_code: str | None
    geometry: GeoJson | None = None


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing the city owns and keeps: a pole with its devices, a bridge, a manhole; ``parent`` is another code."""

    code: str
    kind: str
    name: str
    parent: str | None = None
    region_code: str | None = None
    geometry: GeoJson | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a place and must be dealt with: a citizen's case, an alarm, a patrol finding."""

    code: str
    kind: str
    title: str
    state: str
    happened_at: datetime
    deadline_at: datetime | None = None
    region_code: str | None = None
    geometry: GeoJson | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A measured figure of the city: its formula, unit, sources and thresholds."""

    code: str
    name: str
    unit: str
    formula: str
    source: str
    source_version: int | None = None
    warn_below: float | None = None
    warn_above: float | None = None


@dataclass(frozen=True, slots=True)
class IndicatorValue:
    """One value of an indicator for a region and a time."""

    indicator: str
    region_code: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Project:
    """A construction or land project through its permit stages, tied to parcels and models by their codes."""

    code: str
    name: str
    stage: str
    region_code: str | None = None
    geometry: GeoJson | None = None
    parcels: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MovingObject:
    """A vehicle, vessel or team whose positions form a track."""

    code: str
    kind: str
    name: str
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One position of a moving object. ``heading_deg`` is clockwise from north; ``speed_m_s`` in metres a second."""

    object_code: str
    at: datetime
    lon: float
    lat: float
    heading_deg: float | None = None
    speed_m_s: float | None = None
