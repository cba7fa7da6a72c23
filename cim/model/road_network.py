"""A network of roads as arrays: edges from node to node, with length, direction and speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = np.ndarray[Any, np.dtype[np.object_]]
SNAP_M = 1.0
"""Ends that are no farther apart are one node, where the layer does not number its nodes."""
_GEOD = pyproj.Geod(ellps="GRS80")


@dataclass(frozen=True, slots=True)
class RoadAttributes:
    """What roads say of themselves, a value each: None or 0 where the layer has or shows none.

    ``oneway`` is 1 along the line, -1 against it; the nodes are the layer's own numbers.
    """

    names: Sequence[str]
    classes: Sequence[str]
    oneway: Ints
    speed_kmh: Floats
    lanes: Ints
    nodes: Sequence[tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True, eq=False)
class RoadNetwork:
    """Roads, the edges of a graph.

    ``lines`` are in the plane system ``srid`` in metres (``tree`` finds them by place), ``lonlat`` their corners, those
    of edge k from ``first[k]`` to before ``first[k + 1]``; ``along`` is the share of its edge at which each corner
    lies. ``source`` and ``target`` are numbers of nodes from 0 to before ``nodes``; ``length_m`` is geodesic.
    """

    srid: int
    lines: Shapes
    lonlat: Floats
    first: Ints
    along: Floats
    source: Ints
    target: Ints
    nodes: int
    length_m: Floats
    attributes: RoadAttributes
    tree: shapely.STRtree

    def __len__(self) -> int:
        return len(self.lines)

    def stretch(self, edge: int, start: float, end: float) -> Floats:
        """The corners of a part of an edge between two shares of it; backwards where ``end`` is less than ``start``."""
        own = slice(int(self.first[edge]), int(self.first[edge + 1]))
        along, corners = self.along[own], self.lonlat[own]
        if (start, end) == (0.0, 1.0):
            return corners
        low, high = min(start, end), max(start, end)
        inside = along[(along > low) & (along < high)]
        at = np.concatenate([[low], inside, [high]])
        found = np.column_stack([np.interp(at, along, corners[:, 0]), np.interp(at, along, corners[:, 1])])
        return found if start <= end else found[::-1]


def road_network(lines: Shapes, degrees: Shapes, srid: int, attributes: RoadAttributes) -> RoadNetwork:
    """The network of single lines, given in metres and in longitude and latitude, and what they say of themselves."""
    lonlat, edge = shapely.get_coordinates(degrees, return_index=True)
    first = np.searchsorted(edge, np.arange(len(lines) + 1))
    source, target, nodes = _nodes(lines, attributes.nodes)
    metres = shapely.get_coordinates(lines)
    steps_m = np.hypot(*np.diff(metres, axis=0).T) if len(metres) else np.zeros(0)
    geodesic_m = _GEOD.inv(*lonlat[:-1].T, *lonlat[1:].T)[2] if len(lonlat) else np.zeros(0)
    inside = edge[1:] == edge[:-1]
    length_m = np.bincount(edge[:-1][inside], geodesic_m[inside], minlength=len(lines)).astype(np.float64)
    along, tree = _along(steps_m * inside, first), shapely.STRtree(lines)
    return RoadNetwork(srid, lines, lonlat, first, along, source, target, nodes, length_m, attributes, tree)


def _along(steps_m: Floats, first: Ints) -> Floats:
    """The share of its line at which each corner lies; of a line without length the ends are 0 and 1."""
    if len(first) < 2:
        return np.zeros(0)
    passed = np.concatenate([[0.0], np.cumsum(steps_m)])
    counts = np.diff(first)
    begin, end = np.repeat(passed[first[:-1]], counts), np.repeat(passed[first[1:] - 1], counts)
    found = np.divide(passed - begin, end - begin, out=np.zeros_like(passed), where=end > begin)
    found[first[1:] - 1] = 1.0
    return np.asarray(found, dtype=np.float64)


def _nodes(lines: Shapes, numbers: Sequence[tuple[int | None, int | None]]) -> tuple[Ints, Ints, int]:
    """The nodes at both ends of each line: those the layer numbers, else ends that lie together."""
    known = np.array([value for pair in numbers for value in pair], dtype=object)
    numbered = np.array([value is not None for value in known], dtype=bool)
    if numbered.all():
        _, labels = np.unique(known.astype(np.int64), return_inverse=True)
    else:
        labels = _joined(shapely.get_point(np.repeat(lines, 2), np.tile([0, -1], len(lines))), known, numbered)
    return labels[::2].astype(np.int64), labels[1::2].astype(np.int64), int(labels.max(initial=-1)) + 1


def _joined(ends: Shapes, known: np.ndarray[Any, np.dtype[np.object_]], numbered: NDArray[np.bool_]) -> Ints:
    """Labels of ends: those of one number are joined, and those within ``SNAP_M`` of an end that has no number."""
    one, other = shapely.STRtree(ends).query(ends, predicate="dwithin", distance=SNAP_M)
    loose = ~numbered[one] | ~numbered[other]
    of_number, at = np.unique(known[numbered].astype(np.int64), return_inverse=True)
    hubs = len(ends) + at
    rows = np.concatenate([one[loose], np.flatnonzero(numbered)])
    columns = np.concatenate([other[loose], hubs])
    size = len(ends) + len(of_number)
    _, labels = connected_components(coo_array((np.ones(len(rows)), (rows, columns)), shape=(size, size)), False)
    return np.asarray(np.unique(labels[: len(ends)], return_inverse=True)[1], dtype=np.int64)
