"""Run-out by the angle of reach (Fahrböschung): how far a mass gets below the line of energy from its source."""

from dataclasses import dataclass

import numpy as np

from cim.analysis.overlay import Floats

RAYS_A_DEGREE = 0.5


@dataclass(frozen=True, slots=True)
class Fan:
    """Rays from a source: their bearings, and the distances along each at which heights are looked at."""

    bearing_deg: Floats
    distance_m: Floats


def fan(bearing_deg: float, spread_deg: float, most_m: float, step_m: float) -> Fan:
    """Rays within an angle to each side of a bearing."""
    count = 2 * int(np.ceil(spread_deg * RAYS_A_DEGREE)) + 1
    distances = np.arange(1, int(np.ceil(most_m / step_m)) + 1) * step_m
    bearings = np.asarray(bearing_deg + np.linspace(-spread_deg, spread_deg, count), dtype=np.float64)
    return Fan(bearings, np.asarray(distances, dtype=np.float64))


def run_outs(source_m: float, height_m: Floats, distance_m: Floats, angle_deg: float) -> Floats:
    """How far the mass gets along each ray, between steps by the straight line; 0 where it does not start.

    Parameters: the source's height, heights by ray and distance (NaN stops it), distances, the angle of reach.
    """
    line_m = source_m - distance_m * np.tan(np.radians(angle_deg))
    above_m = np.where(np.isfinite(height_m), line_m - height_m, -np.inf)
    out = np.zeros(len(height_m))
    step_m = distance_m[0]
    for ray, over in enumerate(above_m):
        stopped = np.flatnonzero(over < 0)
        if not len(stopped):
            out[ray] = distance_m[-1]
            continue
        last = int(stopped[0])
        before_m = over[last - 1] if last else 0.0
        share = before_m / (before_m - over[last]) if np.isfinite(over[last]) else 0.0
        out[ray] = last * step_m + share * step_m
    return out


def downslope_deg(east_m: Floats, north_m: Floats, height_m: Floats) -> tuple[float, float]:
    """The bearing a plane through heights around a place falls along, and its slope in degrees."""
    known = np.isfinite(height_m)
    system = np.column_stack([east_m[known], north_m[known], np.ones(int(known.sum()))])
    (east, north, _), *_ = np.linalg.lstsq(system, height_m[known], rcond=None)
    bearing = float(np.degrees(np.arctan2(-east, -north)) % 360)
    return bearing, float(np.degrees(np.arctan(np.hypot(east, north))))
