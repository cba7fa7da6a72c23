"""Our server for benchmarks: on a data folder, with chosen processes and caches."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import free_port, wait_for
from cim.model.collection import BoundingBox
from cim.store import identities
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run
from cim.store.deployment import DatabaseUrls

SETTLE_S = 10
"""The worker beside the web processes tries its sandbox and loads its libraries meanwhile."""
CIM = "from web.cli.main import main; main()"
GENERALISE = """
import sys
from pathlib import Path
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run
from cim.store.deployment import DatabaseUrls
from cim.store.deployment import open_deployment
from layers.catalog import load_catalog
from tiles.generalise.job import generalise_behind

async def work(deployment):
    database = Database(deployment.logins.reader_url, deployment.logins.writer_url)
    await generalise_behind(database, load_catalog())
    await database.close()

with open_deployment(Path(sys.argv[1])) as deployment:
    deployment.migrate()
    run(work(deployment))
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address and the id of its first process."""

    base: str
    pid: int

    def bounds(self, layer: str, key: str = "") -> BoundingBox:
        """The bounds of a layer in degrees, from its TileJSON."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(f"{self.base}/tiles/{layer}.json", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            west, south, east, north = json.load(answer)["bounds"]
        return west, south, east, north


@contextmanager
def serving(
    data: Path, *, processes: int = 2, proxy: bool = False, cache_mb: int | None = None, disk: bool = True
) -> Iterator[Server]:
    """``cim up`` on a free port until the block ends. Without ``disk`` only memory keeps tiles."""
    port = free_port()
    command = [sys.executable, "-c", CIM, "up", "--port", str(port), "--data", str(data), "--processes", str(processes)]
    environment = dict(os.environ)
    if cache_mb is not None:
        environment["CIM_TILE_CACHE_MB"] = str(cache_mb)
    if not disk:
        environment["CIM_TILE_DISK_MB"] = "0"
    if proxy:
        command.append("--proxy")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        time.sleep(SETTLE_S)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait()


def generalised(data: Path) -> None:
    """Make the generalised content of every layer of a data folder now."""
    subprocess.run([sys.executable, "-c", GENERALISE, str(data)], check=True)


def administrator_key(logins: Logins | DatabaseUrls) -> str:
    """A fresh administrator's key."""

    async def work() -> str:
        database = Database(logins.reader_url, logins.writer_url, pool_size=2)
        async with database.writing("benchmark") as connection:
            _, secret = await identities.create_key(connection, "administrator", label="benchmark")
        await database.close()
        return secret

    return run(work())
