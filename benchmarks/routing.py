"""Ways over the county's roads, by a running server: isochrones, nearest resources with routes, an evacuation.

Each round asks for one of each at a place of its own near the seat, and beside them, as calibration, the bare pgRouting
calls over a table of the same edges: what is reached in 15 minutes, 20 paths, and all times of an evacuation.
"""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
import sqlalchemy as sa

from benchmarks.county import county_folder, import_layers
from benchmarks.county_server import administrator_key
from benchmarks.machine import spread
from benchmarks.serving import county_data, server
from cim.store.deployment import open_deployment

LAYERS = ["roads", "population", "shelters", "hospitals", "fire_stations", "rescue_teams"]
SEAT = (103.958, 30.985)
AREA_DEG = 0.0078
SHELTERS, ORIGINS, RESOURCES = 60, 250, 20
REACH = {"isochrone_ms": "< 1000", "nearest_20_ms": "< 1000", "evacuation_ms": "< 5000, 20 000 people, 60 shelters"}
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
    """Serve the county and measure in rounds; the first, in which the network is built, is told apart."""
    rng = np.random.default_rng(4)
    with county_data(county, data) as (_, place):
        import_layers(county_folder(county), place, LAYERS)
        with open_deployment(place) as deployment:
            deployment.migrate()
            url = sa.make_url(deployment.logins.owner_url).set(drivername="postgresql")
            with (
                server(place) as (_, port),
                psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as bare,
            ):
                bare.execute(_EDGES)
                ask = _Asking(port, administrator_key(deployment.logins))
                first = ask.round(SEAT)
                taken: dict[str, list[float]] = {}
                for _number in range(rounds):
                    here = SEAT + rng.normal(0, 0.004, 2)
                    for name, value in {**ask.round(here), **_bare_round(bare, here)}.items():
                        taken.setdefault(name, []).append(value)
    return {
        "what": f"analyses over HTTP on {ask.edges} road sections; bare calls read a table of them",
        "rounds": rounds,
        "first_ms": first,
        **{name: spread(values) for name, values in taken.items()},
        "answers": ask.told,
        "reach": REACH,
    }


class _Asking:
    """Asks the running server with an administrator's key."""

    def __init__(self, port: int, key: str) -> None:
        self._base, self._key = f"http://127.0.0.1:{port}", key
        self.told: list[dict[str, Any]] = []
        self.edges = len(self._roads())

    def _roads(self) -> range:
        return range(int(self._get("/collections/roads/items?limit=1")["numberMatched"]))

    def round(self, here: Any) -> dict[str, float]:
        """Milliseconds of each analysis at a place."""
        point = {"type": "Point", "coordinates": [float(value) for value in here]}
        area = json.loads(shapely.to_geojson(shapely.Point(here).buffer(AREA_DEG)))
        asked = {
            "isochrone_ms": ("isochrone", {"place": point, "minutes": [15]}),
            "nearest_20_ms": ("nearest-resources", {"place": point, "most": 5}),
            "evacuation_ms": ("evacuation", {"area": area, "within_km": 60, "within_min": 600, "inside": True}),
        }
        found, told = {}, {}
        for name, (process, inputs) in asked.items():
            begun = time.perf_counter()
            answer = self._post(f"/processes/{process}/execution", {"inputs": inputs})
            found[name] = (time.perf_counter() - begun) * 1e3
            told[process] = answer["summary"]
        self.told.append(
            {
                "nodes_in_15_min": told["isochrone"]["nodes"],
                "resources": told["nearest-resources"]["found"],
                "people": told["evacuation"]["people"],
                "served": told["evacuation"]["served"],
                "shelters_used": told["evacuation"]["shelters_used"],
            }
        )
        return found

    def _post(self, path: str, body: Any) -> Any:
        return self._send(path, json.dumps(body).encode())

    def _get(self, path: str) -> Any:
        return self._send(path, None)

    def _send(self, path: str, body: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._base + path, body, headers)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)


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
