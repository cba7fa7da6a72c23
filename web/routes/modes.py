"""Duty modes of the plan as scenes, and emergency plans as checklists."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from web.state import Caller, caller

router = APIRouter(tags=["incidents"])
Who = Annotated[Caller, Depends(caller)]


@router.get("/modes", summary="Duty modes as scenes")
async def modes(who: Who) -> dict[str, Any]:
    """Each mode: its layers that the caller may read, from the lowest on, how many it may not, base map and panels."""
    readable = who.readable_ids()
    told = []
    for mode in who.state.catalog.modes:
        layers = [name for name in mode.layers if name in readable]
        told.append({**mode.model_dump(), "layers": layers, "absent": len(mode.layers) - len(layers)})
    return {"modes": told}


@router.get("/incidents/plans", summary="Emergency plans as checklists")
async def plans(who: Who) -> dict[str, Any]:
    """Each plan with the kinds of incidents it is for and its steps."""
    return {"plans": [plan.model_dump() for plan in who.state.catalog.plans.values()]}
