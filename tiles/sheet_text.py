"""Texts on map sheets: set in a box, smaller where they are too long. Lengths are pixels of 1/96 inch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import skia

from layers.sheet import FACE_PT, SheetText
from tiles.picture_fonts import advances, font
from tiles.picture_text import MIDDLE_EM, words
from tiles.sheet_boxes import PIXELS_A_POINT, pixels

LINE_EM = 1.35
INK = 0xFF1A1A1A
_SMALLER = 0.94
_DOTS = "…"
_SHARES = {"left": 0.0, "center": 0.5, "right": 1.0, "top": 0.0, "middle": 0.5, "bottom": 1.0}


@dataclass(frozen=True, slots=True)
class Setting:
    """Lines of a text and the size they are set in; ``cut`` says that some of it had no room."""

    lines: tuple[str, ...]
    size: float
    cut: bool = False

    @property
    def height(self) -> float:
        """How high the lines stand together."""
        return LINE_EM * self.size * len(self.lines)


def width_of(text: str, size: float, bold: bool = False) -> float:
    """How long a text is on one line."""
    return sum(advances(text, size, bold))


def setting(text: str, width: float, height: float, size: float, bold: bool = False) -> Setting:
    """A text in lines within a width and height: set smaller where it is too long, then cut, with dots at its end."""
    least = min(size, FACE_PT * PIXELS_A_POINT)
    while True:
        made = Setting(tuple(_lines(text, width, size, bold)), size)
        if made.height <= height + 0.5 * size and all(width_of(line, size, bold) <= width for line in made.lines):
            return made
        if size <= least:
            break
        size = max(size * _SMALLER, least)
    room = max(1, int((height + 0.5 * size) / (LINE_EM * size)))
    kept = [shortened(line, width, size, bold) for line in made.lines[:room]]
    if len(made.lines) > room:
        kept[-1] = shortened(kept[-1] + _DOTS, width, size, bold)
    return Setting(tuple(kept), size, cut=True)


def shortened(text: str, width: float, size: float, bold: bool = False) -> str:
    """A text that is no longer than a width, with dots where its end is left out."""
    if width_of(text, size, bold) <= width:
        return text
    text = text.removesuffix(_DOTS)
    while text and width_of(text + _DOTS, size, bold) > width:
        text = text[:-1]
    return text + _DOTS


def draw_text(canvas: Any, text: str, look: SheetText) -> None:
    """Draw a filled text of a template in its box."""
    left, top, width, height = pixels(look.box)
    made = setting(text, width, height, look.size_pt * PIXELS_A_POINT, look.bold)
    paint = skia.Paint(AntiAlias=True, Color=colour(look.colour))
    first = top + _SHARES[look.valign] * (height - made.height)
    for number, line in enumerate(made.lines):
        x = left + _SHARES[look.align] * (width - width_of(line, made.size, look.bold))
        draw_line(canvas, line, x, first + (number + 0.5) * LINE_EM * made.size, made.size, look.bold, paint)


def draw_line(canvas: Any, text: str, x: float, middle: float, size: float, bold: bool, paint: Any = None) -> None:
    """Draw one line with its left end and the height of its middle given."""
    paint = paint or skia.Paint(AntiAlias=True, Color=INK)
    canvas.drawString(text, x, middle + MIDDLE_EM * size, font(size, bold), paint)


def colour(text: str) -> int:
    """``#rrggbb`` as Skia takes it."""
    return int(skia.Color(*bytes.fromhex(text[1:])))


def _lines(text: str, width: float, size: float, bold: bool) -> Sequence[str]:
    """Lines as full as they can be, broken at spaces and between Chinese characters."""
    found: list[str] = []
    for paragraph in text.strip("\n").splitlines() or [""]:
        line = ""
        for word in words(paragraph):
            if line and width_of((line + word).rstrip(), size, bold) > width:
                found.append(line.strip())
                line = ""
            line += word
        found.append(line.strip())
    return found
