"""Ways over the county's roads: isochrones, nearest resources with routes, an evacuation.

Each round asks for one of each at a place of its own near the seat, and beside them, as calibration, the bare pgRouting
calls over a table of the same edges: what is reached in 15 minutes, 20 paths, and all times of an evacuation.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
import sqlalchemy as sa

from benchmarks.compliance_review import _Client
from benchmarks.county import county_folder, import_layers
from benchmarks.county_server import administrator_key, generalised
from benchmarks.machine import spread
from benchmarks.serving import county_data, server
from cim.store.deployment import DatabaseUrls, open_deployment

LAYERS = ["roads", "population", "shelters", "hospitals", "fire_stations", "rescue_teams"]
SEAT = (103.958, 30.985)
AREA_DEG = 0.0078
SHELTERS, ORIGINS, RESOURCES = 60, 250, 20
REACH = {
    "isochrone_ms": "< 1000",
    "nearest-resources_ms": "< 1000",
    "evacuation_ms": "< 5000",
}
_EDGES = """
CREATE TEMPORARY TABLE edges AS SELECT fid AS id, from_node AS source, to_node AS target, seconds AS cost,
    CASE WHEN oneway = 1 THEN -1 ELSE seconds END AS reverse_cost
FROM (SELECT *, length_m / (speed_kmh / 3.6) AS seconds FROM history.roads WHERE valid_to_version IS NULL) AS r;
ANALYZE edges
"""
_NEAR = """
SELECT from_node FROM history.roads WHERE valid_to_version IS NULL AND oneway = 0
ORDER BY geom <-> ST_SetSRID(ST_MakePoint(%s, %s), ST_SRID(geom)) LIMIT %s
"""
_FROM_TABLE = "SELECT id, source, target, cost, reverse_cost FROM edges"
_BARE = {
    "bare_isochrone_ms": f"SELECT * FROM pgr_drivingDistance('{_FROM_TABLE}', %(here)s::bigint, 900, true)",
    "bare_20_paths_ms": f"SELECT * FROM pgr_dijkstra('{_FROM_TABLE}', %(here)s::bigint, %(some)s::bigint[], true)",
    "bare_times_ms": f"SELECT * FROM pgr_dijkstraCost('{_FROM_TABLE}', %(gates)s::bigint[], %(homes)s::bigint[], true)",
}


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Measure in rounds on a county's data; each web process builds the network in its first answer, told apart."""
    with county_data(county, data) as (_, place):
        if data is None:
            import_layers(county_folder(county), place, LAYERS)
        generalised(place)
        with open_deployment(place) as deployment:
            deployment.migrate()
            with server(place) as (_, port):
                return _measured(_Client(port, administrator_key(deployment.logins)), deployment.logins, rounds)


def _measured(ask: _Client, logins: DatabaseUrls, rounds: int) -> dict[str, object]:
    rng = np.random.default_rng(4)
    url = sa.make_url(logins.writer_url).set(drivername="postgresql").render_as_string(hide_password=False)
    answers: list[dict[str, object]] = []
    taken: dict[str, list[float]] = {}
    with psycopg.connect(url, autocommit=True) as bare:
        bare.execute(_EDGES)
        first, _ = _round(ask, SEAT)
        _round(ask, SEAT)
        for _number in range(rounds):
            here = SEAT + rng.normal(0, 0.004, 2)
            found, told = _round(ask, here)
            answers.append(told)
            for name, value in {**found, **_bare_round(bare, here)}.items():
                taken.setdefault(name, []).append(value)
        edges = bare.execute("SELECT count(*) FROM edges").fetchone()
    return {
        "what": "analyses over HTTP, and bare calls over a table of the same road sections",
        "edges": edges and edges[0],
        "rounds": rounds,
        "first_ms": first,
        **{name: spread(values) for name, values in taken.items()},
        "answers": answers,
        "reach": REACH,
    }


def _round(ask: _Client, here: Any) -> tuple[dict[str, float], dict[str, object]]:
    """Milliseconds of each analysis at a place, and what they found."""
    point = {"type": "Point", "coordinates": [float(value) for value in here]}
    area = json.loads(shapely.to_geojson(shapely.Point(here).buffer(AREA_DEG)))
    asked: dict[str, dict[str, Any]] = {
        "isochrone": {"place": point, "minutes": [15]},
        "nearest-resources": {"place": point, "most": 5},
        "evacuation": {"area": area, "within_km": 60, "within_min": 600, "inside": True},
    }
    found, told = {}, {}
    for process, inputs in asked.items():
        begun = time.perf_counter()
        body = ask.post(f"/processes/{process}/execution", {"inputs": inputs})
        found[f"{process}_ms"] = (time.perf_counter() - begun) * 1e3
        told[process] = json.loads(body)["summary"]
    return found, {
        "nodes_in_15_min": told["isochrone"]["nodes"],
        "resources": told["nearest-resources"]["found"],
        "people": told["evacuation"]["people"],
        "served": told["evacuation"]["served"],
        "shelters_used": told["evacuation"]["shelters_used"],
    }


def _bare_round(bare: psycopg.Connection[tuple[Any, ...]], here: Any) -> dict[str, float]:
    near = [row[0] for row in bare.execute(_NEAR, (*map(float, here), 4 * ORIGINS)).fetchall()]
    values = {
        "here": near[0],
        "some": near[-RESOURCES:],
        "gates": near[:: len(near) // SHELTERS],
        "homes": near[:ORIGINS],
    }
    found = {}
    for name, statement in _BARE.items():
        begun = time.perf_counter()
        bare.execute(statement, values).fetchall()
        found[name] = (time.perf_counter() - begun) * 1e3
    return found
