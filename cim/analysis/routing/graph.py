"""The graph a question is asked of: open edges, cut where places are joined to them, and ways traced back on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.redline import LONLAT_SRID, moved
from cim.model.road_network import Floats, Ints, RoadNetwork
from cim.store.road_network import CostedEdges, Path

NOWHERE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Roads:
    """The network for one kind of traffic: seconds along and against each edge, and which edges may be used."""

    network: RoadNetwork
    along_s: Floats
    against_s: Floats
    open: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Places joined to the nearest open edges: the edge (``NOWHERE``: too far), the share of it, metres off it."""

    lonlat: Floats
    edge: Ints
    share: Floats
    off_m: Floats
    foot: Floats

    @property
    def on_road(self) -> NDArray[np.bool_]:
        """Which places are near enough to a road."""
        return np.asarray(self.edge != NOWHERE)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Open edges, cut at joined places; place k is node ``stop(k)``.

    Each edge is the part from ``begin`` to ``end`` (shares) of the edge ``of`` of the network.
    """

    roads: Roads
    edges: CostedEdges
    of: Ints
    begin: Floats
    end: Floats

    def stop(self, place: int) -> int:
        """The node of a joined place."""
        return self.roads.network.nodes + place


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an edge as it is travelled, from one share of it to another."""

    edge: int
    start: float
    end: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way in the order it is travelled: stretches, its line in longitude and latitude, metres and seconds."""

    stretches: Sequence[Stretch]
    line: Floats
    length_m: float
    seconds: float


def join(roads: Roads, lonlat: Floats, limit_m: float) -> Joined:
    """Join places, n by 2 in longitude and latitude, to the nearest points of open edges within ``limit_m``."""
    network, usable = roads.network, np.flatnonzero(roads.open)
    points = moved(np.asarray(shapely.points(lonlat), dtype=object), LONLAT_SRID, network.srid)
    edge = np.full(len(points), NOWHERE, dtype=np.int64)
    share, off_m, foot = np.zeros(len(points)), np.full(len(points), np.inf), lonlat.copy()
    if not len(points) or not len(usable):
        return Joined(lonlat, edge, share, off_m, foot)
    tree = network.tree if len(usable) == len(network) else shapely.STRtree(network.lines[usable])
    (asked, found), distance = tree.query_nearest(points, return_distance=True, all_matches=False)
    off_m[asked] = distance
    lines = network.lines[usable[found]]
    share[asked] = np.clip(shapely.line_locate_point(lines, points[asked], normalized=True), 0.0, 1.0)
    near = distance <= limit_m
    edge[asked[near]] = usable[found[near]]
    at = shapely.line_interpolate_point(lines, share[asked], normalized=True)
    foot[asked] = shapely.get_coordinates(moved(at, network.srid, LONLAT_SRID))
    return Joined(lonlat, edge, share, off_m, foot)


def cut(roads: Roads, joined: Joined) -> Graph:
    """The graph of open edges, those with places on them cut there."""
    network = roads.network
    hit = np.zeros(len(network), dtype=bool)
    hit[joined.edge[joined.on_road]] = True
    whole = np.flatnonzero(roads.open & ~hit)
    of, begin, end = [whole], [np.zeros(len(whole))], [np.ones(len(whole))]
    source, target = [network.source[whole]], [network.target[whole]]
    order = np.lexsort((joined.share, joined.edge))
    order = order[joined.on_road[order]]
    for stops in np.split(order, np.flatnonzero(np.diff(joined.edge[order])) + 1) if len(order) else []:
        edge = int(joined.edge[stops[0]])
        shares = np.concatenate([[0.0], joined.share[stops], [1.0]])
        nodes = np.concatenate([[network.source[edge]], network.nodes + stops, [network.target[edge]]])
        of.append(np.full(len(shares) - 1, edge))
        begin.append(shares[:-1])
        end.append(shares[1:])
        source.append(nodes[:-1])
        target.append(nodes[1:])
    edge_of, low, high = np.concatenate(of), np.concatenate(begin), np.concatenate(end)
    costs = (
        np.where(cost < 0, cost, cost * (high - low)) for cost in (roads.along_s[edge_of], roads.against_s[edge_of])
    )
    edges = CostedEdges(np.concatenate(source), np.concatenate(target), *costs)
    return Graph(roads, edges, edge_of, low, high)


def traced(graph: Graph, path: Path, *, backwards: bool = False) -> Way:
    """A path of pgRouting as a way; ``backwards`` where it was looked for in the reversed graph."""
    entered = graph.edges.target if backwards else graph.edges.source
    stretches = []
    for node, edge in zip(path.nodes.tolist(), path.edges.tolist(), strict=True):
        along = int(entered[edge]) == node
        ends = (float(graph.begin[edge]), float(graph.end[edge]))
        cost = graph.edges.cost_s if along else graph.edges.reverse_cost_s
        stretches.append(Stretch(int(graph.of[edge]), *(ends if along else ends[::-1]), float(cost[edge])))
    return way_of(graph.roads.network, stretches[::-1] if backwards else stretches, path.cost_s)


def way_of(network: RoadNetwork, stretches: Sequence[Stretch], seconds: float) -> Way:
    """The way over stretches that follow each other."""
    lines = [network.stretch(one.edge, one.start, one.end) for one in stretches]
    line = np.concatenate(lines) if lines else np.zeros((0, 2))
    fresh = np.concatenate([[True], np.any(np.diff(line, axis=0) != 0, axis=1)]) if len(line) else np.zeros(0, bool)
    length_m = sum(abs(one.end - one.start) * float(network.length_m[one.edge]) for one in stretches)
    return Way(stretches, line[fresh], float(length_m), seconds)
