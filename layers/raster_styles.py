"""How images can be drawn: the names of the styles, their colours, and the legend of each.

Colours and classes stand here so that tiles, legends and other renderers show the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from layers.definition import RasterOptions
from layers.text import Text

RasterStyleId = Literal["shaded-relief", "relief", "hillshade", "slope", "value", "natural"]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RasterStyle:
    """A way to draw images: for models of heights or for pictures."""

    id: RasterStyleId
    title: Text
    of_heights: bool


@dataclass(frozen=True, slots=True)
class SlopeClass:
    """Slopes from ``least_deg`` up to the next class."""

    least_deg: float
    title: Text
    colour: Colour


STYLES: Mapping[str, RasterStyle] = {
    style.id: style
    for style in (
        RasterStyle("shaded-relief", Text(zh="分层设色晕渲", en="Shaded relief"), of_heights=True),
        RasterStyle("relief", Text(zh="分层设色", en="Hypsometric colours"), of_heights=True),
        RasterStyle("hillshade", Text(zh="山体阴影", en="Hillshade"), of_heights=True),
        RasterStyle("slope", Text(zh="坡度", en="Slope"), of_heights=True),
        RasterStyle("value", Text(zh="高程灰度", en="Values in grey"), of_heights=True),
        RasterStyle("natural", Text(zh="影像", en="Picture"), of_heights=False),
    )
}
"""All styles; of each kind the first is drawn where none is asked for."""

SLOPE_CLASSES: tuple[SlopeClass, ...] = (
    SlopeClass(0, Text(zh="≤2°", en="up to 2°"), (232, 243, 226)),
    SlopeClass(2, Text(zh="2°~6°", en="2° to 6°"), (183, 219, 166)),
    SlopeClass(6, Text(zh="6°~15°", en="6° to 15°"), (252, 224, 122)),
    SlopeClass(15, Text(zh="15°~25°", en="15° to 25°"), (244, 160, 72)),
    SlopeClass(25, Text(zh=">25°（禁止开垦坡度）", en="over 25°: no new farmland"), (205, 55, 48)),
)
"""The five classes of slope of the land survey; over 25 degrees no land may be reclaimed for farming."""

RELIEF: tuple[tuple[float, Colour], ...] = (
    (0.0, (121, 172, 118)),
    (0.06, (160, 197, 134)),
    (0.16, (211, 218, 158)),
    (0.32, (238, 222, 158)),
    (0.5, (214, 175, 116)),
    (0.7, (172, 128, 92)),
    (0.86, (170, 150, 142)),
    (1.0, (247, 247, 250)),
)
"""Hypsometric colours from the lowest (0) to the highest (1) height of a layer."""
DEFAULT_RELIEF_M = RasterOptions().relief_m


def styles_for(*, heights: bool) -> list[RasterStyle]:
    """The styles that models of heights, or pictures, can be drawn in; the default first."""
    return [style for style in STYLES.values() if style.of_heights is heights]


def raster_legend(style: RasterStyleId, relief_m: tuple[float, float]) -> list[dict[str, Any]]:
    """Legend entries of a style; ``relief_m`` are the heights in metres between which the colours of relief lie."""
    if style == "slope":
        return [_entry(c.title, c.colour) for c in SLOPE_CLASSES]
    if style in {"relief", "shaded-relief"}:
        low, high = relief_m
        return [_entry(_metres(low + share * (high - low)), colour) for share, colour in RELIEF]
    return []


def _metres(height_m: float) -> Text:
    text = f"{round(height_m, -1):.0f} m"
    return Text(zh=text, en=text)


def _entry(title: Text, colour: Colour) -> dict[str, Any]:
    text = "#{:02x}{:02x}{:02x}".format(*colour)
    return {"label": title.model_dump(), "kind": "fill", "color": text, "outline": "#8a8a8a"}
