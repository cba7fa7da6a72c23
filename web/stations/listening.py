"""A TCP listener for stations: each connection is a conversation of its own, bounded in time and bytes."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Protocol

from cim.errors import FrameRefused
from web.stations.desk import Desk

READ_BYTES = 4096


class Conversation(Protocol):
    """What is said over one connection. ``good`` and ``bad`` count its frames."""

    good: int
    bad: int

    def answers(self, received: bytes) -> AsyncGenerator[bytes, None]:
        """Take bytes; give the answers, each once what it acknowledges is kept."""
        ...

    def ended(self) -> None:
        """The connection is over."""
        ...


class StationListener:
    """Listens for the stations of one protocol.

    Port 0 takes a free one; ``port`` then names it. A connection is read no further while its frame is being kept, so
    a station that sends faster than its readings are stored fills its own window and holds up nobody else.
    """

    def __init__(self, host: str, port: int, desk: Desk) -> None:
        self.host, self.port = host, port
        self.desk, self.limits = desk, desk.limits
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._hosts: Counter[str] = Counter()

    def conversation(self, source: str) -> Conversation:
        """The conversation of a new connection."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen until ``stop``."""
        self._server = await asyncio.start_server(
            self._connected, self.host, self.port, limit=READ_BYTES * 4, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more connections and end those there are; what is being kept is acknowledged or sent again."""
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        peer = writer.get_extra_info("peername") or ("", 0)
        host, source = str(peer[0]), f"{peer[0]}:{peer[1]}"
        counters = self.desk.counters
        counters.connections += 1
        counters.open += 1
        self._hosts[host] += 1
        try:
            if self._room_for(host):
                await self._converse(reader, writer, source)
            else:
                self.desk.refuse(FrameRefused("connections", "there are too many connections"), source, "")
        finally:
            counters.open -= 1
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
            await _closed(writer)

    def _room_for(self, host: str) -> bool:
        within = self.desk.counters.open <= self.limits.connections
        return within and self._hosts[host] <= self.limits.connections_per_host

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str) -> None:
        writer.transport.set_write_buffer_limits(high=READ_BYTES)
        line = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, READ_BYTES * 4)
        talk = self.conversation(source)
        loop = asyncio.get_running_loop()
        good, unread, until = 0, 0, loop.time() + self.limits.first_s
        try:
            while True:
                async with asyncio.timeout_at(until):
                    received = await reader.read(READ_BYTES)
                if not received:
                    return
                self.desk.counters.bytes += len(received)
                async with contextlib.aclosing(talk.answers(received)) as answers:
                    async for answer in answers:
                        await self._answer(writer, answer)
                if talk.good > good:
                    good, unread, until = talk.good, 0, loop.time() + self.limits.idle_s
                else:
                    unread += len(received)
                self.desk.demand_frames(unread)
        except TimeoutError:
            self.desk.refuse(FrameRefused("silent", "no good frame, or no answer taken, for too long"), source, "")
        except FrameRefused as error:
            self.desk.refuse(error, source, "")
        except OSError:
            return
        finally:
            talk.ended()

    async def _answer(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(answer)
        async with asyncio.timeout(self.limits.answer_s):
            await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, at once where its peer does not take what is left."""
    writer.close()
    try:
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        return
