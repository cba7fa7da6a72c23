"""Import of the county's parcels to the visible version with every check, against bare COPY; without, against ogr2ogr.

``checked`` and ``unchecked`` are timed inside a running Python until the version is visible; the search index follows.
The bare COPY moves the same finished rows, with all their geometry columns, out of one table and into another.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.county import county_folder, layer_file
from benchmarks.machine import spread
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins, create_database, prepare_database

FINISH = """
CREATE TABLE built AS SELECT row_number() OVER ()::bigint AS fid, bsm AS key,
    decode(md5(t::text), 'hex') AS content_hash, 1 AS valid_from_version, NULL::int AS valid_to_version,
    t.*, ST_Transform(geom, 3857) AS geom_3857,
    ST_Transform(geom, 4490) AS geom_4490 FROM loaded t;
DROP TABLE loaded;
ALTER TABLE built ADD PRIMARY KEY (fid, valid_from_version);
CREATE UNIQUE INDEX ON built (key) WHERE valid_to_version IS NULL;
CREATE INDEX ON built USING gist (geom_3857) WHERE valid_to_version IS NULL;
ANALYZE built;
"""
DRIVER = """
import asyncio, dataclasses, json, sys, time
from pathlib import Path
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.migrating import migrate
import importers.run
from importers.importer import ReadOptions
from layers.catalog import load_catalog

async def work(logins):
    database = Database(logins.reader_url, logins.writer_url)
    catalog = load_catalog()
    definition = catalog.layers["land_status"].model_copy(update={"id": sys.argv[2], "search": ()})
    if sys.argv[4] == "unchecked":
        definition = definition.model_copy(update={"quality": ()})
    catalog = dataclasses.replace(catalog, layers={**catalog.layers, sys.argv[2]: definition})
    options = ReadOptions(trust_file=True)
    county = Path(sys.argv[1]).parent / "admin_county.geojson"
    request = importers.run.ImportRequest(county, "b", "administrator", options=options)
    await importers.run.import_file(database, catalog, request)
    request = importers.run.ImportRequest(Path(sys.argv[1]), "b", "administrator", sys.argv[2], options=options)
    begun = time.perf_counter()
    (report,) = await importers.run.import_file(database, catalog, request)
    took = time.perf_counter() - begun
    checks = {check.rule: [check.examined, check.count] for check in report.checks}
    print(json.dumps({"seconds": took, "status": report.status, "checks": checks}))
    await database.close()

with Cluster(Path(sys.argv[3])) as logins:
    migrate(logins.owner_url)
    asyncio.run(work(logins))
"""


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Seconds of each way in every round, and the two ratios."""
    path = layer_file(county_folder(county), "land_status")
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Cluster(folder / "d") as ours:
            with ours.connect_admin("postgres") as admin:
                create_database(admin, "peer")
            peer = ours.for_database("peer")
            with peer.connect_admin() as admin:
                prepare_database(admin)
            return _rounds(folder / "d", path, rounds, ours, peer)


def _rounds(data: Path, path: Path, rounds: int, ours: Logins, peer: Logins) -> dict[str, object]:
    seconds: dict[str, list[float]] = {"checked": [], "unchecked": [], "ogr2ogr": [], "bare_copy": []}
    checks: object = None
    for number in range(rounds):
        for way in ("checked", "unchecked"):
            layer = f"{way}{number}"
            result = _import(data, path, layer, way)
            seconds[way].append(float(str(result["seconds"])))
            checks = result["checks"] if way == "checked" else checks
        seconds["bare_copy"].append(_bare_copy(ours, f"history.checked{number}"))
        seconds["ogr2ogr"].append(_ogr2ogr(path, peer))
        with ours.connect_admin() as admin:
            for way in ("checked", "unchecked"):
                admin.execute(f"DROP VIEW city.{way}{number}; DROP TABLE history.{way}{number}".encode())
    share = spread([b / a for a, b in zip(seconds["checked"], seconds["bare_copy"], strict=True)])
    faster = spread([b / a for a, b in zip(seconds["unchecked"], seconds["ogr2ogr"], strict=True)])
    return {
        "what": "parcels Shapefile (GBK, EPSG:4523) to the visible version",
        "rounds": rounds,
        "seconds": {way: spread(values) for way, values in seconds.items()},
        "checked_share_of_bare_copy": share,
        "unchecked_times_faster_than_ogr2ogr": faster,
        "checks_examined_and_wrong": checks,
        "reach": "checked >= 0.10 of bare COPY, no false alarm; unchecked >= 1.2x ogr2ogr",
        "reached": share["median"] >= 0.10 and faster["median"] >= 1.2,
    }


def _import(data: Path, path: Path, layer: str, way: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(path), layer, str(data), way], stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    if answer["status"] != "published":
        raise RuntimeError(f"the import ended {answer['status']}")
    return answer


def _ogr2ogr(path: Path, peer: Logins) -> float:
    with peer.connect_admin() as admin:
        admin.execute("DROP TABLE IF EXISTS built, loaded")
    address = f"PG:host={peer.socket_dir} port={peer.port} dbname={peer.database} user=cim_admin"
    command = ["ogr2ogr", "-f", "PostgreSQL", address, str(path), "-nln", "loaded", "-lco", "GEOMETRY_NAME=geom"]
    command += ["-lco", "SPATIAL_INDEX=NONE", "-lco", "FID=ogc_fid", "-nlt", "PROMOTE_TO_MULTI", "-gt", "unlimited"]
    command += ["-a_srs", "EPSG:4523"]
    environment = {**os.environ, "PG_USE_COPY": "YES", "PGPASSWORD": peer.passwords["cim_admin"]}
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=environment, capture_output=True)
    with peer.connect_admin() as admin:
        admin.execute(FINISH)
    return time.perf_counter() - begun


def _bare_copy(logins: Logins, table: str) -> float:
    """The same rows through binary COPY, out and in again."""
    begun = time.perf_counter()
    with logins.connect_admin() as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE bare AS SELECT * FROM {table} LIMIT 0".encode())
        with logins.connect_admin() as reader, reader.cursor() as source:
            _pour(source, cursor, table)
    return time.perf_counter() - begun


def _pour(source: psycopg.Cursor[tuple[object, ...]], into: psycopg.Cursor[tuple[object, ...]], table: str) -> None:
    with (
        source.copy(f"COPY {table} TO STDOUT (FORMAT BINARY)".encode()) as out,
        into.copy("COPY bare FROM STDIN (FORMAT BINARY)") as target,
    ):
        for chunk in out:
            target.write(chunk)
