"""CPU a request for kept vector tiles, against nginx serving the same bytes as files, in interleaved rounds.

The policy is evaluated for every request, as in the product. wrk drives both with the same list of 497 fixed tiles.
"""

import gzip
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import morecantile

from benchmarks.county import county_folder, import_layers
from benchmarks.machine import children, cpu_seconds, spread

TILES = 497
ZOOMS = range(10, 19)
SECONDS = 6
CONNECTIONS = 8
REACH = 12.0


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Run the rounds and give microseconds of CPU a request for both servers, and their ratio round by round."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "d"
        import_layers(county_folder(county), data, ["buildings"])
        port, nginx_port = _free_port(), _free_port()
        server = _serve(data, port)
        try:
            paths = _warm(port, _tiles())
            _save(port, paths, folder / "www")
            nginx = _nginx(folder, nginx_port)
            try:
                return _rounds(folder, paths, rounds, (server.pid, port), (nginx.pid, nginx_port))
            finally:
                nginx.terminate()
                nginx.wait()
        finally:
            server.terminate()
            server.wait()


def _rounds(
    folder: Path, paths: list[str], rounds: int, ours: tuple[int, int], peer: tuple[int, int]
) -> dict[str, object]:
    figures: dict[str, list[float]] = {"server": [], "nginx": []}
    rates: dict[str, list[float]] = {"server": [], "nginx": []}
    for _ in range(rounds):
        for name, (pid, port) in (("server", ours), ("nginx", peer)):
            processes = children(pid)
            before = cpu_seconds(processes)
            requests = _wrk(folder, paths, port)
            figures[name].append((cpu_seconds(processes) - before) / requests * 1e6)
            rates[name].append(requests / SECONDS)
    ratios = [a / b for a, b in zip(figures["server"], figures["nginx"], strict=True)]
    return {
        "what": f"{len(paths)} warm building tiles z10-z18, policy asked each time, {CONNECTIONS} connections",
        "rounds": rounds,
        "server_cpu_us_per_request": spread(figures["server"]),
        "nginx_cpu_us_per_request": spread(figures["nginx"]),
        "server_requests_per_s": spread(rates["server"]),
        "nginx_requests_per_s": spread(rates["nginx"]),
        "ratio": spread(ratios),
        "reach": f"<= {REACH}",
        "reached": spread(ratios)["median"] <= REACH,
    }


def _tiles() -> list[tuple[int, int, int]]:
    rng = random.Random(497)
    grid = morecantile.tms.get("WebMercatorQuad")
    found: dict[tuple[int, int, int], None] = {}
    while len(found) < TILES * 3:
        z = rng.choice(list(ZOOMS))
        lon, lat = rng.gauss(103.958, 0.06), rng.gauss(30.985, 0.04)
        tile = grid.tile(lon, lat, z)
        found[(tile.z, tile.x, tile.y)] = None
    return list(found)


def _warm(port: int, tiles: list[tuple[int, int, int]]) -> list[str]:
    paths = []
    for z, x, y in tiles:
        path = f"/tiles/buildings/{z}/{x}/{y}.mvt"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            if answer.status == 200:
                paths.append(path)
        if len(paths) == TILES:
            break
    return paths


def _save(port: int, paths: list[str], www: Path) -> None:
    for path in paths:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        gzip.decompress(body)
        file = www / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)


def _nginx(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;"
        "events {{ worker_connections 256; }} http {{ access_log off; sendfile on; tcp_nopush on;"
        " types {{ application/vnd.mapbox-vector-tile mvt; }} add_header Content-Encoding gzip;"
        f" server {{{{ listen 127.0.0.1:{port}; root {folder}/www; }}}} }}}}".replace("{{", "{").replace("}}", "}")
    )
    process = subprocess.Popen([program, "-c", str(conf)])
    _wait(port)
    return process


def _serve(data: Path, port: int) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", "from web.cli.main import main; main()", "up", "--port", str(port), "--data", str(data)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    _wait(port, "/readyz")
    return process


def _wait(port: int, path: str = "/") -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")


def _wrk(folder: Path, paths: list[str], port: int) -> int:
    script = folder / "paths.lua"
    listed = ",".join(f'"{path}"' for path in paths)
    script.write_text(
        f"local paths = {{{listed}}}\nlocal i = 0\n"
        "request = function() i = i % #paths + 1;"
        ' return wrk.format("GET", paths[i], {["Accept-Encoding"]="gzip"}) end\n'
    )
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise RuntimeError(text)
    return int(next(line.split()[0] for line in text.splitlines() if "requests in" in line))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
