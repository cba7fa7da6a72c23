"""Many more clients than the server can serve: what still gets through, how it refuses, and whether health stays quick.

Tiles at z15 that were never made before, by 16 connections and by 200, each against a server with empty caches.
``--soak MINUTES`` adds a steady load of kept and new tiles and watches the memory of every web process.
"""

import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import children, proportional_mb, repeatedly, spread
from benchmarks.serving import Load, county_data, server, tiles_near_the_seat, wrk

FEW, MANY = 16, 200
SECONDS = 20
LOOK_EVERY_S = 0.1
SETTLED_AFTER_S = 600


def measure(county: Path | None, rounds: int, data: Path | None = None, soak: int = 0) -> dict[str, object]:
    """Good answers a second of both loads, and the seconds that ``/healthz`` and ``/readyz`` took meanwhile."""
    tiles = tiles_near_the_seat((15, 16, 17), 20_000, seed=200)
    paths = [f"/tiles/buildings/{z}/{x}/{y}.mvt" for z, x, y in tiles]
    few: list[float] = []
    many: list[float] = []
    refused: list[float] = []
    health: list[float] = []
    with county_data(county, data) as (folder, place):
        for _ in range(rounds):
            for connections, rates in ((FEW, few), (MANY, many)):
                shutil.rmtree(place / "cache" / "tiles", ignore_errors=True)
                with server(place) as (_, port), _health(port) as seconds:
                    load = wrk(folder, paths, port, connections=connections, seconds=SECONDS)
                rates.append(load.good_per_s)
                if connections == MANY:
                    refused.append(load.failed / load.requests)
                    health += seconds
        steady = _soak(folder, place, paths, soak) if soak else {}
    ratios = [a / b for a, b in zip(many, few, strict=True)]
    health_p99_s = sorted(health)[int(len(health) * 0.99)]
    return {
        "what": f"tiles z15-z17 never made before, {FEW} and {MANY} connections, {SECONDS} s each",
        "rounds": rounds,
        f"good_per_s_{FEW}": spread(few),
        f"good_per_s_{MANY}": spread(many),
        "refused_share": spread(refused),
        "ratio": spread(ratios),
        "health_p99_s": health_p99_s,
        **steady,
        "reach": "ratio >= 0.8, health p99 <= 0.5 s, no answer of 5xx but 503",
        "reached": spread(ratios)["median"] >= 0.8 and health_p99_s <= 0.5,
    }


@contextmanager
def _health(port: int) -> Iterator[list[float]]:
    """Ask for health ten times a second while the block runs."""
    seconds: list[float] = []

    def look() -> None:
        for path in ("/healthz", "/readyz"):
            began = time.perf_counter()
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).close()
            seconds.append(time.perf_counter() - began)

    with repeatedly(look, LOOK_EVERY_S):
        yield seconds


def _soak(folder: Path, place: Path, paths: list[str], minutes: int) -> dict[str, object]:
    """Steady load, and the growth of each web process in MB a minute after the first ten minutes."""
    shutil.rmtree(place / "cache" / "tiles", ignore_errors=True)
    memory: dict[int, list[tuple[float, float]]] = {}
    loads: list[Load] = []
    with server(place) as (pid, port):
        began = time.monotonic()
        while time.monotonic() - began < minutes * 60:
            loads.append(wrk(folder, paths, port, connections=FEW, seconds=30))
            for process in children(pid):
                if b"serve" in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
                    memory.setdefault(process, []).append((time.monotonic() - began, proportional_mb(process)))
    growth = [_slope([point for point in points if point[0] > SETTLED_AFTER_S]) for points in memory.values()]
    return {
        "soak_minutes": minutes,
        "soak_requests": sum(load.requests for load in loads),
        "soak_failed": sum(load.failed for load in loads),
        "soak_mb_per_minute": max(growth, default=0.0),
    }


def _slope(points: list[tuple[float, float]]) -> float:
    """MB a minute by least squares over seconds and MB."""
    if len(points) < 2:
        return 0.0
    mean_s = sum(s for s, _ in points) / len(points)
    mean_mb = sum(mb for _, mb in points) / len(points)
    spread_s = sum((s - mean_s) ** 2 for s, _ in points)
    return 60 * sum((s - mean_s) * (mb - mean_mb) for s, mb in points) / spread_s
