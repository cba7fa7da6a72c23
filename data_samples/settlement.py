"""Where people live: town blocks between streets with a use each, and farm clusters (林盘) on the lanes."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.field import Floats, Noise
from data_samples.place import TOWNS
from data_samples.plane import Geometries, from_km, point_array, snapped
from data_samples.roads import Ints, Roads, Sources

USES = (
    "residential",
    "old_town",
    "commercial",
    "office",
    "industrial",
    "warehouse",
    "education",
    "medical",
    "park",
    "utility",
    "vacant",
)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Town blocks between street centrelines; ``use`` is one of USES, ``town`` an index in TOWNS."""

    shapes: Geometries
    use: NDArray[np.str_]
    town: Ints


@dataclass(frozen=True, slots=True)
class Clusters:
    """Farm clusters: centre, turn (radians), radius (m) and outline."""

    centres: Floats
    turn: Floats
    radius: Floats
    shapes: Geometries


def blocks(roads: Roads, seed: int) -> Blocks:
    """Faces of the street net in the seat and the town centres."""
    rng, shapes, towns = np.random.default_rng(seed), [], []
    streets = roads.of("primary", "secondary", "arterial", "tertiary", "street")
    tree = shapely.STRtree(streets)
    for k, town in enumerate(TOWNS):
        disc = shapely.Point(from_km((town.east, town.north))).buffer(town.radius_m * 1.25)
        faces = shapely.get_parts(shapely.polygonize(streets[tree.query(disc, predicate="intersects")]))
        area = shapely.area(faces)
        faces = faces[(area > 2500) & (area < 420_000) & shapely.within(faces, disc)]
        shapes.append(faces)
        towns.append(np.full(len(faces), k))
    every, town_of = np.concatenate(shapes), np.concatenate(towns)
    return Blocks(every, _uses(every, town_of, rng, seed), town_of)


def _uses(shapes: Geometries, town_of: Ints, rng: np.random.Generator, seed: int) -> NDArray[np.str_]:
    """A use for every block: shops and the old town at the centre, industry to the east, schools and parks between."""
    points = shapely.get_coordinates(shapely.centroid(shapes))
    centres = from_km([(TOWNS[k].east, TOWNS[k].north) for k in town_of])
    radius = np.array([TOWNS[k].radius_m for k in town_of])
    out, gap = (points - centres) / radius[:, None], np.hypot(*((points - centres) / radius[:, None]).T)
    draw, patch = rng.random(len(shapes)), Noise(seed, 800.0)(points[:, 0], points[:, 1])
    use = np.full(len(shapes), "residential", dtype="<U12")
    use[gap < 0.42] = "old_town"
    use[(gap < 0.22) | (patch > 0.62) & (gap < 0.6)] = "commercial"
    use[(out[:, 0] > 0.48) & (patch > -0.6)] = "industrial"
    use[(out[:, 0] > 0.48) & (patch < -0.45)] = "warehouse"
    use[(gap > 1.0) & (draw < 0.45)] = "vacant"
    for name, low, high in (
        ("education", 0.0, 0.05),
        ("park", 0.05, 0.1),
        ("office", 0.1, 0.14),
        ("medical", 0.14, 0.158),
        ("utility", 0.158, 0.172),
    ):
        use[(draw >= low) & (draw < high) & (use != "industrial")] = name
    for k in range(len(TOWNS)):
        mine = np.flatnonzero(town_of == k)
        for name, rank in (("medical", 2), ("education", 3), ("office", 1)):
            if len(mine) > 5 and not (use[mine] == name).any():
                use[mine[np.argsort(gap[mine])[rank]]] = name
    return use


def clusters(sources: Sources, area: shapely.Geometry, water: Geometries, seed: int, spacing_m: float) -> Clusters:
    """Farm clusters beside the lanes inside ``area``, about one per ``spacing_m`` of lane; adds their access tracks."""
    rng = np.random.default_rng(seed)
    lanes = np.array(
        [line for line, kind in zip(sources.lines, sources.kinds, strict=True) if kind == "rural"],
        dtype=object,
    )
    if len(lanes) == 0:
        return Clusters(np.empty((0, 2)), np.empty(0), np.empty(0), np.empty(0, dtype=object))
    length = shapely.length(lanes)
    pick = np.repeat(np.arange(len(lanes)), rng.poisson(length / spacing_m))
    at = rng.uniform(0.15, 0.85, len(pick)) * length[pick]
    touch = shapely.get_coordinates(shapely.line_interpolate_point(lanes[pick], at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lanes[pick], at + 2.0))
    heading = np.arctan2(ahead[:, 1] - touch[:, 1], ahead[:, 0] - touch[:, 0])
    side = rng.choice([-1.0, 1.0], len(pick))
    radius = rng.gamma(9.0, 3.6, len(pick)).clip(18, 52)
    away = (radius + rng.uniform(4, 22, len(pick)))[:, None] * side[:, None]
    centres = touch + away * np.column_stack([-np.sin(heading), np.cos(heading)])
    keep = _spread(centres, radius) & shapely.contains_xy(area, centres[:, 0], centres[:, 1])
    wet = shapely.STRtree(shapely.points(centres)).query(water, predicate="dwithin", distance=40.0)[1]
    keep[wet] = False
    for town in TOWNS:
        keep &= np.hypot(*(centres - from_km((town.east, town.north))).T) > town.radius_m * 1.08
    for k in np.flatnonzero(keep):
        if rng.random() < 0.8:
            sources.add(np.vstack([touch[k], touch[k] + 0.75 * (centres[k] - touch[k])]), "track", "")
    turn = heading + rng.normal(0, 0.12, len(pick))
    return Clusters(centres[keep], turn[keep], radius[keep], _blobs(centres[keep], radius[keep], turn[keep], rng))


def _spread(centres: Floats, radius: Floats) -> NDArray[np.bool_]:
    """Which centres stay so that no two clusters touch: the earlier one wins."""
    keep = np.ones(len(centres), dtype=bool)
    first, second = shapely.STRtree(point_array(centres)).query(point_array(centres), "dwithin", distance=100.0)
    pairs = np.column_stack([first, second])[first < second]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    near = np.hypot(*(centres[pairs[:, 0]] - centres[pairs[:, 1]]).T) < radius[pairs].sum(axis=1) * 0.98
    for a, b in pairs[near]:
        if keep[a]:
            keep[b] = False
    return keep


def _blobs(centres: Floats, radius: Floats, turn: Floats, rng: np.random.Generator) -> Geometries:
    count = 9
    angle = turn[:, None] + np.linspace(0, 2 * np.pi, count, endpoint=False)
    reach = radius[:, None] * rng.uniform(0.82, 1.12, (len(centres), count))
    x, y = centres[:, :1] + reach * np.cos(angle), centres[:, 1:] + reach * np.sin(angle)
    rings = snapped(np.stack([x, y], axis=2).reshape(-1, 2)).reshape(-1, count, 2)
    return np.asarray(shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1)))
