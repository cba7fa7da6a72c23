"""Smooth random fields and curves: what makes drawn lines and slopes look grown."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TABLE = 128


class Noise:
    """Smooth value noise in [-1, 1] over plane coordinates in metres; equal coordinates give equal values."""

    def __init__(self, seed: int, wavelength_m: float) -> None:
        self._table = np.random.default_rng(seed).uniform(-1.0, 1.0, (TABLE, TABLE))
        self._wavelength = wavelength_m

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Value at each point."""
        u, v = np.asarray(x) / self._wavelength, np.asarray(y) / self._wavelength
        i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        fu, fv = u - i, v - j
        fu, fv = fu * fu * (3 - 2 * fu), fv * fv * (3 - 2 * fv)
        i0, j0, i1, j1 = i % TABLE, j % TABLE, (i + 1) % TABLE, (j + 1) % TABLE
        table = self._table
        low = table[i0, j0] * (1 - fu) + table[i1, j0] * fu
        high = table[i0, j1] * (1 - fu) + table[i1, j1] * fu
        return np.asarray(low * (1 - fv) + high * fv)


class Fractal:
    """Sum of noises of halving wavelength and amplitude, in about [-1, 1]."""

    def __init__(self, seed: int, wavelength_m: float, octaves: int) -> None:
        self._parts = [(0.5**k, Noise(seed + 31 * k, wavelength_m / 2**k)) for k in range(octaves)]
        self._total = sum(weight for weight, _ in self._parts)

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Value at each point."""
        value = np.zeros(np.shape(x))
        for weight, noise in self._parts:
            value += weight * noise(x, y)
        return value / self._total


class Warp:
    """A smooth displacement of the plane: shifts points by up to ``amplitude_m``; equal points move equally."""

    def __init__(self, seed: int, wavelength_m: float, amplitude_m: float, octaves: int = 2) -> None:
        self._east = Fractal(seed, wavelength_m, octaves)
        self._north = Fractal(seed + 7, wavelength_m, octaves)
        self._amplitude = amplitude_m

    def __call__(self, points: Floats) -> Floats:
        """Displaced copy of an (n, 2) array."""
        x, y = points[:, 0], points[:, 1]
        shift = np.column_stack([self._east(x, y), self._north(x, y)])
        return np.asarray(points + self._amplitude * shift)


def curve(points: Floats, step_m: float) -> Floats:
    """A smooth curve through the points (Catmull-Rom), sampled about every ``step_m``."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    pieces = []
    for k in range(len(points) - 1):
        p0, p1, p2, p3 = padded[k : k + 4]
        n = max(2, int(np.hypot(*(p2 - p1)) / step_m))
        t = np.linspace(0.0, 1.0, n, endpoint=False)[:, None]
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    return np.vstack([*pieces, points[-1:]])


def along(line: Floats) -> Floats:
    """Distance in metres from the start of a polyline to each of its points."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])


def resample(line: Floats, step_m: float) -> Floats:
    """Points every ``step_m`` along a polyline, with both ends."""
    distance = along(line)
    wanted = np.linspace(0.0, distance[-1], max(2, round(distance[-1] / step_m) + 1))
    return np.column_stack([np.interp(wanted, distance, line[:, k]) for k in (0, 1)])
