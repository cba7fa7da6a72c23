"""A scenario 情景: a named set of added, changed and removed features over layers as they are published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cim.model.collection import VersionChange


@dataclass(frozen=True, slots=True)
class ScenarioLayer:
    """What a scenario does to one layer.

    ``version`` is the version it stands on, ``None`` for whichever is current. ``revision`` counts its fillings, for
    cache keys: two answers of one revision over one version are equal.
    """

    layer: str
    version: int | None
    revision: int
    change: VersionChange
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario and its layers by id. Its own ``id`` is the number tables are named by."""

    id: int
    name: str
    author: str
    created_at: datetime
    layers: Mapping[str, ScenarioLayer]
