"""Map sheets of an incident: the whole situation with marks and areas, and the place itself where that is small."""

from collections.abc import Iterable, Mapping
from typing import Any

import shapely

from cim.errors import BadRequest, DefinitionError, NotFound, StoreUnavailable
from cim.model.collection import BoundingBox
from cim.model.incident_kinds import the_kind
from cim.model.incidents import State
from tiles.picture_colour import parse_colour
from tiles.sheet_words import SheetOrder
from web.incidents.plain_text import local, plain
from web.incidents.situation import DRILL_HEADER, SYMBOLS
from web.sheets import ordered_sheet
from web.state import Caller

TEMPLATE = "incident"
DPI = 150
AROUND, DETAIL_DEG = 0.2, 0.006
"""Land around the shapes as a share of their extent, and half the height of the sheet of the place itself."""
COLOURS = {
    "cordon": "#c00000",
    "command-post": "#1f4e9e",
    "evacuation": "#d97800",
    "shelter": "#1b7837",
    "water": "#0070c0",
}
PLACE_COLOUR, AREA_COLOUR, ANALYSIS_COLOUR, MARK_COLOUR = "#c00000", "#c00000", "#7030a0", "#a61c6b"


async def situation_pictures(who: Caller, state: State) -> list[bytes]:
    """The sheets as PNG; none where the caller may read none of their layers."""
    template = who.state.catalog.sheets.get(TEMPLATE)
    if template is None:
        return []
    features = situation_features(state)
    incident = state.incident
    whole = _box(features)
    boxes = [whole]
    if whole[3] - whole[1] > 4 * DETAIL_DEG:
        boxes.append(_around(incident.lon, incident.lat))
    kind = the_kind(incident.kind)
    texts = {
        "drill": DRILL_HEADER if incident.drill else "",
        "incident": f"事件编号：{incident.code}",
        "facts": plain(f"{kind.zh}\n{incident.place_text}\n发生：{local(incident.occurred_at)}")[:300],
    }
    overlays = {"type": "FeatureCollection", "features": features}
    try:
        return [
            await ordered_sheet(
                who,
                SheetOrder(template, box, title=incident.title, texts=texts, overlays=overlays, form="png", dpi=DPI),
            )
            for box in boxes
        ]
    except (BadRequest, NotFound, StoreUnavailable):
        return []


def situation_features(state: State) -> list[dict[str, Any]]:
    """The area, what analyses gave, marks and the place of an incident, the place uppermost."""
    incident = state.incident
    drawn = [_feature(incident.area, AREA_COLOUR, "影响范围", "影响范围")] if incident.area else []
    for entry in state.entries:
        if entry.kind == "analysis":
            areas = (entry.body.get("areas") or {}).get("features", [])
            drawn += [_analysis_feature(one) for one in areas]
    for mark in state.marks:
        colour = _colour(mark.style.get("stroke"), COLOURS.get(mark.symbol, MARK_COLOUR))
        name = mark.label or SYMBOLS.get(mark.symbol, mark.symbol)
        drawn.append(_feature(mark.geometry, colour, name, SYMBOLS.get(mark.symbol, "标绘")))
    place = {"type": "Point", "coordinates": [incident.lon, incident.lat]}
    return [*drawn, _feature(place, PLACE_COLOUR, "事发地", "事发地")]


def _feature(geometry: Mapping[str, Any], colour: str, label: str, legend: str) -> dict[str, Any]:
    """A shape as the sheet draws it; an area is named in the legend, as its middle is often the place itself."""
    named, is_area = plain(label)[:60], str(geometry.get("type")).endswith("Polygon")
    looks = {"stroke": colour, "fill": colour, "fill-opacity": 0.12, "label": "" if is_area else named}
    return {"type": "Feature", "geometry": geometry, "properties": {**looks, "legend": named if is_area else legend}}


def _analysis_feature(one: Mapping[str, Any]) -> dict[str, Any]:
    """A shape of an analysis without its name beside it: there may be many, which would hide the map."""
    feature = _feature(one["geometry"], ANALYSIS_COLOUR, _name(one), "分析结果")
    feature["properties"]["label"] = ""
    return feature


def _name(feature: Mapping[str, Any]) -> str:
    facts = feature.get("properties") or {}
    return str(facts.get("label") or facts.get("title") or facts.get("name") or "分析结果")


def _colour(given: Any, otherwise: str) -> str:
    try:
        parse_colour(str(given))
    except DefinitionError:
        return otherwise
    return str(given)


def _box(features: Iterable[Mapping[str, Any]]) -> BoundingBox:
    """The shapes with some land around them."""
    shapes = [shapely.geometry.shape(one["geometry"]) for one in features]
    west, south, east, north = (float(side) for side in shapely.total_bounds(shapes))
    across, up = max((east - west) * AROUND, DETAIL_DEG), max((north - south) * AROUND, DETAIL_DEG)
    return (west - across, south - up, east + across, north + up)


def _around(lon: float, lat: float) -> BoundingBox:
    return (lon - DETAIL_DEG, lat - DETAIL_DEG, lon + DETAIL_DEG, lat + DETAIL_DEG)
