"""How long it takes until all are in: travel, the roads that many use, and the queue at each shelter's gate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cim.model.road_network import Floats, Ints, RoadNetwork


@dataclass(frozen=True, slots=True)
class Load:
    """A road section that many use: persons over it, and minutes that they need to pass it."""

    edge: int
    persons: int
    minutes: float


def gate_minutes(arrival_min: Floats, persons: Ints, per_minute: float) -> tuple[float, float]:
    """When the last person is through a gate, and the longest wait before it, in minutes.

    Groups come whole at their minute and pass in the order they come, ``per_minute`` persons a minute.
    """
    free, longest = 0.0, 0.0
    for place in np.argsort(arrival_min, kind="stable").tolist():
        begin = max(free, float(arrival_min[place]))
        free = begin + float(persons[place]) / per_minute
        longest = max(longest, free - float(arrival_min[place]))
    return free, longest


def loads(network: RoadNetwork, ways: Sequence[Sequence[int]], persons: Ints, per_lane: float) -> list[Load]:
    """The sections that ways (lists of edges) use, the slowest to pass first; ``per_lane`` persons a minute."""
    total = np.zeros(len(network))
    for edges, number in zip(ways, persons.tolist(), strict=True):
        total[np.unique(np.array(edges, dtype=np.int64))] += number
    lanes = np.maximum(network.attributes.lanes, 1)
    minutes = total / (lanes * per_lane)
    used = np.flatnonzero(total > 0)
    order = used[np.argsort(-minutes[used], kind="stable")]
    return [Load(edge, int(total[edge]), float(minutes[edge])) for edge in order.tolist()]
