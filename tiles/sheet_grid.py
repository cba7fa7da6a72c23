"""Coordinates along the frame of a map sheet: lines of round plane kilometres, ticks of round longitude and latitude.

Places are pixels of the window, from its upper left corner to the right and down.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tiles.picture_window import Window, transformer
from tiles.sheet_scale import round_at_least

Side = Literal["top", "bottom", "left", "right"]
SIDES: tuple[Side, ...] = ("top", "bottom", "left", "right")
_STEPS_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 18_000, 36_000)
_SAMPLES = 65
_SECOND = 1 / 3600


@dataclass(frozen=True, slots=True)
class GridLine:
    """A line of one easting (upright) or northing (level): where it lies and what stands at it."""

    upright: bool
    place_px: float
    value_m: float
    label: str


@dataclass(frozen=True, slots=True)
class DegreeTick:
    """A longitude (top, bottom) or latitude (left, right) on a side of the window."""

    side: Side
    place_px: float
    value_deg: float
    label: str


def grid_lines(window: Window, spacing_px: float, field_px: tuple[float, float]) -> list[GridLine]:
    """Lines of round coordinates at least ``spacing_px`` apart, within a field in the window's middle."""
    step_m = round_at_least(spacing_px * window.cell[0])
    inset = ((window.width - field_px[0]) / 2, (window.height - field_px[1]) / 2)
    lines = []
    for upright, low, high, cell, edge in (
        (True, window.west, window.east, window.cell[0], inset[0]),
        (False, window.south, window.north, window.cell[1], inset[1]),
    ):
        first, last = math.ceil((low + edge * cell) / step_m), math.floor((high - edge * cell) / step_m)
        for number in range(first, last + 1):
            value = number * step_m
            place = (value - low) / cell if upright else (high - value) / cell
            lines.append(GridLine(upright, place, value, kilometres(value, step_m)))
    return lines


def kilometres(value_m: float, step_m: float) -> str:
    """A coordinate in kilometres, with the decimals that lines of a distance need."""
    decimals = max(0, 3 - math.floor(math.log10(step_m) + 1e-9))
    return f"{value_m / 1000:.{decimals}f}"


def degree_ticks(window: Window, spacing_px: float, field_px: tuple[float, float]) -> list[DegreeTick]:
    """Round longitudes along the upper and lower side of a field in the window's middle, latitudes along the others."""
    ticks: list[DegreeTick] = []
    for side in SIDES:
        places, values = _along(window, side, field_px)
        low, high = float(values.min()), float(values.max())
        step = _step_seconds(abs(high - low) / _SECOND * spacing_px / abs(float(places[-1] - places[0])))
        order = np.argsort(values)
        for number in range(math.ceil(low / _SECOND / step), math.floor(high / _SECOND / step) + 1):
            value = number * step * _SECOND
            place = float(np.interp(value, values[order], places[order]))
            ticks.append(DegreeTick(side, place, value, degrees(number * step)))
    return ticks


def degrees(seconds: int) -> str:
    """An angle of whole seconds as degrees, minutes and, where there are any, seconds."""
    whole, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{'-' if seconds < 0 else ''}{whole}°{minutes:02d}′" + (f"{left:02d}″" if left else "")


def angle(value_deg: float) -> str:
    """A small angle with its sign, to a minute."""
    minutes = round(abs(value_deg) * 60)
    sign = "-" if value_deg < 0 and minutes else "+" if minutes else ""
    return f"{sign}{minutes // 60}°{minutes % 60:02d}′"


def _along(window: Window, side: Side, field_px: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Places along a side, and the longitude or latitude there."""
    (left, top), (width, height) = ((window.width - field_px[0]) / 2, (window.height - field_px[1]) / 2), field_px
    level = side in ("top", "bottom")
    places = np.linspace(left, left + width, _SAMPLES) if level else np.linspace(top, top + height, _SAMPLES)
    edge = {"top": top, "bottom": top + height, "left": left, "right": left + width}[side]
    columns, rows = (places, np.full(_SAMPLES, edge)) if level else (np.full(_SAMPLES, edge), places)
    east, north = window.west + columns * window.cell[0], window.north - rows * window.cell[1]
    lon, lat = transformer(window.srid, 4490).transform(east, north)
    return places, np.asarray(lon if level else lat)


def _step_seconds(least: float) -> int:
    return next((step for step in _STEPS_SECONDS if step >= least), _STEPS_SECONDS[-1])
