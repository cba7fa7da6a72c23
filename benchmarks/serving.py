"""A served county for benchmarks of tiles: the server with its options, nginx on the same bytes, wrk, tile lists."""

import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import morecantile

from benchmarks.county import county_folder, import_layers
from benchmarks.peers import free_port, wait_for

CIM = [sys.executable, "-c", "from web.cli.main import main; main()"]
SETTLE_S = 10
"""The worker beside the web processes loads its libraries meanwhile."""
SEAT = (103.958, 30.985)


_SCRIPT = """
local paths = {PATHS}
local i = 0
request = function()
  i = i % #paths + 1
  return wrk.format("GET", paths[i], {["Accept-Encoding"] = "gzip"})
end
done = function(summary, latency)
  io.write(string.format('{"requests":%d,"seconds":%f,"failed":%d,"p99_ms":%f,"max_ms":%f}\\n', summary.requests,
    summary.duration / 1e6, summary.errors.status, latency:percentile(99) / 1e3, latency.max / 1e3))
end
"""


@contextmanager
def county_data(county: Path | None, data: Path | None) -> Iterator[tuple[Path, Path]]:
    """A short folder for passing files, and a data folder with the county's buildings, made where none is given."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if data is None:
            data = folder / "d"
            import_layers(county_folder(county), data, ["buildings"])
            publish = ["publish", "buildings", "--to", "anonymous", "--data", str(data)]
            subprocess.run([*CIM, *publish], check=True, stdout=subprocess.DEVNULL)
        yield folder, data


@contextmanager
def server(data: Path, *options: str) -> Iterator[tuple[int, int]]:
    """``cim up`` on a free port while the block runs: its process id and port."""
    port = free_port()
    command = [*CIM, "up", "--port", str(port), "--data", str(data), *options]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        time.sleep(SETTLE_S)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def key_of(data: Path) -> str:
    """A fresh administrator key of a data folder that is served."""
    words = ["key", "create", "--role", "administrator", "--data", str(data)]
    told = subprocess.run([*CIM, *words], check=True, capture_output=True, text=True).stdout
    return next(word for word in told.split() if word.startswith("cim_"))


@contextmanager
def nginx_static(folder: Path) -> Iterator[tuple[int, int]]:
    """Nginx with one worker on the files below ``folder``/www, sent as gzipped tiles: its process id and port."""
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;"
        "events { worker_connections 1024; } http { access_log off; sendfile on; tcp_nopush on;"
        " types { application/vnd.mapbox-vector-tile mvt; } add_header Content-Encoding gzip;"
        f" server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}"
    )
    process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(settings)])
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def tiles_near_the_seat(zooms: Sequence[int], count: int, seed: int = 497) -> list[tuple[int, int, int]]:
    """Distinct tiles z, x, y, more of them where the town is; the same for the same seed."""
    rng = random.Random(seed)
    grid = morecantile.tms.get("WebMercatorQuad")
    found: dict[tuple[int, int, int], None] = {}
    while len(found) < count:
        tile = grid.tile(rng.gauss(SEAT[0], 0.06), rng.gauss(SEAT[1], 0.04), rng.choice(list(zooms)))
        found[(tile.z, tile.x, tile.y)] = None
    return list(found)


def warm(port: int, tiles: Sequence[tuple[int, int, int]], count: int) -> list[str]:
    """Ask for tiles until ``count`` of them hold something; their paths."""
    paths = []
    for z, x, y in tiles:
        path = f"/tiles/buildings/{z}/{x}/{y}.mvt"
        if fetch(port, path):
            paths.append(path)
        if len(paths) == count:
            break
    return paths


def fetch(port: int, path: str) -> bytes:
    """The gzipped body of a tile, empty for one without content; asked for again while the server is too busy."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept-Encoding": "gzip"})
    for _ in range(5):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(2)
    raise TimeoutError(f"{path} was refused five times")


def save(port: int, paths: Sequence[str], www: Path) -> None:
    """Write tiles as files for nginx."""
    for path in paths:
        body = fetch(port, path)
        gzip.decompress(body)
        file = www / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted: answers, of them such of 400 and more as ``failed``, and latencies."""

    requests: int
    seconds: float
    failed: int
    p99_ms: float
    max_ms: float

    @property
    def good_per_s(self) -> float:
        """Answers with content a second."""
        return (self.requests - self.failed) / self.seconds


def wrk(folder: Path, paths: Sequence[str], port: int, *, connections: int, seconds: int, query: str = "") -> Load:
    """Drive a server with a list of paths over and over."""
    script = folder / f"paths-{port}.lua"
    script.write_text(_SCRIPT.replace("PATHS", ",".join(f'"{path}{query}"' for path in paths)))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script)]
    text = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    return Load(**json.loads(text.splitlines()[-1]))
