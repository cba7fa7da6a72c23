"""Labels: laid out in lines or along lines, placed without collision, drawn with their halo.

Layers are placed from the uppermost down, so that upper layers win; within a layer the lowest ``symbol-sort-key``
comes first, as in MapLibre. An area is labelled once, at a point inside it, whichever part of it the picture shows:
pictures that meet agree about it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
import skia

from tiles.picture_colour import Colour
from tiles.picture_fonts import advances
from tiles.picture_style import StyleLayer
from tiles.picture_text import curved_text, is_bold, laid_out

Box = tuple[float, float, float, float]
_CELL = 64


@dataclass(frozen=True, slots=True)
class _Label:
    blobs: tuple[tuple[Any, float, float], ...]
    colour: Colour
    halo: Colour
    halo_width: float


class LabelPlacer:
    """Keeps which places of a picture are taken, and the labels to draw for each style layer.

    ``whole`` leaves out labels that the picture's edge would cut; without it pictures that meet agree about them.
    """

    def __init__(self, width: int, height: int, check: Callable[[], None], *, whole: bool = False) -> None:
        self._whole = whole
        self._frame = (0.0, 0.0, float(width), float(height))
        self._check = check
        self._cells: dict[tuple[int, int], list[Box]] = {}
        self._placed: dict[int, list[_Label]] = {}

    def place(self, style: StyleLayer, shapes: Any, attributes: Sequence[Mapping[str, Any]]) -> None:
        """Place the labels of one style layer's features; those without room are left out."""
        labels = self._placed.setdefault(id(style), [])
        wanted = []
        for at, properties in enumerate(attributes):
            self._check()
            if style.accepts(properties):
                values = style.values(properties)
                text = str(values["text-field"]).strip()
                if text:
                    wanted.append((values["symbol-sort-key"], at, text, values))
        wanted.sort(key=lambda entry: (entry[0] is None, entry[0] or 0))
        along: dict[str, tuple[list[Any], Mapping[str, Any]]] = {}
        for _, at, text, values in wanted:
            self._check()
            if values["symbol-placement"] == "point":
                self._place_at_points(labels, shapes[at], text, values)
            else:
                along.setdefault(text, ([], values))[0].append(shapes[at])
        for text, (lines, values) in along.items():
            self._place_along(labels, lines, text, values)

    def draw(self, canvas: Any, style: StyleLayer) -> None:
        """Draw what was placed for a style layer."""
        for label in self._placed.get(id(style), ()):
            for blob, x, y in label.blobs:
                if label.halo.alpha > 0 and label.halo_width > 0:
                    canvas.drawTextBlob(blob, x, y, _halo_paint(label))
                canvas.drawTextBlob(blob, x, y, skia.Paint(AntiAlias=True, Color4f=skia.Color4f(*label.colour)))

    def _place_at_points(self, labels: list[_Label], shape: Any, text: str, values: Mapping[str, Any]) -> None:
        layout = laid_out(text, values)
        for x, y in _anchors(shape):
            box = layout.box_at(x, y)
            if self._take([box], values):
                labels.append(_label(tuple((blob, x + dx, y + dy) for blob, dx, dy in layout.blobs), values))

    def _place_along(self, labels: list[_Label], shapes: list[Any], text: str, values: Mapping[str, Any]) -> None:
        for line in _merged(shapes):
            for middle in _stations(line.length, layout_width(text, values), float(values["symbol-spacing"])):
                self._check()
                found = curved_text(line, middle, text, values)
                if found and self._take(found[1], values):
                    labels.append(_label(((found[0], 0.0, 0.0),), values))

    def _take(self, boxes: Sequence[Box], values: Mapping[str, Any]) -> bool:
        """Whether the boxes are free and in the picture; they are then taken."""
        if not (
            all(_within(box, self._frame) for box in boxes)
            if self._whole
            else any(_meet(box, self._frame) for box in boxes)
        ):
            return False
        padding = float(values["text-padding"])
        grown = [(b[0] - padding, b[1] - padding, b[2] + padding, b[3] + padding) for b in boxes]
        if not values["text-allow-overlap"] and any(self._is_taken(box) for box in grown):
            return False
        if not values["text-ignore-placement"]:
            for box in grown:
                for cell in _cells(box):
                    self._cells.setdefault(cell, []).append(box)
        return True

    def _is_taken(self, box: Box) -> bool:
        return any(_meet(box, other) for cell in _cells(box) for other in self._cells.get(cell, ()))


def layout_width(text: str, values: Mapping[str, Any]) -> float:
    """The length of a text on one line in pixels."""
    size = float(values["text-size"])
    widths = advances(text, size, is_bold(values))
    return sum(widths) + float(values["text-letter-spacing"]) * size * (len(widths) - 1)


def _label(blobs: tuple[tuple[Any, float, float], ...], values: Mapping[str, Any]) -> _Label:
    opacity = float(values["text-opacity"])
    return _Label(
        blobs,
        values["text-color"].faded(opacity),
        values["text-halo-color"].faded(opacity),
        float(values["text-halo-width"]),
    )


def _halo_paint(label: _Label) -> Any:
    return skia.Paint(
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=2 * label.halo_width,
        StrokeJoin=skia.Paint.kRound_Join,
        Color4f=skia.Color4f(*label.halo),
    )


def _anchors(shape: Any) -> list[tuple[float, float]]:
    kind = shapely.get_dimensions(shape)
    if kind == 0:
        return [(x, y) for x, y in shapely.get_coordinates(shape).tolist()]
    if kind == 1:
        longest = max(shapely.get_parts(shape).tolist(), key=lambda part: part.length)
        point = longest.interpolate(0.5, normalized=True)
    else:
        largest = max(shapely.get_parts(shape).tolist(), key=lambda part: part.area)
        point = largest.centroid
        if not largest.contains(point):
            point = largest.representative_point()
    return [] if point.is_empty else [(point.x, point.y)]


def _merged(shapes: list[Any]) -> list[Any]:
    lines = [shapely.boundary(shape) if shapely.get_dimensions(shape) == 2 else shape for shape in shapes]
    joined = shapely.line_merge(shapely.multilinestrings(shapely.get_parts(lines)))
    return [part for part in shapely.get_parts(joined).tolist() if part.length > 0]


def _stations(length: float, width: float, spacing: float) -> list[float]:
    """Where along a line its labels stand: in the middle, and further ones at equal distances."""
    if length < width:
        return []
    count = max(1, math.floor(length / max(spacing + width, 1.0)))
    return [length * (at + 0.5) / count for at in range(min(count, 200))]


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _within(a: Box, b: Box) -> bool:
    return b[0] <= a[0] and a[2] <= b[2] and b[1] <= a[1] and a[3] <= b[3]


def _cells(box: Box) -> list[tuple[int, int]]:
    columns = range(math.floor(box[0] / _CELL), math.floor(box[2] / _CELL) + 1)
    rows = range(math.floor(box[1] / _CELL), math.floor(box[3] / _CELL) + 1)
    return [(column, row) for column in columns for row in rows]
