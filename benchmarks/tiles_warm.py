"""Kept vector tiles: CPU a request against nginx serving the same bytes as files, and the rate behind the proxy.

The policy is evaluated for every request, with ETag and counters on, as in the product. wrk drives all with the same
list of 497 fixed tiles, in interleaved rounds; behind the proxy with the versioned addresses that clients are given.
Martin, where it is installed (``python -m benchmarks.peers martin``), is driven beside with its cache on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks import peers
from benchmarks.machine import children, cpu_seconds, spread
from benchmarks.serving import county_data, nginx_static, save, server, tiles_near_the_seat, warm, wrk
from cim.store.cluster import Cluster

TILES = 497
SECONDS = 5
CONNECTIONS = 8
REACH = 4.0
REACH_PROXY = 0.9
MARTIN_CACHE_MB = 512
LAYER = peers.PeerLayer("buildings", ("building_code", "name", "height_m", "floors", "use"))
Figures = dict[str, list[float]]
Servers = dict[str, tuple[int, int]]
"""Process id and port by name."""


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Run the rounds: one process and two against nginx by CPU, then the proxy against nginx by rate."""
    tiles = tiles_near_the_seat(range(10, 19), TILES * 3)
    with county_data(county, data) as (folder, place):
        with server(place, "--processes", "1") as one:
            paths = warm(one[1], tiles, TILES)
            save(one[1], paths, folder / "www")
            with nginx_static(folder) as files, _martin(folder, place) as martin:
                single = _rounds(folder, paths, rounds, {"server": one, "nginx": files, **martin})
        with server(place, "--processes", "2") as two:
            for _ in range(4):
                warm(two[1], tiles, TILES)
            with nginx_static(folder) as files:
                double = _rounds(folder, paths, rounds, {"server": two, "nginx": files})
        with server(place, "--proxy") as proxied, nginx_static(folder) as files:
            query = _version_query(proxied[1])
            behind = _rounds(folder, paths, rounds, {"server": proxied, "nginx": files}, query=query)
    cpu, rate = _ratios(single["cpu"]), _ratios(behind["rate"])
    return {
        "what": f"{len(paths)} warm building tiles z10-z18, policy, ETag and counters on, {CONNECTIONS} connections",
        "rounds": rounds,
        "one_process": _told(single),
        "two_processes": _told(double),
        "behind_proxy": _told(behind),
        "cpu_ratio": spread(cpu),
        "proxy_rate_ratio": spread(rate),
        "reach": {"cpu_ratio": f"<= {REACH}", "proxy_rate_ratio": f">= {REACH_PROXY}"},
        "reached": {
            "cpu_ratio": spread(cpu)["median"] <= REACH,
            "proxy_rate_ratio": spread(rate)["median"] >= REACH_PROXY,
        },
    }


def _version_query(port: int) -> str:
    """What the TileJSON adds to the addresses of tiles: the layer's version, by which a proxy may keep them."""
    document = httpx.get(f"http://127.0.0.1:{port}/tiles/buildings.json").raise_for_status().json()
    return "?" + urlsplit(str(document["tiles"][0])).query


@contextmanager
def _martin(folder: Path, place: Path) -> Iterator[Servers]:
    if not peers.MARTIN.exists():
        yield {}
        return
    with Cluster(place) as logins:
        database = peers.prepare(logins, [LAYER])
        with peers.martin(database, [LAYER], folder, cache_mb=MARTIN_CACHE_MB) as martin:
            yield {"martin": (martin.pid, int(martin.template.split(":")[2].split("/")[0]))}


def _rounds(folder: Path, paths: list[str], rounds: int, servers: Servers, query: str = "") -> dict[str, Figures]:
    found: dict[str, Figures] = {"cpu": {name: [] for name in servers}, "rate": {name: [] for name in servers}}
    for _ in range(rounds):
        for name, (pid, port) in servers.items():
            before = cpu_seconds(children(pid))
            asked = [path[len("/tiles") : -len(".mvt")] for path in paths] if name == "martin" else paths
            load = wrk(folder, asked, port, connections=CONNECTIONS, seconds=SECONDS, query=query)
            if load.failed:
                raise RuntimeError(f"{load.failed} answers of {name} were errors")
            found["cpu"][name].append((cpu_seconds(children(pid)) - before) / load.requests * 1e6)
            found["rate"][name].append(load.good_per_s)
    return found


def _ratios(figures: Figures) -> list[float]:
    return [ours / files for ours, files in zip(figures["server"], figures["nginx"], strict=True)]


def _told(found: dict[str, Figures]) -> dict[str, object]:
    return {
        "cpu_us_per_request": {name: spread(values) for name, values in found["cpu"].items()},
        "requests_per_s": {name: spread(values) for name, values in found["rate"].items()},
        "cpu_ratio": spread(_ratios(found["cpu"])),
    }
