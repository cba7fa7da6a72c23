"""Bodies that come too slowly: given up, so that nobody holds connections by sending a byte at a time."""

import asyncio
import time

from starlette.types import Message, Receive

from cim.errors import BadRequest

GRACE_S = 30.0
LEAST_BYTES_PER_S = 1_000


class SteadyBody:
    """Receives a request's body as long as it keeps up a least rate after a time of grace.

    The time that the application itself takes between two parts does not count.
    """

    def __init__(self, receive: Receive, *, grace_s: float = GRACE_S) -> None:
        self._receive = receive
        self._left_s = grace_s
        self._whole = False

    async def __call__(self) -> Message:
        """The next message; BadRequest when the body comes too slowly."""
        if self._whole:
            return await self._receive()
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, self._left_s)):
                message = await self._receive()
        except TimeoutError:
            raise BadRequest(
                "the body of the request comes too slowly",
                where="body",
                remedy=f"send it with at least {LEAST_BYTES_PER_S // 1000} kB a second",
            ) from None
        self._left_s += len(message.get("body", b"")) / LEAST_BYTES_PER_S - (time.monotonic() - began)
        self._whole = not message.get("more_body", False)
        return message
