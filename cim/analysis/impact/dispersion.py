"""Gaussian dispersion of a passive gas over level ground: classes of stability, widths, concentrations.

Everything in SI: distances in metres, release in kg/s or kg, concentrations in mg/m3. x is downwind, y crosswind, z up.
The ground reflects; a mixing height, where given, reflects as well. Widths of continuous plumes are those of Briggs
(1973), fitted to 100 m to 10 km; those of puffs are Slade's (1968) as CCPS (1996) prints them.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cim.analysis.overlay import Floats
from cim.errors import BadRequest

Stability = Literal["A", "B", "C", "D", "E", "F"]
Sky = Literal["strong-sun", "moderate-sun", "slight-sun", "overcast", "night-cloudy", "night-clear"]
Terrain = Literal["rural", "urban"]
LEAST_WIND_M_S, MOST_WIND_M_S = 0.5, 40.0
MG_PER_KG = 1e6
IMAGES = 6
"""How many times the mixing height reflects each way."""
_WIND_BOUNDS_M_S = (2.0, 3.0, 5.0, 6.0)
_PASQUILL: dict[str, tuple[Stability, ...]] = {
    "strong-sun": ("A", "B", "B", "C", "C"),
    "moderate-sun": ("B", "B", "C", "D", "D"),
    "slight-sun": ("B", "C", "C", "D", "D"),
    "overcast": ("D", "D", "D", "D", "D"),
    "night-cloudy": ("F", "E", "D", "D", "D"),
    "night-clear": ("F", "F", "E", "D", "D"),
}
"""Pasquill's table by wind at 10 m; of two classes the stabler one, whose clouds reach farther."""
_RURAL = {
    "A": ((0.22, 1e-4, -0.5), (0.20, 0.0, 0.0)),
    "B": ((0.16, 1e-4, -0.5), (0.12, 0.0, 0.0)),
    "C": ((0.11, 1e-4, -0.5), (0.08, 2e-4, -0.5)),
    "D": ((0.08, 1e-4, -0.5), (0.06, 1.5e-3, -0.5)),
    "E": ((0.06, 1e-4, -0.5), (0.03, 3e-4, -1.0)),
    "F": ((0.04, 1e-4, -0.5), (0.016, 3e-4, -1.0)),
}
_URBAN_AB = ((0.32, 4e-4, -0.5), (0.24, 1e-3, 0.5))
_URBAN_EF = ((0.11, 4e-4, -0.5), (0.08, 1.5e-3, -0.5))
_URBAN = {
    "A": _URBAN_AB,
    "B": _URBAN_AB,
    "C": ((0.22, 4e-4, -0.5), (0.20, 0.0, 0.0)),
    "D": ((0.16, 4e-4, -0.5), (0.14, 3e-4, -0.5)),
    "E": _URBAN_EF,
    "F": _URBAN_EF,
}
_PUFF = {
    "A": ((0.18, 0.92), (0.60, 0.75)),
    "B": ((0.14, 0.92), (0.53, 0.73)),
    "C": ((0.10, 0.92), (0.34, 0.71)),
    "D": ((0.06, 0.92), (0.15, 0.70)),
    "E": ((0.04, 0.92), (0.10, 0.65)),
    "F": ((0.02, 0.89), (0.05, 0.61)),
}


@dataclass(frozen=True, slots=True)
class Air:
    """The air a cloud drifts in: wind at 10 m, class of stability, ground, mixing height (None: no lid)."""

    wind_m_s: float
    stability: Stability
    terrain: Terrain = "rural"
    mixing_m: float | None = None


def stability_of(wind_m_s: float, sky: Sky) -> Stability:
    """The class of stability by wind at 10 m and by sun, cloud and night."""
    return _PASQUILL[sky][int(np.searchsorted(_WIND_BOUNDS_M_S, wind_m_s, side="right"))]


def checked_wind(wind_m_s: float) -> float:
    """The wind where a plume can be made of it; BadRequest for a calm, in which the formula divides by nothing."""
    if not wind_m_s >= LEAST_WIND_M_S:
        raise BadRequest(
            f"the wind is {wind_m_s:g} m/s, and a Gaussian plume needs {LEAST_WIND_M_S:g} m/s or more",
            where="wind_m_s",
            remedy="in a calm the cloud has no direction: use the process impact-area with a circle",
        )
    return wind_m_s


def plume_widths(x_m: Floats, air: Air) -> tuple[Floats, Floats]:
    """The widths of a continuous plume crosswind and upward at distances downwind."""
    (a, b, c), (d, e, f) = (_URBAN if air.terrain == "urban" else _RURAL)[air.stability]
    return a * x_m * (1 + b * x_m) ** c, d * x_m * (1 + e * x_m) ** f


def puff_widths(x_m: Floats, air: Air) -> tuple[Floats, Floats]:
    """The widths of a puff along or across the wind, and upward, where its middle has drifted so far."""
    (a, b), (c, d) = _PUFF[air.stability]
    return a * x_m**b, c * x_m**d


def vertical(sigma_m: Floats, source_m: float, z_m: float, mixing_m: float | None) -> Floats:
    """The vertical factor with the reflecting ground and, where there is one, the lid at the mixing height."""
    turns = np.arange(-IMAGES, IMAGES + 1) if mixing_m else np.zeros(1)
    total = np.zeros_like(sigma_m)
    for lift_m in 2.0 * turns * (mixing_m or 0.0):
        for height_m in (source_m, -source_m):
            total += np.exp(-((z_m - height_m + lift_m) ** 2) / (2 * sigma_m**2))
    return total


@dataclass(frozen=True, slots=True)
class Plume:
    """A steady release of ``rate_kg_s`` at a height; concentrations at a height ``at_m`` above the ground."""

    rate_kg_s: float
    source_m: float
    at_m: float
    air: Air

    def axis(self, x_m: Floats) -> Floats:
        """Concentrations below the axis, y = 0."""
        across, up = plume_widths(x_m, self.air)
        lifted = vertical(up, self.source_m, self.at_m, self.air.mixing_m)
        return self.rate_kg_s * MG_PER_KG / (2 * np.pi * self.air.wind_m_s * across * up) * lifted

    def width(self, x_m: Floats) -> Floats:
        """The crosswind width at distances downwind."""
        return plume_widths(x_m, self.air)[0]


@dataclass(frozen=True, slots=True)
class Puff:
    """An instantaneous release of ``mass_kg``; its axis has the greatest concentrations while it drifts past."""

    mass_kg: float
    source_m: float
    at_m: float
    air: Air

    def axis(self, x_m: Floats) -> Floats:
        """Concentrations in the middle of the puff when it has drifted so far."""
        across, up = puff_widths(x_m, self.air)
        lifted = vertical(up, self.source_m, self.at_m, self.air.mixing_m)
        total: Floats = self.mass_kg * MG_PER_KG / ((2 * np.pi) ** 1.5 * across**2 * up) * lifted
        return total

    def width(self, x_m: Floats) -> Floats:
        """The width along and across the wind when it has drifted so far."""
        return puff_widths(x_m, self.air)[0]


def concentration(cloud: Plume | Puff, x_m: Floats, y_m: Floats) -> Floats:
    """Concentrations at places downwind (of a puff the greatest while it passes); 0 upwind."""
    ahead = x_m > 0
    x = np.where(ahead, x_m, 1.0)
    return np.where(ahead, cloud.axis(x) * np.exp(-(y_m**2) / (2 * cloud.width(x) ** 2)), 0.0)
