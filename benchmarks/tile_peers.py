"""Cold tiles of the county from our server and from others over the same database, in interleaved rounds.

Each server is started afresh for each of its turns, with its caches off, and asked for the same tiles by the same two
connections, gzip accepted. ``far`` are all tiles of z9 to z12 that hold anything, ``near`` a sample of z14 to z16. Our
far tiles are generalised; ``martin_general`` reads the same generalised tables by an SQL function. Features of some
near tiles are decoded and counted, so that like is compared with like.
"""

import contextlib
import gzip
import http.client
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

import mapbox_vector_tile
import morecantile

from benchmarks import peers
from benchmarks.county import county_folder, import_layers
from benchmarks.county_server import Server, administrator_key, generalised, serving
from benchmarks.machine import spread
from cim.store.cluster import Cluster

LAYERS = (
    peers.PeerLayer("buildings", ("building_code", "name", "height_m", "floors", "use")),
    peers.PeerLayer("land_status", ("BSM", "DLBM", "DLMC", "TBMJ")),
)
FAR, NEAR = range(9, 13), range(14, 17)
NEAR_TILES = 240
CONNECTIONS = 2
COMPARED = 12
WARM = 4
"""Tiles asked for before the clock starts, so that connections are open and statements planned."""
Tile = tuple[int, int, int]
Starter = Callable[[], AbstractContextManager[str]]
"""Starts a server and gives the template of its tiles."""


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Tiles a second of every server in every round for each layer and band, and the ratios round by round.

    ``data`` is a data folder that holds the layers already.
    """
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if data is None:
            data = folder / "d"
            import_layers(county_folder(county), data, ["admin_county", *(layer.id for layer in LAYERS)])
        generalised(data)
        with Cluster(data) as logins:
            database = peers.prepare(logins, LAYERS)
            peers.general_functions(logins, LAYERS)
            key = administrator_key(logins)
            results, versions = _results(folder, data, database, key, rounds)
    return {
        "what": f"cold tiles, {CONNECTIONS} connections, gzip accepted, each server started afresh with caches off",
        "rounds": rounds,
        "peers": versions,
        "layers": results,
    }


def _results(
    folder: Path, data: Path, database: peers.PeerDatabase, key: str, rounds: int
) -> tuple[dict[str, object], dict[str, object]]:
    versions: dict[str, object] = {}
    starters = _starters(folder, data, database, versions)
    results: dict[str, object] = {}
    with serving(data, processes=1) as server:
        tiles = {
            layer.id: {"far": _far(server, layer.id, key), "near": _near(server, layer.id, key)} for layer in LAYERS
        }
    for layer in LAYERS:
        for band, listed in tiles[layer.id].items():
            results[f"{layer.id} {band}"] = _band(layer.id, band, listed, starters, key, rounds)
    return results, versions


def _starters(
    folder: Path, data: Path, database: peers.PeerDatabase, versions: dict[str, object]
) -> dict[str, Starter]:
    @contextlib.contextmanager
    def ours() -> Iterator[str]:
        with serving(data, processes=1, cache_mb=1, disk=False) as server:
            yield f"{server.base}/tiles/{{layer}}/{{z}}/{{x}}/{{y}}.mvt"

    def of(start: Callable[..., AbstractContextManager[peers.Peer]], **options: bool) -> Starter:
        @contextlib.contextmanager
        def started() -> Iterator[str]:
            with start(database, LAYERS, folder, **options) as peer:
                versions[peer.name] = {"version": peer.version, "settings": peer.settings}
                yield peer.template

        return started

    wanted = {"martin": of(peers.martin), "martin_general": of(peers.martin, general=True), "tipg": of(peers.tipg)}
    wanted["mapserver"] = of(peers.mapserver)
    found: dict[str, Starter] = {"ours": ours}
    for name, start in wanted.items():
        try:
            with start():
                found[name] = start
        except peers.PeerAbsent as absent:
            versions[name] = f"not measured: {absent}"
    return found


def _band(
    layer: str, band: str, tiles: Sequence[Tile], starters: dict[str, Starter], key: str, rounds: int
) -> dict[str, object]:
    names = [name for name in starters if band == "far" or name != "martin_general"]
    rates: dict[str, list[float]] = {name: [] for name in names}
    sent: dict[str, int] = {}
    slowest: dict[str, float] = dict.fromkeys(names, 0.0)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            with starters[name]() as template:
                seconds, size, worst = _drive(template, layer, tiles, key if name == "ours" else "")
            rates[name].append((len(tiles) - WARM) / seconds)
            print(f"{layer} {band} round {number}: {name} {rates[name][-1]:.1f} tiles/s", file=sys.stderr)
            sent[name], slowest[name] = size, max(slowest[name], worst)
    ratios = {
        name: spread([a / b for a, b in zip(rates["ours"], rates[name], strict=True)])
        for name in names
        if name != "ours"
    }
    return {
        "tiles": len(tiles) - WARM,
        "tiles_per_s": {name: spread(values) for name, values in rates.items()},
        "times_faster_than": ratios,
        "mb_sent": {name: round(size / 1e6, 1) for name, size in sent.items()},
        "slowest_s": {name: round(value, 3) for name, value in slowest.items()},
        **({"features_agree": _agreement(layer, tiles, starters, key)} if band == "near" else {}),
    }


def _drive(template: str, layer: str, tiles: Sequence[Tile], key: str) -> tuple[float, int, float]:
    """Seconds, bytes and the slowest tile of asking for all tiles but the first few over two connections."""
    timed = tiles[WARM:]
    waiting = iter(timed)
    lock = threading.Lock()
    sizes, times, failures = [], [], []

    def work() -> None:
        with Asker(template, key) as asker:
            while True:
                with lock:
                    tile = next(waiting, None)
                if tile is None:
                    return
                begun = time.perf_counter()
                status, body = asker.get(layer, tile)
                times.append(time.perf_counter() - begun)
                sizes.append(len(body))
                if status not in {200, 204}:
                    failures.append((tile, status))

    with Asker(template, key) as first:
        for tile in tiles[:WARM]:
            first.get(layer, tile)
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if failures or len(sizes) != len(timed):
        raise RuntimeError(f"{template}: {failures[:3]}, {len(sizes)} of {len(timed)} answered")
    return seconds, sum(sizes), max(times)


class Asker:
    """One kept connection to a server of tiles."""

    def __init__(self, template: str, key: str) -> None:
        place = urllib.parse.urlsplit(template)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=180)
        self._template = template[template.index(place.netloc) + len(place.netloc) :]
        self._headers = {"Accept-Encoding": "gzip", **({"Authorization": f"Bearer {key}"} if key else {})}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, layer: str, tile: Tile) -> tuple[int, bytes]:
        """Status and bytes as sent."""
        z, x, y = tile
        self._connection.request("GET", self._template.format(layer=layer, z=z, x=x, y=y), headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


def _far(server: Server, layer: str, key: str) -> list[Tile]:
    """Every tile of the far zooms that holds anything."""
    grid = morecantile.tms.get("WebMercatorQuad")
    with Asker(f"{server.base}/tiles/{{layer}}/{{z}}/{{x}}/{{y}}.mvt", key) as asker:
        listed = [(t.z, t.x, t.y) for t in grid.tiles(*server.bounds(layer, key), zooms=list(FAR))]
        return [tile for tile in listed if asker.get(layer, tile)[1]]


def _near(server: Server, layer: str, key: str) -> list[Tile]:
    """A fixed sample of tiles of the near zooms that hold anything, denser where people live."""
    grid = morecantile.tms.get("WebMercatorQuad")
    rng = random.Random(16)
    found: dict[Tile, None] = {}
    with Asker(f"{server.base}/tiles/{{layer}}/{{z}}/{{x}}/{{y}}.mvt", key) as asker:
        while len(found) < NEAR_TILES:
            tile = grid.tile(rng.gauss(103.958, 0.06), rng.gauss(30.985, 0.04), rng.choice(list(NEAR)))
            place = (tile.z, tile.x, tile.y)
            if place not in found and asker.get(layer, place)[1]:
                found[place] = None
    return list(found)


def _agreement(layer: str, tiles: Sequence[Tile], starters: dict[str, Starter], key: str) -> dict[str, float]:
    """For each peer the share of the features whose centre lies in the tile that ours and its tiles have in common."""
    sample = random.Random(3).sample(list(tiles), COMPARED)
    counts = {}
    for name in [name for name in starters if name != "martin_general"]:
        with starters[name]() as template, Asker(template, key if name == "ours" else "") as asker:
            counts[name] = [_features(asker.get(layer, tile)[1]) for tile in sample]
    return {
        name: statistics.mean(min(a, b) / max(a, b, 1) for a, b in zip(counts["ours"], found, strict=True))
        for name, found in counts.items()
        if name != "ours"
    }


def _features(body: bytes) -> int:
    raw = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return sum(len(layer["features"]) for layer in mapbox_vector_tile.decode(raw).values())
