"""``cim up`` as it runs, for tests: a process that can be asked and whose parts can be killed."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from brokers import free_port

PROJECT = Path(__file__).resolve().parents[1]


class Server:
    """A running ``cim up``."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    def web_processes(self) -> list[int]:
        """The process ids of its web processes."""
        return [pid for pid in children(self.process.pid) if "serve" in command(pid)]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """An answer on a connection of its own, so that the kernel chooses a process anew."""
        async with httpx.AsyncClient(base_url=self.address, timeout=20, headers=headers) as client:
            return await client.get(path)

    async def ready(self) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "cim up ended"
            with contextlib.suppress(httpx.HTTPError):
                if (await self.get("/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.2)
        raise TimeoutError("the server did not get ready")


def children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def command(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return []


@contextlib.asynccontextmanager
async def running_up(folder: Path, *options: str, **environment: str) -> AsyncIterator[Server]:
    """A server with its data in ``folder``/d, once it is ready; what it logs is in ``folder``/up.log."""
    port = free_port()
    words = [sys.executable, "-m", "web.cli.main", "up", "--port", str(port), "--data", str(folder / "d"), *options]
    environment = {**os.environ, **environment}
    with (folder / "up.log").open("wb") as log:
        process = await asyncio.to_thread(subprocess.Popen, words, cwd=PROJECT, env=environment, stdout=log, stderr=log)
    server = Server(process, port)
    try:
        await server.ready()
        yield server
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)
        print((folder / "up.log").read_text()[-3_000:])
