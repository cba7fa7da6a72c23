"""Map sheets 专题图: a template filled with layers as a caller sees them, as a PDF of one page or as a PNG.

``draw_sheet`` knows nothing of HTTP: a report may call it as a route does.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cim.errors import BadRequest, StoreUnavailable
from cim.model.access import Grade, Principal
from cim.model.collection import BoundingBox
from layers.sheet import SheetTemplate
from tiles import picture_work
from tiles.picture import MAX_SIDE_PIXELS, PictureLayer, Pictures
from tiles.picture_job import LayerJob
from tiles.picture_pool import PicturePool
from tiles.sheet_boxes import field_of
from tiles.sheet_grid import angle
from tiles.sheet_job import Language, LegendPart, SheetForm, SheetJob
from tiles.sheet_overlays import LEGEND_FIELD, overlay_features, overlay_job
from tiles.sheet_scale import Placement, convergence_deg, placed, scale_text, system_name

DEFAULT_DPI = 200
LEAST_DPI, MOST_DPI = 96, 400
MAX_PNG_PIXELS = 40_000_000
MAX_TEXT = 500
DRAW_S = 40.0
TOTAL_S = 75.0
GRADES: dict[Grade, Mapping[Language, str]] = {
    Grade.PUBLIC: {"zh": "公开", "en": "public"},
    Grade.INTERNAL: {"zh": "内部", "en": "internal"},
    Grade.RESTRICTED: {"zh": "受限", "en": "restricted"},
    Grade.DRAFT: {"zh": "待发布", "en": "draft"},
}
"""Grades by how closely their data is held, the most open first."""
_SAID: Mapping[Language, Mapping[str, str]] = {
    "zh": {
        "absent": "未绘出（未入库或无权查看）：{names}",
        "small": "本图比例尺下不显示：{names}",
        "partly": "仅绘出有权查看的行政区范围内的要素：{names}",
        "edition": "{title} 第{version}版（{date}）",
        "between": "、",
        "stop": "；",
    },
    "en": {
        "absent": "Not drawn (not loaded, or not open to you): {names}",
        "small": "Not shown at this scale: {names}",
        "partly": "Drawn only in the regions open to you: {names}",
        "edition": "{title} version {version} ({date})",
        "between": ", ",
        "stop": "; ",
    },
}


@dataclass(frozen=True, slots=True)
class SheetLayer:
    """A layer as the caller sees it, in the sheet's style; ``source`` is who made the data."""

    picture: PictureLayer
    legend: LegendPart
    source: str = ""


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """What sheet is wanted.

    ``bbox`` is west, south, east, north in degrees; its middle is the sheet's. Without ``scale`` (a denominator) the
    largest standard one that shows all of it is taken; without ``srid`` the three-degree zone of its middle. ``texts``
    fill the template's values. ``overlays`` is GeoJSON in longitude and latitude, drawn above the layers.
    """

    template: SheetTemplate
    bbox: BoundingBox
    scale: int | None = None
    srid: int | None = None
    title: str = ""
    texts: Mapping[str, str] | None = None
    overlays: Mapping[str, Any] | None = None
    form: SheetForm = "pdf"
    dpi: int = DEFAULT_DPI
    language: Language = "zh"


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
            texts = _filled(order, place, principal, shown, _said(order.language, shown, small, absent))
            legend = (*(layer.legend for layer in shown), *(part for part, _ in above))
            job = SheetJob(
                order.template,
                place.window,
                place.scale,
                (*jobs, *(drawn for _, drawn in above)),
                legend,
                texts,
                _title(order),
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


def _title(order: SheetOrder) -> str:
    return order.title or str(getattr(order.template.title, order.language))


def _filled(
    order: SheetOrder, place: Placement, principal: Principal, shown: Sequence[SheetLayer], not_drawn: str
) -> tuple[str, ...]:
    """The texts of the template with their words filled in."""
    language = order.language
    values = {name: str(getattr(text, language)) for name, text in order.template.values.items()}
    values |= order.texts or {}
    values |= {
        "title": _title(order),
        "date": datetime.now().astimezone().date().isoformat(),
        "scale": scale_text(place.scale),
        "crs": system_name(place.window.srid, language),
        "convergence": angle(convergence_deg(place.window)),
        "sources": _SAID[language]["stop"].join(dict.fromkeys(layer.source for layer in shown if layer.source)),
        "editions": _SAID[language]["stop"].join(_edition(layer, language) for layer in shown),
        "grade": _grade(shown, language),
        "not_drawn": not_drawn,
        "user": principal.name or principal.role,
    }
    return tuple(str(getattr(one.text, language)).format_map(values) for one in order.template.text)


def _edition(layer: SheetLayer, language: Language) -> str:
    held = layer.picture.decision.collection
    date = held.updated_at.astimezone().date().isoformat()
    return _SAID[language]["edition"].format(title=layer.legend.title, version=held.version, date=date)


def _grade(shown: Sequence[SheetLayer], language: Language) -> str:
    """The closest grade among the layers drawn."""
    grades = {layer.picture.decision.collection.grade for layer in shown}
    return next((texts[language] for grade, texts in reversed(GRADES.items()) if grade in grades), "")


def _said(language: Language, shown: Sequence[SheetLayer], small: Sequence[SheetLayer], absent: Sequence[str]) -> str:
    """What the sheet does not show of its layers; empty where it shows all of them wholly."""
    words = _SAID[language]
    partly = [layer.legend.title for layer in shown if layer.picture.decision.regions is not None]
    lists = {"absent": list(absent), "small": [layer.legend.title for layer in small], "partly": partly}
    return words["stop"].join(
        words[kind].format(names=words["between"].join(names)) for kind, names in lists.items() if names
    )
