"""Scales of map sheets: which one shows an area, what part of the earth a sheet then shows, and the scale bar.

Lengths on paper are in pixels of 1/96 inch, as styles count them: a sheet's styles look as on the screen at that scale.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from pyproj import CRS, Proj
from pyproj.exceptions import ProjError

from cim.errors import BadRequest
from cim.model.collection import BoundingBox
from tiles.picture_window import Window, transformer
from tiles.sheet_boxes import PIXEL_M

SCALES = (500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
"""The scales of the national map series and of surveys, by their denominators."""
LEAST_SCALE, MOST_SCALE = 100, 1_000_000
ZONES = range(4513, 4555)
"""CGCS2000 in Gauss-Krüger zones of three degrees, with the zone's number before the eastings and without."""
_FIRST_UNNUMBERED, _FIRST_MERIDIAN_DEG, _LAST_MERIDIAN_DEG = 4534, 75, 135
_FARTHEST_DEG = 3.0
_ROUND = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Placement:
    """What a map field shows: the window, a little larger than the field and with the same middle, and the scale."""

    window: Window
    scale: int


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A bar of ``parts`` pieces, each ``step_m`` metres of ground and ``step_px`` of paper long."""

    step_m: float
    step_px: float
    parts: int

    @property
    def labels(self) -> tuple[str, ...]:
        """Numbers at the ends of the pieces, the last with the unit."""
        large = self.step_m * self.parts >= 2_000
        unit, divisor = ("km", 1_000) if large else ("m", 1)
        numbers = [f"{at * self.step_m / divisor:g}" for at in range(self.parts + 1)]
        return (*numbers[:-1], f"{numbers[-1]} {unit}")


def zone_of(lon: float) -> int:
    """The three-degree zone (EPSG, eastings without the zone's number) that a longitude lies in."""
    meridian = 3 * math.floor(lon / 3 + 0.5)
    if not _FIRST_MERIDIAN_DEG <= meridian <= _LAST_MERIDIAN_DEG:
        raise BadRequest(
            "the place lies outside of the zones of CGCS2000",
            where="bbox",
            remedy="sheets are drawn between 73.5 and 136.5 degrees east; write the longitude first",
        )
    return _FIRST_UNNUMBERED + (meridian - _FIRST_MERIDIAN_DEG) // 3


def checked_zone(srid: int) -> int:
    """The EPSG code, where it is of a system that a sheet is true to scale in."""
    if srid not in ZONES:
        raise BadRequest(
            f"a sheet in EPSG:{srid} would not be true to scale",
            where="crs",
            remedy="use a CGCS2000 three-degree zone, EPSG:4513 to EPSG:4554, or leave it out",
        )
    return srid


def checked_scale(scale: int) -> int:
    """The denominator of a scale, where it is one that sheets are drawn at."""
    if not LEAST_SCALE <= scale <= MOST_SCALE:
        raise BadRequest(
            f"a sheet cannot be drawn at 1:{scale}",
            where="scale",
            remedy=f"give the denominator, {LEAST_SCALE} to {MOST_SCALE}, for example 10000",
        )
    return scale


def metres_a_pixel(scale: int) -> float:
    """Metres of the projection for a pixel of 1/96 inch."""
    return scale * PIXEL_M


def fitting_scale(width_m: float, height_m: float, width_px: float, height_px: float) -> int:
    """The largest standard scale at which a ground of a size fits a field; BadRequest where none does."""
    for scale in SCALES:
        cell = metres_a_pixel(scale)
        if width_m <= width_px * cell and height_m <= height_px * cell:
            return scale
    raise BadRequest(
        f"the area is {max(width_m, height_m) / 1000:.0f} km long, more than the sheet holds at 1:{SCALES[-1]}",
        where="bbox",
        remedy="give a smaller area",
    )


def placed(bbox: BoundingBox, srid: int | None, scale: int | None, size_px: tuple[float, float]) -> Placement:
    """Where on earth a map field of a size lies that shows a box of degrees in its middle.

    Without a scale the largest standard one is taken that shows the whole box; without a system the zone of its
    middle. The scale is that of the projection's plane, which differs from the ground by less than 1:2 700 in a zone.
    """
    west, south, east, north = bbox
    if west > east:
        raise BadRequest("the box crosses the antimeridian", where="bbox", remedy="give west of east, in degrees")
    zone = checked_zone(srid) if srid is not None else zone_of((west + east) / 2)
    if abs((west + east) / 2 - meridian_deg(zone)) > _FARTHEST_DEG:
        raise BadRequest(
            f"the box lies too far from {meridian_deg(zone)}°E, the middle of EPSG:{zone}, for a true scale",
            where="bbox",
            remedy="leave out crs: the zone of the box is taken then",
        )
    try:
        bounds = transformer(4490, zone).transform_bounds(west, south, east, north, densify_pts=21)
    except ProjError:
        bounds = (math.inf,) * 4
    if not all(math.isfinite(value) for value in bounds):
        raise BadRequest(f"the box does not lie in EPSG:{zone}", where="bbox", remedy="check the box, or leave out crs")
    left, low, right, high = bounds
    chosen = checked_scale(scale) if scale is not None else fitting_scale(right - left, high - low, *size_px)
    return Placement(_window((left + right) / 2, (low + high) / 2, chosen, zone, size_px), chosen)


def _window(x: float, y: float, scale: int, srid: int, size_px: tuple[float, float]) -> Window:
    cell = metres_a_pixel(scale)
    width, height = (math.ceil(side) for side in size_px)
    half_wide, half_high = width * cell / 2, height * cell / 2
    return Window(srid, x - half_wide, y - half_high, x + half_wide, y + half_high, width, height)


def round_at_least(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, ... and their tenths that is not below a positive number."""
    power = math.floor(math.log10(least))
    numbers = (base * 10.0**exponent for exponent in (power, power + 1) for base in _ROUND)
    return next(number for number in numbers if number >= least * (1 - 1e-12))


def round_at_most(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... and their tenths that is not above a positive number."""
    power = math.floor(math.log10(most) + 1e-12)
    return max(base * 10.0**power for base in _ROUND if base * 10.0**power <= most * (1 + 1e-12))


def scale_bar(scale: int, room_px: float, parts: int = 4) -> ScaleBar:
    """The longest bar of round pieces that has room."""
    step_m = round_at_most(room_px * metres_a_pixel(scale) / parts)
    return ScaleBar(step_m, step_m / metres_a_pixel(scale), parts)


def convergence_deg(window: Window) -> float:
    """The angle from true north to grid north at the window's middle, clockwise positive, in degrees."""
    x, y = (window.west + window.east) / 2, (window.south + window.north) / 2
    lon, lat = transformer(window.srid, 4490).transform(x, y)
    return float(_projection(window.srid).get_factors(lon, lat).meridian_convergence)


def meridian_deg(srid: int) -> int:
    """The central meridian of a zone, in degrees east."""
    return _FIRST_MERIDIAN_DEG + 3 * ((srid - ZONES[0]) % (_FIRST_UNNUMBERED - ZONES[0]))


def scale_text(scale: int) -> str:
    """A scale as sheets write it: thousands apart."""
    return f"1:{scale:,}".replace(",", " ")


def system_name(srid: int, language: str) -> str:
    """A zone as map sheets name it."""
    meridian = f"{meridian_deg(srid)}°E (EPSG:{srid})"
    if language == "en":
        return f"CGCS2000, Gauss-Krüger, zone of 3°, central meridian {meridian}"
    return f"2000国家大地坐标系，高斯-克吕格投影3°带，中央经线{meridian}"


@lru_cache(maxsize=16)
def _projection(srid: int) -> Proj:
    return Proj(CRS.from_epsg(srid))
