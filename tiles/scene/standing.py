"""Where features stand: their lowest and highest heights, and which cannot be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cim.model.undulation import Undulation
from cim.store.scene_rows import SceneRows
from tiles.scene.findings import Fault, SceneFinding, sorted_out

HIGHEST_M = 1_000.0
SMALLEST_M2 = 0.5
NARROWEST_M = 0.05
BURIED_M = 0.5
_M_A_DEGREE = 111_195.0
Floats = NDArray[np.float64]
Objects = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Corners:
    """Features' shapes in longitude and latitude, and all their corners in order: degrees, and whose each is."""

    shapes: Objects
    lon: Floats
    lat: Floats
    owner: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Standing:
    """Areas that can be drawn: the rows they come from, shapes, and ellipsoidal heights of bottom and top."""

    rows: SceneRows
    shapes: Objects
    bottom_m: Floats
    top_m: Floats
    findings: tuple[SceneFinding, ...]


def corners_of(rows: SceneRows) -> Corners:
    """The shapes of rows; height over the plan, should a shape have one, is left out."""
    shapes = np.asarray(shapely.from_wkb(rows.shape), dtype=object)
    if shapely.has_z(shapes).any():
        shapes = np.asarray(shapely.force_2d(shapes), dtype=object)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    return Corners(shapes, points[:, 0], points[:, 1], owner.astype(np.int64))


def standing(rows: SceneRows, corners: Corners, terrain_m: Floats | None, undulation: Undulation) -> Standing:
    """How areas stand on a terrain whose levelled heights at the corners are given, NaN where it has none.

    A block's top is its height over the ground its row names, else over the mean of the terrain at its corners; it goes
    down to the lowest of these, so that nothing floats on a slope.
    """
    count = len(rows)
    height, ground = numbers(rows.height_m), numbers(rows.ground_m)
    lowest, mean = _over_corners(corners, terrain_m, count)
    base = np.where(np.isnan(ground), mean, ground)
    bottom, top = np.fmin(base, lowest), base + height
    area_m2, width_m = _sizes(corners)
    faults: list[Fault] = [
        ("no-shape", shapely.is_empty(corners.shapes) | shapely.is_missing(corners.shapes), height),
        ("no-height", ~(height > 0), height),
        ("absurd-height", height > HIGHEST_M, height),
        ("crossing-rings", ~shapely.is_valid(corners.shapes), area_m2),
        ("sliver", (area_m2 < SMALLEST_M2) | (width_m < NARROWEST_M), area_m2),
        ("no-ground", np.isnan(base), ground),
        ("below-terrain", top < lowest - BURIED_M, top - lowest),
    ]
    kept, findings = sorted_out(rows, faults)
    raised = _undulation(corners, undulation, count)[kept]
    drawn = rows.taken(kept.tolist())
    return Standing(drawn, corners.shapes[kept], bottom[kept] + raised, top[kept] + raised, findings)


def numbers(values: Sequence[float | None]) -> Floats:
    """The values with NaN for None."""
    return np.array(values, np.float64)


def _over_corners(corners: Corners, terrain_m: Floats | None, count: int) -> tuple[Floats, Floats]:
    """The lowest and the mean of the terrain at each feature's corners, NaN where there is none."""
    lowest, mean = np.full(count, np.nan), np.full(count, np.nan)
    if terrain_m is None:
        return lowest, mean
    known = np.isfinite(terrain_m)
    owner, heights = corners.owner[known], terrain_m[known]
    least = np.full(count, np.inf)
    np.minimum.at(least, owner, heights)
    number = np.bincount(owner, minlength=count)
    has = number > 0
    lowest[has] = least[has]
    mean[has] = np.bincount(owner, weights=heights, minlength=count)[has] / number[has]
    return lowest, mean


def _sizes(corners: Corners) -> tuple[Floats, Floats]:
    """Areas in square metres, and mean widths in metres, near enough to tell slivers; less where far from being one."""
    lat = float(np.mean(corners.lat)) if len(corners.lat) else 0.0
    scale = np.array([_M_A_DEGREE * np.cos(np.radians(lat)), _M_A_DEGREE])
    area_m2 = np.fmax(shapely.area(corners.shapes) * scale.prod(), 0.0)
    longest_m = shapely.length(corners.shapes) * scale.max()
    width_m = 2 * area_m2 / np.fmax(longest_m, 1e-9)
    narrow = np.flatnonzero(width_m < NARROWEST_M)
    if len(narrow):
        flat = shapely.transform(corners.shapes[narrow], lambda points: points * scale)
        width_m[narrow] = 2 * area_m2[narrow] / np.fmax(shapely.length(flat), 1e-9)
    return area_m2, width_m


def _undulation(corners: Corners, undulation: Undulation, count: int) -> Floats:
    """The undulation at the first corner of each feature."""
    first = np.searchsorted(corners.owner, np.arange(count))
    first = np.minimum(first, max(len(corners.lon) - 1, 0))
    if not len(corners.lon):
        return np.zeros(count)
    return undulation.at(corners.lon[first], corners.lat[first])
