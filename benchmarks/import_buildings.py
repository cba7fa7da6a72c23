"""Import of the county's buildings to the visible version, against geopandas.to_postgis and ogr2ogr (COPY).

Each peer also gets the columns and indexes our table has: key, content hash, version, Web Mercator geometry, primary
key, unique key, GiST. All work on one private cluster, interleaved; contents are compared by hash. ``cim`` and
``to_postgis`` are timed inside a running Python, from the call to the visible table; ``cim_command`` is the whole
command line with its start, as ``ogr2ogr`` is a whole process.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pyogrio
import sqlalchemy as sa

from benchmarks.county import county_folder, layer_file
from benchmarks.machine import children, proportional_mb, spread
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins, create_database, prepare_database

FINISH = """
CREATE TABLE {name} AS SELECT row_number() OVER ()::bigint AS fid, building_code AS key,
    decode(md5(t::text), 'hex') AS content_hash, 1 AS valid_from_version, NULL::int AS valid_to_version, {columns},
    ST_Multi(geom) AS geom, ST_Multi(ST_Transform(geom, 3857)) AS geom_3857 FROM {source} t;
DROP TABLE {source};
ALTER TABLE {name} ADD PRIMARY KEY (fid, valid_from_version);
CREATE UNIQUE INDEX ON {name} (key) WHERE valid_to_version IS NULL;
CREATE INDEX ON {name} USING gist (geom_3857) WHERE valid_to_version IS NULL;
ANALYZE {name};
"""
HASH = "SELECT md5(string_agg(md5(row({columns}, ST_AsBinary(geom))::text), '' ORDER BY building_code)) FROM {name}"


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Seconds of each way in every round, the ratios, and our peak memory."""
    path = layer_file(county_folder(county), "buildings")
    fields = [str(name) for name in pyogrio.read_info(path)["fields"]]
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Cluster(folder / "d") as logins:
            with logins.connect_admin("postgres") as admin:
                create_database(admin, "peer")
            peer = logins.for_database("peer")
            with peer.connect_admin() as admin:
                prepare_database(admin)
            return _rounds(folder / "d", path, fields, rounds, logins, peer)


def _rounds(data: Path, path: Path, fields: list[str], rounds: int, ours: Logins, peer: Logins) -> dict[str, object]:
    columns = ", ".join(f'"{field}"' for field in fields)
    seconds: dict[str, list[float]] = {
        "cim": [],
        "cim_command": [],
        "ogr2ogr": [],
        "to_postgis": [],
        "copy_calibration": [],
    }
    memory: list[float] = []
    hashes: dict[str, set[str]] = {"cim": set(), "ogr2ogr": set(), "to_postgis": set()}
    _import(data, path, "warm_up")
    for number in range(rounds):
        begun = time.perf_counter()
        inside, most = _import(data, path, f"b{number}")
        seconds["cim_command"].append(time.perf_counter() - begun)
        seconds["cim"].append(inside)
        memory.append(most)
        hashes["cim"].add(_value(ours, HASH.format(columns=columns, name=f"history.b{number}")))
        for way, load in (("ogr2ogr", _ogr2ogr), ("to_postgis", _to_postgis)):
            seconds[way].append(_timed(partial(_peer, load, path, peer, columns)))
            hashes[way].add(_value(peer, HASH.format(columns=columns, name="built")))
        seconds["copy_calibration"].append(_timed(lambda: _bare_copy(peer)))
        with peer.connect_admin() as admin:
            admin.execute("DROP TABLE built")
        with ours.connect_admin() as admin:
            admin.execute(f"DROP VIEW city.b{number}; DROP TABLE history.b{number}")
    ratios = {
        way: spread([b / a for a, b in zip(seconds["cim"], seconds[way], strict=True)])
        for way in ("ogr2ogr", "to_postgis")
    }
    return {
        "what": "buildings GeoPackage to the visible version; peers with the same columns and indexes",
        "features": pyogrio.read_info(path)["features"],
        "rounds": rounds,
        "seconds": {way: spread(values) for way, values in seconds.items()},
        "times_faster_than": ratios,
        "contents_equal_ogr2ogr": hashes["cim"] == hashes["ogr2ogr"],
        "contents_equal_to_postgis": hashes["cim"] == hashes["to_postgis"],
        "note": "to_postgis writes empty texts as NULL; contents differ from it where the source has empty texts",
        "peak_memory_mb": spread(memory),
        "reach": ">= 3x to_postgis, >= 1.0x ogr2ogr, < 600 MB",
        "reached": ratios["to_postgis"]["median"] >= 3
        and ratios["ogr2ogr"]["median"] >= 1
        and max(memory) < 600
        and hashes["cim"] == hashes["ogr2ogr"],
    }


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


DRIVER = """
import asyncio, sys, time
from pathlib import Path
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.migrating import migrate
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

async def work(logins):
    database = Database(logins.reader_url, logins.writer_url)
    catalog = load_catalog()
    request = ImportRequest(Path(sys.argv[1]), "benchmark", "administrator", sys.argv[2], key="building_code")
    begun = time.perf_counter()
    (report,) = await import_file(database, catalog, request)
    print(time.perf_counter() - begun if report.status == "published" else report.message)
    await database.close()

with Cluster(Path(sys.argv[3])) as logins:
    migrate(logins.owner_url)
    asyncio.run(work(logins))
"""


def _import(data: Path, path: Path, layer: str) -> tuple[float, float]:
    """Import as a new layer; returns the seconds of the import alone and the MB all its processes held at most."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path), layer, str(data)], stdout=subprocess.PIPE, text=True
    )
    most = [0.0]
    threading.Thread(target=_watch, args=(process.pid, most), daemon=True).start()
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the import failed")
    return float(output), most[0]


def _watch(pid: int, most: list[float]) -> None:
    while True:
        try:
            most[0] = max(most[0], sum(proportional_mb(child) for child in children(pid)))
        except OSError:
            return
        time.sleep(0.05)


def _peer(load: Callable[[Path, Logins], None], path: Path, peer: Logins, columns: str) -> None:
    with peer.connect_admin() as admin:
        admin.execute("DROP TABLE IF EXISTS built, loaded")
    load(path, peer)
    with peer.connect_admin() as admin:
        admin.execute(FINISH.format(name="built", source="loaded", columns=columns))


def _ogr2ogr(path: Path, peer: Logins) -> None:
    address = f"PG:host={peer.socket_dir} port={peer.port} dbname={peer.database} user=cim_admin"
    command = ["ogr2ogr", "-f", "PostgreSQL", address, str(path), "-nln", "loaded", "-lco", "GEOMETRY_NAME=geom"]
    command += ["-lco", "SPATIAL_INDEX=NONE", "-lco", "LAUNDER=NO", "-lco", "UNLOGGED=NO", "-gt", "unlimited"]
    environment = {**os.environ, "PG_USE_COPY": "YES", "PGPASSWORD": peer.passwords["cim_admin"]}
    subprocess.run(command, check=True, env=environment, capture_output=True)


def _to_postgis(path: Path, peer: Logins) -> None:
    engine = sa.create_engine(peer.admin_url)
    frame = pyogrio.read_dataframe(path).rename_geometry("geom")
    frame.to_postgis("loaded", engine, chunksize=50_000)
    engine.dispose()


def _bare_copy(peer: Logins) -> None:
    """The same rows through server-side binary COPY, out and in again: what the disk and the parser cost alone."""
    with peer.connect_admin() as admin, admin.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE bare AS SELECT * FROM built LIMIT 0")
        with (
            peer.connect_admin() as reader,
            reader.cursor() as source,
            source.copy("COPY built TO STDOUT (FORMAT BINARY)") as out,
            cursor.copy("COPY bare FROM STDIN (FORMAT BINARY)") as into,
        ):
            for chunk in out:
                into.write(chunk)


def _value(logins: Logins, query: str) -> str:
    with logins.connect_admin() as admin:
        row = admin.execute(psycopg.sql.SQL(query)).fetchone()
    return str(row[0]) if row else ""
