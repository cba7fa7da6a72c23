"""How far the geoid, from which heights are levelled, lies above the ellipsoid that 3D views count from."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Undulation:
    """The undulation N: ellipsoidal height = levelled height + N.

    ``values_m`` are metres at the nodes of a grid, rows from the north, of shape (rows, columns); the node of the
    first row and column is at ``west_deg``, ``north_deg`` and the others follow each ``step_deg``, from north to south
    each ``step_north_deg`` where that is another. One value alone holds everywhere. ``source`` is what a person reads
    of where it comes from.
    """

    values_m: Floats
    west_deg: float = 0.0
    north_deg: float = 0.0
    step_deg: float = 1.0
    source: str = ""
    step_north_deg: float | None = None

    @classmethod
    def constant(cls, metres: float) -> "Undulation":
        """One value for everywhere, good enough within a county of the plain."""
        return cls(np.array([[metres]], dtype=np.float64), source=f"{metres:g} m")

    @property
    def fingerprint(self) -> str:
        """A short name that differs for whatever gives other metres."""
        numbers = np.array([self.west_deg, self.north_deg, self.step_deg, self.step_north_deg or self.step_deg])
        held = [np.array(self.values_m.shape).tobytes(), self.values_m.tobytes(), numbers.tobytes()]
        return hashlib.blake2b(b"".join(held), digest_size=8).hexdigest()

    def at(self, lon: Floats, lat: Floats) -> Floats:
        """Metres at places in degrees, between the nodes; beyond the grid what its nearest edge has."""
        rows, columns = self.values_m.shape
        if rows == columns == 1:
            return np.full(np.shape(lon), self.values_m[0, 0])
        x = np.clip((np.asarray(lon) - self.west_deg) / self.step_deg, 0, columns - 1)
        y = np.clip((self.north_deg - np.asarray(lat)) / (self.step_north_deg or self.step_deg), 0, rows - 1)
        left = np.minimum(x.astype(np.intp), max(columns - 2, 0))
        top = np.minimum(y.astype(np.intp), max(rows - 2, 0))
        right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        dx, dy = x - left, y - top
        above = self.values_m[top, left] * (1 - dx) + self.values_m[top, right] * dx
        below = self.values_m[bottom, left] * (1 - dx) + self.values_m[bottom, right] * dx
        return np.asarray(above * (1 - dy) + below * dy, dtype=np.float64)
