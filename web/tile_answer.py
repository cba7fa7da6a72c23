"""Sending a tile: status, headers and body as raw ASGI parts."""

import gzip

from starlette.types import Scope, Send

from cim.errors import CimError
from tiles.cache import Tile
from web.problems import problem_response

MEDIA_TYPE = b"application/vnd.mapbox-vector-tile"
_PROXY_KEEPS = (b"x-accel-expires", b"5")
"""Seconds for which our own proxy may use the answer unasked: a layer that is closed is closed there soon after."""
GENERALISED = (b"cim-generalised", b"true")
_VARY = (b"vary", b"Accept-Encoding, Authorization, Cookie")


async def send_not_modified(send: Send, etag: bytes, caching: bytes) -> None:
    """The client has the tile already."""
    await send_parts(send, 304, _common(etag, caching), b"")


async def send_tile(
    send: Send, tile: Tile, caching: bytes, wanted: dict[bytes, bytes], *, head: bool, generalised: bool = False
) -> None:
    """A tile as the client takes it, gzipped or plain; 204 where it is empty, no body for ``head``.

    ``generalised`` is told in a header: the tile shows aggregates or plainer shapes in place of the features.
    """
    answer = _common(tile.etag, caching)
    if generalised:
        answer.append(GENERALISED)
    if not tile.data:
        await send_parts(send, 204, answer, b"")
        return
    body = tile.data
    answer.append((b"content-type", MEDIA_TYPE))
    if b"gzip" in wanted.get(b"accept-encoding", b""):
        answer.append((b"content-encoding", b"gzip"))
    else:
        body = gzip.decompress(body)
    answer.append((b"content-length", b"%d" % len(body)))
    await send_parts(send, 200, answer, b"" if head else body)


async def send_problem(send: Send, scope: Scope, error: CimError) -> None:
    """A problem document in place of what was asked for."""
    status, headers, body = problem_response(error, path=scope["path"], request_id=scope.get("request_id", ""))
    await send_parts(send, int(status), headers, body)


def _common(etag: bytes, caching: bytes) -> list[tuple[bytes, bytes]]:
    common = [(b"etag", etag), (b"cache-control", caching), _VARY]
    return [*common, _PROXY_KEEPS] if caching.endswith(b"immutable") else common


async def send_parts(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """One whole response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
