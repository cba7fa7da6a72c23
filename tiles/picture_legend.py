"""Legends as pictures, from the entries of a style file. Runs in a drawing process."""

from collections.abc import Mapping
from typing import Any

import skia

from tiles.picture_colour import parse_colour
from tiles.picture_drawing import encode, skia_colour
from tiles.picture_fonts import advances, font
from tiles.picture_job import LegendJob, NoteJob
from tiles.picture_text import MIDDLE_EM

ROW_PIXELS = 24
SWATCH = (26.0, 16.0)
MARGIN_PIXELS = 8
TEXT_PIXELS = 13.0
TITLE_PIXELS = 14.0
_TEXT_COLOUR = 0xFF333333
_NOTE_COLOUR = 0xFFB00016


def draw_legend(job: LegendJob) -> bytes:
    """One row for each entry below the title of its group, on white."""
    rows: list[tuple[str, Mapping[str, Any] | None]] = []
    for title, entries in job.groups:
        if title:
            rows.append((title, None))
        rows += [(str(entry["label"][job.language]), entry) for entry in entries]
    indent = MARGIN_PIXELS * 2 + SWATCH[0]
    ends = [
        indent + _width(text, TEXT_PIXELS, bold=False)
        if entry
        else MARGIN_PIXELS + _width(text, TITLE_PIXELS, bold=True)
        for text, entry in rows
    ]
    height = max(len(rows), 1) * ROW_PIXELS + MARGIN_PIXELS
    surface = skia.Surface(*(job.size or (int(max(ends, default=0)) + 2 * MARGIN_PIXELS, height)))
    canvas = surface.getCanvas()
    canvas.clear(skia.ColorWHITE)
    for at, (text, entry) in enumerate(rows):
        middle = MARGIN_PIXELS / 2 + (at + 0.5) * ROW_PIXELS
        if entry is not None:
            _draw_swatch(canvas, entry, MARGIN_PIXELS, middle)
        size, left = (TEXT_PIXELS, indent) if entry is not None else (TITLE_PIXELS, float(MARGIN_PIXELS))
        paint = skia.Paint(AntiAlias=True, Color=_TEXT_COLOUR)
        canvas.drawString(text, left, middle + MIDDLE_EM * size, font(size, entry is None), paint)
    return encode(surface, job.format)


def draw_note(job: NoteJob) -> bytes:
    """A picture of a given size with a few lines of text, or with nothing."""
    surface = skia.Surface(job.width, job.height)
    canvas = surface.getCanvas()
    if job.background is not None:
        canvas.clear(skia.Color(*job.background))
    paint = skia.Paint(AntiAlias=True, Color=_NOTE_COLOUR)
    for at, line in enumerate(job.lines):
        canvas.drawString(line, MARGIN_PIXELS, (at + 1) * ROW_PIXELS, font(TEXT_PIXELS, False), paint)
    return encode(surface, job.format)


def _width(text: str, size: float, *, bold: bool) -> float:
    return sum(advances(text, size, bold))


def _draw_swatch(canvas: Any, entry: Mapping[str, Any], left: float, middle: float) -> None:
    width, height = SWATCH
    colour = skia_colour(parse_colour(str(entry.get("color", "#000000"))))
    outline = entry.get("outline")
    fill = skia.Paint(AntiAlias=True, Color=colour)
    edge = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=1.0)
    edge.setColor(skia_colour(parse_colour(str(outline))) if outline else 0)
    kind = entry.get("kind", "fill")
    if kind == "line":
        for paint, thick in ((edge, 5.0), (fill, 3.0)) if outline else ((fill, 3.0),):
            paint.setStyle(skia.Paint.kStroke_Style)
            paint.setStrokeWidth(thick)
            if entry.get("dash") and paint is fill:
                paint.setPathEffect(skia.DashPathEffect.Make([6.0, 4.0], 0))
            canvas.drawLine(left, middle, left + width, middle, paint)
    elif kind == "circle":
        canvas.drawCircle(left + width / 2, middle, height / 2, fill)
        canvas.drawCircle(left + width / 2, middle, height / 2, edge)
    else:
        box = skia.Rect.MakeXYWH(left, middle - height / 2, width, height)
        canvas.drawRect(box, fill)
        canvas.drawRect(box, edge)
    glyph = entry.get("glyph")
    if glyph:
        size = height * 0.75
        x = left + width / 2 - sum(advances(str(glyph), size, True)) / 2
        white = skia.Paint(AntiAlias=True, Color=skia.ColorWHITE)
        canvas.drawString(str(glyph), x, middle + MIDDLE_EM * size, font(size, True), white)
