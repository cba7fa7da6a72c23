"""What is ordered of a map sheet, and the words on it: editions, sources, grade, and what it does not show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cim.model.access import Grade, Principal
from cim.model.collection import BoundingBox
from layers.sheet import SheetTemplate
from tiles.picture import PictureLayer
from tiles.sheet_grid import angle
from tiles.sheet_job import Language, LegendPart, SheetForm
from tiles.sheet_scale import Placement, convergence_deg, scale_text, system_name

DEFAULT_DPI = 200
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


def title_of(order: SheetOrder) -> str:
    """The title ordered, or the template's."""
    return order.title or str(getattr(order.template.title, order.language))


def filled_texts(
    order: SheetOrder, place: Placement, principal: Principal, shown: Sequence[SheetLayer], not_drawn: str
) -> tuple[str, ...]:
    """The texts of the template with their words filled in."""
    language = order.language
    values = {name: str(getattr(text, language)) for name, text in order.template.values.items()}
    values |= order.texts or {}
    values |= {
        "title": title_of(order),
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


def said_missing(
    language: Language, shown: Sequence[SheetLayer], small: Sequence[SheetLayer], absent: Sequence[str]
) -> str:
    """What the sheet does not show of its layers; empty where it shows all of them wholly."""
    words = _SAID[language]
    partly = [layer.legend.title for layer in shown if layer.picture.decision.regions is not None]
    lists = {"absent": list(absent), "small": [layer.legend.title for layer in small], "partly": partly}
    return words["stop"].join(
        words[kind].format(names=words["between"].join(names)) for kind, names in lists.items() if names
    )
