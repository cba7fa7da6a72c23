"""Duty modes of the plan as scenes, and emergency plans as checklists."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from cim.model.access import Operation
from cim.policy.policy import may
from web.state import Caller, caller

router = APIRouter(tags=["incidents"])
Who = Annotated[Caller, Depends(caller)]


@router.get("/modes", summary="Duty modes as scenes")
async def modes(who: Who) -> dict[str, Any]:
    """Each mode: its layers that the caller may read, from the lowest on, what is missing, base map and panels."""
    readable = who.readable_ids()
    told = []
    for mode in who.state.catalog.modes:
        layers = [name for name in mode.layers if name in readable]
        missing = [_missing(who, name) for name in mode.layers if name not in readable]
        told.append({**mode.model_dump(), "layers": layers, "absent": len(missing), "missing": missing})
    return {"modes": told}


def _missing(who: Caller, layer: str) -> dict[str, Any]:
    """A layer of a mode that the caller does not get, and why.

    By its definition alone, so that nobody learns of data of a grade that is not open to them: ``no-right`` where
    the defined grade is closed to the caller, else ``no-data``.
    """
    definition = who.state.catalog.layers[layer]
    why = "no-data" if may(who.principal, Operation.READ, definition.grade) else "no-right"
    return {"layer": layer, "title": definition.title.model_dump(), "why": why}


@router.get("/incidents/plans", summary="Emergency plans as checklists")
async def plans(who: Who) -> dict[str, Any]:
    """Each plan with the kinds of incidents it is for and its steps."""
    return {"plans": [plan.model_dump() for plan in who.state.catalog.plans.values()]}
