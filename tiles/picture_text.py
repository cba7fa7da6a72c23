"""Shapes of texts: broken into lines about a point, or bent along a line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import skia

from tiles.picture_fonts import advances, font

Box = tuple[float, float, float, float]
MIDDLE_EM = 0.38
"""How far above the base line the middle of a Chinese character lies."""
_MAX_BEND_DEG = 40.0
_ANCHORS = {
    "center": (0.5, 0.5),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "top-left": (0.0, 0.0),
    "top-right": (1.0, 0.0),
    "bottom-left": (0.0, 1.0),
    "bottom-right": (1.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class TextLayout:
    """Lines of a text with their places about its anchor, and the box around them, in pixels."""

    blobs: tuple[tuple[Any, float, float], ...]
    box: Box

    def box_at(self, x: float, y: float) -> Box:
        """The box when the anchor stands at a place."""
        return (self.box[0] + x, self.box[1] + y, self.box[2] + x, self.box[3] + y)


def laid_out(text: str, values: Mapping[str, Any]) -> TextLayout:
    """A text in lines no longer than ``text-max-width`` as far as it can be broken."""
    size = float(values["text-size"])
    bold = is_bold(values)
    spacing = float(values["text-letter-spacing"]) * size
    lines = _broken(text, float(values["text-max-width"]) * size, size, bold, spacing)
    line_height = float(values["text-line-height"]) * size
    widths = [_width(line, size, bold, spacing) for line in lines]
    wide, high = max(widths), line_height * len(lines)
    across, down = _ANCHORS[values["text-anchor"]]
    left = -across * wide + float(values["text-offset"][0]) * size
    top = -down * high + float(values["text-offset"][1]) * size
    blobs = []
    for at, (line, width) in enumerate(zip(lines, widths, strict=True)):
        x = left + (wide - width) * across
        y = top + (at + 0.5) * line_height + MIDDLE_EM * size
        blobs.append((_blob(line, size, bold, spacing), x, y))
    return TextLayout(tuple(blobs), (left, top, left + wide, top + high))


def is_bold(values: Mapping[str, Any]) -> bool:
    """Whether the style asks for a bold font."""
    return any("Bold" in str(name) for name in values["text-font"])


def curved_text(line: Any, middle: float, text: str, values: Mapping[str, Any]) -> tuple[Any, list[Box]] | None:
    """A text along a line about a distance from its start, with a box for each glyph; None where it bends too much."""
    size, bold = float(values["text-size"]), is_bold(values)
    spacing = float(values["text-letter-spacing"]) * size
    widths = advances(text, size, bold)
    start = middle - (sum(widths) + spacing * (len(widths) - 1)) / 2
    if start < 0 or start + 2 * (middle - start) > line.length:
        return None
    path = _positions(line, start, widths, spacing)
    if values["text-keep-upright"] and math.cos(path[len(path) // 2][2]) < 0:
        path = _positions(line.reverse(), line.length - 2 * middle + start, widths, spacing)
    if any(_turn(a[2], b[2]) > _MAX_BEND_DEG for a, b in pairwise(path)):
        return None
    transforms, boxes = [], []
    for (x, y, angle), width in zip(path, widths, strict=True):
        cos, sin = math.cos(angle), math.sin(angle)
        down = MIDDLE_EM * size
        transforms.append(skia.RSXform(cos, sin, x - cos * width / 2 - sin * down, y - sin * width / 2 + cos * down))
        half = size / 2
        boxes.append((x - half, y - half, x + half, y + half))
    return skia.TextBlob.MakeFromRSXform(text, transforms, font(size, bold)), boxes


def _positions(line: Any, start: float, widths: tuple[float, ...], spacing: float) -> list[tuple[float, float, float]]:
    """The middle of each glyph and the direction of the line there."""
    found, at = [], start
    for width in widths:
        before, after = line.interpolate(max(at, 0.0)), line.interpolate(at + width)
        angle = math.atan2(after.y - before.y, after.x - before.x)
        found.append(((before.x + after.x) / 2, (before.y + after.y) / 2, angle))
        at += width + spacing
    return found


def _turn(first: float, second: float) -> float:
    return abs(math.degrees(math.remainder(second - first, math.tau)))


def _blob(text: str, size: float, bold: bool, spacing: float) -> Any:
    at, places = 0.0, []
    for width in advances(text, size, bold):
        places.append(at)
        at += width + spacing
    return skia.TextBlob.MakeFromPosTextH(text, places, 0.0, font(size, bold))


def _width(text: str, size: float, bold: bool, spacing: float) -> float:
    widths = advances(text, size, bold)
    return sum(widths) + spacing * max(len(widths) - 1, 0)


def _broken(text: str, most: float, size: float, bold: bool, spacing: float) -> list[str]:
    """Lines of about equal length, broken at spaces and between Chinese characters."""
    lines = []
    for paragraph in text.splitlines():
        whole = _width(paragraph, size, bold, spacing)
        count = max(1, math.ceil(whole / max(most, size)))
        target, line = whole / count, ""
        for word in words(paragraph):
            if line and _width(line + word.rstrip(), size, bold, spacing) > target + size * 0.5:
                lines.append(line.strip())
                line = ""
            line += word
        lines.append(line.strip())
    return [line for line in lines if line] or [""]


def words(text: str) -> list[str]:
    """The pieces of a text between which a line may end."""
    found: list[str] = []
    for character in text:
        if found and not _breaks_before(found[-1][-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def _breaks_before(previous: str, character: str) -> bool:
    if character.isspace() or character in "）)，。、；：」』》":
        return False
    return previous.isspace() or _is_chinese(previous) or _is_chinese(character)


def _is_chinese(character: str) -> bool:
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or character >= "\U00020000"
