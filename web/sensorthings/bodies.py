"""Bodies of requests, read up to a limit."""

from collections.abc import Mapping

from starlette.types import Receive

from cim.errors import TooLarge

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
