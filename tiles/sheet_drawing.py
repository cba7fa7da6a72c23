"""Drawing a map sheet on one canvas, whether that is a page of a PDF or a PNG. Runs in a drawing process.

The canvas counts in pixels of 1/96 inch from the paper's upper left corner, as the styles do.
"""

import struct
import zlib
from typing import Any

import skia

from cim.errors import CimError
from tiles.picture_drawing import Deadline, draw_layers, encode
from tiles.picture_window import Window
from tiles.sheet_boxes import Box, field_of
from tiles.sheet_frame import draw_frame
from tiles.sheet_furniture import draw_north, draw_scale_bar
from tiles.sheet_job import SheetJob
from tiles.sheet_legend import draw_legend_box, legend_entries
from tiles.sheet_pdf import plain_letters
from tiles.sheet_text import draw_text

PRODUCER = "OneMap CIM"
_POINTS_A_MM = 72 / 25.4
_AFTER_HEADER = 33


def draw_sheet_job(job: SheetJob) -> bytes:
    """The sheet as a PDF of one page, or as a PNG whose points to the inch are written into it."""
    return _pdf(job) if job.form == "pdf" else _png(job)


def _pdf(job: SheetJob) -> bytes:
    wide, high = job.template.paper_mm
    stream = skia.DynamicMemoryWStream()
    document = skia.PDF.MakeDocument(stream, Title=job.title, Creator=PRODUCER)
    if document is None:
        raise CimError("the PDF could not be made", remedy="report it with the request id")
    canvas = document.beginPage(wide * _POINTS_A_MM, high * _POINTS_A_MM)
    canvas.scale(72 / 96, 72 / 96)
    _draw(canvas, job)
    document.endPage()
    document.close()
    return plain_letters(bytes(stream.detachAsData().bytes()))


def _png(job: SheetJob) -> bytes:
    wide, high = (round(side / 25.4 * job.dpi) for side in job.template.paper_mm)
    surface = skia.Surface(wide, high)
    canvas = surface.getCanvas()
    canvas.clear(skia.ColorWHITE)
    canvas.scale(job.dpi / 96, job.dpi / 96)
    _draw(canvas, job)
    return with_density(encode(surface, "png"), job.dpi)


def _draw(canvas: Any, job: SheetJob) -> None:
    template = job.template
    field = field_of(template.map)
    corner = corner_of(field, job.window)
    canvas.save()
    canvas.clipRect(skia.Rect.MakeXYWH(*field), skia.ClipOp.kIntersect, True)
    canvas.translate(*corner)
    drawn = draw_layers(canvas, job.window, job.layers, Deadline(job.seconds), printed=len(job.layers) - job.overlays)
    canvas.restore()
    draw_frame(canvas, template.map, field, corner, job.window)
    inside = (field[0] - corner[0], field[1] - corner[1])
    seen = (*inside, inside[0] + field[2], inside[1] + field[3])
    entries = legend_entries(job.legend, drawn, seen, job.window.zoom)
    draw_legend_box(canvas, entries, template.legend, job.language)
    draw_scale_bar(canvas, template.scale_bar, job.scale)
    draw_north(canvas, template.north, job.language)
    for text, look in zip(job.texts, template.text, strict=True):
        draw_text(canvas, text, look)


def corner_of(field: Box, window: Window) -> tuple[float, float]:
    """Where the window's upper left corner lies on the sheet: their middles meet."""
    left, top, width, height = field
    return left + (width - window.width) / 2, top + (height - window.height) / 2


def with_density(png: bytes, dpi: int) -> bytes:
    """A PNG that says how many points to the inch it has, so that it is printed at its scale."""
    metre = round(dpi / 0.0254)
    content = b"pHYs" + struct.pack(">IIB", metre, metre, 1)
    chunk = struct.pack(">I", 9) + content + struct.pack(">I", zlib.crc32(content))
    return png[:_AFTER_HEADER] + chunk + png[_AFTER_HEADER:]
