"""Reviews of red lines against the county's land and control layers, by a running server; and the overlay alone.

Each round asks for red lines of 50 ha and 1 000 ha at places of its own and for one report, and measures beside them
the bare SQL of the same overlay, custom plans and all. Last a season of change patches runs as a job. The overlay is
compared with ``geopandas.overlay`` on features both have in memory: those near the site, and the whole layer.
"""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.county import county_folder, import_layers
from benchmarks.county_server import administrator_key
from benchmarks.machine import spread
from benchmarks.serving import county_data, server
from cim.analysis.overlay import overlay
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls, open_deployment

LAYERS = [
    "admin_county",
    "land_status",
    "basic_farmland",
    "eco_redline",
    "urban_boundary",
    "plan_parcels",
    "geohazards",
    "flash_flood_zones",
]
SMALL_HA, LARGE_HA = 50, 1_000
SMALL_A_ROUND, LARGE_A_ROUND, REPEATS = 20, 2, 12
PATCHES = 5_000
DEGREE_M = (95_500.0, 110_900.0)
PLAIN = (103.85, 30.96, 104.10, 31.06)
COUNTY = (103.72, 30.93, 104.12, 31.38)
SQL = """
WITH site AS MATERIALIZED (SELECT ST_GeomFromText(:site, 4490) AS geom,
    ST_Transform(ST_GeomFromText(:site, 4490), 3857) AS geom_3857)
SELECT l."DLBM", sum(ST_Area(CASE WHEN ST_CoveredBy(l.geom_4490, s.geom) THEN l.geom_4490
    ELSE ST_Intersection(l.geom_4490, s.geom) END::geography))
FROM site s JOIN history.land_status l ON l.valid_to_version IS NULL AND l.geom_3857 && s.geom_3857
    AND ST_Intersects(l.geom_4490, s.geom) GROUP BY 1
"""
NEAR = 'SELECT "DLBM", ST_AsBinary(geom_4490) FROM history.land_status WHERE valid_to_version IS NULL'


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Milliseconds of reviews with and without a report, ratios of the overlay, seconds of a batch."""
    rng = np.random.default_rng(50)
    with county_data(county, data) as (_, place):
        if data is None:
            import_layers(county_folder(county), place, LAYERS)
        with open_deployment(place) as deployment:
            deployment.migrate()
            with server(place) as (_, port):
                ask = _Client(port, administrator_key(deployment.logins))
                figures = _rounds(ask, deployment.logins, rng, rounds)
                batch_s = _batch(ask, rng)
            ratios = asyncio.run(_overlays(deployment.logins, rng))
    return {
        "what": f"compliance review over HTTP, red lines of {SMALL_HA} and {LARGE_HA} ha, {PATCHES} patches as a job",
        "rounds": rounds,
        **figures,
        "batch_s": round(batch_s, 1),
        **ratios,
        "reach": "50 ha p95 <= 150 ms, with report < 3 s; 1000 ha < 3 s; 5000 patches <= 60 s; overlay >= 20x",
    }


class _Client:
    """Asks the running server with an administrator's key."""

    def __init__(self, port: int, key: str) -> None:
        self._base, self._key = f"http://127.0.0.1:{port}", key

    def post(self, path: str, body: Any) -> bytes:
        return self._send(path, json.dumps(body).encode())

    def get(self, path: str) -> Any:
        return json.loads(self._send(path, None))

    def _send(self, path: str, body: bytes | None) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._base + path, body, headers)
        with urllib.request.urlopen(request, timeout=300) as answer:
            found: bytes = answer.read()
        return found


def _rounds(ask: _Client, logins: DatabaseUrls, rng: np.random.Generator, rounds: int) -> dict[str, object]:
    small: list[float] = []
    report: list[float] = []
    large: list[float] = []
    bare: list[float] = []
    _review(ask, _site(rng, SMALL_HA, PLAIN))
    _review(ask, _site(rng, SMALL_HA, PLAIN), "?f=pdf")
    for _ in range(rounds):
        sites = [_site(rng, SMALL_HA, PLAIN) for _ in range(SMALL_A_ROUND)]
        small += [_review(ask, site) for site in sites]
        bare += asyncio.run(_bare(logins, sites))
        report.append(_review(ask, sites[0], "?f=pdf"))
        large += [_review(ask, _site(rng, LARGE_HA, PLAIN)) for _ in range(LARGE_A_ROUND)]
    return {
        "review_50ha_ms": spread(small),
        "review_50ha_p95_ms": _p95(small),
        "bare_sql_50ha_ms": spread(bare),
        "bare_sql_50ha_p95_ms": _p95(bare),
        "report_pdf_50ha_ms": spread(report),
        "review_1000ha_ms": spread(large),
    }


def _p95(values: list[float]) -> float:
    return round(float(np.quantile(values, 0.95)), 1)


def _site(rng: np.random.Generator, hectares: float, within: tuple[float, float, float, float]) -> shapely.Polygon:
    """A red line of about so many hectares: a ring of 12 corners, no two alike."""
    west, south, east, north = within
    lon, lat = rng.uniform(west, east), rng.uniform(south, north)
    angle = np.linspace(0, 2 * np.pi, 13)[:-1] + rng.uniform(0, 0.4)
    reach_m = np.sqrt(hectares * 1e4 / np.pi) * rng.uniform(0.9, 1.15, 12)
    ring = np.column_stack([lon + reach_m * np.cos(angle) / DEGREE_M[0], lat + reach_m * np.sin(angle) / DEGREE_M[1]])
    return shapely.Polygon(ring)


def _review(ask: _Client, site: shapely.Polygon, form: str = "") -> float:
    inputs = {"area": json.loads(shapely.to_geojson(site)), "use": "0901", "far": 2, "height_m": 50}
    begun = time.perf_counter()
    ask.post(f"/processes/compliance-review/execution{form}", {"inputs": inputs})
    return (time.perf_counter() - begun) * 1e3


async def _bare(logins: DatabaseUrls, sites: list[shapely.Polygon]) -> list[float]:
    spent = []
    async with _database(logins) as connection:
        for site in sites:
            begun = time.perf_counter()
            (await connection.execute(sa.text(SQL), {"site": site.wkt})).all()
            spent.append((time.perf_counter() - begun) * 1e3)
    return spent


def _batch(ask: _Client, rng: np.random.Generator) -> float:
    """Seconds from asking for the review of all patches until its job has ended."""
    features = [
        {"type": "Feature", "geometry": json.loads(shapely.to_geojson(patch)), "properties": {"parcel_no": str(number)}}
        for number, patch in enumerate(_site(rng, float(rng.uniform(0.03, 1.5)), COUNTY) for _ in range(PATCHES))
    ]
    red_line = json.loads(ask.post("/redlines?apart=true", {"type": "FeatureCollection", "features": features}))["id"]
    begun = time.perf_counter()
    job = json.loads(ask.post("/processes/compliance-review-batch/execution", {"inputs": {"area": red_line}}))["jobID"]
    while (status := ask.get(f"/jobs/{job}"))["status"] in ("accepted", "running"):
        time.sleep(0.2)
    spent = time.perf_counter() - begun
    if status["status"] != "successful":
        raise RuntimeError(f"the batch ended {status['status']}: {status['message']}")
    return spent


async def _overlays(logins: DatabaseUrls, rng: np.random.Generator) -> dict[str, object]:
    """Our overlay and geopandas' on the same features in memory, and after many repetitions."""
    import geopandas  # noqa: PLC0415 - only here

    site = np.array([_site(rng, SMALL_HA, PLAIN)], dtype=object)
    async with _database(logins) as connection:
        rows = (await connection.execute(sa.text(NEAR))).all()
    classes = np.array([row[0] for row in rows], dtype=object)
    shapes = np.asarray(shapely.from_wkb(np.array([bytes(row[1]) for row in rows], dtype=object)))
    near = shapely.intersects(shapely.box(*shapely.total_bounds(site)), shapely.envelope(shapes))
    frame = geopandas.GeoDataFrame({"DLBM": classes}, geometry=shapes, crs=4490)
    window = geopandas.GeoDataFrame({"site": [1]}, geometry=site, crs=4490)
    selected = frame[near]
    ours: list[float] = []
    theirs: list[float] = []
    whole: list[float] = []
    for number in range(REPEATS):
        ours.append(_timed(lambda: overlay(site, shapes[near], 4490)))
        theirs.append(_timed(lambda: geopandas.overlay(window, selected, how="intersection")))
        if number % 4 == 0:
            whole.append(_timed(lambda: geopandas.overlay(window, frame, how="intersection")))
    return {
        "overlay_ms": spread(ours),
        "overlay_after_six_ms": spread(ours[6:]),
        "geopandas_selected_ms": spread(theirs),
        "geopandas_loaded_ms": spread(whole),
        "ratio_selected": round(float(np.median(theirs) / np.median(ours)), 1),
        "ratio_loaded": round(float(np.median(whole) / np.median(ours)), 1),
        "features_near": int(near.sum()),
        "features": len(shapes),
    }


def _timed(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3


@asynccontextmanager
async def _database(logins: DatabaseUrls) -> AsyncIterator[AsyncConnection]:
    """A connection that sees every row while the block runs."""
    database = Database(logins.reader_url, logins.writer_url, pool_size=2)
    async with database.writing("benchmark", timeout_ms=0) as connection:
        yield connection
    await database.close()
