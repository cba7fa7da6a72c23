"""What a drawing process is given: plain values that can be sent to it, with nothing of the database or the policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tiles.picture_window import Window

PictureFormat = Literal["png", "jpeg", "webp"]


@dataclass(frozen=True, slots=True)
class LayerJob:
    """Features of one layer in the window's system, as WKB with their attributes, and how they are drawn.

    ``seamless`` says that the areas tile the ground, so their fills must meet without a light line between them.
    ``image`` is a raster layer's picture of the whole window, RGBA, row by row, not multiplied, and ``image_size`` its
    width and height where they are not the window's.
    """

    style: tuple[Mapping[str, Any], ...]
    shapes: Sequence[bytes]
    attributes: Sequence[Mapping[str, Any]]
    seamless: bool = False
    image: bytes | None = None
    image_size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PictureJob:
    """One picture. ``background`` is red, green, blue (0 to 255), or None for transparent."""

    window: Window
    layers: tuple[LayerJob, ...]
    background: tuple[int, int, int] | None
    format: PictureFormat
    seconds: float


@dataclass(frozen=True, slots=True)
class LegendJob:
    """Legends of some layers, one below the other; ``entries`` as in style files.

    ``size`` is the width and height in pixels where they are asked for; else they are those of the content.
    """

    groups: tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]
    format: PictureFormat
    language: Literal["zh", "en"] = "zh"
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NoteJob:
    """A picture of some lines of text, or of nothing, for what could not be drawn."""

    width: int
    height: int
    lines: tuple[str, ...]
    background: tuple[int, int, int] | None
    format: PictureFormat
