"""A network of lines on a grid: vertices snapped, equal edges merged by class, edges joined to chains.

Snapping maps every vertex to its cell of a global grid, so lines that met still meet; nothing is dropped but what
falls into one cell, and a class that would leave no trace in its block keeps a dash there. An edge belongs to the block
of its first node. A chain is thinned only between nodes: ends, junctions, places where classes differ, and nodes of
other blocks. All that is decided about a block follows from what touches it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.general import TENTHS, GeneralPlan, GeneralRow
from tiles.generalise.grid import BLOCK_UNITS, Integers, encoded, ground_length_share, shapes_from_units, to_units
from tiles.generalise.sums import Sums

GRID_UNITS = 8
PER_BLOCK = BLOCK_UNITS // GRID_UNITS
TOLERANCE_CELLS = 0.75
"""How far a chain may leave its nodes' true way when it is thinned."""
Node = tuple[int, int]
Edge = tuple[Node, Node]
Block = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in Web Mercator metres with their class and sums; of features (``fine``) or of a finer zoom's chains.

    Sums of features are worked out here from their segments; those of chains are handed on.
    """

    shapes: NDArray[Any]
    kinds: list[str]
    sums: Integers | None = None


@dataclass(slots=True)
class _Network:
    """Edges with their sums by class, sums of what fell into one node, and the classes around every node."""

    edges: dict[str, dict[Edge, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    fallen: dict[str, dict[Node, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    around: dict[Node, dict[str, set[Node]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))


def network(lines: Lines, zoom: int, blocks: Iterable[Block], plan: GeneralPlan) -> list[GeneralRow]:
    """The rows of some blocks."""
    whole = _snapped(lines, zoom)
    wanted = set(blocks)
    rows: list[tuple[Block, str, list[Node], list[int]]] = []
    for kind in sorted({*whole.edges, *whole.fallen}):
        owned: dict[Block, dict[Edge, list[int]]] = defaultdict(dict)
        for edge, sums in whole.edges[kind].items():
            owned[_block(edge[0])][edge] = sums
        left: dict[Block, list[tuple[Node, list[int]]]] = defaultdict(list)
        for node, sums in whole.fallen[kind].items():
            left[_block(node)].append((node, sums))
        for block in sorted(wanted & {*owned, *left}):
            chains = _chains(owned[block], whole.around, block)
            if not chains:
                node = min(left[block])[0]
                chains = [([node, _beside(node)], [0] * len(left[block][0][1]))]
            for _, sums in left[block]:
                _add(chains[0][1], sums)
            rows += [(block, kind, nodes, sums) for nodes, sums in chains]
    return _as_rows(rows, zoom, plan)


def _snapped(lines: Lines, zoom: int) -> _Network:
    """Every segment of the lines on the grid."""
    found = _Network()
    for kind, path, measured in _segments(lines, zoom):
        for (one, other), sums in zip(pairwise(path), measured, strict=True):
            if one == other:
                _put(found.fallen[kind], one, sums)
                continue
            _put(found.edges[kind], (min(one, other), max(one, other)), sums)
            found.around[one][kind].add(other)
            found.around[other][kind].add(one)
    return found


def _segments(lines: Lines, zoom: int) -> Iterator[tuple[str, list[Node], list[list[int]]]]:
    """Each simple line: its class, its nodes, and the sums of its segments (count on the first, then the length)."""
    parts, owner = shapely.get_parts(lines.shapes, return_index=True)
    xy, index = shapely.get_coordinates(parts, return_index=True)
    east, south = to_units(xy[:, 0], xy[:, 1], zoom)
    cells = np.column_stack([np.floor(east / GRID_UNITS), np.floor(south / GRID_UNITS)]).astype(np.int64)
    share = ground_length_share(xy[:, 1])
    bounds = np.flatnonzero(np.diff(index, prepend=-1, append=index[-1] + 1 if len(index) else 0))
    first = -1
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        number = int(owner[index[start]])
        step = np.hypot(*(xy[start + 1 : end] - xy[start : end - 1]).T) * share[start : end - 1]
        begins = number != first
        first = number
        if lines.sums is None:
            lengths = np.diff(np.rint(np.cumsum(step) * TENTHS).astype(np.int64), prepend=0)
            count = int(begins)
        else:
            length = int(lines.sums[number, 1])
            lengths = np.diff(np.rint(np.cumsum(step) / max(step.sum(), 1e-9) * length).astype(np.int64), prepend=0)
            count = int(lines.sums[number, 0])
        measured = [[count if n == 0 else 0, value] for n, value in enumerate(lengths.tolist())]
        yield lines.kinds[number], [(a, b) for a, b in cells[start:end].tolist()], measured


def _put(into: dict[Any, list[int]], key: object, sums: list[int]) -> None:
    if key in into:
        _add(into[key], sums)
    else:
        into[key] = list(sums)


def _add(total: list[int], more: list[int]) -> None:
    for n, value in enumerate(more):
        total[n] += value


def _block(node: Node) -> Block:
    return node[0] // PER_BLOCK, node[1] // PER_BLOCK


def _beside(node: Node) -> Node:
    """The next node to the east, or to the west at the block's edge."""
    return (node[0] + (1 if (node[0] + 1) % PER_BLOCK else -1), node[1])


def _chains(
    edges: dict[Edge, list[int]], around: dict[Node, dict[str, set[Node]]], block: Block
) -> list[tuple[list[Node], list[int]]]:
    """Edges of one class in one block joined to chains, in an order that follows from the edges alone."""
    beside: dict[Node, set[Node]] = defaultdict(set)
    for one, other in edges:
        beside[one].add(other)
        beside[other].add(one)
    nodes = {node for node in beside if _is_node(node, around, block)}
    left = dict.fromkeys(sorted(edges))
    chains = []
    for edge in sorted(edges, key=lambda e: (e[0] not in nodes and e[1] not in nodes, e)):
        if edge not in left:
            continue
        start, following = edge if edge[0] in nodes or edge[1] not in nodes else (edge[1], edge[0])
        path = [start, following]
        sums = list(edges[edge])
        del left[edge]
        while path[-1] not in nodes and path[-1] != start:
            after = [n for n in beside[path[-1]] if n != path[-2]]
            step = (min(path[-1], after[0]), max(path[-1], after[0])) if after else None
            if step is None or step not in left:
                break
            path.append(after[0])
            _add(sums, edges[step])
            del left[step]
        chains.append((path, sums))
    return chains


def _is_node(node: Node, around: dict[Node, dict[str, set[Node]]], block: Block) -> bool:
    """Whether a chain must keep this node: it is no mere bend, or another block decides about it too."""
    if _block(node) != block:
        return True
    neighbours = list(around[node].values())
    return len(neighbours[0]) != 2 or any(n != neighbours[0] for n in neighbours[1:])


def _as_rows(chains: list[tuple[Block, str, list[Node], list[int]]], zoom: int, plan: GeneralPlan) -> list[GeneralRow]:
    if not chains:
        return []
    paths = [(np.array(nodes, dtype=float) + 0.5) for _, _, nodes, _ in chains]
    index = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
    lines = shapely.simplify(shapely.linestrings(np.concatenate(paths), indices=index), TOLERANCE_CELLS)
    scaled = shapely.transform(lines, lambda xy: xy * GRID_UNITS)
    shapes = shapes_from_units(scaled, zoom)
    homes = shapes_from_units(
        shapely.points([[(v + 0.5) * GRID_UNITS for v in _home(nodes, block)] for block, _, nodes, _ in chains]), zoom
    )
    places = shapely.get_coordinates(homes).tolist()
    return [
        GeneralRow(
            block=block,
            home=(place[0], place[1]),
            wide=True,
            sums=tuple(sums),
            attributes={**plan.class_attributes(kind), **Sums(plan).attributes(sums)},
            parts={kind: sums[0]},
            shape=code,
        )
        for (block, kind, _, sums), place, code in zip(chains, places, encoded(shapes), strict=True)
    ]


def _home(nodes: list[Node], block: Block) -> Node:
    """The first node of a chain that lies in its block."""
    return next(node for node in nodes if _block(node) == block)
