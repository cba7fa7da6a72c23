"""Tiles made for the first time at z14-z16, against ST_AsMVT driven directly by two connections with the same text.

The server starts with empty caches in every round and is asked by four clients that each wait for their answer; the
peer is psycopg with two connections and prepared statements, which is all that any server over PostGIS can reach.
"""

import asyncio
import gzip
import http.client
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mapbox_vector_tile

from benchmarks.machine import spread
from benchmarks.serving import county_data, server, tiles_near_the_seat
from cim.model.access import Grade, ReadContext
from cim.store.collections import the_collection
from cim.store.database import Database
from cim.store.deployment import open_deployment
from cim.store.tile_connections import TileConnections
from cim.store.vector_tiles import TileRows, vector_tile
from layers.catalog import SHIPPED, load_catalog
from tiles.grid import tile_square

TILES = 400
CLIENTS = 4
HEADERS = {"Accept-Encoding": "gzip"}
REACH = 0.9
Tiles = list[tuple[int, int, int]]


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Tiles a second of both, round by round."""
    tiles = tiles_near_the_seat((14, 15, 16), TILES, seed=16)
    with county_data(county, data) as (_, place):
        ours, direct, same = [], [], 0
        for _ in range(rounds):
            shutil.rmtree(place / "cache" / "tiles", ignore_errors=True)
            with server(place) as (_, port):
                _asked(port, tiles_near_the_seat((12,), CLIENTS * 4, seed=1))
                seconds, served = _asked(port, tiles)
            ours.append(TILES / seconds)
            seconds, made = asyncio.run(_driven(place, tiles))
            direct.append(TILES / seconds)
            same = sum(
                _features(gzip.decompress(a) if a else b"") == _features(b) for a, b in zip(served, made, strict=True)
            )
    ratios = [a / b for a, b in zip(ours, direct, strict=True)]
    return {
        "what": f"{TILES} building tiles z14-z16 never made before, {CLIENTS} clients, two processes",
        "rounds": rounds,
        "server_tiles_per_s": spread(ours),
        "direct_tiles_per_s": spread(direct),
        "tiles_with_equal_features": same,
        "ratio": spread(ratios),
        "reach": f">= {REACH}",
        "reached": spread(ratios)["median"] >= REACH and same == TILES,
    }


def _asked(port: int, tiles: Tiles) -> tuple[float, list[bytes]]:
    found: list[bytes] = [b""] * len(tiles)
    waiting = iter(enumerate(tiles))
    turn = threading.Lock()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with turn:
                number, tile = next(waiting, (-1, (0, 0, 0)))
            if number < 0:
                return
            connection.request("GET", "/tiles/buildings/{}/{}/{}.mvt".format(*tile), headers=HEADERS)
            answer = connection.getresponse()
            found[number] = answer.read()
            if answer.status not in {200, 204}:
                raise RuntimeError(f"tile {tile}: {answer.status}")

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        for outcome in [clients.submit(ask) for _ in range(CLIENTS)]:
            outcome.result()
    return time.perf_counter() - began, found


async def _driven(place: Path, tiles: Tiles) -> tuple[float, list[bytes]]:
    with open_deployment(place) as deployment:
        database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=4)
        context = ReadContext(((Grade.PUBLIC, None),))
        async with database.reading(context) as connection:
            schema = (await the_collection(connection, "buildings")).schema
        fields = load_catalog([SHIPPED]).layers["buildings"].tiles.fields
        rows = TileRows(schema, tuple(name for name in fields if name in schema.field_names), None)
        peers = TileConnections(deployment.logins.reader_url, size=CLIENTS)
        found: list[bytes] = [b""] * len(tiles)
        waiting = iter(enumerate(tiles))

        async def drive() -> None:
            for number, tile in waiting:
                found[number] = (await vector_tile(peers, rows, tile_square(*tile), context)).data

        for tile in tiles_near_the_seat((12,), CLIENTS * 4, seed=1):
            await vector_tile(peers, rows, tile_square(*tile), context)
        began = time.perf_counter()
        await asyncio.gather(*(drive() for _ in range(CLIENTS)))
        seconds = time.perf_counter() - began
        await peers.close()
        await database.close()
        return seconds, found


def _features(raw: bytes) -> list[str]:
    layers = mapbox_vector_tile.decode(raw) if raw else {}
    return sorted(repr((f["id"], f["properties"], f["geometry"])) for one in layers.values() for f in one["features"])
