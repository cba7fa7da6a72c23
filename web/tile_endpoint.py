"""GET /tiles/{layer}/{z}/{x}/{y}.mvt without the framework: identify, ask the policy, answer from the cache.

Versioned URLs (``?v=`` the current version) of layers open to anyone are immutable; all others are checked again
by ETag. A tile of a graded layer is never stored by a shared cache.
"""

import gzip
import re

import structlog
from starlette.types import Receive, Scope, Send

from cim.errors import BadRequest, CimError, StoreError
from cim.model.access import Grade, Principal
from cim.policy.policy import Decision, decide
from tiles.grid import check_tile
from tiles.tilejson import tile_fields
from web.identity import credential_of
from web.problems import problem_response
from web.state import ServerState

MEDIA_TYPE = b"application/vnd.mapbox-vector-tile"
_PATH = re.compile(r"^/tiles/([^/]+)/(\d{1,3})/(\d{1,9})/(\d{1,9})\.mvt$")
_log = structlog.get_logger()


class TileEndpoint:
    """The ASGI application for vector tiles."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one tile request; every failure is a problem document."""
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise BadRequest("tiles can only be read", where="method", remedy="use GET")
            await self._answer(scope, send)
        except CimError as error:
            if isinstance(error, StoreError):
                _log.warning("tile failed", id=scope.get("request_id", ""), reason=str(error))
            status, headers, body = problem_response(error, path=scope["path"], request_id=scope.get("request_id", ""))
            await _send(send, int(status), headers, body)

    async def _answer(self, scope: Scope, send: Send) -> None:
        headers = {name: value for name, value in scope["headers"] if name in _WANTED}
        layer, z, x, y = _parse(scope["path"])
        principal = await self._principal(headers)
        decision = decide(principal, self._state.live.collections.get(layer), layer)
        collection = decision.collection
        etag = f'"{collection.version}-{decision.policy_class}"'.encode()
        kept = _caching(principal, decision, scope["query_string"])
        answer = [(b"etag", etag), (b"cache-control", kept), (b"vary", b"Accept-Encoding, Authorization, Cookie")]
        if headers.get(b"if-none-match") == etag:
            await _send(send, 304, answer, b"")
            return
        tile = await self._tile(principal, decision, z, x, y)
        if not tile:
            await _send(send, 204, answer, b"")
            return
        answer.append((b"content-type", MEDIA_TYPE))
        if b"gzip" in headers.get(b"accept-encoding", b""):
            answer.append((b"content-encoding", b"gzip"))
        else:
            tile = gzip.decompress(tile)
        answer.append((b"content-length", str(len(tile)).encode()))
        await _send(send, 200, answer, b"" if scope["method"] == "HEAD" else tile)

    async def _principal(self, headers: dict[bytes, bytes]) -> Principal:
        authorization = headers.get(b"authorization")
        cookie = headers.get(b"cookie")
        credential = credential_of(
            authorization.decode("latin-1") if authorization else None,
            cookie.decode("latin-1") if cookie else None,
        )
        known = self._state.identities.remembered(credential)
        return known if known is not None else await self._state.identities.principal(credential)

    async def _tile(self, principal: Principal, decision: Decision, z: int, x: int, y: int) -> bytes:
        tiles = self._state.tiles
        kept = tiles.cache.get(tiles.key(decision, z, x, y))
        if kept is not None:
            return kept
        if decision.collection.schema.geometry == "none":
            raise BadRequest(
                f"layer {decision.collection.id} is a table without geometry",
                where="layer",
                remedy=f"read it at /collections/{decision.collection.id}/items",
            )
        definition = self._state.catalog.layers.get(decision.collection.id)
        return await tiles.tile(principal, decision, tile_fields(decision, definition), z, x, y)


_WANTED = frozenset({b"authorization", b"cookie", b"if-none-match", b"accept-encoding"})


def _parse(path: str) -> tuple[str, int, int, int]:
    match = _PATH.match(path)
    if match is None:
        raise BadRequest("this is not a tile address", where="path", remedy="ask /tiles/{layer}/{z}/{x}/{y}.mvt")
    layer, z, x, y = match[1], int(match[2]), int(match[3]), int(match[4])
    check_tile(z, x, y)
    return layer, z, x, y


def _caching(principal: Principal, decision: Decision, query: bytes) -> bytes:
    open_to_all = decision.collection.grade is Grade.PUBLIC and principal.role == "anonymous"
    if not open_to_all:
        return b"private, no-cache"
    if query == b"v=%d" % decision.collection.version:
        return b"public, max-age=31536000, immutable"
    return b"public, no-cache"


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
