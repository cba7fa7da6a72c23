"""Heights to colours: shade, slope, hypsometric colours, grey. Arrays only, no files.

Heights are metres, NaN where there are none. Results are RGBA with rows from the north; alpha is 0 where no height is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.raster_styles import RELIEF, SLOPE_CLASSES

Floats = NDArray[np.floating]
Rgba = NDArray[np.uint8]
"""Four bands, rows, columns."""

LIGHT_AZIMUTH_DEG, LIGHT_ALTITUDE_DEG = 315.0, 45.0
AMBIENT = 0.3
BRIGHTEST = 1.12


@dataclass(frozen=True, slots=True)
class Slopes:
    """The steepness of a surface to the east and to the north, metres a metre.

    ``whole`` is true where all nine heights it was taken from are there.
    """

    east: Floats
    north: Floats
    whole: NDArray[np.bool_]

    @property
    def degrees(self) -> Floats:
        """Slope in degrees from the horizontal."""
        steepness: Floats = np.degrees(np.arctan(np.hypot(self.east, self.north)))
        return steepness


def slopes(heights: Floats, step: int, pixel_x_m: Floats, pixel_y_m: Floats) -> Slopes:
    """Slopes by Horn's formula over neighbours ``step`` pixels away.

    ``heights`` has ``step`` more pixels on each side than the result; ``pixel_x_m`` and ``pixel_y_m`` are the sides of
    its pixels on the ground, one value for each row of the result. A missing neighbour is taken to be as high as the
    pixel itself.
    """
    rows, columns = heights.shape[0] - 2 * step, heights.shape[1] - 2 * step

    def shifted(down: int, right: int) -> Floats:
        top, left = step + down * step, step + right * step
        return heights[top : top + rows, left : left + columns]

    centre = shifted(0, 0)
    whole = np.isfinite(centre)
    near = {}
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            part = shifted(down, right)
            known = np.isfinite(part)
            near[down, right] = part if known.all() else np.where(known, part, centre)
            whole &= known
    east = _across(near[-1, 1], near[0, 1], near[1, 1]) - _across(near[-1, -1], near[0, -1], near[1, -1])
    north = _across(near[-1, -1], near[-1, 0], near[-1, 1]) - _across(near[1, -1], near[1, 0], near[1, 1])
    return Slopes(east / (8 * step * pixel_x_m[:, None]), north / (8 * step * pixel_y_m[:, None]), whole)


def _across(first: Floats, middle: Floats, last: Floats) -> Floats:
    total: Floats = first + 2 * middle + last
    return total


def shade(of: Slopes) -> Floats:
    """How bright a surface is in light from the north-west at 45 degrees: 0 in the dark, 1 facing the light."""
    azimuth, altitude = np.radians(LIGHT_AZIMUTH_DEG), np.radians(LIGHT_ALTITUDE_DEG)
    flat, up = np.cos(altitude), np.sin(altitude)
    facing = up - of.east * (np.sin(azimuth) * flat) - of.north * (np.cos(azimuth) * flat)
    bright: Floats = np.clip(facing / np.sqrt(1 + of.east**2 + of.north**2), 0, 1)
    return bright


def hillshade_rgba(of: Slopes, known: NDArray[np.bool_]) -> Rgba:
    """Shade in grey."""
    return _grey(1 + 254 * shade(of), known)


def slope_rgba(of: Slopes, known: NDArray[np.bool_]) -> Rgba:
    """Slope in the classes of the land survey."""
    limits = [c.least_deg for c in SLOPE_CLASSES[1:]]
    colours = np.array([c.colour for c in SLOPE_CLASSES], np.uint8)
    classes = np.digitize(np.nan_to_num(of.degrees), limits, right=True)
    return _with_alpha(np.moveaxis(colours[classes], -1, 0), known)


def relief_rgba(heights: Floats, relief_m: tuple[float, float]) -> Rgba:
    """Hypsometric colours between two heights in metres."""
    known = np.isfinite(heights)
    low, high = relief_m
    share = np.clip((np.nan_to_num(heights) - low) / max(high - low, 1e-9), 0, 1)
    index = np.rint(share * (len(_RAMP) - 1)).astype(np.int32)
    return _with_alpha(np.moveaxis(_RAMP[index], -1, 0), known)


def shaded(colours: Rgba, of: Slopes) -> Rgba:
    """Colours under the shade of the surface; level ground keeps its colour."""
    level = np.sin(np.radians(LIGHT_ALTITUDE_DEG))
    light = np.clip(AMBIENT + (1 - AMBIENT) * np.nan_to_num(shade(of)) / level, 0, BRIGHTEST)
    result = colours.copy()
    result[:3] = np.clip(colours[:3] * light, 0, 255).astype(np.uint8)
    return result


def value_rgba(values: Floats, least: float, most: float) -> Rgba:
    """Values in grey between two of them."""
    known = np.isfinite(values)
    share = np.clip((np.nan_to_num(values) - least) / max(most - least, 1e-9), 0, 1)
    return _grey(255 * share, known)


def _grey(level: Floats, known: NDArray[np.bool_]) -> Rgba:
    grey = np.where(known, np.nan_to_num(level), 0).astype(np.uint8)
    return _with_alpha(np.stack([grey, grey, grey]), known)


def _with_alpha(rgb: NDArray[np.uint8], known: NDArray[np.bool_]) -> Rgba:
    return np.concatenate([np.where(known, rgb, 0), np.where(known, 255, 0)[None]]).astype(np.uint8)


def _ramp() -> NDArray[np.uint8]:
    places = [share for share, _ in RELIEF]
    shares = np.linspace(0, 1, 1024)
    bands = [np.interp(shares, places, [colour[band] for _, colour in RELIEF]) for band in range(3)]
    return np.rint(np.stack(bands, axis=-1)).astype(np.uint8)


_RAMP = _ramp()
