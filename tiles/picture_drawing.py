"""Drawing a job with Skia. Runs in a process of its own, see ``picture_pool``."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import skia

from cim.errors import StoreUnavailable
from tiles.picture_colour import Colour
from tiles.picture_job import LayerJob, PictureFormat, PictureJob
from tiles.picture_labels import LabelPlacer
from tiles.picture_paths import Shapes, path_of, shapes_in_pixels
from tiles.picture_style import StyleLayer, compile_layer
from tiles.picture_window import Window

_FORMATS = {"png": (skia.kPNG, 100), "jpeg": (skia.kJPEG, 88), "webp": (skia.kWEBP, 90)}
_CAPS = {"butt": skia.Paint.kButt_Cap, "round": skia.Paint.kRound_Cap, "square": skia.Paint.kSquare_Cap}
_JOINS = {"miter": skia.Paint.kMiter_Join, "round": skia.Paint.kRound_Join, "bevel": skia.Paint.kBevel_Join}
_CHECK_EVERY = 256


class Deadline:
    """Ends drawing that takes longer than it may."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._count = 0

    def check(self) -> None:
        """Raise StoreUnavailable once the time is used up."""
        self._count += 1
        if self._count % _CHECK_EVERY == 0 and time.monotonic() > self._end:
            raise StoreUnavailable(
                "drawing the picture took longer than it may", remedy="ask for a smaller area or fewer layers"
            )


def draw_picture(job: PictureJob) -> bytes:
    """The encoded picture. Layers are drawn in the order given, the first lowest; upper layers' labels win places."""
    deadline = Deadline(job.seconds)
    surface = skia.Surface(job.window.width, job.window.height)
    canvas = surface.getCanvas()
    if job.background is not None:
        canvas.clear(skia.Color(*job.background))
    draw_layers(canvas, job.window, job.layers, deadline)
    return encode(surface, job.format)


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """What was drawn of a layer: its features in pixels and the parts of its style that hold at the zoom."""

    shapes: Shapes
    styles: tuple[StyleLayer, ...]


def draw_layers(
    canvas: Any, window: Window, layers: Sequence[LayerJob], deadline: Deadline, *, printed: int | None = None
) -> list[DrawnLayer]:
    """Draw layers on a canvas whose units are the window's pixels.

    ``printed`` is for paper: the edge cuts no label, and those of the first so many layers lie above all of these.
    """
    drawn = []
    for layer in layers:
        styles = tuple(style for style in (compile_layer(one, window.zoom) for one in layer.style) if style)
        drawn.append(DrawnLayer(shapes_in_pixels(layer.shapes, layer.attributes, window), styles))
    labels = _placed_labels(window, drawn, deadline, whole=printed is not None)
    for number, (layer, one) in enumerate(zip(layers, drawn, strict=True), 1):
        if layer.image is not None:
            _draw_image(canvas, window, layer.image, layer.image_size)
        for style in one.styles:
            if style.kind != "symbol" or number > (printed or 0):
                draw_style(canvas, style, one.shapes, layer.seamless, labels, deadline)
        if number == printed:
            for style in (style for under in drawn[:number] for style in under.styles if style.kind == "symbol"):
                labels.draw(canvas, style)
    return drawn


def _placed_labels(window: Window, drawn: Sequence[DrawnLayer], deadline: Deadline, *, whole: bool) -> LabelPlacer:
    labels = LabelPlacer(window.width, window.height, deadline.check, whole=whole)
    for one in reversed(drawn):
        for style in reversed(one.styles):
            if style.kind == "symbol":
                labels.place(style, one.shapes.geometries, one.shapes.attributes)
    return labels


def encode(surface: Any, kind: PictureFormat) -> bytes:
    """The surface as a file of the format."""
    code, quality = _FORMATS[kind]
    return bytes(surface.makeImageSnapshot().encodeToData(code, quality))


def skia_colour(colour: Colour) -> int:
    """A colour as Skia takes it."""
    red, green, blue, alpha = (round(part * 255) for part in colour)
    return int(skia.Color(red, green, blue, alpha))


def _draw_image(canvas: Any, window: Window, pixels: bytes, size: tuple[int, int] | None) -> None:
    width, height = size or (window.width, window.height)
    image = skia.Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(height, width, 4), skia.kRGBA_8888_ColorType)
    if (width, height) == (window.width, window.height):
        canvas.drawImage(image, 0, 0)
    else:
        smooth = skia.SamplingOptions(skia.FilterMode.kLinear)
        canvas.drawImageRect(image, skia.Rect.MakeWH(window.width, window.height), smooth)


def draw_style(
    canvas: Any, style: StyleLayer, shapes: Shapes, seamless: bool, labels: LabelPlacer, deadline: Deadline
) -> None:
    """Draw one style layer; symbols are those that ``labels`` placed for it."""
    if style.kind == "symbol":
        labels.draw(canvas, style)
    elif style.kind == "fill":
        _draw_fills(canvas, style, shapes, seamless, deadline)
    elif style.kind == "line":
        _draw_lines(canvas, style, shapes, deadline)
    else:
        _draw_circles(canvas, style, shapes, deadline)


def _features(
    style: StyleLayer, shapes: Shapes, deadline: Deadline, sort_key: str = ""
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    chosen = []
    for at, attributes in enumerate(shapes.attributes):
        deadline.check()
        if style.accepts(attributes):
            chosen.append((at, style.values(attributes)))
    if sort_key and any(values[sort_key] is not None for _, values in chosen):
        chosen.sort(key=lambda pair: pair[1][sort_key] or 0)
    for at, values in chosen:
        deadline.check()
        yield at, values


def _draw_fills(canvas: Any, style: StyleLayer, shapes: Shapes, seamless: bool, deadline: Deadline) -> None:
    """Fills of layers that tile the ground get a hair line of their own colour, all under one opacity."""
    opacity = style.values({})["fill-opacity"] if seamless else 1.0
    if seamless:
        canvas.saveLayerAlpha(None, round(255 * opacity))
    fill = skia.Paint(AntiAlias=True)
    hair = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style, StrokeWidth=1.0)
    for at, values in _features(style, shapes, deadline):
        if shapes.dimensions[at] != 2:
            continue
        path, own = shapes.paths[at], 1.0 if seamless else values["fill-opacity"]
        fill.setColor(skia_colour(values["fill-color"].faded(own)))
        fill.setAntiAlias(bool(values["fill-antialias"]))
        canvas.drawPath(path, fill)
        outline = values["fill-outline-color"] or (values["fill-color"] if seamless else None)
        if outline is not None:
            hair.setColor(skia_colour(outline.faded(own)))
            canvas.drawPath(path, hair)
    if seamless:
        canvas.restore()


def _draw_lines(canvas: Any, style: StyleLayer, shapes: Shapes, deadline: Deadline) -> None:
    paints: dict[int, Any] = {}
    for at, values in _features(style, shapes, deadline, "line-sort-key"):
        width = float(values["line-width"])
        colour = values["line-color"].faded(values["line-opacity"])
        if width <= 0 or colour.alpha == 0 or shapes.dimensions[at] == 0:
            continue
        paint = paints.get(id(values))
        if paint is None:
            paint = paints[id(values)] = _line_paint(values, colour, width)
        canvas.drawPath(_moved(shapes, at, float(values["line-offset"])), paint)


def _line_paint(values: Mapping[str, Any], colour: Colour, width: float) -> Any:
    """A line narrower than a pixel is drawn a pixel wide and fainter."""
    paint = skia.Paint(
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        Color=skia_colour(colour.faded(width)),
        StrokeWidth=max(width, 1.0),
        StrokeCap=_CAPS[values["line-cap"]],
        StrokeJoin=_JOINS[values["line-join"]],
    )
    dashes = [float(part) * width for part in values["line-dasharray"] or ()]
    dashes += dashes if len(dashes) % 2 else []
    if sum(dashes) > 0:
        paint.setPathEffect(skia.DashPathEffect.Make(dashes, 0))
    return paint


def _moved(shapes: Shapes, at: int, offset: float) -> Any:
    if not offset:
        return shapes.paths[at]
    parts = shapely.get_parts(shapes.geometries[at])
    rings = [shapely.get_exterior_ring(part) if shapely.get_type_id(part) == 3 else part for part in parts]
    return path_of(shapely.multilinestrings(_lines(shapely.offset_curve(np.array(rings, dtype=object), offset))))


def _lines(shapes: Any) -> Any:
    parts = shapely.get_parts(shapes)
    return parts[(shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)]


def _draw_circles(canvas: Any, style: StyleLayer, shapes: Shapes, deadline: Deadline) -> None:
    fill = skia.Paint(AntiAlias=True)
    ring = skia.Paint(AntiAlias=True, Style=skia.Paint.kStroke_Style)
    for at, values in _features(style, shapes, deadline, "circle-sort-key"):
        radius, edge = float(values["circle-radius"]), float(values["circle-stroke-width"])
        fill.setColor(skia_colour(values["circle-color"].faded(values["circle-opacity"])))
        ring.setColor(skia_colour(values["circle-stroke-color"].faded(values["circle-stroke-opacity"])))
        ring.setStrokeWidth(edge)
        for x, y in shapely.get_coordinates(shapes.geometries[at]).tolist():
            canvas.drawCircle(x, y, radius, fill)
            if edge > 0:
                canvas.drawCircle(x, y, radius + edge / 2, ring)
