"""Values between stations: inverse-distance weights and ordinary kriging, and what leaving each station out costs.

Places are metres of a plane, shape (n, 2); values have shape (n,).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
VariogramKind = Literal["spherical", "exponential"]
LAGS = 12
CHUNK = 20_000
"""Places worked on at once; each needs a row of as many numbers as there are stations."""


def idw(stations: Floats, values: Floats, places: Floats, power: float = 2.0) -> Floats:
    """Means of the values with weights 1 / distance ** power; at a station its own value."""
    found = np.empty(len(places))
    for first in range(0, len(places), CHUNK):
        part = slice(first, first + CHUNK)
        apart_m = _distances(places[part], stations)
        nearest = apart_m.argmin(axis=1)
        least_m = apart_m[np.arange(len(apart_m)), nearest]
        weights = np.maximum(apart_m, 1e-12) / np.maximum(least_m, 1e-12)[:, None]
        weights = weights**-power
        found[part] = (weights @ values) / weights.sum(axis=1)
        found[part][least_m == 0] = values[nearest[least_m == 0]]
    return found


def idw_left_out(stations: Floats, values: Floats, power: float = 2.0) -> Floats:
    """What each station would be estimated as from the others."""
    every = np.arange(len(values))
    return np.array([idw(stations[every != k], values[every != k], stations[k : k + 1], power)[0] for k in every])


@dataclass(frozen=True, slots=True)
class Variogram:
    """How unlike values are by their distance: ``nugget`` at once, ``nugget + sill`` from about ``range_m`` on."""

    kind: VariogramKind
    nugget: float
    sill: float
    range_m: float

    def __call__(self, apart_m: Floats) -> Floats:
        """Semivariances at distances; 0 at distance 0, so that a station keeps its value."""
        return np.where(apart_m > 0, self.nugget + self.sill * _shape(self.kind, apart_m / self.range_m), 0.0)


def fitted_variogram(stations: Floats, values: Floats) -> Variogram:
    """The variogram that fits the semivariances of pairs best, by pairs in lags up to half the greatest distance.

    For each kind and range tried, nugget and sill follow by least squares weighted with the number of pairs.
    """
    apart_m, unlike, pairs = semivariances(stations, values)
    longest_m = float(_distances(stations, stations).max())
    if not len(apart_m) or not unlike.any():
        return Variogram("spherical", 0.0, float(values.var()) or 1.0, longest_m)
    best, least = Variogram("spherical", 0.0, float(values.var()) or 1.0, longest_m), np.inf
    kinds: tuple[VariogramKind, ...] = ("spherical", "exponential")
    for kind in kinds:
        for range_m in np.geomspace(apart_m[0] / 2, 2 * longest_m, 60):
            nugget, sill = _nugget_and_sill(_shape(kind, apart_m / range_m), unlike, pairs)
            tried = Variogram(kind, nugget, sill, float(range_m))
            error = float((pairs * (tried(apart_m) - unlike) ** 2).sum())
            if error < least and nugget + sill > 0:
                best, least = tried, error
    return best


def semivariances(stations: Floats, values: Floats, lags: int = LAGS) -> tuple[Floats, Floats, Floats]:
    """Mean distances, semivariances and numbers of pairs by lag; lags without pairs are left out."""
    one, other = np.triu_indices(len(values), 1)
    apart_m = np.hypot(*(stations[one] - stations[other]).T)
    unlike = (values[one] - values[other]) ** 2 / 2
    half_m = apart_m.max() / 2
    near = apart_m <= half_m
    lag = np.minimum((apart_m[near] / half_m * lags).astype(np.int64), lags - 1)
    pairs = np.bincount(lag, minlength=lags).astype(np.float64)
    filled = pairs > 0
    sums = (np.bincount(lag, weights, lags)[filled] for weights in (apart_m[near], unlike[near]))
    mean_m, mean = (total / pairs[filled] for total in sums)
    return mean_m, mean, pairs[filled]


class Kriging:
    """Ordinary kriging from all stations.

    Parameters
    ----------
    stations, values: places apart from each other and their values.
    variogram: how unlike values are by their distance.

    """

    def __init__(self, stations: Floats, values: Floats, variogram: Callable[[Floats], Floats]) -> None:
        count = len(values)
        self._stations, self._values, self._variogram = stations, values, variogram
        system = np.ones((count + 1, count + 1))
        system[:count, :count] = variogram(_distances(stations, stations))
        system[count, count] = 0.0
        self._inverse = np.linalg.inv(system)

    def weights(self, places: Floats) -> Floats:
        """The weights of the stations at places, and last the multiplier; shape (places, stations + 1)."""
        right = np.ones((len(places), len(self._values) + 1))
        right[:, :-1] = self._variogram(_distances(places, self._stations))
        return right @ self._inverse

    def __call__(self, places: Floats) -> Floats:
        """Values at places."""
        found = np.empty(len(places))
        for first in range(0, len(places), CHUNK):
            part = slice(first, first + CHUNK)
            found[part] = self.weights(places[part])[:, :-1] @ self._values
        return found

    def left_out(self) -> Floats:
        """What each station would be estimated as from the others (Dubrule 1983: by the inverse, in one step)."""
        count = len(self._values)
        inner = self._inverse[:count, :count]
        return self._values - (inner @ self._values) / np.diag(inner)


def _distances(one: Floats, other: Floats) -> Floats:
    return np.hypot(one[:, None, 0] - other[None, :, 0], one[:, None, 1] - other[None, :, 1])


def _shape(kind: VariogramKind, relative: Floats) -> Floats:
    """A variogram of sill 1 by distance over range; the exponential one has 95 % at its range."""
    if kind == "exponential":
        return 1.0 - np.exp(-3.0 * relative)
    near = np.minimum(relative, 1.0)
    return 1.5 * near - 0.5 * near**3


def _nugget_and_sill(shape: Floats, unlike: Floats, pairs: Floats) -> tuple[float, float]:
    """Weighted least squares of nugget + sill * shape, neither below zero."""
    a, b, c = pairs.sum(), (pairs * shape).sum(), (pairs * shape**2).sum()
    d, e = (pairs * unlike).sum(), (pairs * shape * unlike).sum()
    determinant = a * c - b * b
    if determinant > 1e-12 * a * c:
        nugget, sill = (d * c - b * e) / determinant, (a * e - b * d) / determinant
        if nugget >= 0 and sill >= 0:
            return float(nugget), float(sill)
    only_sill = max(float(e / c), 0.0) if c else 0.0
    only_nugget = max(float(d / a), 0.0)
    miss_sill = float((pairs * (only_sill * shape - unlike) ** 2).sum())
    miss_nugget = float((pairs * (only_nugget - unlike) ** 2).sum())
    return (0.0, only_sill) if miss_sill <= miss_nugget else (only_nugget, 0.0)
