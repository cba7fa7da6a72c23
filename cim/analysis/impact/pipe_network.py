"""A network of pipes that meet at their ends, cut by valves into zones: what a break drains, what loses supply."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from cim.analysis.overlay import Floats, Shapes

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a pipe: the pipe's number and metres from its start."""

    pipe: int
    along_m: float


@dataclass(frozen=True, slots=True)
class Valve:
    """A valve on a pipe; a ``closed`` one lets nothing through already."""

    code: str
    spot: Spot
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Outage:
    """What a break does: valves to close (numbers), sections that drain and sections without supply, as lines.

    ``drained_of`` and ``dry_of`` are the pipes of the sections. ``supplied``: whether a source of the network is
    known; where none is, nothing can be said of supply. ``source_inside``: the drained zone holds a source.
    """

    valves: list[int]
    drained: Shapes
    drained_of: Ints
    dry: Shapes
    dry_of: Ints
    supplied: bool
    source_inside: bool


def joined_ends(pipes: Shapes, within_m: float) -> Ints:
    """The number of the node at the start and at the end of each pipe, shape (pipes, 2)."""
    ends = np.concatenate([shapely.get_point(pipes, 0), shapely.get_point(pipes, -1)])
    one, other = shapely.STRtree(ends).query(ends, predicate="dwithin", distance=within_m)
    _, node = _components(len(ends), one, other)
    return np.column_stack([node[: len(pipes)], node[len(pipes) :]])


def outage(
    pipes: Shapes, valves: Sequence[Valve], sources: Sequence[Spot], at: Spot, *, within_m: float = 0.5
) -> Outage:
    """What a break at a spot drains when the nearest valves are closed, and what is then cut off from all sources."""
    cuts = _cuts(len(pipes), valves)
    first = np.concatenate([[0], np.cumsum([len(some) + 1 for some in cuts])])
    ends = joined_ends(pipes, within_m)
    sections, nodes = int(first[-1]), int(ends.max()) + 1
    _, label = _components(
        sections + nodes,
        np.concatenate([first[:-1], first[1:] - 1]),
        np.concatenate([ends[:, 0], ends[:, 1]]) + sections,
    )
    zone = label[:sections]
    order = {(pipe, number): rank for pipe, some in enumerate(cuts) for rank, number in enumerate(some)}
    sides = np.array(
        [
            (zone[first[valve.spot.pipe] + order[(valve.spot.pipe, k)] + side])
            for k, valve in enumerate(valves)
            for side in (0, 1)
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    open_ = np.array([not valve.closed for valve in valves], dtype=bool)

    def zone_at(spot: Spot) -> int:
        passed = sum(valves[number].spot.along_m <= spot.along_m for number in cuts[spot.pipe])
        return int(zone[first[spot.pipe] + passed])

    broken, fed = zone_at(at), np.array([zone_at(source) for source in sources], dtype=np.int64)
    bounding = np.flatnonzero(open_ & ((sides == broken).sum(axis=1) == 1))
    zones = int(label.max()) + 1
    _, before = _components(zones, *sides[open_].T)
    kept = open_ & (sides != broken).all(axis=1)
    _, after = _components(zones, *sides[kept].T)
    network = before == before[broken]
    supplied = bool(network[fed].any())
    alive = np.isin(after, after[fed[fed != broken]])
    dry = network & ~alive & (np.arange(zones) != broken) & supplied
    lines = _lines(pipes, valves, cuts)
    of = np.repeat(np.arange(len(pipes)), np.diff(first))
    long = shapely.length(lines) > 0
    drains, dries = (zone == broken) & long, dry[zone] & long
    return Outage(
        bounding.tolist(), lines[drains], of[drains], lines[dries], of[dries], supplied, bool((fed == broken).any())
    )


def _components(count: int, one: Ints, other: Ints) -> tuple[int, Ints]:
    graph = sparse.coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    found, label = csgraph.connected_components(graph.tocsr(), directed=False)
    return int(found), np.asarray(label, dtype=np.int64)


def _cuts(count: int, valves: Sequence[Valve]) -> list[list[int]]:
    """The valves of each pipe in their order from its start."""
    found: list[list[int]] = [[] for _ in range(count)]
    for number, valve in enumerate(valves):
        found[valve.spot.pipe].append(number)
    return [sorted(some, key=lambda number: valves[number].spot.along_m) for some in found]


def _lines(pipes: Shapes, valves: Sequence[Valve], cuts: Sequence[Sequence[int]]) -> Shapes:
    """The line of each section, in the order of pipes and of sections in them."""
    out: list[shapely.Geometry] = []
    for pipe, some in zip(pipes, cuts, strict=True):
        bounds = [0.0, *(valves[number].spot.along_m for number in some), float(shapely.length(pipe))]
        out += [_part(pipe, begin, end) for begin, end in pairwise(bounds)]
    return np.array(out, dtype=object)


def _part(line: shapely.Geometry, begin_m: float, end_m: float) -> shapely.Geometry:
    corners: Floats = shapely.get_coordinates(line)
    away = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    inner = (away > begin_m) & (away < end_m)
    ends = shapely.get_coordinates(shapely.line_interpolate_point([line, line], [begin_m, end_m]))
    return shapely.LineString(np.vstack([ends[:1], corners[inner], ends[1:]]))
