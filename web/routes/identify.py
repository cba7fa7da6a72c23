"""What is here: features of several layers at a clicked place, and how high it is."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from cim.errors import BadRequest
from cim.policy.policy import Decision, read_context
from cim.store.features import FeatureQuery, features_at
from tiles.raster import height_of
from web.feature_entry import feature_entry
from web.parameters import parse_position
from web.state import Caller, caller

router = APIRouter(tags=["identify"])
PIXELS = 6
MAX_LAYERS = 40
MAX_RADIUS_M = 2_000.0
_WORLD_PIXEL_M = 40_075_016.685578488 / 512


@router.get("/identify", summary="Features at a place")
async def identify(
    who: Annotated[Caller, Depends(caller)],
    lon: Annotated[float, Query()],
    lat: Annotated[float, Query()],
    z: Annotated[float, Query(ge=0, le=24, description="map zoom, for the click's tolerance")] = 16,
    layers: Annotated[str | None, Query(description="ids, comma separated; all readable ones when absent")] = None,
    limit: Annotated[int, Query(ge=1, le=50, description="features a layer")] = 10,
) -> dict[str, Any]:
    """Features within six pixels of a place: points first, then lines, then areas, nearest first.

    ``heights`` are those of the place itself, one for each layer of heights: metres above the datum named beside.
    """
    parse_position(lon, lat)
    radius_m = min(MAX_RADIUS_M, PIXELS * _WORLD_PIXEL_M / 2**z * math.cos(math.radians(lat)))
    found: list[tuple[tuple[int, float, int], dict[str, Any]]] = []
    wanted = _wanted(who, layers)
    async with who.state.database.reading(read_context(who.principal, who.request_id, 5_000)) as connection:
        for decision in wanted:
            query = FeatureQuery(decision.collection, decision.field_names, decision.regions, limit=limit)
            for feature in await features_at(connection, query, lon, lat, radius_m):
                definition = who.state.catalog.layers.get(decision.collection.id)
                entry = feature_entry(decision, definition, feature) | {"distance_m": round(feature.distance_m, 2)}
                found.append(((_rank(decision), feature.distance_m, len(found)), entry))
    found.sort(key=lambda pair: pair[0])
    heights = [
        await _height(who, decision, lon, lat) for decision in wanted if decision.collection.schema.kind == "raster"
    ]
    return {"features": [entry for _, entry in found], "heights": [height for height in heights if height]}


async def _height(who: Caller, decision: Decision, lon: float, lat: float) -> dict[str, Any] | None:
    """The height at a place from a layer of heights; None where it has none."""
    facts = await who.state.rasters.facts(who.principal, decision)
    if facts is None or not facts.heights:
        return None
    found = await height_of(who.state.database, who.state.files, who.principal, decision, lon, lat)
    if found is None:
        return None
    return {
        "layer": decision.collection.id,
        "height_m": round(found.height_m, 2),
        "height_datum": found.height_datum,
        "cell_m": round(found.cell_m, 2),
    }


def _wanted(who: Caller, layers: str | None) -> list[Decision]:
    if layers is None:
        decisions = who.readable()
    else:
        names = list(dict.fromkeys(name.strip() for name in layers.split(",") if name.strip()))
        if len(names) > MAX_LAYERS:
            raise BadRequest("too many layers", where="layers", remedy=f"ask for {MAX_LAYERS} at most")
        decisions = [who.decide(name) for name in names]
    return [decision for decision in decisions if decision.collection.schema.geometry != "none"]


def _rank(decision: Decision) -> int:
    kind = decision.collection.schema.geometry
    return 0 if kind.endswith("Point") else 1 if kind.endswith("LineString") else 2
