"""Server-sent events: their form, and answers that end when nobody takes them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Send

from cim.errors import BadRequest, CimError

EVENTS = "text/event-stream"
KEEP_ALIVE_S = 15.0
SEND_S = 20.0
"""A client that takes nothing for so long is cut."""
LAST_NUMBER = 2**63 - 1


class EventStream(StreamingResponse):
    """Events as an answer; it ends when the client does not take one of them for ``SEND_S``."""

    def __init__(self, events: AsyncIterator[str], send_s: float = SEND_S) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(events, media_type=EVENTS, headers=headers)
        self._send_s = send_s

    async def stream_response(self, send: Send) -> None:
        """Send the events one after the other."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for text in self.body_iterator:
                body = text.encode() if isinstance(text, str) else bytes(text)
                async with asyncio.timeout(self._send_s):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def event(name: str, document: Any, number: int | None = None) -> str:
    """One event; ``number`` is what a client sends as ``Last-Event-ID`` when it comes again."""
    lines = [] if number is None else [f"id: {number}"]
    lines += [f"event: {name}", f"data: {json.dumps(document, ensure_ascii=False)}"]
    return "\n".join(lines) + "\n\n"


def end_event(error: CimError) -> str:
    """The last event of a stream, which says why it ends."""
    return event("end", {"detail": error.what, "remedy": error.remedy})


def event_number(text: str) -> int:
    """The number of a ``Last-Event-ID``; BadRequest where it is none."""
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > LAST_NUMBER or len(text) > 19:
        raise BadRequest(
            f"{text[:40]!r} is not the id of an event", where="Last-Event-ID", remedy="send the id of the last event"
        )
    return int(text)
