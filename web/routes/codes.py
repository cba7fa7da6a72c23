"""One address for every code: what object of the city it is the code of."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from cim.model.access import Operation
from cim.policy.policy import read_context
from cim.store.assets import next_free_gb_code
from web.codes import objects_of_code
from web.state import Caller, caller

router = APIRouter(tags=["devices"])
TIMEOUT_MS = 8_000


@router.get("/id/next", summary="The next free code of GB/T 28181")
async def next_code(
    who: Annotated[Caller, Depends(caller)],
    centre: Annotated[str, Query(pattern="^[0-9]{8}$", description="GB/T 2260 to the unit: 51018200")],
    industry: Annotated[str, Query(pattern="^[0-9]{2}$")],
    type_: Annotated[str, Query(alias="type", pattern="^[0-9]{3}$", description="132 a network camera")],
    network: Annotated[str, Query(pattern="^[0-9]$")],
    edition: Annotated[str, Query(max_length=4)] = "2022",
) -> dict[str, Any]:
    """The first code with these parts that no device has; it is told, not reserved. Needs the right to import."""
    who.require(Operation.IMPORT)
    async with who.state.database.writing(who.request_id) as connection:
        code = await next_free_gb_code(connection, centre, industry, type_, network, edition)
    return {"code": str(code), "parts": code.document()}


@router.get("/id/{code}", summary="What a code stands for")
async def resolve(
    code: Annotated[str, Path(max_length=200)], who: Annotated[Caller, Depends(caller)]
) -> dict[str, Any]:
    """The object with a code: a device by any of its codes, a building, an element of a model by GlobalId, a Thing.

    A code that several objects have answers with all of them. What the caller may not see is not there for him.
    """
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        found = await objects_of_code(connection, who, code)
    return {"code": code, "objects": found}
