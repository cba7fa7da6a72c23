"""One address for every code: what object of the city it is the code of."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from cim.policy.policy import read_context
from web.codes import objects_of_code
from web.state import Caller, caller

router = APIRouter(tags=["devices"])
TIMEOUT_MS = 8_000


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
