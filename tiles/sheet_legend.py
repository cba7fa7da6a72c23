"""The legend of a map sheet: the classes that lie in the map, each with a swatch drawn by the style itself.

Runs in a drawing process. Lengths are pixels of 1/96 inch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
import shapely
import skia

from layers.sheet import SheetLegend
from tiles.picture_drawing import Deadline, DrawnLayer, draw_style
from tiles.picture_labels import LabelPlacer
from tiles.picture_paths import Shapes, path_of
from tiles.picture_style import StyleLayer, compile_layer
from tiles.sheet_boxes import PIXELS_A_POINT, Box, pixels
from tiles.sheet_job import Language, LegendPart
from tiles.sheet_text import draw_line, shortened, width_of

_SWATCH_EM = (2.2, 1.3)
_ROW_EM = 1.75
_GAP_EM = 0.6
_COLUMN_GAP_EM = 1.2
_TITLE_EM = 2.2
_SMALLER = 0.92
_HAIR = 0.4
_EDGE = 0xFF9A958A
MORE: Mapping[str, str] = {"zh": "另有 {count} 类未列出", "en": "{count} more classes are not listed"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: a class with what its swatch is drawn with, or without styles the title of a group."""

    label: str
    styles: tuple[StyleLayer, ...] = ()
    attributes: Mapping[str, Any] | None = None
    dimension: int = 2


@dataclass(frozen=True, slots=True)
class Columns:
    """Entries laid out: the size of the text, the width of a column, and for each entry its column and row."""

    size: float
    column_width: float
    places: tuple[tuple[int, int], ...]
    left_out: int = 0


def legend_entries(
    parts: Sequence[LegendPart], drawn: Sequence[DrawnLayer], frame: tuple[float, float, float, float], zoom: float
) -> list[Entry]:
    """Rows for what lies in the frame (left, top, right, bottom), uppermost layer first."""
    groups = []
    for part, layer in zip(reversed(parts), reversed(drawn), strict=True):
        rows = [*_fixed(part, zoom), *_classes(part, layer, shapely.box(*frame))]
        if rows:
            groups.append((part.title, rows))
    entries: list[Entry] = []
    for title, rows in groups:
        if len(groups) > 1 and len(rows) > 1:
            entries.append(Entry(title))
        entries += rows
    return entries


def _fixed(part: LegendPart, zoom: float) -> Iterator[Entry]:
    for number, entry in enumerate(part.fixed):
        paint = {"fill-color": entry["color"]}
        style = compile_layer({"id": str(number), "type": "fill", "paint": paint}, zoom)
        if style is not None:
            yield Entry(str(entry["label"]), (style,), {})


def _classes(part: LegendPart, layer: DrawnLayer, frame: Any) -> list[Entry]:
    """An entry for each class that is seen in the frame, in the order of the code list, unknown codes last."""
    styles = tuple(style for style in layer.styles if style.kind != "symbol")
    shapes = layer.shapes
    if not styles or not len(shapes.geometries):
        return []
    shapely.prepare(frame)
    lines_only = all(style.kind == "line" for style in styles)
    drawn = shapely.boundary(shapes.geometries) if lines_only and 2 in shapes.dimensions else shapes.geometries
    found: dict[str, Entry] = {}
    for at in np.flatnonzero(shapely.intersects(frame, drawn)).tolist():
        attributes = shapes.attributes[at]
        code = attributes.get(part.class_field) if part.class_field else None
        name = (part.label or part.title) if code is None else part.names.get(str(code), str(code))
        if name in found:
            continue
        taking = tuple(style for style in styles if style.accepts(attributes))
        if taking:
            found[name] = Entry(name, taking, attributes, _dimension(taking, shapes.dimensions[at]))
    order = {name: number for number, name in enumerate(part.names.values())}
    return sorted(found.values(), key=lambda entry: (order.get(entry.label, len(order)), entry.label))


def _dimension(styles: Sequence[StyleLayer], of_shape: int) -> int:
    """What a swatch shows: of areas whose fill is not drawn, a piece of their line."""
    return 1 if of_shape == 2 and all(style.kind == "line" for style in styles) else of_shape


def columns(entries: Sequence[Entry], room: tuple[float, float], size: float, least: float) -> Columns:
    """Lay entries out in a room of a width and height: set smaller where they are many, the rest counted."""
    while True:
        made = _columns(entries, room, size)
        if not made.left_out or size <= least:
            return made
        size = max(size * _SMALLER, least)


def _columns(entries: Sequence[Entry], room: tuple[float, float], size: float) -> Columns:
    width, height = room
    rows = max(1, floor(height / (_ROW_EM * size)))
    wanted = max((_width(entry, size) for entry in entries), default=0.0)
    gap = _COLUMN_GAP_EM * size
    most = max(1, floor((width + gap) / (min(wanted, width) + gap)))
    used = min(most, max(1, ceil(len(entries) / rows)))
    kept = len(entries) if len(entries) <= most * rows else most * rows - 1
    each = min(rows, max(1, ceil(kept / used))) if kept == len(entries) else rows
    places = tuple(divmod(number, each) for number in range(kept))
    return Columns(size, min((width + gap) / used - gap, width), places, len(entries) - kept)


def draw_legend_box(canvas: Any, entries: Sequence[Entry], look: SheetLegend, language: Language) -> None:
    """Draw title and entries in the legend's box; what has no room is counted in the last row."""
    left, top, width, height = pixels(look.box)
    size = look.size_pt * PIXELS_A_POINT
    title, title_size = getattr(look.title, language), size * 1.25
    middle = top + _TITLE_EM * size / 2
    draw_line(canvas, title, left + (width - width_of(title, title_size, True)) / 2, middle, title_size, True)
    top, height = top + _TITLE_EM * size, height - _TITLE_EM * size
    laid = columns(entries, (width, height), size, look.least_pt * PIXELS_A_POINT)
    for entry, (column, row) in zip(entries, laid.places, strict=False):
        x = left + column * (laid.column_width + _COLUMN_GAP_EM * laid.size)
        box = (x, top + row * _ROW_EM * laid.size, laid.column_width, _ROW_EM * laid.size)
        _draw_entry(canvas, entry, box, laid.size)
    if laid.left_out:
        text = MORE[language].format(count=laid.left_out)
        last = top + height - _ROW_EM * laid.size / 2
        text = shortened(text, laid.column_width, laid.size)
        draw_line(canvas, text, left + width - width_of(text, laid.size), last, laid.size, False)


def _draw_entry(canvas: Any, entry: Entry, box: Box, size: float) -> None:
    left, top, width, height = box
    middle = top + height / 2
    if entry.attributes is None:
        draw_line(canvas, shortened(entry.label, width, size, True), left, middle, size, True)
        return
    wide, high = (side * size for side in _SWATCH_EM)
    draw_swatch(canvas, entry, (left, middle - high / 2, wide, high))
    indent = wide + _GAP_EM * size
    draw_line(canvas, shortened(entry.label, width - indent, size), left + indent, middle, size, False)


def draw_swatch(canvas: Any, entry: Entry, box: Box) -> None:
    """Draw what the map shows of a class in a small box: an area, a line or a point."""
    left, top, width, height = box
    shape = (
        shapely.Point(left + width / 2, top + height / 2),
        shapely.LineString([(left, top + height / 2), (left + width, top + height / 2)]),
        shapely.box(left, top, left + width, top + height),
    )[entry.dimension]
    geometries = np.array([shape], dtype=object)
    paths = [path_of(shape) if entry.dimension else None]
    one = Shapes(geometries, [entry.dimension], [entry.attributes or {}], paths)
    canvas.save()
    canvas.clipRect(skia.Rect.MakeXYWH(left - 1, top - 1, width + 2, height + 2))
    placer = LabelPlacer(0, 0, lambda: None)
    for style in entry.styles:
        draw_style(canvas, style, one, False, placer, Deadline(1.0))
    canvas.restore()
    if entry.dimension == 2 and any(style.kind == "fill" for style in entry.styles):
        edge = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=_HAIR, Color=_EDGE)
        canvas.drawRect(skia.Rect.MakeXYWH(left, top, width, height), edge)


def _width(entry: Entry, size: float) -> float:
    if entry.attributes is None:
        return width_of(entry.label, size, True)
    return (_SWATCH_EM[0] + _GAP_EM) * size + width_of(entry.label, size)
