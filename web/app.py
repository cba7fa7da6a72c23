"""Assembling the server: routes, error table, static viewer, background work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from cim.errors import BadRequest, CimError, NotFound
from web.asgi import Front
from web.follower import generalised_content, search_index
from web.metrics import Metrics
from web.openapi import describe_interface
from web.problems import MEDIA_TYPE, language_of, problem, problem_response, unexpected_fault
from web.routes import (
    alarm_feed,
    alarm_receivers,
    alarm_rules,
    alarms,
    buildings,
    cameras,
    catalog,
    changes,
    codes,
    collections,
    device_values,
    devices,
    elements,
    geocoding,
    health,
    identify,
    imports,
    incident_feed,
    incident_report,
    incident_work,
    incidents,
    landing,
    linked,
    live,
    model_files,
    models,
    modes,
    placements,
    processes,
    rasters,
    redlines,
    rules,
    scenarios,
    scene_files,
    scene_terrain,
    scenes,
    search,
    session,
    sheets,
    statistics,
    styles,
    tilejson,
    tilesets,
    uploads,
    versions,
    viewer,
    warning_calls,
    warning_feed,
    warning_taking,
    warnings,
    wfs,
    wms,
    wmts,
)
from web.routes.sensorthings import sensorthings_routes
from web.state import ServerState
from web.tile_endpoint import TileEndpoint

_log = structlog.get_logger()
_ROUTES = (
    landing,
    collections,
    statistics,
    linked,
    models,
    model_files,
    elements,
    placements,
    buildings,
    cameras,
    live,
    device_values,
    devices,
    codes,
    scenarios,
    changes,
    alarm_feed,
    alarm_rules,
    alarm_receivers,
    alarms,
    modes,
    incident_feed,
    incident_report,
    incident_work,
    incidents,
    versions,
    tilejson,
    tilesets,
    rasters,
    scene_files,
    scene_terrain,
    scenes,
    styles,
    sheets,
    catalog,
    identify,
    search,
    geocoding,
    uploads,
    imports,
    redlines,
    processes,
    rules,
    session,
    health,
    viewer,
    warning_feed,
    warning_calls,
    warning_taking,
    warnings,
    wfs,
    wms,
    wmts,
)


def create_app(state: ServerState) -> ASGIApp:
    """The ASGI application of a server; ``state`` is opened and closed with the application's lifespan."""
    api = create_api(state)
    return Front(api, TileEndpoint(state), api.state.metrics)


def create_api(state: ServerState, *, follows: bool = True) -> FastAPI:
    """The FastAPI application behind the front, with every route in its table.

    One that ``follows`` brings the search index and the generalised content up to date when layers change.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        works = (search_index, generalised_content) if follows else ()
        followers = [work(state.database, state.catalog) for work in works]
        state.live.on_check.append(lambda: health.measure(api.state.metrics, state))
        await state.start()
        for follower in followers:
            follower.start(state.live)
        async with state.queue.open_async():
            yield
        for follower in followers:
            await follower.stop()
        await state.stop()

    api = FastAPI(
        title="OneMap CIM",
        version="0.1.0",
        summary="城市信息模型平台 · 一张图",
        lifespan=lifespan,
        openapi_url="/api",
        docs_url=None,
        redoc_url=None,
    )
    api.openapi = describe_interface(api, state.settings.page_limit)  # type: ignore[method-assign]
    api.state.server = state
    api.state.metrics = Metrics()
    for routes in _ROUTES:
        api.router.routes += routes.router.routes  # as they are: a router included would make all of them once more
    api.router.routes[:0] = sensorthings_routes(state)
    api.router.routes.append(Route("/tiles/{layer}/{z:int}/{x:int}/{y:int}.mvt", TileEndpoint(state)))
    _handle_errors(api)
    return api


def _handle_errors(api: FastAPI) -> None:
    @api.exception_handler(CimError)
    async def known(request: Request, error: Exception) -> Response:
        if not isinstance(error, CimError):
            raise error
        status, headers, body = problem_response(
            error,
            path=request.url.path,
            request_id=request.scope.get("request_id", ""),
            language=language_of(request.headers.get("accept-language")),
        )
        if status >= 500:
            _log.error("request failed", id=request.scope.get("request_id", ""), reason=str(error), exc_info=error)
        return _response(int(status), headers, body)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> Response:
        first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": "invalid"}
        place = ".".join(str(part) for part in first["loc"][1:])
        return await known(request, BadRequest(str(first["msg"]), where=place, remedy="see /api for the parameters"))

    @api.exception_handler(HTTPException)
    async def missing(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        status = error.status_code
        if status == 404:
            return await known(request, NotFound("there is nothing at this address", remedy="see / for what there is"))
        document = problem(
            HTTPStatus(status),
            f"the address does not take {request.method}" if status == 405 else "the request was refused",
            path=request.url.path,
            request_id=request.scope.get("request_id", ""),
            remedy="see /api",
        )
        return JSONResponse(document, status, error.headers or {}, MEDIA_TYPE)

    @api.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> Response:
        request_id = request.scope.get("request_id", "")
        _log.error("unexpected error", id=request_id, exc_info=error)
        status, headers, body = problem_response(unexpected_fault(), path=request.url.path, request_id=request_id)
        return _response(int(status), headers, body)


def _response(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Response:
    return Response(body, status, {name.decode(): value.decode() for name, value in headers})
