"""Buildings of the county as 3D Tiles: a whole tileset in one pass, one tile on demand, a change, and delivery.

Each round makes the whole tileset from the database (``features_per_s``, to files and tileset.json, worker processes
and reading included), has ``benchmarks.extrusion_peer`` raise the same footprints from memory, and trimesh 2 000 of
them. Then a server with nothing kept answers for every tile once; beside each, the bare SQL for the rows of its
square. A change is timed from its commit to the tile that shows it.
"""

import asyncio
import gzip
import json
import math
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
import sqlalchemy as sa

from benchmarks.extrusion_peer import Footprints, extrude, with_trimesh
from benchmarks.machine import children, proportional_mb, repeatedly, spread
from benchmarks.serving import county_data, server, wrk
from cim.garbage import collect_seldom
from cim.model.access import Principal
from cim.model.scene import Square
from cim.store.deployment import open_deployment
from cim.store.scene_rows import mercator_box
from tiles.compression import compressed
from tiles.scene.built import BuiltContent
from tiles.scene.standing import corners_of
from tiles.scene.tile_folder import TileFolder
from tiles.scene.whole import WholeCount
from web.cli.seeding import role_principal, server_state
from web.scene_contents import SceneState, layer_content
from web.state import Caller

LAYER = "buildings"
UNDULATION_M = "-39.5"
TRIMESH_FOOTPRINTS = 2_000
PLAIN_BYTES = 20_000_000
CHANGES = 12
CONNECTIONS, SECONDS = 32, 5
BIG_TILE_BYTES = (120_000, 260_000)
RANGES = 10_000
REACH = {
    "features_per_s": ">= 20000",
    "of_numpy": ">= 0.6",
    "times_trimesh": ">= 15",
    "peak_mb": "< 1024",
    "of_uncompressed": "<= 0.4",
    "tile_p95_s": "< 0.3",
    "change_visible_s": "< 2",
    "delivered_per_s": ">= 300",
    "hostile_range_s": "<= 0.1",
}


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Interleaved rounds of the whole tileset and its peers, then a server."""
    collect_seldom()
    os.environ["CIM_UNDULATION_M"] = UNDULATION_M
    os.environ["CIM_TILE_DISK_MB"] = "0"
    with county_data(county, data) as (folder, place):
        whole = asyncio.run(_rounds(place, folder, rounds))
        served = _served(place, folder)
    figures = {**whole["figures"], **served}
    return {
        "what": f"{whole['features']} buildings of the county",
        "rounds": rounds,
        **{name: value for name, value in whole.items() if name != "figures"},
        **figures,
        "reach": REACH,
    }


@dataclass(slots=True)
class _Pass:
    seconds: float
    count: WholeCount
    peak_mb: float


async def _rounds(data: Path, folder: Path, rounds: int) -> dict[str, Any]:
    passes: list[_Pass] = []
    numpy_s: list[float] = []
    trimesh_s: list[float] = []
    async with _content(data) as (content, principal):
        prints = await _footprints(content, principal)
        for number in range(rounds):
            passes.append(await _one_pass(content, principal, folder / f"whole-{number}"))
            target = folder / f"plain-{number}"
            target.mkdir()
            numpy_s.append(await asyncio.to_thread(extrude, prints, target))
            trimesh_s.append(await asyncio.to_thread(with_trimesh, prints, TRIMESH_FOOTPRINTS))
        share = await _share_of_plain(content, principal)
    features = passes[0].count.features
    rates = [one.count.features / one.seconds for one in passes]
    bare = [len(prints.starts) / seconds for seconds in numpy_s]
    return {
        "features": features,
        "tiles": passes[0].count.tiles,
        "triangles": passes[0].count.triangles,
        "left_out": passes[0].count.left_out,
        "size_mb": passes[0].count.size_bytes / 1e6,
        "figures": {
            "features_per_s": spread(rates),
            "numpy_features_per_s": spread(bare),
            "of_numpy": spread([ours / theirs for ours, theirs in zip(rates, bare, strict=True)]),
            "times_trimesh": spread([rate * seconds for rate, seconds in zip(rates, trimesh_s, strict=True)]),
            "peak_mb": spread([one.peak_mb for one in passes]),
            "of_uncompressed": share,
        },
    }


@asynccontextmanager
async def _content(data: Path) -> AsyncIterator[tuple[BuiltContent, Principal]]:
    with open_deployment(data) as deployment:
        deployment.migrate()
        async with server_state(deployment, cached=False) as state:
            principal = await role_principal(state.database, "anonymous")
            who = Caller(state, principal, "benchmark", "")
            yield await layer_content(who, LAYER, SceneState()), principal


async def _one_pass(content: BuiltContent, principal: Principal, target: Path) -> _Pass:
    with _memory() as held:
        began = time.perf_counter()
        tree, count = await content.whole(principal, TileFolder(target, gzipped=True))
        assert tree is not None
        seconds = time.perf_counter() - began
    return _Pass(seconds, count, max(held))


@contextmanager
def _memory() -> Iterator[list[float]]:
    """The memory of this process and those it starts, the database's apart, in MB, looked at ten times a second."""
    found = [0.0]

    def look() -> None:
        ours = [pid for pid in children(os.getpid()) if not _is_database(pid)]
        found.append(sum(map(proportional_mb, ours)))

    with repeatedly(look, 0.1):
        yield found


def _is_database(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return True


async def _footprints(content: BuiltContent, principal: Principal) -> Footprints:
    """The outer rings of the same features, in metres around the middle of the layer, and their squares of zoom 15."""
    shapes, heights, tiles = [], [], []
    async with aclosing(content.pages(principal)) as pages:
        async for rows in pages:
            found = shapely.get_parts(shapely.from_wkb(rows.shape), return_index=True)
            shapes.append(shapely.get_exterior_ring(shapely.orient_polygons(found[0])))
            heights.append(np.array([height_m or 3.0 for height_m in rows.height_m])[found[1]])
            tiles.append((np.array(rows.place) >> 6)[found[1]])
    points, ring = shapely.get_coordinates(np.concatenate(shapes), return_index=True)
    kept = np.append(ring[1:] == ring[:-1], False)
    points, ring = points[kept], ring[kept]
    middle = points.mean(axis=0)
    metres = (points - middle) * (111_195 * math.cos(math.radians(middle[1])), 111_195)
    starts = np.flatnonzero(np.append(True, ring[1:] != ring[:-1]))
    return Footprints(metres, starts, np.concatenate(heights), np.concatenate(tiles))


async def _share_of_plain(content: BuiltContent, principal: Principal) -> float:
    """How much of the bytes of plain floats the same tiles take as they are sent."""
    ours = plain = 0
    async with aclosing(content.pages(principal)) as pages:
        async for rows in pages:
            squares = np.array(rows.place) >> 6
            for square in np.unique(squares)[1:-1]:  # whole ones
                held = rows.taken(np.flatnonzero(squares == square).tolist())
                corners = corners_of(held)
                ours += len(compressed(content.maker.made(held, corners, None).glb))
                plain += len(content.maker.made(held, corners, None, quantised=False).glb)
            if plain > PLAIN_BYTES:
                break
    return ours / plain


def _served(data: Path, folder: Path) -> dict[str, Any]:
    with server(data) as (_, port):
        document = json.loads(_get(port, f"/3dtiles/{LAYER}/tileset.json")[0])
        paths = [f"/3dtiles/{LAYER}/{uri}" for uri in _contents(document["root"])]
        on_demand, bare, sizes = _cold(data, port, paths)
        changes = _changes(data, port)
        big = [path for path, size in sizes.items() if BIG_TILE_BYTES[0] <= size <= BIG_TILE_BYTES[1]][:20]
        big = big or sorted(sizes, key=lambda path: -sizes[path])[:20]
        for path in big * 3:
            _get(port, path)
        loads = [wrk(folder, big, port, connections=CONNECTIONS, seconds=SECONDS) for _ in range(5)]
        hostile = [_hostile(port, big[0]) for _ in range(5)]
    return {
        "tile_s": {**spread(on_demand), "p95": float(np.percentile(on_demand, 95)), "tiles": len(on_demand)},
        "bare_sql_s": {**spread(bare), "p95": float(np.percentile(bare, 95))},
        "change_visible_s": spread(changes),
        "delivered_per_s": spread([load.good_per_s for load in loads]),
        "delivery_failed": sum(load.failed for load in loads),
        "delivered_bytes": sum(sizes[path] for path in big) / len(big),
        "hostile_range_s": spread(hostile),
    }


def _contents(tile: dict[str, Any]) -> Iterator[str]:
    if "content" in tile:
        yield tile["content"]["uri"]
    for child in tile.get("children", []):
        yield from _contents(child)


def _get(port: int, path: str, **headers: str) -> tuple[bytes, float]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read(), time.perf_counter() - began


def _cold(data: Path, port: int, paths: list[str]) -> tuple[list[float], list[float], dict[str, int]]:
    """Seconds for each tile that nobody asked for before, for the bare SQL of its rows, and the bytes sent."""
    chosen = random.Random(7).sample(paths, min(len(paths), 500))
    seconds, bare, sizes = [], [], {}
    with open_deployment(data) as deployment:
        address = sa.make_url(deployment.logins.writer_url).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False)) as connection:
            for path in chosen:
                body, took = _get(port, path, **{"Accept-Encoding": "gzip"})
                seconds.append(took)
                sizes[path] = len(body)
                z, x, y = (int(part) for part in path.partition(".glb")[0].split("/")[-3:])
                began = time.perf_counter()
                connection.execute(
                    f"SELECT fid, ST_AsBinary(geom), height_m, ground_m, floors, name FROM history.{LAYER}"
                    " WHERE valid_to_version IS NULL AND geom_3857 && ST_MakeEnvelope(%s, %s, %s, %s, 3857)",
                    mercator_box(Square(z, x, y)),
                ).fetchall()
                bare.append(time.perf_counter() - began)
    return seconds, bare, sizes


def _changes(data: Path, port: int) -> list[float]:
    """Seconds from committing a new height until a tile has it."""
    found = []
    with open_deployment(data) as deployment:
        address = sa.make_url(deployment.logins.writer_url).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
            rows = connection.execute(
                f"SELECT fid FROM city.{LAYER} WHERE height_m BETWEEN 6 AND 20 ORDER BY fid LIMIT {CHANGES}"
            ).fetchall()
            for number, (fid,) in enumerate(rows):
                height = 12.0 + number / 16 + random.Random(time.time_ns()).random()
                before = set(_contents(json.loads(_get(port, f"/3dtiles/{LAYER}/tileset.json")[0])["root"]))
                connection.execute(f"UPDATE city.{LAYER} SET height_m = %s WHERE fid = %s", (height, fid))
                began = time.perf_counter()
                while not _shows(port, before, height):
                    time.sleep(0.02)
                found.append(time.perf_counter() - began)
    return found


def _shows(port: int, before: set[str], height_m: float) -> bool:
    document = json.loads(_get(port, f"/3dtiles/{LAYER}/tileset.json")[0])
    for uri in sorted(set(_contents(document["root"])) - before, reverse=True):
        body, _ = _get(port, f"/3dtiles/{LAYER}/{uri}", **{"Accept-Encoding": "gzip"})
        if np.float32(height_m).tobytes() in gzip.decompress(body):
            return True
    return False


def _hostile(port: int, path: str) -> float:
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(RANGES))
    began = time.perf_counter()
    try:
        _get(port, path, Range=ranges, **{"Accept-Encoding": "gzip"})
    except urllib.error.HTTPError as error:
        error.read()
    return time.perf_counter() - began
