"""A way in words: stretches of one road name after another, and the turn at the beginning of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from cim.analysis.routing.graph import Way, way_of
from cim.model.road_network import Floats, RoadNetwork

NAMELESS = "无名道路"
_TURNS = ((20.0, "直行"), (60.0, "稍{}转"), (150.0, "{}转"), (181.0, "调头"))


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a turn list: the turn, the road, and how far one follows it."""

    turn: str
    road: str
    length_m: float
    seconds: float
    bearing_deg: float


def steps_of(network: RoadNetwork, way: Way) -> Iterator[Step]:
    """The steps of a way, in its order."""
    before: float | None = None
    for road, some in groupby(way.stretches, key=lambda one: network.attributes.names[one.edge] or NAMELESS):
        stretches = [one for one in some if one.start != one.end]
        if not stretches:
            continue
        seconds = sum(one.seconds for one in stretches)
        part = way_of(network, stretches, seconds)
        bearing = _bearing_deg(part.line[:2])
        yield Step("出发" if before is None else _turn(bearing - before), road, part.length_m, seconds, bearing)
        before = _bearing_deg(part.line[-2:])


def _bearing_deg(two: Floats) -> float:
    """Degrees clockwise from north of a short line in longitude and latitude."""
    east = (two[1, 0] - two[0, 0]) * np.cos(np.radians(two[0, 1]))
    return float(np.degrees(np.arctan2(east, two[1, 1] - two[0, 1])) % 360)


def _turn(degrees: float) -> str:
    by = (degrees + 180) % 360 - 180
    word = next(text for limit, text in _TURNS if abs(by) < limit)
    return word.format("右" if by > 0 else "左")
