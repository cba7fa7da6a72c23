"""A building by its unified code, with all that belongs to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from cim.policy.policy import read_context
from web.buildings import building_document
from web.state import Caller, caller

router = APIRouter(tags=["models"])
TIMEOUT_MS = 8_000


@router.get("/buildings/{code}", summary="A building and all that belongs to it")
async def building(
    code: Annotated[str, Path(max_length=100)],
    who: Annotated[Caller, Depends(caller)],
    limit: Annotated[int, Query(ge=1, le=100, description="features of each group")] = 10,
) -> dict[str, Any]:
    """Footprint, objects of city models, building models, and the groups that the links of buildings lead to.

    What the caller may not read is left out.
    """
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        return await building_document(connection, who, code, limit)
