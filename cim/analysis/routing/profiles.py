"""How cars, fire engines and people on foot move over roads: speeds, one-ways, water they pass; data in a TOML file."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from cim.model.road_network import Floats, RoadAttributes, RoadNetwork

ProfileName = Literal["car", "fire", "foot"]
NEVER = -1.0
"""The seconds of a direction in which an edge cannot be used, as pgRouting has it."""
_DATA = Path(__file__).with_suffix(".toml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """A text in Chinese and English."""

    zh: str
    en: str


class Profile(_Strict):
    """One kind of traffic.

    Its speed is that of the road times ``factor``, or always ``fixed_kmh``; at most ``most_kmh``. Water deeper than
    ``water_m`` stops it. ``per_lane`` persons a minute pass over a lane. Classes in ``forbidden`` are closed to it.
    """

    title: Words
    factor: float = 1.0
    fixed_kmh: float | None = None
    most_kmh: float
    oneways: bool
    water_m: float
    per_lane: float
    forbidden: tuple[str, ...]


class _Other(_Strict):
    speed_kmh: float


class _Profiles(_Strict):
    class_speed_kmh: Mapping[str, float]
    other: _Other
    car: Profile
    fire: Profile
    foot: Profile


@lru_cache(maxsize=1)
def _profiles() -> _Profiles:
    return _Profiles.model_validate(tomllib.loads(_DATA.read_text("utf-8")))


def the_profile(name: ProfileName) -> Profile:
    """A profile by name."""
    found: Profile = getattr(_profiles(), name)
    return found


def speeds_kmh(attributes: RoadAttributes) -> Floats:
    """The speed of each road: its own, else that of its class."""
    data = _profiles()
    by_class = np.array([data.class_speed_kmh.get(name, data.other.speed_kmh) for name in attributes.classes])
    return np.where(attributes.speed_kmh > 0, attributes.speed_kmh, by_class)


def seconds(network: RoadNetwork, profile: Profile) -> tuple[Floats, Floats]:
    """Seconds along and against each edge; ``NEVER`` where the profile may not go."""
    if profile.fixed_kmh is not None:
        speed = np.full(len(network), profile.fixed_kmh)
    else:
        speed = np.minimum(speeds_kmh(network.attributes) * profile.factor, profile.most_kmh)
    spent = network.length_m / (speed / 3.6)
    barred = np.isin(np.array(network.attributes.classes, dtype=str), profile.forbidden)
    oneway = network.attributes.oneway if profile.oneways else np.zeros(len(network), dtype=np.int64)
    return np.where(barred | (oneway < 0), NEVER, spent), np.where(barred | (oneway > 0), NEVER, spent)
