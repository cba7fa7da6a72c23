"""The map of a report: what was asked about and what was found, on the sheet of the analysis."""

from collections.abc import Mapping
from typing import Any

import shapely

from cim.errors import BadRequest, NotFound, StoreUnavailable
from cim.model.collection import BoundingBox
from tiles.sheet_words import SheetOrder
from web.sheets import ordered_sheet
from web.state import Caller

SHEETS = {"compliance-review": "compliance-review"}
"""The sheet template of each analysis that has one."""
DPI = 150
MOST_PLACES = 1_500
AROUND = 0.35
LEAST_AROUND_DEG = 0.0015
COLOURS = {"not": "#b3261e", "partly": "#d08000", "information": "#3b6ea5"}


async def report_picture(who: Caller, process: str, answer: Mapping[str, Any]) -> bytes | None:
    """A sheet as PNG with the answer's places; None where the analysis has none, or none can be drawn."""
    template = who.state.catalog.sheets.get(SHEETS.get(process, ""))
    places = answer["geojson"]["features"][:MOST_PLACES]
    if template is None or not places:
        return None
    summary = answer["summary"]
    order = SheetOrder(
        template,
        _box(places),
        title=str(summary.get("project") or ""),
        overlays={"type": "FeatureCollection", "features": [_drawn(place, answer) for place in places]},
        form="png",
        dpi=DPI,
    )
    try:
        return await ordered_sheet(who, order)
    except (BadRequest, NotFound, StoreUnavailable):
        return None


def _box(places: list[Mapping[str, Any]]) -> BoundingBox:
    """The parcels with some land around them."""
    parcels = [place for place in places if place["properties"].get("kind") == "parcel"] or places
    bounds = shapely.total_bounds([shapely.geometry.shape(place["geometry"]) for place in parcels])
    west, south, east, north = (float(side) for side in bounds)
    around = max((east - west) * AROUND, (north - south) * AROUND, LEAST_AROUND_DEG)
    return (west - around, south - around, east + around, north + around)


def _drawn(place: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """A parcel as the sheet draws red lines; a piece of a finding filled in the colour of its verdict."""
    facts = place["properties"]
    if facts.get("kind") == "parcel":
        looks: dict[str, Any] = {"label": facts.get("name") or ""}
    else:
        colour = COLOURS.get(str(facts.get("verdict")), "#555555")
        titles = {finding["rule"]: finding["title"]["zh"] for finding in answer["findings"]}
        looks = {
            "stroke": colour,
            "stroke-width": 0.3,
            "fill": colour,
            "fill-opacity": 0.3,
            "label": "",
            "legend": titles.get(facts.get("rule"), ""),
        }
    return {"type": "Feature", "geometry": place["geometry"], "properties": looks}
