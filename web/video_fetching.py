"""Fetching one answer of the video gateway: bounded in bytes and time, no redirects, nothing kept."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import h11

from cim.errors import NotFound, StoreUnavailable, VideoUnavailable
from web.video_gateway import SETTING, Target

SECONDS = 10.0
"""For the whole answer of the gateway, from the first packet to the last."""
AT_ONCE = 48
MOST_HEADER_BYTES = 32 * 1024
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """A good answer of the gateway."""

    media_type: str
    body: bytes


class Fetcher:
    """Fetches from the gateway; each answer has so many seconds, and so many may be on their way in one process."""

    def __init__(self, seconds: float = SECONDS, at_once: int = AT_ONCE) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._fetching = 0

    async def fetch(self, target: Target, most_bytes: int) -> Fetched:
        """What the gateway has at an address.

        NotFound where it has nothing, VideoUnavailable for every other answer than a plain 200 of at most so many
        bytes in time, StoreUnavailable where too much is on its way.
        """
        if self._fetching >= self._at_once:
            raise StoreUnavailable("the server is busy with other streams", remedy="try again in a few seconds")
        self._fetching += 1
        try:
            async with asyncio.timeout(self._seconds):
                return await _exchange(target, most_bytes)
        except TimeoutError:
            raise _fault("the video gateway is too slow", "see whether the gateway and the camera are on") from None
        except OSError as error:
            raise _fault(
                "the video gateway cannot be reached", "see whether it runs and its address is right"
            ) from error
        except h11.RemoteProtocolError as error:
            raise _fault("the video gateway does not speak HTTP", "see whether its address is right") from error
        finally:
            self._fetching -= 1


async def _exchange(target: Target, most_bytes: int) -> Fetched:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADER_BYTES)
    path = target.path + (f"?{target.query}" if target.query else "")
    headers = [("Host", target.authority), ("User-Agent", "onemap-cim"), ("Accept", "*/*"), ("Connection", "close")]
    asked = connection.send(h11.Request(method="GET", target=path, headers=headers)) or b""
    async with _opened(target) as (reader, writer):
        writer.write(asked + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        head = await _next(connection, reader)
        if not isinstance(head, h11.Response):
            raise _fault("the video gateway does not speak HTTP", "see whether its address is right")
        _check_status(head.status_code)
        body = bytearray()
        while isinstance(event := await _next(connection, reader), h11.Data):
            body += event.data
            if len(body) > most_bytes:
                raise _fault(
                    f"the video gateway sends more than {most_bytes // 1024} kB at once",
                    "set shorter segments at the gateway",
                )
    types = [value.decode("latin-1") for name, value in head.headers if name == b"content-type"]
    return Fetched(types[0].partition(";")[0].strip().lower() if types else "", bytes(body))


@contextlib.asynccontextmanager
async def _opened(target: Target) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = ssl.create_default_context() if target.tls else None
    reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    """The next event of the answer but for those that only inform."""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK_BYTES))
        elif not isinstance(event, h11.InformationalResponse):
            return event


def _check_status(status: int) -> None:
    if status == 404:
        raise NotFound(
            "the video gateway has no stream of this camera", where="gb_code", remedy="see whether the camera is on"
        )
    if 300 <= status < 400:
        raise _fault("the video gateway leads to another address", "configure the address that it leads to")
    if status != 200:
        raise _fault(f"the video gateway answers with status {status}", "see the gateway's log")


def _fault(what: str, remedy: str) -> VideoUnavailable:
    return VideoUnavailable(what, where=SETTING, remedy=remedy)
