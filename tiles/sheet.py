"""Map sheets 专题图: a template filled with layers as a caller sees them, as a PDF of one page or as a PNG.

``draw_sheet`` knows nothing of HTTP: a report may call it as a route does.
"""

import asyncio
from collections.abc import Sequence

from cim.errors import BadRequest, StoreUnavailable
from cim.model.access import Principal
from tiles import picture_work
from tiles.picture import MAX_SIDE_PIXELS, Pictures
from tiles.picture_job import LayerJob
from tiles.picture_pool import PicturePool
from tiles.sheet_boxes import field_of
from tiles.sheet_job import LegendPart, SheetJob
from tiles.sheet_overlays import LEGEND_FIELD, overlay_features, overlay_job
from tiles.sheet_scale import Placement, placed
from tiles.sheet_words import DEFAULT_DPI, SheetLayer, SheetOrder, filled_texts, said_missing, title_of

LEAST_DPI, MOST_DPI = 96, 400
MAX_PNG_PIXELS = 40_000_000
MAX_TEXT = 500
DRAW_S = 40.0
TOTAL_S = 75.0


async def draw_sheet(
    pictures: Pictures,
    pool: PicturePool,
    principal: Principal,
    order: SheetOrder,
    layers: Sequence[SheetLayer],
    absent: Sequence[str] = (),
    request_id: str = "",
) -> bytes:
    """The sheet as bytes of the form ordered.

    ``layers`` are those of the template that the principal may read, the first lowest; ``absent`` are the titles of
    the others, which the sheet says it does not show. ``pool`` draws; it is not that of ``pictures``, so that a sheet
    never holds up the map. Raises BadRequest for what cannot be drawn, StoreUnavailable when time is used up.
    """
    check_order(order)
    place = placed(order.bbox, order.srid, order.scale, field_of(order.template.map)[2:])
    shown = [layer for layer in layers if place.window.zoom >= layer.picture.minzoom]
    small = [layer for layer in layers if layer not in shown]
    above = _overlay(order, place)
    fineness = min(max(order.dpi, DEFAULT_DPI) / 96, MAX_SIDE_PIXELS / max(place.window.width, place.window.height))
    try:
        async with asyncio.timeout(TOTAL_S):
            jobs, _ = await pictures.jobs(
                principal,
                [layer.picture for layer in shown],
                place.window,
                fineness=fineness,
                request_id=request_id,
            )
            texts = filled_texts(order, place, principal, shown, said_missing(order.language, shown, small, absent))
            legend = (*(layer.legend for layer in shown), *(part for part, _ in above))
            job = SheetJob(
                order.template,
                place.window,
                place.scale,
                (*jobs, *(drawn for _, drawn in above)),
                legend,
                texts,
                title_of(order),
                order.form,
                order.language,
                order.dpi,
                DRAW_S,
                len(above),
            )
            return await pool.run(picture_work.sheet, job, DRAW_S)
    except TimeoutError:
        raise StoreUnavailable(
            "reading and drawing the sheet took longer than it may", remedy="ask for a smaller area or a larger scale"
        ) from None


def check_order(order: SheetOrder) -> None:
    """Refuse what cannot be drawn before any work is done for it."""
    if not LEAST_DPI <= order.dpi <= MOST_DPI:
        raise BadRequest(
            f"{order.dpi} points to the inch are not offered",
            where="dpi",
            remedy=f"ask for {LEAST_DPI} to {MOST_DPI}",
        )
    wide, high = (side / 25.4 * order.dpi for side in order.template.paper_mm)
    if order.form == "png" and wide * high > MAX_PNG_PIXELS:
        raise BadRequest(
            f"a PNG of {wide:.0f} x {high:.0f} points is too large",
            where="dpi",
            remedy=f"ask for fewer than {int(order.dpi * (MAX_PNG_PIXELS / (wide * high)) ** 0.5)} dpi, or for a PDF",
        )
    texts = order.texts or {}
    unknown = sorted(texts.keys() - order.template.values.keys())
    if unknown:
        known = ", ".join(sorted(order.template.values)) or "none"
        raise BadRequest(
            f"the sheet {order.template.id} has no text {unknown[0][:60]!r}", where="texts", remedy=f"it has: {known}"
        )
    for name, text in {**texts, "title": order.title}.items():
        if len(text) > MAX_TEXT or any(ord(sign) < 32 and sign != "\n" for sign in text):
            raise BadRequest(
                f"the text {name!r} is too long or holds control characters",
                where=name if name == "title" else f"texts.{name}",
                remedy=f"give at most {MAX_TEXT} characters",
            )


def _overlay(order: SheetOrder, place: Placement) -> list[tuple[LegendPart, LayerJob]]:
    if order.overlays is None:
        return []
    look = order.template.overlay
    job = overlay_job(overlay_features(order.overlays), place.window, look, order.language)
    return [(LegendPart(getattr(look.title, order.language), class_field=LEGEND_FIELD), job)] if job.shapes else []
