"""The sample city alive: stations speak their protocols, other devices send over HTTP, cameras show a picture.

    python -m data_samples.live_city --port 8000 --data DIR --hj212 PORT --sl651 PORT --video PORT

``./run demo`` starts it. It waits for the server, sends the last day once, then a value of each device every minute,
and ends when its standard input does. Everything it says is invented.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from data_samples.live_devices import Server, cim, import_past, measuring_devices, wait_until_ready
from data_samples.stations import Hj212Station, Station, county_gauges, county_stations, keep_speaking
from data_samples.test_stream import gateway

HOST = "127.0.0.1"
DAY, EVERY = timedelta(hours=24), timedelta(seconds=60)
TOGETHER = 12
ANSWER_S = 20


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m data_samples.live_city", description="样例城市的实时数据")
    parser.add_argument("--port", type=int, required=True, help="that of the server")
    parser.add_argument("--data", default=None, help="the server's data folder")
    for name in ("hj212", "sl651", "video"):
        parser.add_argument(f"--{name}", type=int, default=0, help="its port; 0: none")
    given = parser.parse_args()
    threading.Thread(target=_end_with_input, daemon=True).start()
    if given.video:
        threading.Thread(target=gateway(given.video, HOST).serve_forever, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_live(given.port, given.data, given.hj212, given.sl651))


async def _live(port: int, data: str | None, hj212: int, sl651: int) -> None:
    await asyncio.to_thread(wait_until_ready, HOST, port)
    work: list[Coroutine[Any, Any, None]] = [_devices(port, data)]
    if hj212:
        work.append(_stations(county_stations(), hj212))
    if sl651:
        work.append(_stations(county_gauges(), sl651))
    await asyncio.gather(*work)


async def _stations(stations: Sequence[Station], port: int) -> None:
    """The hours of the last day of each station, a few stations at a time, then its values of now."""
    await _until_open(port)
    now = _now().replace(minute=0, second=0)
    hours = [now - timedelta(hours=hour) for hour in range(24, 0, -1)]
    turns = asyncio.Semaphore(TOGETHER)

    async def past(station: Station) -> None:
        async with turns:
            with contextlib.suppress(OSError):
                await _speak_past(station, port, hours)

    await asyncio.gather(*(past(station) for station in stations))
    await keep_speaking(stations, HOST, port, every=EVERY, now=_now)


async def _speak_past(station: Station, port: int, hours: Sequence[datetime]) -> None:
    """Frames of hours that went by; the next is sent when the one before is answered."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        for at in hours:
            writer.write(station.frame(at, cn="2061") if isinstance(station, Hj212Station) else station.frame(at))
            await writer.drain()
            async with asyncio.timeout(ANSWER_S):
                await reader.read(4096)
    finally:
        writer.close()


async def _devices(port: int, data: str | None) -> None:
    """The last day of all other devices as a file, then their values over SensorThings."""
    devices = measuring_devices()
    await asyncio.to_thread(import_past, devices, data, _now().replace(second=0), DAY)
    words = ("key", "create", "--role", "technician", "--label", "演示设备 sample devices")
    key = await asyncio.to_thread(cim, data, *words)
    server = Server(HOST, port, key.strip())
    streams = await asyncio.to_thread(server.streams)
    while True:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(server.send, devices, streams, _now())
        await asyncio.sleep(EVERY.total_seconds())


async def _until_open(port: int) -> None:
    """Wait until a port takes connections."""
    for _ in range(3_600):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        await asyncio.sleep(1)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
