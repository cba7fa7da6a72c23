"""Pictures of circles of 3 km on the county's data, by a running server; beside each the bare count of buildings in it.

The count is the calibration: what the database alone needs to find the buildings of the circle, on this machine and at
that moment.
"""

import asyncio
import time
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks.compliance_review import _Client, _database, _p95
from benchmarks.county import county_folder, import_layers
from benchmarks.county_server import administrator_key, generalised
from benchmarks.machine import spread
from benchmarks.serving import SEAT, county_data, server
from cim.store.deployment import DatabaseUrls, open_deployment

LAYERS = [
    *("admin_county", "admin_town", "admin_village", "population", "organisations", "schools", "hospitals", "hazards"),
    *("geohazards", "shelters", "fire_stations", "rescue_teams", "roads", "pipelines", "water", "flash_flood_zones"),
    "cameras",
]
RADIUS_M, A_ROUND = 3_000.0, 20
DEGREE_M = (95_500.0, 110_900.0)
COUNT = """
SELECT count(*) FROM history.buildings WHERE valid_to_version IS NULL
    AND geom_3857 && ST_Transform(ST_MakeEnvelope(:west, :south, :east, :north, 4490), 3857)
    AND ST_DWithin(geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490)::geography, :radius)
"""


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Milliseconds of pictures by day and night, of the bare counts, and how many buildings lay inside."""
    rng = np.random.default_rng(75)
    with county_data(county, data) as (_, place):
        if data is None:
            import_layers(county_folder(county), place, LAYERS)
        generalised(place)
        with open_deployment(place) as deployment:
            deployment.migrate()
            with server(place) as (_, port):
                ask = _Client(port, administrator_key(deployment.logins))
                figures = _rounds(ask, deployment.logins, rng, rounds)
    return {
        "what": f"pictures of circles of {RADIUS_M:g} m in three rings around the seat, over HTTP",
        "rounds": rounds,
        **figures,
        "reach": "p95 < 1 s",
    }


def _rounds(ask: _Client, logins: DatabaseUrls, rng: np.random.Generator, rounds: int) -> dict[str, object]:
    spent: list[float] = []
    bare: list[float] = []
    inside: list[int] = []
    _picture(ask, SEAT, "night")
    for _ in range(rounds):
        places = [(float(rng.normal(SEAT[0], 0.03)), float(rng.normal(SEAT[1], 0.02))) for _ in range(A_ROUND)]
        for number, place in enumerate(places):
            spent.append(_picture(ask, place, ("night", "day")[number % 2]))
            count, took = asyncio.run(_count(logins, place))
            bare.append(took)
            inside.append(count)
    return {
        "picture_ms": spread(spent),
        "picture_p95_ms": _p95(spent),
        "bare_count_ms": spread(bare),
        "bare_count_p95_ms": _p95(bare),
        "ratio": round(float(np.median(spent) / np.median(bare)), 1),
        "buildings": [min(inside), max(inside)],
    }


def _picture(ask: _Client, place: tuple[float, float], day: str) -> float:
    inputs = {"place": list(place), "radii_m": [500.0, 1_000.0, RADIUS_M], "time": day}
    begun = time.perf_counter()
    ask.post("/processes/incident-picture/execution", {"inputs": inputs})
    return (time.perf_counter() - begun) * 1e3


async def _count(logins: DatabaseUrls, place: tuple[float, float]) -> tuple[int, float]:
    (lon, lat), (east_m, north_m) = place, DEGREE_M
    box = {"west": lon - RADIUS_M / east_m, "east": lon + RADIUS_M / east_m}
    box |= {"south": lat - RADIUS_M / north_m, "north": lat + RADIUS_M / north_m}
    async with _database(logins) as connection:
        begun = time.perf_counter()
        count = await connection.scalar(sa.text(COUNT), {**box, "lon": lon, "lat": lat, "radius": RADIUS_M})
        return int(count or 0), (time.perf_counter() - begun) * 1e3
