"""Seconds from committing an edit until a tile shows it, at every process and through the proxy."""

import asyncio
import http.client
import time
from pathlib import Path

import morecantile
import sqlalchemy as sa

from benchmarks.machine import spread
from benchmarks.serving import SEAT, county_data, server
from cim.store.database import Database
from cim.store.deployment import open_deployment

EDITS_A_ROUND = 60
ZOOM = 16
LOOKS = 4
"""Fresh connections that must all show the edit: both processes are met, as the kernel or the proxy spreads them."""


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Edits one after another, asked for again until seen; directly with two processes, then through the proxy."""
    found: dict[str, list[float]] = {}
    with county_data(county, data) as (_, place), open_deployment(place) as deployment:
        logins = deployment.logins
        for name, options in (("two_processes", ()), ("through_proxy", ("--proxy",))):
            with server(place, *options) as (_, port):
                found[name] = asyncio.run(_edits(logins.reader_url, logins.writer_url, port, EDITS_A_ROUND * rounds))
    figures = {name: _percentiles(seconds) for name, seconds in found.items()}
    return {
        "what": f"edits of one building by SQL, seen in a z{ZOOM} tile on {LOOKS} fresh connections",
        **figures,
        "reach": "p95 <= 0.5 s, p99 <= 2 s",
        "reached": all(f["p95_s"] <= 0.5 and f["p99_s"] <= 2 for f in figures.values()),
    }


async def _edits(reader_url: str, writer_url: str, port: int, count: int) -> list[float]:
    tile = morecantile.tms.get("WebMercatorQuad").tile(*SEAT, ZOOM)
    path = f"/tiles/buildings/{tile.z}/{tile.x}/{tile.y}.mvt"
    square = f"ST_TileEnvelope({tile.z}, {tile.x}, {tile.y})"
    edit = sa.text(
        "UPDATE city.buildings SET geom = ST_Translate(geom, :shift, 0) WHERE fid = (SELECT fid FROM history.buildings"
        f" WHERE valid_to_version IS NULL AND geom_3857 && {square} AND ST_Within(geom_3857, {square})"
        " ORDER BY fid LIMIT 1)"
    )
    database = Database(reader_url, writer_url, pool_size=4)
    seconds = []
    (etag,) = _etags(port, path)
    for number in range(count):
        async with database.writing("edit") as connection:
            await connection.execute(edit, {"shift": 1e-5 if number % 2 else -1e-5})
        began = time.perf_counter()
        while len(seen := _etags(port, path)) != 1 or etag in seen:
            pass
        seconds.append(time.perf_counter() - began)
        (etag,) = seen
    await database.close()
    return seconds


def _etags(port: int, path: str) -> set[str]:
    """The ETags that fresh connections are shown, which name the last change in the tile."""
    found = set()
    for _ in range(LOOKS):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path}: {answer.status}")
        found.add(answer.getheader("ETag", ""))
    return found


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "edits": len(ordered),
        "p95_s": ordered[int(len(ordered) * 0.95)],
        "p99_s": ordered[int(len(ordered) * 0.99)],
        **{f"{name}_s": value for name, value in spread(ordered).items()},
    }
