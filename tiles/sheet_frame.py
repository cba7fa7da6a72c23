"""The frame of the map on a sheet: neat line, outer line, grid and the coordinates between the two lines.

Runs in a drawing process. Lengths are pixels of 1/96 inch.
"""

from typing import Any

import skia

from layers.sheet import SheetMap
from tiles.picture_window import Window
from tiles.sheet_boxes import COORDINATE_ROW_EM, PIXELS_A_MM, PIXELS_A_POINT, Box, pixels
from tiles.sheet_grid import DegreeTick, GridLine, Side, degree_ticks, grid_lines
from tiles.sheet_text import INK, draw_line, width_of

_CROSS_MM = 2.0
_TICK_MM = 1.2
_GRID_COLOUR = 0x8C2A4B6E
_NEAT_MM, _OUTER_MM, _HAIR_MM = 0.2, 0.6, 0.1


def draw_frame(canvas: Any, look: SheetMap, field: Box, corner: tuple[float, float], window: Window) -> None:
    """Draw the grid over the map and the coordinates around it; ``corner`` is where the window begins."""
    size, spacing = (field[2], field[3]), look.spacing_mm * PIXELS_A_MM
    text_size = look.label_pt * PIXELS_A_POINT
    if look.grid != "none":
        lines = grid_lines(window, spacing, size)
        _draw_grid(canvas, lines, look.grid, field, corner)
        for line in lines:
            at = line.place_px + corner[0 if line.upright else 1]
            for side in ("top", "bottom") if line.upright else ("left", "right"):
                _coordinate(canvas, side, at, line.label, field, text_size, row=0)
    if look.degrees:
        for tick in degree_ticks(window, spacing, size):
            _draw_tick(canvas, tick, field, corner, text_size, row=0 if look.grid == "none" else 1)
    canvas.drawRect(skia.Rect.MakeXYWH(*field), _stroke(_NEAT_MM))
    canvas.drawRect(skia.Rect.MakeXYWH(*pixels(look.box)), _stroke(_OUTER_MM))


def _draw_grid(canvas: Any, lines: list[GridLine], kind: str, field: Box, corner: tuple[float, float]) -> None:
    left, top, width, height = field
    paint = _stroke(_HAIR_MM, _GRID_COLOUR)
    across = [line.place_px + corner[0] for line in lines if line.upright]
    down = [line.place_px + corner[1] for line in lines if not line.upright]
    if kind == "lines":
        for x in across:
            canvas.drawLine(x, top, x, top + height, paint)
        for y in down:
            canvas.drawLine(left, y, left + width, y, paint)
        return
    arm = _CROSS_MM * PIXELS_A_MM
    paint = _stroke(_HAIR_MM * 1.5, INK)
    for x in across:
        canvas.drawLine(x, top, x, top + arm, paint)
        canvas.drawLine(x, top + height - arm, x, top + height, paint)
        for y in down:
            canvas.drawLine(max(x - arm, left), y, min(x + arm, left + width), y, paint)
            canvas.drawLine(x, max(y - arm, top), x, min(y + arm, top + height), paint)
    for y in down:
        canvas.drawLine(left, y, left + arm, y, paint)
        canvas.drawLine(left + width - arm, y, left + width, y, paint)


def _draw_tick(
    canvas: Any, tick: DegreeTick, field: Box, corner: tuple[float, float], size: float, *, row: int
) -> None:
    left, top, width, height = field
    level = tick.side in ("top", "bottom")
    at = tick.place_px + corner[0 if level else 1]
    reach = _TICK_MM * PIXELS_A_MM
    edge = {"top": top, "bottom": top + height, "left": left, "right": left + width}[tick.side]
    out = edge + (-reach if tick.side in ("top", "left") else reach)
    ends = (at, edge, at, out) if level else (edge, at, out, at)
    canvas.drawLine(*ends, _stroke(_NEAT_MM))
    _coordinate(canvas, tick.side, at, tick.label, field, size, row=row)


def _coordinate(canvas: Any, side: Side, at: float, text: str, field: Box, size: float, *, row: int) -> None:
    """A coordinate outside of a side, ``row`` rows from it, turned on upright sides; none that is too long."""
    left, top, width, height = field
    half = width_of(text, size) / 2
    low, high = (left, left + width) if side in ("top", "bottom") else (top, top + height)
    if not low <= at - half or not at + half <= high:
        return
    away = (row + 0.5) * COORDINATE_ROW_EM * size
    x, y = {
        "top": (at, top - away),
        "bottom": (at, top + height + away),
        "left": (left - away, at),
        "right": (left + width + away, at),
    }[side]
    canvas.save()
    canvas.translate(x, y)
    if side in ("left", "right"):
        canvas.rotate(-90)
    draw_line(canvas, text, -half, 0, size, False)
    canvas.restore()


def _stroke(width_mm: float, colour: int = INK) -> Any:
    width = width_mm * PIXELS_A_MM
    return skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=width, Color=colour)
