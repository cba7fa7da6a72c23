"""Scenarios 情景: which there are, and what each does to the layers the caller may read."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from cim.model.scenarios import Scenario
from cim.policy.policy import read_context
from cim.store.scenarios import all_scenarios, no_scenario, the_scenario
from web.documents import scenario_document
from web.looking import layers_of
from web.state import Caller, caller

router = APIRouter(tags=["scenarios"])
Who = Annotated[Caller, Depends(caller)]


@router.get("/scenarios", summary="Scenarios the caller may look at")
async def scenarios(who: Who) -> dict[str, Any]:
    """Every scenario that does something to a layer the caller may read."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await all_scenarios(connection)
    return {"scenarios": [_document(who, scenario) for scenario in found if layers_of(scenario, who.readable_ids())]}


@router.get("/scenarios/{name}", summary="One scenario")
async def scenario(name: str, who: Who) -> dict[str, Any]:
    """One scenario: what it does to the layers the caller may read, and where to read them under it."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await the_scenario(connection, name)
    if not layers_of(found, who.readable_ids()):
        raise no_scenario(name)
    return _document(who, found)


def _document(who: Caller, scenario: Scenario) -> dict[str, Any]:
    return scenario_document(scenario, layers_of(scenario, who.readable_ids()), who.base)
