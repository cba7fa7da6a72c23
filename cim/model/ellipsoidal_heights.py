"""Heights of any system brought above the ellipsoid of CGCS2000, which 3D views count from.

Heights in metres of the national system 1985 (EPSG:5737), and those of which nothing is said, are levelled: the
undulation of the geoid is added. Ellipsoidal ones stay. Other systems go the way PROJ knows for them, and never one
that would leave the heights as they are for want of a grid.
"""

import functools
import warnings
from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.transformer import TransformerGroup

from cim.errors import HeightsUnknown
from cim.model.undulation import Undulation

Floats = NDArray[np.float64]
LEVELLED = "EPSG:5737"
ELLIPSOIDAL, LOCAL = "ellipsoidal", "local"
SETTINGS = "CIM_UNDULATION_M or CIM_GEOID_GRID"


@dataclass(frozen=True, slots=True)
class HeightWay:
    """The way from heights of one system to heights above the ellipsoid: by undulation, by PROJ, or none needed.

    ``unit_m`` are metres in the unit of the system, negative where it counts downward.
    """

    undulation: Undulation | None = None
    operation: pyproj.Transformer | None = None
    unit_m: float = 1.0

    def apply(self, lon: Floats, lat: Floats, height_m: Floats) -> Floats:
        """Ellipsoidal heights of places in degrees, all in metres; HeightsUnknown where the way leads nowhere."""
        if self.undulation is not None:
            return np.asarray(height_m + self.undulation.at(lon, lat), dtype=np.float64)
        if self.operation is None:
            return np.asarray(height_m, dtype=np.float64)
        _, _, moved = self.operation.transform(lon, lat, np.asarray(height_m) / self.unit_m)
        heights = np.asarray(moved, dtype=np.float64)
        if not np.isfinite(heights[np.isfinite(height_m)]).all():
            raise HeightsUnknown(
                "the height system is not defined at all of these places",
                where="height datum",
                remedy="import the layer again with the height system it is in (--height-datum)",
            )
        return heights


def height_way(datum: str | None, undulation: Undulation | None) -> HeightWay:
    """The way for heights above ``datum``: authority and code, ``ellipsoidal``, ``local``, or None where none is said.

    HeightsUnknown, with the reason, where there is none: an undulation is needed and not configured, the heights are
    those of a building site, or PROJ knows no operation but a guess.
    """
    if datum == ELLIPSOIDAL:
        return HeightWay()
    if datum is None or datum == LEVELLED:
        if undulation is None:
            raise HeightsUnknown(
                "levelled heights need the undulation of the geoid to be shown in 3D, and none is configured",
                where="undulation",
                remedy=f"set {SETTINGS} and start the server again",
            )
        return HeightWay(undulation)
    if datum == LOCAL:
        raise _unknown(datum, "heights above a local mark say nothing of the ellipsoid")
    return _operation(datum)


@functools.lru_cache(maxsize=32)
def _operation(datum: str) -> HeightWay:
    try:
        system = pyproj.CRS.from_user_input(datum)
    except pyproj.exceptions.CRSError:
        raise _unknown(datum, "the height system is not known") from None
    if not system.is_vertical or system.is_compound:
        raise _unknown(datum, "this is no height system")
    source = pyproj.crs.CompoundCRS("heights", [pyproj.CRS.from_epsg(4326), system])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about grids that are missing, which the list that stays empty says as well
        found = TransformerGroup(source, pyproj.CRS.from_epsg(4979), always_xy=True, allow_ballpark=False).transformers
    if not found:
        raise _unknown(datum, "PROJ has no operation or no grid from it to the ellipsoid here")
    axis = system.axis_info[0]
    sign = -1.0 if axis.direction.lower() == "down" else 1.0
    return HeightWay(operation=found[0], unit_m=sign * axis.unit_conversion_factor)


def _unknown(datum: str, why: str) -> HeightsUnknown:
    return HeightsUnknown(
        f"{why}: {datum[:60]}",
        where="height datum",
        remedy="import the layer again with the height system it is in (--height-datum 1985 or ellipsoidal), "
        "or convert the heights first",
    )
