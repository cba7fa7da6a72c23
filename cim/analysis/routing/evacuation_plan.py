"""What an evacuation is asked, and its plan: who is gathered where, goes to which shelter, and by which way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cim.analysis.analysis import area_field
from cim.analysis.routing.asking import Ground, RoutingParameters
from cim.analysis.routing.assignment import Assignment
from cim.analysis.routing.clearance import Load, gate_minutes, loads
from cim.analysis.routing.graph import Joined, Way
from cim.analysis.routing.people import People
from cim.analysis.routing.shelters import Shelters
from cim.model.road_network import Floats, Ints


class EvacuationParameters(RoutingParameters):
    """Who must leave, when, how, and to which shelters."""

    area: Any = area_field()
    moment: Literal["night", "day"] = Field("night", title="时段 Time of day", description="night 夜间，day 白天")
    within_min: float = Field(
        120.0, title="行程上限 Travel at most (min)", description="更远的避难场所不采用", gt=0, le=600
    )
    within_km: float = Field(30.0, title="避难场所范围 Shelters within (km)", gt=0, le=200)
    ready_min: float = Field(
        20.0, title="准备时间 Time to get ready (min)", description="通知到出发 from the call to leaving", ge=0, le=600
    )
    gate_per_min: float = Field(
        60.0, title="入口通过能力 Gate (persons/min)", description="每处避难场所 of each shelter", gt=0, le=10_000
    )
    inside: bool = Field(
        False, title="采用范围内的避难场所 Use shelters inside the area", description="默认不采用 not used by default"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """People gathered at road nodes: the node, persons, those who need help; and who is too far off a road."""

    nodes: Ints
    persons: Ints
    mobility: Ints
    lonlat: Floats
    off_road: int
    off_mobility: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A plan: ``ways`` are those of the flows of ``found``; ``reachable`` says which origins reach a shelter at all."""

    ground: Ground
    people: People
    shelters: Shelters
    joined: Joined
    origins: Origins
    found: Assignment
    ways: Sequence[Way]
    reachable: NDArray[np.bool_]

    @property
    def served(self) -> int:
        """Persons who have a shelter."""
        return int(self.found.persons.sum())

    @property
    def mobility_served(self) -> int:
        """Those of them who need help, in proportion at each node."""
        left = self.found.unserved / np.maximum(self.origins.persons, 1)
        return int(np.rint((self.origins.mobility * (1 - left)).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """When all are in: for each shelter the last through the gate and the longest wait, in minutes; loads of roads."""

    finish_min: Floats
    wait_min: Floats
    loads: Sequence[Load]
    clearance_min: float


def timing(plan: Plan, asked: EvacuationParameters) -> Timing:
    """The times of a plan.

    All leave when they are ready and travel freely; at a gate they queue. The slowest section holds those who use it
    as long as it takes them to pass; no plan is over before the last of a way can be through its slowest section.
    """
    arrival = asked.ready_min + np.array([way.seconds / 60 for way in plan.ways], dtype=np.float64)
    finish, wait = np.zeros(len(plan.shelters.room)), np.zeros(len(plan.shelters.room))
    for shelter in np.unique(plan.found.destination).tolist():
        here = plan.found.destination == shelter
        finish[shelter], wait[shelter] = gate_minutes(arrival[here], plan.found.persons[here], asked.gate_per_min)
    edges = [[one.edge for one in way.stretches] for way in plan.ways]
    network = plan.ground.roads.network
    busy = loads(network, edges, plan.found.persons, plan.ground.profile.per_lane)
    pass_min = {load.edge: load.minutes for load in busy}
    through = [
        float(begin) + max((pass_min[edge] for edge in used), default=0.0)
        for begin, used in zip(arrival, edges, strict=True)
    ]
    return Timing(finish, wait, busy, max([*finish.tolist(), *through], default=0.0))
