"""The map of a report: what was asked about and what was found, on the sheet of the analysis."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import shapely

from cim.analysis.registry import the_analysis
from cim.errors import BadRequest, NotFound, StoreUnavailable
from cim.model.collection import BoundingBox
from tiles.sheet_words import SheetOrder
from web.reports.picture_looks import emergency_looks, review_looks
from web.sheets import ordered_sheet
from web.state import Caller

Looks = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any] | None]
_EMERGENCY = (
    "debris-runout",
    "evacuation",
    "flash-flood",
    "flood",
    "hazard-escape",
    "hazard-grade",
    "impact-area",
    "incident-picture",
    "intensity",
    "isochrone",
    "nearest-resources",
    "pipe-break",
    "plume",
    "route",
)
SHEETS: dict[str, tuple[str, Looks]] = {
    "compliance-review": ("compliance-review", review_looks),
    **dict.fromkeys(_EMERGENCY, ("incident", emergency_looks)),
}
"""The sheet template of each analysis that has one, and how its places are drawn on it."""
DPI = 150
MOST_PLACES = 1_500
AROUND = 0.35
LEAST_AROUND_DEG = 0.0015


async def report_picture(who: Caller, process: str, answer: Mapping[str, Any]) -> bytes | None:
    """A sheet as PNG with the answer's places; None where the analysis has none, or none can be drawn."""
    name, looks = SHEETS.get(process, ("", review_looks))
    template = who.state.catalog.sheets.get(name)
    drawn = _drawn(answer, looks)
    if template is None or not drawn:
        return None
    order = SheetOrder(
        template,
        _box(answer["geojson"]["features"], drawn),
        title=str(answer["summary"].get("project") or the_analysis(process).title.zh),
        overlays={"type": "FeatureCollection", "features": drawn},
        form="png",
        dpi=DPI,
    )
    try:
        return await ordered_sheet(who, order)
    except (BadRequest, NotFound, StoreUnavailable):
        return None


def _drawn(answer: Mapping[str, Any], looks: Looks) -> list[dict[str, Any]]:
    features = []
    for place in answer["geojson"]["features"]:
        look = looks(place["properties"], answer)
        if look is not None:
            features.append({"type": "Feature", "geometry": place["geometry"], "properties": look})
    return features[:MOST_PLACES]


def _box(places: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]) -> BoundingBox:
    """The parcels, or else what is drawn, with some land around."""
    shown = [place for place in places if place["properties"].get("kind") == "parcel"] or drawn
    bounds = shapely.total_bounds([shapely.geometry.shape(place["geometry"]) for place in shown])
    west, south, east, north = (float(side) for side in bounds)
    around = max((east - west) * AROUND, (north - south) * AROUND, LEAST_AROUND_DEG)
    return (west - around, south - around, east + around, north + around)
