"""Whether the server lives, whether it can serve, and its counters."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from cim.errors import StoreError
from cim.model.access import Operation, ReadContext
from cim.store.database import Database
from cim.store.health import is_ready
from cim.store.pulses import still_parts
from web.metrics import Metrics
from web.state import Caller, ServerState, caller

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process answers")
async def healthz() -> dict[str, str]:
    """Alive, whatever the state of the database."""
    return {"status": "alive"}


@router.get("/readyz", summary="The server can serve")
async def readyz(request: Request) -> JSONResponse:
    """Ready only when the database answers a real query, is migrated and read from, and observations are gathered."""
    state: ServerState = request.app.state.server
    checks = {"database": await _database_problem(state.database)}
    checks |= {f"gathering: {part}": told for part, told in (await _still_parts(state.database)).items()}
    checks["catalogue"] = "" if state.live.loaded else "the catalogue has not been read yet"
    problems = {name: problem for name, problem in checks.items() if problem}
    body = {"status": "not ready" if problems else "ready", "problems": problems}
    return JSONResponse(body, 503 if problems else 200, {"cache-control": "no-store"})


async def _database_problem(database: Database) -> str:
    try:
        async with database.reading(ReadContext((), "readyz", 2_000), aside=True) as connection:
            return await is_ready(connection)
    except StoreError as error:
        return error.what


async def _still_parts(database: Database) -> dict[str, str]:
    """The parts of the gathering program that should run and do not; none where the database does not answer."""
    try:
        async with database.reading(ReadContext((), "readyz", 2_000), aside=True) as connection:
            return await still_parts(connection)
    except StoreError:
        return {}


def measure(metrics: Metrics, state: ServerState) -> None:
    """Note what this process holds at the moment."""
    metrics.tile_bytes.set(state.tiles.cache.size_bytes + state.chosen_tiles.cache.size_bytes)
    metrics.tiles_making.set(state.gate.inside)
    metrics.layers.set(len(state.live.collections))


@router.get("/metrics", summary="Counters in Prometheus format")
async def metrics(request: Request, who: Annotated[Caller, Depends(caller)]) -> Response:
    """Requests, seconds, cache. For administrators, and for a collector on this machine."""
    local = request.client is not None and request.client.host in {"127.0.0.1", "::1"}
    if not local:
        who.require(Operation.ADMINISTER)
    measure(request.app.state.metrics, who.state)
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
