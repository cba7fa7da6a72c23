"""Land-use parcels: every village cut by its roads, water, settlements and fields; the pieces tile it exactly."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.field import Floats, Fractal, Noise, Warp
from data_samples.plane import Geometries, partition, point_array, snapped
from data_samples.rivers import front_distance
from data_samples.roads import Ints, Roads
from data_samples.settlement import Blocks
from data_samples.terrain import Terrain

BLOCK_CLASS = {
    "residential": "0701",
    "old_town": "0701",
    "commercial": "05H1",
    "office": "08H1",
    "industrial": "0601",
    "warehouse": "0508",
    "education": "08H2",
    "medical": "08H2",
    "park": "0810",
    "utility": "0809",
    "vacant": "1201",
}
SLIVER_M2 = 180.0


@dataclass(frozen=True, slots=True)
class Parcels:
    """Faces with land class, village index, and slope (degrees) and height (m) at an inner point."""

    shapes: Geometries
    land_class: NDArray[np.str_]
    village: Ints
    slope: Floats
    height: Floats
    urban: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the parcels follow: named groups of areas, each with one land class per area, first group first."""

    shapes: Geometries
    land_class: NDArray[np.str_]
    rank: Ints
    tree: shapely.STRtree


def ground(
    roads: Roads,
    water: Geometries,
    water_class: list[str],
    blocks: Blocks,
    farms: Geometries,
    urban: shapely.Geometry,
) -> Ground:
    """Road surfaces, water, town blocks and farm clusters as areas with land classes."""
    half = roads.widths() / 2
    paved = shapely.buffer(roads.lines, half, cap_style="square", join_style="mitre", mitre_limit=2.0)
    middle = shapely.line_interpolate_point(roads.lines, 0.5, normalized=True)
    shapely.prepare(urban)
    in_town = shapely.covers(urban, middle) | np.isin(roads.kinds, ("street", "arterial"))
    highway = np.isin(roads.kinds, ("motorway", "primary", "secondary", "tertiary"))
    road_class = np.where(in_town, "1004", np.where(highway, "1003", "1006"))
    block_class = [BLOCK_CLASS[use] for use in blocks.use]
    shapes = np.concatenate([paved, water, blocks.shapes, farms])
    rank = np.repeat([0, 1, 2, 3], [len(paved), len(water), len(blocks.shapes), len(farms)])
    classes = np.concatenate([road_class, water_class, block_class, np.full(len(farms), "0702")]).astype("<U5")
    return Ground(shapes, classes, rank, shapely.STRtree(shapes))


def build(villages: Geometries, chosen: Ints, features: Ground, terrain: Terrain, seed: int, field_m: float) -> Parcels:
    """Parcels of the chosen villages; ``field_m`` is the usual width of a field strip."""
    faces, classes, owner = [], [], []
    for k in chosen:
        shapes, land = _village(villages[k], features, seed + int(k), field_m, terrain)
        faces.append(shapes)
        classes.append(land)
        owner.append(np.full(len(shapes), k))
    shapes = stitched(np.concatenate(faces), shapely.boundary(villages[chosen]))
    land_class = np.concatenate(classes)
    points = shapely.get_coordinates(shapely.point_on_surface(shapes))
    slope, height = terrain.slope(points), terrain.height(points)
    urban = np.char.startswith(land_class, "07") | np.isin(
        land_class, ("05H1", "0508", "0601", "08H1", "08H2", "0809", "0810", "1201")
    )
    land_class = np.where(land_class == "", _natural(points, slope, height, seed), land_class)
    return Parcels(shapes, land_class, np.concatenate(owner), slope, height, urban)


def _village(
    area: shapely.Geometry, features: Ground, seed: int, field_m: float, terrain: Terrain
) -> tuple[Geometries, NDArray[np.str_]]:
    near = np.sort(features.tree.query(shapely.buffer(area, 1.0), predicate="intersects"))
    shapes, rank = features.shapes[near], features.rank[near]
    clip = shapely.buffer(area, 3.0)
    borders = []
    taken: shapely.Geometry = shapely.MultiPolygon()
    for group in range(4):
        classes = features.land_class[near][rank == group]
        for land in np.unique(classes):
            union: shapely.Geometry = shapely.union_all(shapes[rank == group][classes == land])
            union = _areal(shapely.intersection(union, clip, grid_size=0.01))
            union = _areal(shapely.difference(union, taken, grid_size=0.01))
            borders.append(shapely.boundary(union))
            if group < 2:
                taken = _areal(shapely.union(taken, union, grid_size=0.01))
    if (rank == 2).any():
        borders.extend(shapely.boundary(shapes[rank == 2]))
    occupied = shapely.union_all(shapes, grid_size=0.01)
    cuts = _cuts(area, seed, field_m, float(np.median(terrain.slope(_inside(area, seed)))))
    open_cuts = shapely.difference(shapely.multilinestrings(list(cuts)), occupied, grid_size=0.01)
    faces = partition([*borders, open_cuts], area)
    land = _classified(faces, features, near)
    return _without_slivers(faces, land)


def _areal(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a shape, without the lines and points an overlay may leave."""
    parts = shapely.get_parts(shape)
    whole: shapely.Geometry = shapely.multipolygons(parts[shapely.get_type_id(parts) == 3])
    return whole


def _inside(area: shapely.Geometry, seed: int) -> Floats:
    west, south, east, north = shapely.bounds(area)
    points = np.random.default_rng(seed).uniform((west, south), (east, north), (200, 2))
    found = points[shapely.contains_xy(area, points[:, 0], points[:, 1])]
    return found if len(found) else shapely.get_coordinates(shapely.point_on_surface(area))


def _cuts(area: shapely.Geometry, seed: int, field_m: float, slope: float) -> Geometries:
    """Lines between fields: strips with staggered cross-cuts on flat land, curved cells on slopes."""
    rng = np.random.default_rng(seed)
    lines = _cells(area, rng, seed, field_m, slope) if slope > 9.0 else _strips(area, rng, field_m)
    shapely.prepare(area)
    return lines[shapely.intersects(area, lines)]


def _cells(area: shapely.Geometry, rng: np.random.Generator, seed: int, field_m: float, slope: float) -> Geometries:
    """Bent edges of irregular cells, larger on steeper land."""
    west, south, east, north = shapely.bounds(area)
    side = float(np.interp(slope, [9, 22, 35], [70.0, 125.0, 170.0])) * field_m / 22.0
    count = int((east - west) * (north - south) / side**2)
    points = rng.uniform((west - side, south - side), (east + side, north + side), (count, 2))
    edges = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), only_edges=True))
    near = shapely.intersects(edges, shapely.box(west - side, south - side, east + side, north + side))
    edges = shapely.segmentize(edges[near], side / 4)
    warp = Warp(seed, side * 1.3, side * 0.22)
    return np.asarray(shapely.transform(edges, lambda points: snapped(warp(points))))


def _strips(area: shapely.Geometry, rng: np.random.Generator, field_m: float) -> Geometries:
    """Lines along the fall of the plain, and cuts across each strip between them."""
    west, south, east, north = shapely.bounds(area)
    reach = float(np.hypot(east - west, north - south) / 2)
    turn = np.radians(-32.0 + rng.uniform(-14, 14))
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    at = np.arange(-reach, reach, field_m)
    at = at + rng.uniform(-0.25, 0.25, len(at)) * field_m
    run = np.arange(-reach, reach, 40.0)
    along = np.column_stack([np.tile(run, len(at)), np.repeat(at, len(run))])
    shift = rng.uniform(2.0, 5.0, (len(at) - 1, int(2 * reach / (field_m * 3.5))))
    cross = -reach + np.cumsum(field_m * shift, axis=1)
    low, high = at[:-1, None], at[1:, None]
    levels = np.stack(np.broadcast_arrays(low - 1.2, (low + high) / 2, high + 1.2), axis=-1)
    across = np.stack(np.broadcast_arrays(cross[:, :, None], levels), axis=-1).reshape(-1, 2)
    centre = np.array([(east + west) / 2, (north + south) / 2])
    points = snapped(Warp(77, 900.0, 60.0)(centre + np.concatenate([along, across]) @ axes))
    index = np.concatenate([np.repeat(np.arange(len(at)), len(run)), len(at) + np.repeat(np.arange(cross.size), 3)])
    return np.asarray(shapely.linestrings(points, indices=index))


def _classified(faces: Geometries, features: Ground, near: Ints) -> NDArray[np.str_]:
    points = shapely.point_on_surface(faces)
    tree = shapely.STRtree(points)
    land = np.full(len(faces), "", dtype="<U5")
    best = np.full(len(faces), 9)
    found, hit = tree.query(features.shapes[near], predicate="intersects")
    rank = features.rank[near][found]
    order = np.argsort(-rank, kind="stable")
    land[hit[order]] = features.land_class[near][found][order]
    best[hit[order]] = rank[order]
    return land


def _without_slivers(faces: Geometries, land: NDArray[np.str_]) -> tuple[Geometries, NDArray[np.str_]]:
    """Faces too small to map joined to the neighbour of their kind with the longest common edge."""
    area = shapely.area(faces)
    limit = np.where(np.char.startswith(land, "10"), 25.0, SLIVER_M2)
    first, second, length = neighbours(faces)
    into = np.arange(len(faces))
    score = length * np.where(land[first] == land[second], 10.0, 1.0) + np.where(area[second] > area[first], 0.5, 0.0)
    best = np.zeros(len(faces))
    for a, b, s in zip(first, second, score, strict=True):
        if area[a] < limit[a] and s > best[a] and (area[b] > area[a] or (area[b] == area[a] and b < a)):
            best[a], into[a] = s, b
    for _ in range(12):
        into = into[into]
    groups, label = np.unique(into, return_inverse=True)
    counts = np.bincount(label)
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(counts)
    joined = faces[groups].copy()
    for k in np.flatnonzero(counts > 1):
        joined[k] = shapely.coverage_union_all(faces[order[ends[k] - counts[k] : ends[k]]])
    return joined, land[groups]


def neighbours(faces: Geometries) -> tuple[Ints, Ints, Floats]:
    """Pairs of faces with a common edge, both ways, and the length of each common edge."""
    points, owner = shapely.get_coordinates(shapely.get_rings(faces)), None
    rings, face = shapely.get_rings(faces, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    _, number = np.unique(np.round(points * 100).astype(np.int64), axis=0, return_inverse=True)
    edge = ring[1:] == ring[:-1]
    a, b, owner = number[:-1][edge], number[1:][edge], face[ring[1:][edge]]
    length = np.hypot(*(points[1:] - points[:-1])[edge].T)
    code = np.minimum(a, b) * (number.max() + 1) + np.maximum(a, b)
    order = np.argsort(code, kind="stable")
    same = np.flatnonzero(code[order][1:] == code[order][:-1])
    left, right, common = owner[order][same], owner[order][same + 1], length[order][same]
    return np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([common, common])


def stitched(faces: Geometries, borders: Geometries) -> Geometries:
    """Faces on both sides of a village border given each other's corners, so that shared edges are equal."""
    line = shapely.union_all(borders)
    faces = _gathered(faces, line)
    tree = shapely.STRtree(shapely.boundary(faces))
    corners = np.unique(shapely.get_coordinates(faces), axis=0)
    points = point_array(corners)
    on_border = np.unique(shapely.STRtree(points).query(shapely.get_parts(line), predicate="dwithin", distance=0.03)[1])
    corners, points = corners[on_border], points[on_border]
    point, face = tree.query(points, predicate="dwithin", distance=0.03)
    out = faces.copy()
    order = np.argsort(face, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(face[order]) > 0])
    for begin, end in zip(starts, np.r_[starts[1:], len(order)], strict=True):
        k = int(face[order[begin]])
        out[k] = _with_corners(faces[k], corners[point[order[begin:end]]])
    return _cleaned(out)


def _cleaned(faces: Geometries) -> Geometries:
    """Faces of which the few that still overlap a neighbour by centimetres, or leave a gap, are matched to it."""
    wrong = ~shapely.is_valid(faces) | ~shapely.is_empty(shapely.coverage_invalid_edges(faces, gap_width=0.3))
    if not wrong.any():
        return faces
    near = np.unique(shapely.STRtree(faces).query(faces[wrong], predicate="dwithin", distance=0.1)[1])
    out = faces.copy()
    out[near] = shapely.coverage_clean(  # type: ignore[attr-defined]  # newer than its stubs
        faces[near], snapping_distance=0.0, gap_width=0.3
    )
    return out


def _gathered(faces: Geometries, line: shapely.Geometry) -> Geometries:
    """Faces whose border corners closer than 5 cm to each other have become one corner."""
    corners = np.unique(shapely.get_coordinates(faces), axis=0)
    points = point_array(corners)
    near = np.unique(shapely.STRtree(points).query(shapely.get_parts(line), predicate="dwithin", distance=0.05)[1])
    first, second = shapely.STRtree(points[near]).query(points[near], predicate="dwithin", distance=0.05)
    target = np.arange(len(near))
    for _ in range(4):
        np.minimum.at(target, first, target[second])
    moved = {tuple(corners[near[k]]): corners[near[t]] for k, t in enumerate(target) if t != k}

    def move(points: Floats) -> Floats:
        return np.array([moved.get(tuple(p), p) for p in points])

    out = faces.copy()
    if not moved:
        return out
    tree = shapely.STRtree(faces)
    touched = np.unique(tree.query(point_array(np.array([*moved])), predicate="dwithin", distance=0.01)[1])
    for k in touched:
        out[k] = shapely.remove_repeated_points(shapely.transform(faces[k], move))
    return out


def _with_corners(face: shapely.Polygon, corners: Floats) -> shapely.Polygon:
    rings = [_ring_with(shapely.get_coordinates(ring), corners) for ring in (face.exterior, *face.interiors)]
    return shapely.Polygon(rings[0], rings[1:])


def _ring_with(ring: Floats, corners: Floats) -> Floats:
    known = {tuple(p) for p in ring}
    new = np.array([c for c in corners if tuple(c) not in known])
    if len(new) == 0:
        return ring
    step = np.diff(ring, axis=0)
    squared = np.maximum((step**2).sum(axis=1), 1e-12)
    offset = new[:, None, :] - ring[None, :-1, :]
    t = np.clip((offset * step).sum(axis=2) / squared, 0, 1)
    gap = np.hypot(*np.moveaxis(offset - t[:, :, None] * step, 2, 0))
    segment = gap.argmin(axis=1)
    rows = np.arange(len(new))
    on = gap[rows, segment] < 0.03
    place = segment[on] + t[rows, segment][on]
    keys = np.concatenate([np.arange(len(ring), dtype=float), place])
    return np.asarray(np.vstack([ring, new[on]])[np.argsort(keys, kind="stable")])


def _natural(points: Floats, slope: Floats, height: Floats, seed: int) -> NDArray[np.str_]:
    """Land class of open land from slope, height and slowly varying habits of cultivation."""
    x, y = points[:, 0], points[:, 1]
    habit, patch = Fractal(seed + 1, 3000.0, 3)(x, y), Noise(seed + 2, 420.0)(x, y)
    draw = np.random.default_rng(seed).random(len(points))
    flat = np.where(habit > 0.28, "0102", "0101")
    flat = np.where((patch > 0.7) | (draw < 0.02), "0201", flat)
    flat = np.where((patch < -0.78) & (draw < 0.6), "0301", flat)
    flat = np.where((draw > 0.02) & (draw < 0.028), "1202", flat)
    flat = np.where((draw > 0.028) & (draw < 0.036), "0302", flat)
    hill = np.select([draw < 0.3, draw < 0.42, draw < 0.5, draw < 0.62], ["0103", "0201", "0202", "0302"], "0301")
    hill = np.where(slope > 15, np.where(draw < 0.2, "0305", "0301"), hill)
    forest = np.select([draw < 0.07, draw < 0.12, draw < 0.15], ["0305", "0307", "0302"], "0301")
    high = np.where(
        height + 250 * patch > 4150,
        "1207",
        np.where(height + 300 * habit > 3350, np.where(draw < 0.3, "0305", "0401"), forest),
    )
    behind = front_distance(points)
    return np.select(
        [(slope < 5) & (behind < 2.0), height > 2400, (slope < 17) & (height < 1350)],
        [flat, high, hill],
        forest,
    )
