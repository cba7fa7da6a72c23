"""Elements of building models asked for in polygons, over a thousand models and a million elements.

The rows are made by SQL in a database of their own. Each question goes over HTTP to a running server and, beside it, as
the bare SQL it comes down to, by the same login without row security's settings changed.
"""

import json
import random
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.machine import spread
from benchmarks.serving import server
from cim.store.deployment import open_deployment
from cim.store.migrating import migrate

MODELS, ELEMENTS_EACH = 1_000, 1_000
QUESTIONS = 100
REACH_RECORD_S, REACH_AREA_S = 0.1, 0.3
STEP_DEG = 0.001
WEST, SOUTH, ACROSS = 103.8, 30.9, 32
"""Models stand on a grid, about a hundred metres from each other."""

MADE = f"""
INSERT INTO cim.collection (id, geometry, srid, fields, grade, version, feature_count, kind, search_version, bbox)
SELECT 'm-' || n, 'Polygon', 4490, '[]', 'public', 1, {ELEMENTS_EACH}, 'model', 1, ARRAY[103.8, 30.9, 103.9, 31.0]
FROM generate_series(1, {MODELS}) AS n;
INSERT INTO bim.model (id, name, footprint, footprint_3857)
SELECT 'm-' || n, '楼' || n, shape, ST_Transform(shape, 3857) FROM (
    SELECT n, ST_Multi(ST_MakeEnvelope(x, y, x + 5e-4, y + 3e-4, 4490)) AS shape FROM (
        SELECT n, {WEST} + (n % {ACROSS}) * {STEP_DEG} AS x, {SOUTH} + (n / {ACROSS}) * {STEP_DEG} AS y
        FROM generate_series(1, {MODELS}) AS n) AS places) AS shapes;
INSERT INTO cim.version (layer, number, origin, author, feature_count)
SELECT 'm-' || n, 1, 'import', 'benchmark', {ELEMENTS_EACH} FROM generate_series(1, {MODELS}) AS n;
INSERT INTO bim.model_version (model, number, head)
SELECT 'm-' || n, 1, '{{"placement": {{"height_datum": null, "notes": []}}}}' FROM generate_series(1, {MODELS}) AS n;
INSERT INTO bim.element (model, global_id, kind, ifc_class, name, storey, storey_name, storey_number, materials,
    properties, quantities, outline, outline_3857, z_min_m, z_max_m, source_hash, valid_from_version)
SELECT model, global_id, 'element', class, class || ' ' || e, 'S' || storey, storey || '层', storey, ARRAY['砖'],
    CASE WHEN class = 'IfcDoor' THEN jsonb_build_object('Pset_DoorCommon', jsonb_build_object('FireRating',
        CASE WHEN e / 96 % 3 = 0 THEN '甲级' ELSE '乙级' END, 'FireExit', e % 2 = 0)) ELSE '{{}}' END,
    jsonb_build_object('Qto', jsonb_build_object('NetVolume', e % 10 + 0.5)), shape, ST_Transform(shape, 3857),
    storey * 3, storey * 3 + 3, decode(md5(global_id), 'hex'), 1
FROM (SELECT *, ST_MakeEnvelope(x, y, x + 2e-5, y + 1e-5, 4490) AS shape FROM (
    SELECT 'm-' || n AS model, left(encode(sha256(convert_to(n || '.' || e, 'UTF8')), 'hex'), 22) AS global_id,
        e, 1 + e % 12 AS storey, (ARRAY['IfcWall', 'IfcDoor', 'IfcWindow', 'IfcSlab', 'IfcColumn', 'IfcFurniture',
        'IfcPipeSegment', 'IfcBeam'])[1 + (e / 12) % 8] AS class,
        {WEST} + (n % {ACROSS}) * {STEP_DEG} + (e * 7 % 25) * 2e-5 AS x,
        {SOUTH} + (n / {ACROSS}) * {STEP_DEG} + (e * 11 % 30) * 1e-5 AS y
    FROM generate_series(1, {MODELS}) AS n, generate_series(1, {ELEMENTS_EACH}) AS e) AS placed) AS made;
ANALYZE bim.element; ANALYZE bim.model; ANALYZE cim.collection;
"""
BARE = """
SELECT global_id, name, properties, ST_AsGeoJSON(outline, 8, 0) FROM bim.element
WHERE valid_to_version IS NULL AND ifc_class = 'IfcDoor' AND storey_number = 3
  AND outline_3857 && ST_Transform(ST_SetSRID(ST_GeomFromGeoJSON(%(area)s), 4490), 3857)
  AND ST_Intersects(outline, ST_SetSRID(ST_GeomFromGeoJSON(%(area)s), 4490))
"""


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Fire doors of a storey in polygons of several sizes, records by GlobalId, and sums of quantities."""
    del county
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        place = data or Path(name) / "d"
        with open_deployment(place) as deployment:
            migrate(deployment.logins.owner_url)
            with psycopg.connect(_plain(deployment.logins.owner_url)) as connection:
                held = connection.execute("SELECT count(*) FROM bim.element").fetchone()
                if not held or not held[0]:
                    began = time.perf_counter()
                    connection.execute(MADE)
                    connection.commit()
                    made_s = time.perf_counter() - began
                else:
                    made_s = 0.0
            with server(place) as (_, port):
                return _figures(port, _plain(deployment.logins.writer_url), rounds) | {"made_s": made_s}


def _figures(port: int, url: str, rounds: int) -> dict[str, object]:
    chance = random.Random(6)
    found: dict[str, Any] = {}
    fire = {"class": "IfcDoor", "storey": 3, "property": "Pset_DoorCommon.FireRating=甲级", "limit": 100}
    for label, width in (("block", 3), ("quarter", 8), ("town", ACROSS)):
        areas = [_area(chance, width) for _ in range(QUESTIONS * rounds)]
        paths = [f"/elements?{urllib.parse.urlencode({**fire, 'area': area})}" for area in areas]
        found[f"fire_doors_in_a_{label}"] = _timed(port, paths) | {"bare": _bare(url, areas)}
    everything = [f"/elements?{urllib.parse.urlencode({'limit': 100, 'area': _area(chance, 3)})}" for _ in range(50)]
    found["all_elements_in_a_block"] = _timed(port, everything)
    sums = [f"/quantities?{urllib.parse.urlencode({'by': 'class', 'area': _area(chance, 3)})}" for _ in range(50)]
    found["quantities_in_a_block"] = _timed(port, sums)
    records = []
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT model, global_id FROM bim.element TABLESAMPLE SYSTEM (0.2)").fetchall()
    for model, global_id in chance.sample(rows, min(QUESTIONS, len(rows))):
        records.append(f"/models/{model}/elements/{urllib.parse.quote(global_id, safe='')}")
    found["record"] = _timed(port, records)
    slowest = max(found[f"fire_doors_in_a_{label}"]["p95_s"] for label in ("block", "quarter", "town"))
    return {
        "what": f"{MODELS} models of {ELEMENTS_EACH} elements, asked over HTTP as anonymous",
        **found,
        "reach": f"record p95 < {REACH_RECORD_S} s, elements in a polygon p95 < {REACH_AREA_S} s",
        "reached": found["record"]["p95_s"] < REACH_RECORD_S and slowest < REACH_AREA_S,
    }


def _area(chance: random.Random, width: int) -> str:
    """A slanted square over about ``width`` by ``width`` models, as GeoJSON."""
    x = WEST + chance.uniform(0, max(0.0, ACROSS - width)) * STEP_DEG
    y = SOUTH + chance.uniform(0, max(0.0, ACROSS - width)) * STEP_DEG
    side, slant = width * STEP_DEG, width * STEP_DEG * 0.1
    ring = [[x, y], [x + side, y + slant], [x + side - slant, y + side], [x - slant, y + side - slant], [x, y]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def _timed(port: int, paths: list[str]) -> dict[str, Any]:
    seconds, matched = [], []
    for path in paths:
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            document = json.load(answer)
        seconds.append(time.perf_counter() - began)
        matched.append(document.get("numberMatched", 1))
    return _percentiles(seconds) | {"matched_median": statistics.median(matched)}


def _bare(url: str, areas: list[str]) -> dict[str, Any]:
    seconds = []
    with psycopg.connect(url) as connection:
        for area in areas:
            began = time.perf_counter()
            connection.execute(BARE, {"area": area}).fetchall()
            seconds.append(time.perf_counter() - began)
    return _percentiles(seconds)


def _percentiles(seconds: list[float]) -> dict[str, Any]:
    ordered = sorted(seconds)
    return {
        "questions": len(ordered),
        "p95_s": ordered[int(len(ordered) * 0.95)],
        **{f"{name}_s": value for name, value in spread(ordered).items()},
    }


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
