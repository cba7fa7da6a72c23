"""Scale bar and north arrow of a map sheet. Runs in a drawing process; lengths are pixels of 1/96 inch."""

from typing import Any

import skia

from layers.sheet import SheetBar, SheetNorth
from tiles.sheet_boxes import PIXELS_A_MM, PIXELS_A_POINT, pixels
from tiles.sheet_job import Language
from tiles.sheet_scale import scale_bar, scale_text
from tiles.sheet_text import INK, draw_line, width_of

NORTH: dict[str, str] = {"zh": "坐标北", "en": "grid north"}
_BAR_MM = 1.4
_HAIR_MM = 0.15


def draw_scale_bar(canvas: Any, look: SheetBar, scale: int) -> None:
    """The scale in figures, below it a bar of black and white pieces with the metres of ground at their ends."""
    left, top, width, height = pixels(look.box)
    size = look.size_pt * PIXELS_A_POINT
    bar = scale_bar(scale, width - 4 * size)
    start = left + (width - bar.parts * bar.step_px) / 2
    thick = _BAR_MM * PIXELS_A_MM
    bar_top = top + height - 1.6 * size - thick
    title, title_size = scale_text(scale), size * 1.3
    x = left + (width - width_of(title, title_size, True)) / 2
    draw_line(canvas, title, x, max(top, bar_top - 1.8 * title_size) + 0.7 * title_size, title_size, True)
    edge = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=_HAIR_MM * PIXELS_A_MM, Color=INK)
    for part in range(bar.parts):
        piece = skia.Rect.MakeXYWH(start + part * bar.step_px, bar_top, bar.step_px, thick)
        canvas.drawRect(piece, skia.Paint(AntiAlias=True, Color=skia.ColorWHITE if part % 2 else INK))
        canvas.drawRect(piece, edge)
    for number, label in enumerate(bar.labels):
        figure = label.split(" ")[0]
        x = start + number * bar.step_px - width_of(figure, size) / 2
        draw_line(canvas, label, x, bar_top + thick + 0.9 * size, size, False)


def draw_north(canvas: Any, look: SheetNorth, language: Language) -> None:
    """An arrow up the sheet, which is grid north, one half of it black, with N above and its name below."""
    left, top, width, height = pixels(look.box)
    size, middle = look.size_pt * PIXELS_A_POINT, left + width / 2
    letter = size * 1.5
    draw_line(canvas, "N", middle - width_of("N", letter, True) / 2, top + letter / 2, letter, True)
    name = NORTH[language]
    draw_line(canvas, name, middle - width_of(name, size) / 2, top + height - size * 0.6, size, False)
    tip, foot = top + letter * 1.15, top + height - size * 1.4
    half = min(width * 0.3, (foot - tip) * 0.3)
    notch = foot - (foot - tip) * 0.25
    for side, colour in ((-half, INK), (half, skia.ColorWHITE)):
        path = skia.Path()
        path.addPoly([skia.Point(middle, tip), skia.Point(middle + side, foot), skia.Point(middle, notch)], True)
        canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=colour))
        edge = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=0.6, Color=INK)
        canvas.drawPath(path, edge)
