"""The protocol's client driven by the event loop: no thread, so that neither waits for the other."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt

from web.broker.configuration import BrokerAddress

PACKETS_AT_ONCE = 40
AGAIN_AFTER_S = 1.0
KEEP_ALIVE_S = 10


class Line:
    """Keeps a client connected; ``taken`` counts the messages it has had, so that packets are read while they come.

    ``failed`` is told why a connection cannot be made.
    """

    def __init__(
        self, client: mqtt.Client, address: BrokerAddress, taken: Callable[[], int], failed: Callable[[str], None]
    ) -> None:
        self._client = client
        self._address = address
        self._taken = taken
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        client.on_socket_open = self._opened
        client.on_socket_close = self._closed
        client.on_socket_register_write = self._to_write
        client.on_socket_unregister_write = self._written

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost, until cancelled."""
        try:
            while True:
                try:
                    await self._connect()
                except (OSError, ValueError) as error:
                    self._failed(f"the broker cannot be reached: {type(error).__name__}")
                else:
                    await self._look_after()
                await asyncio.sleep(AGAIN_AFTER_S)
        finally:
            self._client.disconnect()
            self._client.loop_write()

    async def _connect(self) -> None:
        """Connect in another thread, and outlast it when cancelled: a connection made later would take the session."""
        host, port = self._address.host, self._address.port
        connecting = asyncio.create_task(asyncio.to_thread(self._client.connect, host, port, KEEP_ALIVE_S))
        try:
            await asyncio.shield(connecting)
        finally:
            await asyncio.wait([connecting])

    async def _look_after(self) -> None:
        """Keep the connection alive for as long as it lasts."""
        while True:
            if self._client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
                return
            await asyncio.sleep(AGAIN_AFTER_S)

    def _read(self) -> None:
        """Read packets while each brings a message."""
        for _ in range(PACKETS_AT_ONCE):
            before = self._taken()
            if self._client.loop_read() != mqtt.MQTT_ERR_SUCCESS or self._taken() == before:
                return

    def _write(self) -> None:
        self._client.loop_write()

    def _opened(self, _: mqtt.Client, __: Any, socket: Any) -> None:
        self._soon(self._loop.add_reader, socket.fileno(), self._read)

    def _closed(self, _: mqtt.Client, __: Any, socket: Any) -> None:
        self._soon(self._loop.remove_reader, socket.fileno())

    def _to_write(self, _: mqtt.Client, __: Any, socket: Any) -> None:
        self._soon(self._loop.add_writer, socket.fileno(), self._write)

    def _written(self, _: mqtt.Client, __: Any, socket: Any) -> None:
        self._soon(self._loop.remove_writer, socket.fileno())

    def _soon(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Call in the event loop; a connection is made in another thread, as that may take its time."""
        if threading.get_ident() == self._thread:
            call(*arguments)
        else:
            self._loop.call_soon_threadsafe(call, *arguments)
