"""Building footprints: blocks filled by their use, farm clusters, houses along roads; none in a road or in water."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.field import Floats
from data_samples.place import TOWNS
from data_samples.plane import Geometries, from_km, snapped
from data_samples.rivers import front_distance
from data_samples.roads import WIDTH_M, Ints, Roads
from data_samples.settlement import Blocks, Clusters

PATTERNS = {
    "residential": (44.0, 13.0, 10.0, 19.0),
    "old_town": (13.0, 11.0, 2.0, 7.0),
    "commercial": (30.0, 22.0, 9.0, 14.0),
    "office": (46.0, 17.0, 18.0, 24.0),
    "industrial": (62.0, 34.0, 16.0, 16.0),
    "warehouse": (78.0, 30.0, 16.0, 22.0),
    "education": (52.0, 14.0, 16.0, 26.0),
    "medical": (44.0, 18.0, 16.0, 20.0),
    "utility": (24.0, 16.0, 20.0, 22.0),
    "park": (11.0, 8.0, 70.0, 90.0),
    "vacant": (11.0, 9.0, 60.0, 55.0),
}
"""Width, depth, gap beside and gap behind, in metres."""
FLOORS = {
    "residential": (6, 18),
    "old_town": (2, 5),
    "commercial": (3, 9),
    "office": (4, 13),
    "industrial": (1, 3),
    "warehouse": (1, 2),
    "education": (3, 6),
    "medical": (3, 12),
    "utility": (1, 3),
    "park": (1, 2),
    "vacant": (1, 2),
    "farm": (1, 3),
    "shed": (1, 1),
    "roadside": (2, 4),
}
USE = {
    "old_town": "residential",
    "park": "public",
    "vacant": "rural_house",
    "farm": "rural_house",
    "shed": "agricultural",
    "roadside": "rural_house",
}


@dataclass(frozen=True, slots=True)
class Buildings:
    """Footprints with pattern (what made them), use code, floors, height in metres and year."""

    shapes: Geometries
    centres: Floats
    pattern: NDArray[np.str_]
    use: NDArray[np.str_]
    floors: Ints
    height: Floats
    year: Ints

    def taken(self, keep: NDArray[np.bool_] | Ints) -> "Buildings":
        """The chosen buildings, in the order given."""
        return Buildings(*(np.asarray(getattr(self, name))[keep] for name in self.__dataclass_fields__))


@dataclass(slots=True)
class _Plots:
    """Rectangles being collected: centre, turn, width, depth, pattern."""

    centres: list[Floats]
    turns: list[Floats]
    sizes: list[Floats]
    patterns: list[NDArray[np.str_]]

    def add(self, centres: Floats, turn: Floats, sizes: Floats, pattern: NDArray[np.str_]) -> None:
        self.centres.append(centres)
        self.turns.append(turn)
        self.sizes.append(sizes)
        self.patterns.append(pattern)


def rectangles(centres: Floats, turn: Floats, sizes: Floats) -> Geometries:
    """Turned rectangles on the centimetre grid."""
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)])
    local = corners[None] * sizes[:, None, :]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = centres[:, :1] + local[:, :, 0] * cos - local[:, :, 1] * sin
    y = centres[:, 1:] + local[:, :, 0] * sin + local[:, :, 1] * cos
    return np.asarray(shapely.polygons(snapped(np.stack([x, y], axis=2).reshape(-1, 2)).reshape(-1, 5, 2)))


def build(
    town_blocks: Blocks, farms: Clusters, roads: Roads, water: Geometries, area: shapely.Geometry, seed: int
) -> Buildings:
    """All buildings inside ``area``."""
    rng = np.random.default_rng(seed)
    plots = _Plots([], [], [], [])
    inside = shapely.intersects(town_blocks.shapes, area)
    for shape, use in zip(town_blocks.shapes[inside], town_blocks.use[inside], strict=True):
        _fill_block(plots, shape, str(use), rng)
    _farmsteads(plots, farms, rng)
    _roadside(plots, roads, area, rng)
    centres, turn = np.vstack(plots.centres), np.concatenate(plots.turns)
    sizes, pattern = np.vstack(plots.sizes), np.concatenate(plots.patterns)
    shapes = rectangles(centres, turn, sizes)
    keep = shapely.contains_xy(area, centres[:, 0], centres[:, 1]) & shapely.covers(area, shapes)
    keep &= _clear(shapes, roads, water)
    keep = _apart(shapes, keep)
    return _described(shapes[keep], centres[keep], sizes[keep], pattern[keep], rng)


def _fill_block(plots: _Plots, block: shapely.Geometry, use: str, rng: np.random.Generator) -> None:
    width, depth, beside, behind = PATTERNS[use]
    inner = shapely.buffer(block, -13.0 if use != "old_town" else -9.5)
    if inner.is_empty:
        return
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(inner))
    sides = np.diff(box[:3], axis=0)
    longest = sides[np.hypot(*sides.T).argmax()]
    turn = float(np.arctan2(longest[1], longest[0]))
    if use == "residential" and abs(np.sin(turn)) > 0.75:
        turn += np.pi / 2
    across, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    centre, reach = box[:4].mean(axis=0), float(np.hypot(*(box[2] - box[0])) / 2)
    u, v = (np.arange(-reach, reach, step) for step in (width + beside, depth + behind))
    grid = np.stack(np.meshgrid(u, v), axis=2).reshape(-1, 2)
    grid = grid[rng.random(len(grid)) > 0.1] + (rng.uniform(-1, 1, 2) * 4.0)
    centres = centre + grid[:, :1] * across + grid[:, 1:] * down
    sizes = np.array([width, depth]) * rng.uniform(0.82, 1.0, (len(grid), 2))
    covered = shapely.covers(inner, rectangles(centres, np.full(len(grid), turn), sizes))
    count = int(covered.sum())
    plots.add(centres[covered], np.full(count, turn), sizes[covered], np.full(count, use, dtype="<U12"))


def _farmsteads(plots: _Plots, farms: Clusters, rng: np.random.Generator) -> None:
    """Yards of a farm cluster: houses on a small turned grid, sheds between them."""
    if len(farms.centres) == 0:
        return
    u, v = np.meshgrid(np.arange(-3, 4) * 15.5, np.arange(-3, 4) * 13.5)
    grid = np.column_stack([u.ravel(), v.ravel()])
    n = len(farms.centres)
    owner = np.repeat(np.arange(n), len(grid))
    local = np.tile(grid, (n, 1)) + rng.normal(0, 1.2, (n * len(grid), 2))
    chosen = (np.hypot(*local.T) < farms.radius[owner] - 4.0) & (rng.random(len(local)) < 0.86)
    local, owner = local[chosen], owner[chosen]
    turn = farms.turn[owner]
    x = local[:, 0] * np.cos(turn) - local[:, 1] * np.sin(turn)
    y = local[:, 0] * np.sin(turn) + local[:, 1] * np.cos(turn)
    shed = rng.random(len(local)) < 0.3
    sizes = np.where(
        shed[:, None],
        rng.uniform((5, 4), (9, 6.5), (len(local), 2)),
        rng.uniform((9.5, 7.5), (13.5, 10.5), (len(local), 2)),
    )
    wall = turn + rng.normal(0, 0.05, len(local)) + np.where(rng.random(len(local)) < 0.25, np.pi / 2, 0)
    pattern = np.where(shed, "shed", "farm")
    plots.add(farms.centres[owner] + np.column_stack([x, y]), wall, sizes, pattern.astype("<U12"))


def _roadside(plots: _Plots, roads: Roads, area: shapely.Geometry, rng: np.random.Generator) -> None:
    """Houses facing the roads outside the towns: a few on the plain, most of a mountain valley's houses."""
    chosen = np.isin(roads.kinds, ("secondary", "tertiary", "rural")) & shapely.intersects(roads.lines, area)
    lines, kinds = roads.lines[chosen], roads.kinds[chosen]
    if len(lines) == 0:
        return
    count = (shapely.length(lines) / 17.0).astype(int)
    owner = np.repeat(np.arange(len(lines)), count)
    at = rng.uniform(0, 1, len(owner)) * 0.0 + np.concatenate([np.arange(c) * 17.0 + 8.5 for c in count])
    spot = shapely.get_coordinates(shapely.line_interpolate_point(lines[owner], at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines[owner], at + 1.0))
    heading = np.arctan2(ahead[:, 1] - spot[:, 1], ahead[:, 0] - spot[:, 0])
    valley = front_distance(spot) > 0.5
    chance = np.where(valley, 0.3, np.where(kinds[owner] == "rural", 0.07, 0.32))
    chance = np.where(np.sin(at / 90.0 + owner) > 0.1, chance, chance * 0.15)
    side = rng.choice([-1.0, 1.0], len(owner))
    away = np.array([WIDTH_M[kind] / 2 for kind in kinds])[owner] + rng.uniform(8.5, 12.0, len(owner))
    centres = spot + (side * away)[:, None] * np.column_stack([-np.sin(heading), np.cos(heading)])
    take = rng.random(len(owner)) < chance
    sizes = rng.uniform((9, 8), (14, 11), (len(owner), 2))
    plots.add(centres[take], heading[take], sizes[take], np.full(int(take.sum()), "roadside", dtype="<U12"))


def _clear(shapes: Geometries, roads: Roads, water: Geometries) -> NDArray[np.bool_]:
    """Which footprints keep clear of carriageways and water."""
    keep, tree = np.ones(len(shapes), dtype=bool), shapely.STRtree(shapes)
    for kind in np.unique(roads.kinds):
        gap = WIDTH_M[str(kind)] / 2 + 1.5
        keep[tree.query(roads.of(str(kind)), predicate="dwithin", distance=gap)[1]] = False
    keep[tree.query(water, predicate="dwithin", distance=6.0)[1]] = False
    return keep


def _apart(shapes: Geometries, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of buildings that touch, the earlier one stays."""
    index = np.flatnonzero(keep)
    first, second = shapely.STRtree(shapes[index]).query(shapes[index], predicate="dwithin", distance=0.6)
    pairs = np.column_stack([first, second])[first < second]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    alive = np.ones(len(index), dtype=bool)
    for a, b in pairs:
        if alive[a]:
            alive[b] = False
    keep = keep.copy()
    keep[index[~alive]] = False
    return keep


def _described(
    shapes: Geometries, centres: Floats, sizes: Floats, pattern: NDArray[np.str_], rng: np.random.Generator
) -> Buildings:
    low = np.array([FLOORS[p][0] for p in pattern])
    high = np.array([FLOORS[p][1] for p in pattern])
    floors = (low + np.floor(rng.beta(1.3, 2.2, len(pattern)) * (high - low + 1))).astype(np.int64)
    seat = np.hypot(*(centres - from_km((TOWNS[0].east, TOWNS[0].north))).T) < TOWNS[0].radius_m * 1.1
    floors = np.where(
        (pattern == "residential") & seat & (rng.random(len(pattern)) < 0.14),
        rng.integers(24, 34, len(pattern)),
        floors,
    )
    floors = np.where((pattern == "residential") & ~seat, np.minimum(floors, 7), floors)
    storey = np.select(
        [np.isin(pattern, ("industrial", "warehouse")), pattern == "commercial", pattern == "shed"],
        [7.2, 4.2, 2.8],
        3.0,
    )
    height = np.round(floors * storey + rng.uniform(0.2, 1.2, len(pattern)), 1)
    use = np.array([USE.get(p, p) for p in pattern], dtype="<U14")
    year = np.where(
        pattern == "old_town", rng.integers(1978, 2004, len(pattern)), rng.integers(1992, 2025, len(pattern))
    )
    return Buildings(shapes, centres, pattern, use, floors, height, year)
