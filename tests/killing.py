"""A server and a durable database that tests kill in the middle of their work."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sized
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cim.store import identities
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from cim.store.migrating import migrate

PROJECT = Path(__file__).resolve().parents[1]
SERVER = """
import sys
from pathlib import Path
import uvicorn
from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import load_catalog
from web.app import create_app
from web.settings import ServerSettings
from web.state import ServerState
reader, writer, files, port = sys.argv[1:]
state = ServerState.build(ServerSettings(), Database(reader, writer), load_catalog(), FileStore(Path(files)))
uvicorn.run(create_app(state), host="127.0.0.1", port=int(port), log_config=None)
"""


@contextmanager
def durable_cluster() -> Iterator[Cluster]:
    """A cluster that loses nothing it has committed, migrated."""
    path = Path(tempfile.mkdtemp(prefix="cimt-", dir="/tmp"))
    path.chmod(0o755)
    cluster = Cluster(path / "data", floor_bytes=0)
    try:
        migrate(cluster.ensure_running().owner_url)
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.socket_dir, ignore_errors=True)
        shutil.rmtree(path, ignore_errors=True)


def started_again(cluster: Cluster) -> Logins:
    """The database after it was killed, as a new server finds it."""
    return Cluster(cluster.data_dir, floor_bytes=0).ensure_running()


@dataclass(frozen=True, slots=True)
class Killable:
    """A server in a process of its own, a technician's client of it, and its database."""

    client: httpx.AsyncClient
    cluster: Cluster
    process: asyncio.subprocess.Process

    def kill_database(self) -> None:
        """Kill the database's first process, which takes all its others with it."""
        os.kill(self.cluster.status().pid or 0, signal.SIGKILL)

    async def kill_both_amid(self, writing: Iterable[Awaitable[None]], acknowledged: Sized, count: int) -> None:
        """Kill database and server once so many writes are acknowledged, and wait until all have ended that write."""
        writers = [asyncio.ensure_future(one) for one in writing]
        while len(acknowledged) < count:
            assert not all(writer.done() for writer in writers), "all was written before the kill"
            await asyncio.sleep(0.002)
        self.kill_database()
        self.process.send_signal(signal.SIGKILL)
        await asyncio.gather(*writers)


@asynccontextmanager
async def serving_to_be_killed(cluster: Cluster, files: Path) -> AsyncIterator[Killable]:
    """A server that answers; killed at the end, if not before."""
    logins, port = cluster.logins(), _free_port()
    command = [sys.executable, "-c", SERVER, logins.reader_url, logins.writer_url, str(files), str(port)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    headers = {"Authorization": f"Bearer {await _key_of(logins)}"}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
            await _until_ready(client)
            yield Killable(client, cluster, process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            if (await client.get("/incidents")).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.1)
    raise TimeoutError("the server did not come up")


async def _key_of(logins: Logins) -> str:
    database = Database(logins.reader_url, logins.writer_url, pool_size=2)
    async with database.writing() as connection:
        key = (await identities.create_key(connection, "technician"))[1]
    await database.close()
    return key
