"""Where a cloud is above a concentration: its outline in closed form, for the crosswind profile is a Gaussian."""

from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.impact.dispersion import Plume, Puff
from cim.analysis.overlay import Floats

NEAREST_M, FARTHEST_M = 1.0, 50_000.0
SCANNED, BETWEEN = 4_000, 240
HALVINGS = 60
RELIABLE_M = (100.0, 10_000.0)
"""Where the widths were measured; nearer and farther they are continued."""


@dataclass(frozen=True, slots=True)
class Contour:
    """An area above a concentration: corners in metres downwind and to the left, from ``first_m`` to ``reach_m``.

    ``open``: it goes on beyond the farthest distance looked at.
    """

    level_mg_m3: float
    corners_m: Floats
    first_m: float
    reach_m: float
    half_width_m: float
    area_m2: float
    open: bool


def contour(cloud: Plume | Puff, level_mg_m3: float) -> Contour | None:
    """The area on one height where a cloud exceeds a concentration; None where it does nowhere beyond a metre."""
    x = np.geomspace(NEAREST_M, FARTHEST_M, SCANNED)
    above = np.flatnonzero(cloud.axis(x) > level_mg_m3)
    if not len(above):
        return None
    first, last = int(above[0]), int(above[-1])
    begin = float(x[0]) if first == 0 else _crossing(cloud, level_mg_m3, float(x[first]), float(x[first - 1]))
    ends = last == SCANNED - 1
    end = float(x[-1]) if ends else _crossing(cloud, level_mg_m3, float(x[last]), float(x[last + 1]))
    along = begin + (end - begin) * (1 - np.cos(np.linspace(0, np.pi, BETWEEN))) / 2
    half = half_widths(cloud, level_mg_m3, along)
    corners = np.vstack([np.column_stack([along, half]), np.column_stack([along, -half])[::-1]])
    area = float(shapely.area(shapely.Polygon(corners)))
    return Contour(level_mg_m3, corners, begin, end, float(half.max()), area, ends)


def half_widths(cloud: Plume | Puff, level_mg_m3: float, x_m: Floats) -> Floats:
    """How far to each side of the axis a cloud exceeds a concentration at distances downwind; 0 where it does not."""
    ratio = np.maximum(cloud.axis(x_m) / level_mg_m3, 1.0)
    return np.asarray(cloud.width(x_m) * np.sqrt(2 * np.log(ratio)), dtype=np.float64)


def _crossing(cloud: Plume | Puff, level_mg_m3: float, inside_m: float, outside_m: float) -> float:
    for _ in range(HALVINGS):
        middle = (inside_m + outside_m) / 2
        if cloud.axis(np.array([middle]))[0] > level_mg_m3:
            inside_m = middle
        else:
            outside_m = middle
    return inside_m
