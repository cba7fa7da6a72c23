"""The ground: valleys cut by the streams, ridges between them, a fan and a plain below."""

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.field import Floats, Fractal, Noise
from data_samples.place import OUTLINE
from data_samples.plane import from_km
from data_samples.rivers import Stream, front_distance, plain_height

EXTENT_KM = (47.5, 58.5)
SUMMIT_M = 4790.0


@dataclass(frozen=True, slots=True)
class Terrain:
    """Heights (1985 datum, m) on a regular plane grid; row 0 is the southernmost."""

    origin: Floats
    cell_m: float
    heights: Floats

    def height(self, points: Floats) -> Floats:
        """Bilinear height at plane points; outside the grid the nearest edge."""
        return self._sample(self.heights, points)

    def slope(self, points: Floats) -> Floats:
        """Slope in degrees at plane points."""
        north, east = np.gradient(self.heights, self.cell_m)
        return self._sample(np.degrees(np.arctan(np.hypot(north, east))), points)

    def _sample(self, grid: Floats, points: Floats) -> Floats:
        uv = (points - self.origin) / self.cell_m
        rows, columns = grid.shape
        u, v = np.clip(uv[:, 0], 0, columns - 1.001), np.clip(uv[:, 1], 0, rows - 1.001)
        i, j = u.astype(np.int64), v.astype(np.int64)
        fu, fv = u - i, v - j
        low = grid[j, i] * (1 - fu) + grid[j, i + 1] * fu
        high = grid[j + 1, i] * (1 - fu) + grid[j + 1, i + 1] * fu
        return np.asarray(low * (1 - fv) + high * fv)


def build(of: list[Stream], seed: int, cell_m: float) -> Terrain:
    """The county's terrain on a grid of ``cell_m`` metres."""
    origin = from_km((-0.5, -0.5))
    columns, rows = (int(km * 1000 / cell_m) for km in EXTENT_KM)
    x, y = np.meshgrid(origin[0] + cell_m * np.arange(columns), origin[1] + cell_m * np.arange(rows))
    points = np.column_stack([x.ravel(), y.ravel()])
    behind = front_distance(points) + 1.1 * Noise(seed + 1, 5200.0)(points[:, 0], points[:, 1])
    plain = plain_height(points) + 1.2 * Noise(seed + 2, 900.0)(points[:, 0], points[:, 1])
    rough = Fractal(seed + 3, 2600.0, 4)(points[:, 0], points[:, 1])
    steep = np.clip(0.22 + 0.05 * behind, 0.2, 0.62) * (1 + 0.28 * rough)
    mountain = _valley_envelope(of, points, steep)
    ceiling = plain + _hill_ceiling(behind, rough)
    heights = np.where(behind > 0, np.maximum(np.minimum(mountain, ceiling), plain - 3), plain)
    inside = shapely.contains_xy(shapely.Polygon(from_km(OUTLINE)), points[:, 0], points[:, 1])
    heights = _stretched(heights, float(heights[inside].max()))
    return Terrain(origin, cell_m, heights.reshape(rows, columns))


def _valley_envelope(of: list[Stream], points: Floats, steep: Floats) -> Floats:
    """Lowest of all stream levels raised by the slope times the distance: ridges rise midway between streams."""
    beds = np.vstack([np.column_stack([s.points, s.level]) for s in of if s.mountain]).astype(np.float32)
    base = points.min(axis=0)
    out = np.empty(len(points))
    for start in range(0, len(points), 2000):
        part = slice(start, start + 2000)
        here = (points[part] - base).astype(np.float32)
        dx = here[:, :1] - (beds[:, 0] - np.float32(base[0]))
        dy = here[:, 1:] - (beds[:, 1] - np.float32(base[1]))
        gap = np.sqrt(dx * dx + dy * dy)
        out[part] = (beds[:, 2] + steep[part, None].astype(np.float32) * np.maximum(gap - 60.0, 0)).min(axis=1)
    return out


def _hill_ceiling(behind: Floats, rough: Floats) -> Floats:
    hills = 62.0 * np.clip(behind, 0, None) * (1 + 1.6 * rough) + 20.0
    return np.where(behind < 5.0, hills, hills + 260.0 * (behind - 5.0))


def _stretched(heights: Floats, top: float) -> Floats:
    """High ground raised so that ``top``, the highest in the county, becomes the summit height."""
    knee = 1200.0
    above = np.clip(heights - knee, 0, None) / (top - knee)
    return np.asarray(np.where(heights > knee, knee + (SUMMIT_M - knee) * above**1.15, heights))
