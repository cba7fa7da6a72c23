"""A video camera: where it stands, what it can be turned to, and its sector 视域: what it would see over empty ground.

Bearings are degrees clockwise from true north. Distances are geodesics on the CGCS2000 ellipsoid.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GEOD = pyproj.Geod(ellps="GRS80")
AROUND_DEG = 360.0
ARC_STEP_DEG, SLIT_DEG = 1.0, 0.01
"""Arcs are drawn by chords, which lie within 0.004 % of the range of them; a narrower slit is none."""
TURNING_KINDS, AROUND_KINDS = frozenset({"ptz"}), frozenset({"panorama"})
OFFLINE = "offline"
STATUS_NAMES = {"online": "在线", OFFLINE: "离线"}


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera as its record has it; None where the record does not say, or the reader may not know.

    ``fov_deg`` is the horizontal angle it sees at once, ``pan_deg`` the angle its axis can be turned through, half of
    it to either side of ``bearing_deg``; ``height_m`` is above the ground it stands on.
    """

    code: str
    lon: float
    lat: float
    bearing_deg: float | None
    fov_deg: float | None
    range_m: float | None
    height_m: float | None
    pan_deg: float = 0.0
    name: str = ""
    kind: str = ""
    status: str = ""
    fid: int = 0

    @property
    def online(self) -> bool:
        """Whether it is not known to be off."""
        return self.status != OFFLINE

    @property
    def status_name(self) -> str:
        """Its status as people read it."""
        return STATUS_NAMES.get(self.status, self.status)

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts without which its sector is not known."""
        facts = {"bearing": self.bearing_deg, "fov": self.fov_deg, "range_m": self.range_m}
        if self.fov_deg is not None and self.fov_deg >= AROUND_DEG:
            del facts["bearing"]
        return tuple(name for name, value in facts.items() if value is None)

    def width_deg(self, *, turned: bool = False) -> float:
        """The angle of its sector, or of all that it can be turned to. 0 where that is not known."""
        if self.missing:
            return 0.0
        width_deg = (self.fov_deg or 0.0) + (self.pan_deg if turned else 0.0)
        return AROUND_DEG if width_deg > AROUND_DEG - SLIT_DEG else width_deg

    def first_deg(self, *, turned: bool = False) -> float:
        """The bearing of the sector's left edge."""
        return (self.bearing_deg or 0.0) - self.width_deg(turned=turned) / 2

    def sector(self, *, turned: bool = False) -> shapely.Polygon:
        """The sector in longitude and latitude, an empty polygon where it is not known."""
        width_deg, range_m = self.width_deg(turned=turned), self.range_m or 0.0
        if width_deg <= 0 or range_m <= 0:
            return shapely.Polygon()
        count = ceil(width_deg / ARC_STEP_DEG) + 1
        bearings = self.first_deg(turned=turned) + np.linspace(0.0, width_deg, count)
        if width_deg >= AROUND_DEG:
            bearings = bearings[:-1]
        lon, lat, _ = GEOD.fwd(
            np.full(len(bearings), self.lon),
            np.full(len(bearings), self.lat),
            bearings,
            np.full(len(bearings), range_m),
        )
        corners = np.column_stack([lon, lat])
        if width_deg < AROUND_DEG:
            corners = np.vstack([(self.lon, self.lat), corners])
        return shapely.orient_polygons(shapely.Polygon(corners))

    def bearings_to(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Bearings (0 to 360 degrees) and distances (metres) of places from it."""
        forth, _, distance_m = GEOD.inv(np.full(len(lon), self.lon), np.full(len(lat), self.lat), lon, lat)
        return np.asarray(forth, dtype=np.float64) % AROUND_DEG, np.asarray(distance_m, dtype=np.float64)

    def facing(self, bearing_deg: Floats, *, turned: bool = False) -> NDArray[np.bool_]:
        """Whether bearings lie in its sector, its edges included."""
        width_deg = self.width_deg(turned=turned)
        off = (bearing_deg - (self.bearing_deg or 0.0) + 180.0) % AROUND_DEG - 180.0
        return (width_deg > 0) & ((np.abs(off) <= width_deg / 2 + 1e-9) | (width_deg >= AROUND_DEG))

    def holds(self, lon: float, lat: float, *, turned: bool = False) -> bool:
        """Whether a place lies in its sector; the camera's own place does."""
        bearing_deg, distance_m = self.bearings_to(np.array([lon]), np.array([lat]))
        near = distance_m[0] <= (self.range_m or 0.0)
        return bool(near and (distance_m[0] == 0.0 or self.facing(bearing_deg, turned=turned)[0]))


def pan_of(kind: str | None) -> float:
    """Through which angle cameras of a kind can be turned: 球机 all around, others not at all."""
    return AROUND_DEG if kind in TURNING_KINDS else 0.0


def fov_of(kind: str | None, stated_deg: float | None) -> float | None:
    """The angle a camera sees at once: as stated, but 全景 cameras see all around."""
    return AROUND_DEG if kind in AROUND_KINDS else stated_deg
