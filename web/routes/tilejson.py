"""TileJSON documents of vector tile layers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from layers.general_plan import general_plan
from tiles.tilejson import tilejson
from web.state import Caller, caller

router = APIRouter(tags=["tiles"])


@router.get("/tiles/{layer}.json", summary="TileJSON of a layer")
async def document(layer: str, who: Annotated[Caller, Depends(caller)]) -> dict[str, Any]:
    """What a client needs to draw a layer: the versioned tile URL, zooms, bounds and fields."""
    decision, catalog = who.decide(layer), who.state.catalog
    return tilejson(who.base, decision, catalog.layers.get(layer), general_plan(catalog, decision.collection))
