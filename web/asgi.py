"""The outermost ASGI layer: request ids, log lines, metrics, security headers, and the short way to tiles."""

import itertools
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.metrics import Metrics
from web.problems import unexpected_fault
from web.slow_bodies import SteadyBody
from web.tile_answer import send_problem

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; child-src blob:;"
    " img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'; media-src 'self' blob:;"
    " frame-ancestors 'self'; base-uri 'none'"
)
"""Of scripts, those of this server; they may compile WebAssembly: what unpacks meshes of others' tilesets is that.
Video is put together by the page from segments of this server, which makes it a ``blob:`` of the page."""
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
]
_TILE_SECURITY = _SECURITY[:1]
"""A tile is data that no browser shows: what documents may do says nothing about it."""
CLIENT_GONE = 499
"""What the log and the metrics say where nothing was answered because the client had left: no fault of the server."""
_log = structlog.get_logger()


class Front:
    """Gives every request an id and every answer its headers, and sends tile requests past the framework."""

    def __init__(self, app: ASGIApp, tiles: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._tiles = tiles
        self._metrics = metrics
        self._start = secrets.token_hex(6)
        self._numbers = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = f"{self._start}{next(self._numbers):08x}"
        scope["request_id"] = request_id
        path: str = scope["path"]
        is_tile = path.startswith("/tiles/") and path.endswith(".mvt")
        security = _TILE_SECURITY if is_tile else _SECURITY
        status = 500
        started_answer = False

        async def answered(message: Message) -> None:
            nonlocal status, started_answer
            if message["type"] == "http.response.start":
                started_answer = True
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode()), *security]
            await send(message)

        try:
            if is_tile:
                await self._tiles(scope, receive, answered)
            else:
                await self._app(scope, SteadyBody(receive), answered)
            if not started_answer:
                status = CLIENT_GONE
        except Exception:
            _log.exception("unexpected error", id=request_id, path=path)
            if started_answer:
                raise
            await send_problem(answered, scope, unexpected_fault())
        finally:
            seconds = time.perf_counter() - started
            self._metrics.observe("tile" if is_tile else "other", status, seconds)
            if not is_tile or status >= 400:
                _log.info(
                    "request",
                    id=request_id,
                    method=scope["method"],
                    path=path,
                    status=status,
                    ms=round(seconds * 1000, 1),
                )
