"""Bodies of requests: read up to a limit, and as JSON; what is no JSON is refused with line and column."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.types import Receive

from cim.errors import BadRequest, TooLarge

MOST_BYTES = 64 * 1024 * 1024


async def read_body(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The body of a request; TooLarge as soon as it is seen to be over the limit."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > MOST_BYTES:
        raise _too_large()
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise _too_large()
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"the body is over {MOST_BYTES >> 20} MB", where="body", remedy="send it in parts")


def json_of(body: bytes) -> Any:
    """The JSON value of a body (UTF-8)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"[:300],
            where="body",
            remedy="correct it there; SensorThings takes one JSON value in UTF-8",
        ) from None
