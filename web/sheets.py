"""Map sheets as a caller may have them: the templates, and their layers with style, legend and source."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cim.errors import BadRequest, NotFound
from cim.model.collection import BoundingBox
from cim.policy.policy import Decision
from layers.catalog import Catalog
from layers.raster_styles import DEFAULT_RELIEF_M, raster_legend
from layers.sheet import SheetLayerEntry, SheetTemplate, sheet_style
from tiles.picture_style import style_fields
from tiles.raster_looks import look_of
from tiles.sheet import draw_sheet
from tiles.sheet_job import Language, LegendPart
from tiles.sheet_words import SheetLayer, SheetOrder
from web.ogc.map_layers import definition_of, picture_layer, style_of
from web.parameters import parse_bbox
from web.state import Caller


def the_template(who: Caller, name: str) -> SheetTemplate:
    """A template by its id; NotFound names those there are."""
    template = who.state.catalog.sheets.get(name)
    if template is None:
        known = ", ".join(sorted(who.state.catalog.sheets)) or "none"
        raise NotFound(f"there is no sheet {name[:60]!r}", where="template", remedy=f"there are: {known}")
    return template


def given_box(text: str, where: str = "bbox") -> BoundingBox:
    """The box a sheet is ordered for; BadRequest says how to write it."""
    box = parse_bbox(text, where)
    if box is None:
        raise BadRequest("there is no box", where=where, remedy="give west,south,east,north in degrees")
    return box


async def ordered_sheet(who: Caller, order: SheetOrder) -> bytes:
    """Draw a sheet of what the caller may read; NotFound when that is none of its layers."""
    layers, absent = await sheet_layers(who, order.template, order.language)
    if not layers:
        raise NotFound(
            f"none of the layers of the sheet {order.template.id} is there that you may see",
            where="template",
            remedy="GET /collections lists the layers you may see; log in to see more",
        )
    state = who.state
    return await draw_sheet(state.pictures, state.sheet_pool, who.principal, order, layers, absent, who.request_id)


async def sheet_layers(who: Caller, template: SheetTemplate, language: Language) -> tuple[list[SheetLayer], list[str]]:
    """The layers of a template that the caller may read, and the titles of the others.

    A layer that is not there and one that the caller may not know of are told alike.
    """
    layers, absent = [], []
    for entry in template.layer:
        try:
            decision = who.decide(entry.id)
        except NotFound:
            absent.append(str(getattr(who.state.catalog.layers[entry.id].title, language)))
        else:
            layers.append(await _layer(who, entry, decision, language))
    return layers, absent


async def _layer(who: Caller, entry: SheetLayerEntry, decision: Decision, language: Language) -> SheetLayer:
    style = who.state.catalog.styles[entry.style] if entry.style else style_of(who, decision)
    definition = definition_of(who, decision)
    title = str(getattr(definition.title, language)) if definition else decision.collection.id
    picture = replace(picture_layer(who, decision), style=sheet_style(entry, style.layers))
    source = definition.attribution if definition else ""
    if decision.collection.schema.kind == "raster":
        return SheetLayer(picture, LegendPart(title, fixed=await _relief(who, decision, language)), source)
    names = entry.classes if entry.classes is not None else class_field(who.state.catalog, entry.id, picture.style)
    codes = (who.state.catalog.code_names(entry.id, names) if names else None) or {}
    meanings = {code: _named(code, str(getattr(text, language))) for code, text in codes.items()}
    label = str(style.legend[0]["label"][language]) if len(style.legend) == 1 else ""
    return SheetLayer(picture, LegendPart(title, label, names, meanings), source)


def class_field(catalog: Catalog, layer: str, style: tuple[Mapping[str, Any], ...]) -> str:
    """The coded field whose values the style tells apart, or nothing where there is none or more than one."""
    painted = tuple(part for part in style if part["type"] != "symbol")
    coded = [name for name in sorted(style_fields(painted)) if catalog.code_names(layer, name)]
    return coded[0] if len(coded) == 1 else ""


def _named(code: str, name: str) -> str:
    """A class as legends name it: official codes are numbers and go before the name."""
    return f"{code} {name}" if code[:1].isdecimal() else name


async def _relief(who: Caller, decision: Decision, language: Language) -> tuple[Mapping[str, Any], ...]:
    """Legend entries of a layer of images in the style it is usually drawn in."""
    facts = await who.state.rasters.facts(who.principal, decision)
    if facts is None:
        return ()
    definition = definition_of(who, decision)
    relief_m = definition.raster.relief_m if definition else DEFAULT_RELIEF_M
    rows = raster_legend(look_of(facts, None, relief_m).style, relief_m)
    return tuple({**row, "label": row["label"][language]} for row in rows)
