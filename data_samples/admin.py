"""County, towns and villages: one partition, so that the three levels nest with shared edges."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.field import Floats, Warp, resample
from data_samples.names import unique_names
from data_samples.place import COUNTY_AREA_KM2, OUTLINE, TOWNS
from data_samples.plane import Geometries, from_km, partition, snapped
from data_samples.rivers import front_distance

Ints = NDArray[np.int64]
SEED_CELL_M = 300.0


@dataclass(frozen=True, slots=True)
class Admin:
    """The county and its villages; ``town_of`` gives each village's index in TOWNS."""

    county: shapely.Geometry
    villages: Geometries
    town_of: Ints
    codes: list[str]
    names: list[str]
    centres: Floats

    def towns(self) -> Geometries:
        """Union of the villages of each town, in the order of TOWNS."""
        parts = [self.villages[self.town_of == k] for k in range(len(TOWNS))]
        return np.array([shapely.coverage_union_all(part) for part in parts], dtype=object)

    def village_at(self, points: Floats) -> Ints:
        """Index of the village of each point; the nearest one for points outside."""
        tree = shapely.STRtree(self.villages)
        return np.asarray(tree.nearest(shapely.points(points)), dtype=np.int64)


def outline(seed: int) -> shapely.Geometry:
    """The county's outline: the drawn one, roughened, scaled to its area."""
    ring = from_km(OUTLINE)
    rough = resample(np.vstack([ring, ring[:1]]), 150.0)[:-1]
    rough = Warp(seed, 2400.0, 750.0, 5)(rough)
    centre = rough.mean(axis=0)
    scale = np.sqrt(COUNTY_AREA_KM2 * 1e6 / shapely.Polygon(rough).area)
    return shapely.Polygon(snapped(centre + (rough - centre) * scale))


def build(seed: int) -> Admin:
    """Partition the county into the villages of its thirteen towns."""
    county = outline(seed)
    seeds, town_of = _village_seeds(county, seed)
    edges = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), only_edges=True))
    warp = Warp(seed + 5, 700.0, 170.0, 4)
    lines = [shapely.LineString(snapped(warp(shapely.get_coordinates(e)))) for e in shapely.segmentize(edges, 130.0)]
    faces = partition(lines, county)
    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    owner = _nearest(inside, warp(seeds))
    for k in np.flatnonzero(np.bincount(owner, minlength=len(seeds)) == 0):
        raise ValueError(f"village seed {k} has no face: choose another seed")
    merged = np.array([_joined(faces[owner == k]) for k in range(len(seeds))], dtype=object)
    codes, names = _codes_and_names(seeds, town_of)
    order = np.argsort(codes)
    return Admin(
        shapely.coverage_union_all(merged),
        merged[order],
        town_of[order],
        [codes[k] for k in order],
        [names[k] for k in order],
        seeds[order],
    )


def _joined(faces: Geometries) -> shapely.Geometry:
    return faces[0] if len(faces) == 1 else shapely.coverage_union_all(faces)


def _nearest(points: Floats, targets: Floats) -> Ints:
    gaps = np.hypot(points[:, None, 0] - targets[None, :, 0], points[:, None, 1] - targets[None, :, 1])
    return np.asarray(gaps.argmin(axis=1), dtype=np.int64)


def _village_seeds(county: shapely.Geometry, seed: int) -> tuple[Floats, Ints]:
    """Weighted k-means in each town's reach: small villages where people live, large ones in the mountains."""
    west, south, east, north = shapely.bounds(county)
    x, y = np.meshgrid(np.arange(west, east, SEED_CELL_M), np.arange(south, north, SEED_CELL_M))
    points = np.column_stack([x.ravel(), y.ravel()])
    points = points[shapely.contains_xy(county, points[:, 0], points[:, 1])]
    centres = from_km([(town.east, town.north) for town in TOWNS])
    reach = np.array([town.reach for town in TOWNS])
    gaps = np.hypot(points[:, None, 0] - centres[None, :, 0], points[:, None, 1] - centres[None, :, 1])
    town = np.asarray((gaps / reach).argmin(axis=1))
    near = gaps[np.arange(len(points)), town]
    weight = np.interp(front_distance(points), [-3, 3, 12], [1.0, 0.5, 0.1]) * (1 + 5 * np.exp(-near / 1500.0))
    rng, seeds, town_of = np.random.default_rng(seed), [], []
    for k, one in enumerate(TOWNS):
        mine = town == k
        seeds.append(_kmeans(points[mine], weight[mine], one.villages + one.communities, rng))
        town_of.append(np.full(one.villages + one.communities, k))
    return np.vstack(seeds), np.concatenate(town_of)


def _kmeans(points: Floats, weight: Floats, count: int, rng: np.random.Generator) -> Floats:
    centres = points[rng.choice(len(points), count, replace=False, p=weight / weight.sum())]
    centres = centres + rng.uniform(-40, 40, centres.shape)
    for _ in range(10):
        owner = _nearest(points, centres)
        total = np.bincount(owner, weights=weight, minlength=count)
        for axis in (0, 1):
            moved = np.bincount(owner, weights=weight * points[:, axis], minlength=count)
            centres[:, axis] = np.where(total > 0, moved / np.maximum(total, 1e-9), centres[:, axis])
    return centres


def _codes_and_names(seeds: Floats, town_of: Ints) -> tuple[list[str], list[str]]:
    """Communities (社区, 001 on) lie nearest the town's centre, villages (村, 201 on) farther out."""
    codes, names = [""] * len(seeds), [""] * len(seeds)
    communities, villages = unique_names("社区"), unique_names("村", 300)
    for k, town in enumerate(TOWNS):
        mine = np.flatnonzero(town_of == k)
        gap = np.hypot(*(seeds[mine] - from_km((town.east, town.north))).T)
        for rank, index in enumerate(mine[np.argsort(gap)]):
            urban = rank < town.communities
            serial = rank + 1 if urban else 201 + rank - town.communities
            codes[index] = f"{town.code}{serial:03d}"
            names[index] = next(communities if urban else villages)
    return codes, names
