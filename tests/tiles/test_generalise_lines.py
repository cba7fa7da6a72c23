"""Networks: what was connected stays connected at every zoom, and lengths and counts are kept."""

from collections import defaultdict

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.model.general import GeneralPlan, GeneralRow
from tiles.generalise.grid import ground_length_share, to_units
from tiles.generalise.lines import GRID_UNITS, PER_BLOCK, Lines, network

PLAN = GeneralPlan("lines", 13, class_field="class")
EAST, NORTH = 11_570_000.0, 3_640_000.0
Node = tuple[int, int]


def roads(seed: int, count: int = 60, spread_m: float = 6_000) -> Lines:
    """Lines that meet at shared junctions, some far from all others."""
    random = np.random.default_rng(seed)
    junctions = random.uniform(0, spread_m, (max(4, count // 3), 2)) + np.array([EAST, NORTH])
    shapes = []
    for _ in range(count):
        one, other = junctions[random.integers(0, len(junctions), 2)]
        bends = np.linspace(one, other, int(random.integers(2, 9))) + random.normal(0, 40, 2)
        bends[0], bends[-1] = one, other
        shapes.append(shapely.linestrings(bends))
    shapes += [
        shapely.linestrings([(EAST - 9_000, NORTH + n * 900), (EAST - 8_999, NORTH + n * 900)]) for n in range(3)
    ]
    kinds = random.choice(["main", "street"], len(shapes)).tolist()
    return Lines(np.array(shapes), kinds)


def nodes_of(shapes: np.ndarray, zoom: int) -> list[list[Node]]:
    """The grid nodes of each line."""
    paths = []
    for shape in shapes:
        xy = shapely.get_coordinates(shape)
        cells = np.floor(np.column_stack(to_units(xy[:, 0], xy[:, 1], zoom)) / GRID_UNITS).astype(int)
        paths.append([(int(a), int(b)) for a, b in cells])
    return paths


def components(paths: list[list[Node]]) -> dict[Node, Node]:
    """A representative node for every node, equal for those that are connected."""
    root: dict[Node, Node] = {}

    def find(node: Node) -> Node:
        root.setdefault(node, node)
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for path in paths:
        for other in path:
            root[find(path[0])] = find(other)
    return {node: find(node) for node in root}


def blocks_of(paths: list[list[Node]]) -> list[tuple[int, int]]:
    return sorted({(x // PER_BLOCK, y // PER_BLOCK) for path in paths for x, y in path})


def as_lines(rows: list[GeneralRow]) -> Lines:
    shapes = shapely.from_wkb([row.shape[0] for row in rows if row.shape])
    return Lines(shapes, [next(iter(row.parts or {})) for row in rows], np.array([row.sums for row in rows]))


def check_connected(before: np.ndarray, after: np.ndarray, zoom: int) -> None:
    """The components of what is drawn are the image of those before it, apart from dashes for what fell into a node."""
    snapped = components(nodes_of(before, zoom))
    drawn = components(nodes_of(after, zoom))
    groups: dict[Node, set[Node]] = defaultdict(set)
    for node, root in snapped.items():
        if node in drawn:
            groups[root].add(drawn[node])
    assert all(len(found) == 1 for found in groups.values())
    whole = {root for root in snapped.values() if sum(r == root for r in snapped.values()) > 1}
    assert whole <= set(groups)


@pytest.mark.slow
@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_network_stays_as_connected_as_it_was(seed: int) -> None:
    lines = roads(seed)
    for zoom in range(12, 5, -1):
        rows = network(lines, zoom, blocks_of(nodes_of(lines.shapes, zoom)), PLAN)
        drawn = as_lines(rows)
        check_connected(lines.shapes, drawn.shapes, zoom)
        separate = len(set(components(nodes_of(drawn.shapes, zoom)).values()))
        assert separate <= len(set(components(nodes_of(lines.shapes, zoom)).values()))
        lines = drawn


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_counts_and_lengths_are_kept(seed: int) -> None:
    lines = roads(seed)
    xy, index = shapely.get_coordinates(lines.shapes, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0).T) * ground_length_share(xy[:-1, 1])
    length = float(step[np.diff(index) == 0].sum())
    count = len(lines.shapes)
    for zoom in range(12, 3, -1):
        rows = network(lines, zoom, blocks_of(nodes_of(lines.shapes, zoom)), PLAN)
        assert sum(row.sums[0] for row in rows) == count
        assert sum(row.sums[1] for row in rows) / 10 == pytest.approx(length, abs=count)
        lines = as_lines(rows)


@given(st.integers(0, 10_000), st.integers(7, 12))
@settings(max_examples=25, deadline=None)
def test_a_block_is_the_same_alone_and_among_others(seed: int, zoom: int) -> None:
    lines = roads(seed)
    blocks = blocks_of(nodes_of(lines.shapes, zoom))
    rows = network(lines, zoom, blocks, PLAN)
    block = blocks[len(blocks) // 2]
    side = PER_BLOCK * GRID_UNITS
    touching = []
    for n, shape in enumerate(lines.shapes):
        xy = shapely.get_coordinates(shape)
        units = np.column_stack(to_units(xy[:, 0], xy[:, 1], zoom)) / side
        if (units.max(axis=0) >= block).all() and (units.min(axis=0) <= np.array(block) + 1).all():
            touching.append(n)
    some = Lines(lines.shapes[touching], [lines.kinds[n] for n in touching])
    assert network(some, zoom, [block], PLAN) == [row for row in rows if row.block == block]


def test_a_line_within_one_node_leaves_a_dash() -> None:
    line = shapely.linestrings([(EAST, NORTH), (EAST + 1, NORTH + 1)])
    lines = Lines(np.array([line]), ["main"])
    (row,) = network(lines, 8, blocks_of(nodes_of(lines.shapes, 8)), PLAN)
    assert row.shape
    assert shapely.from_wkb(row.shape[0]).length > 0
    assert row.attributes["count"] == 1


def test_a_loop_of_several_nodes_stays() -> None:
    turn = np.linspace(0, 2 * np.pi, 40)
    ring = shapely.linestrings(np.column_stack([EAST + 900 * np.cos(turn), NORTH + 900 * np.sin(turn)]))
    lines = Lines(np.array([ring]), ["main"])
    rows = network(lines, 11, blocks_of(nodes_of(lines.shapes, 11)), PLAN)
    joined = shapely.union_all(shapely.from_wkb([row.shape[0] for row in rows if row.shape]))
    assert shapely.polygonize([joined]).geoms[0].area == pytest.approx(np.pi * 900**2, rel=0.15)
