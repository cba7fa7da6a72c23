"""Other tile servers over the same database, each in an environment of its own outside the project.

``python -m benchmarks.peers`` installs what is missing: tipg from PyPI, Martin by ``cargo install``, MapServer from
Debian. They see a role and a schema of their own, with a copy of each layer as it would be made for them: Web Mercator
geometry, a primary key, a spatial index, and the same attributes as our tiles. Caches are off and limits on features
lifted, so that all give the same content; what was set stands in the result.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from cim.store.cluster_logins import Logins

HOME = Path(os.environ.get("CIM_PEERS", Path.home() / ".cache" / "onemap-cim-peers"))
MARTIN = HOME / "martin" / "bin" / "martin"
MARTIN_VERSION = "1.14.0"
"""The newest that builds with the Rust of 2026-03."""
ROLE, SCHEMA = "peer", "peer"
NO_LIMIT = 10_000_000
BUFFER = 64


class PeerAbsent(Exception):
    """A peer is not installed here; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class PeerDatabase:
    """Where a peer finds its tables: host is the folder of the socket."""

    host: str
    port: int
    name: str
    password: str

    @property
    def words(self) -> str:
        """As libpq's keywords."""
        return f"host={self.host} port={self.port} dbname={self.name} user={ROLE} password={self.password}"


@dataclass(frozen=True, slots=True)
class PeerLayer:
    """A layer as peers see it: attributes their tiles carry."""

    id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer: its address template with {layer}, {z}, {x}, {y}, its process, version and settings."""

    name: str
    template: str
    pid: int
    version: str
    settings: str


def prepare(logins: Logins, layers: Sequence[PeerLayer]) -> PeerDatabase:
    """Make the role, the schema and the tables of the peers."""
    password = secrets.token_urlsafe(16)
    with logins.connect_admin() as admin:
        admin.autocommit = True
        admin.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
        if not admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
        admin.execute(alter.format(sql.Identifier(ROLE), sql.Literal(password)))
        admin.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(SCHEMA), sql.Identifier(ROLE)))
        connect = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}")
        admin.execute(connect.format(sql.Identifier(logins.database), sql.Identifier(ROLE)))
        for layer in layers:
            _copy_table(admin, layer)
    return PeerDatabase(str(logins.socket_dir), logins.port, logins.database, password)


def _copy_table(admin: psycopg.Connection[tuple[object, ...]], layer: PeerLayer) -> None:
    target, source = sql.Identifier(SCHEMA, layer.id), sql.Identifier("history", layer.id)
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in layer.fields)
    kind = admin.execute("SELECT geometry FROM cim.collection WHERE id = %s", [layer.id]).fetchone()
    if kind is None:
        raise LookupError(layer.id)
    shape = sql.SQL("geometry({}, 3857)").format(sql.SQL(str(kind[0])))
    made = "CREATE TABLE {target} AS SELECT fid::int AS fid, {columns}, geom_3857::{shape} AS geom FROM {source}"
    for statement in (
        f"{made} WHERE valid_to_version IS NULL",
        "ALTER TABLE {target} ADD PRIMARY KEY (fid)",
        "CREATE INDEX ON {target} USING gist (geom)",
        "ALTER TABLE {target} OWNER TO {role}",
        "ANALYZE {target}",
    ):
        composed = sql.SQL(statement).format(
            target=target, source=source, columns=columns, shape=shape, role=sql.Identifier(ROLE)
        )
        admin.execute(composed)


def general_functions(logins: Logins, layers: Sequence[PeerLayer]) -> None:
    """Functions ``peer.<layer>_general(z, x, y)`` that give a tile of our generalised content."""
    with logins.connect_admin() as admin:
        admin.autocommit = True
        for layer in layers:
            source = sql.Identifier("general", layer.id)
            function = sql.Identifier(SCHEMA, f"{layer.id}_general")
            body = sql.SQL(_GENERAL).format(function=function, source=source, layer=sql.Literal(layer.id))
            admin.execute(body)
            admin.execute(sql.SQL("ALTER FUNCTION {}(int, int, int) OWNER TO cim_admin").format(function))
            admin.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, sql.Identifier(ROLE)))


_GENERAL = """
CREATE FUNCTION {function}(z int, x int, y int) RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER AS $$
    WITH rows AS (
        SELECT fid, attributes, ST_AsMVTGeom(geom_3857, ST_TileEnvelope(z, x, y), 4096, 64, true) AS mvt_geom
        FROM {source} WHERE zoom = z AND geom_3857 && ST_TileEnvelope(z, x, y, margin => 64.0 / 4096)
    ) SELECT ST_AsMVT(rows, {layer}, 4096, 'mvt_geom', 'fid') FROM rows WHERE mvt_geom IS NOT NULL
$$
"""


@contextmanager
def martin(
    database: PeerDatabase, layers: Sequence[PeerLayer], folder: Path, *, general: bool = False, cache_mb: int = 0
) -> Iterator[Peer]:
    """Martin with two connections and no cap, over the full tables or over our generalised content."""
    program = MARTIN
    if not program.exists():
        raise PeerAbsent("Martin is not installed: python -m benchmarks.peers martin")
    port = free_port()
    config = folder / "martin.yaml"
    sources = _martin_functions(layers) if general else _martin_tables(layers)
    config.write_text(
        f"listen_addresses: '127.0.0.1:{port}'\nworker_processes: 2\ncache_size_mb: {cache_mb}\npostgres:\n"
        f"  connection_string: '{database.words}'\n  pool_size: 2\n  max_feature_count: null\n  auto_publish: false\n"
        f"{sources}",
        "utf-8",
    )
    version = _output([str(program), "--version"])
    settings = f"2 workers, pool 2, cache {cache_mb} MB, max_feature_count none"
    with _running(
        [str(program), "--config", str(config)], folder / "martin.log", f"http://127.0.0.1:{port}/health"
    ) as pid:
        name = "martin_general" if general else "martin"
        yield Peer(name, f"http://127.0.0.1:{port}/{{layer}}/{{z}}/{{x}}/{{y}}", pid, version, settings)


def _martin_tables(layers: Sequence[PeerLayer]) -> str:
    return "  tables:\n" + "".join(
        f"    {layer.id}:\n      schema: {SCHEMA}\n      table: {layer.id}\n      srid: 3857\n"
        f"      geometry_column: geom\n      id_column: fid\n      buffer: {BUFFER}\n      extent: 4096\n"
        "      properties:\n" + "".join(f"        {name}: text\n" for name in layer.fields)
        for layer in layers
    )


def _martin_functions(layers: Sequence[PeerLayer]) -> str:
    return "  functions:\n" + "".join(
        f"    {layer.id}:\n      schema: {SCHEMA}\n      function: {layer.id}_general\n" for layer in layers
    )


@contextmanager
def tipg(database: PeerDatabase, layers: Sequence[PeerLayer], folder: Path) -> Iterator[Peer]:
    """Run tipg under uvicorn with one worker and two connections, its cap of features lifted."""
    python = HOME / "tipg" / "bin" / "python"
    if not python.exists():
        raise PeerAbsent("tipg is not installed: python -m benchmarks.peers tipg")
    port = free_port()
    place = urllib.parse.quote(database.host, safe="")
    address = f"postgresql://{ROLE}:{database.password}@{place}:{database.port}/{database.name}"
    environment = {
        "DATABASE_URL": address,
        "TIPG_DB_SCHEMAS": f'["{SCHEMA}"]',
        "TIPG_MAX_FEATURES_PER_TILE": str(NO_LIMIT),
        "TIPG_TILE_BUFFER": str(BUFFER),
        "TIPG_CATALOG_TTL": "0",
        "DB_MIN_CONN_SIZE": "2",
        "DB_MAX_CONN_SIZE": "2",
    }
    command = [str(python), "-m", "uvicorn", "tipg.main:app", "--port", str(port), "--log-level", "warning"]
    version = _output([str(python), "-c", "import tipg; print(tipg.__version__)"])
    settings = f"uvicorn 1 worker, pool 2, max_features_per_tile {NO_LIMIT}, buffer {BUFFER}"
    with _running(command, folder / "tipg.log", f"http://127.0.0.1:{port}/healthz", environment) as pid:
        names = ",".join(("fid", *layers[0].fields)) if len(layers) == 1 else ""
        query = f"?properties={names}" if names else ""
        template = (
            f"http://127.0.0.1:{port}/collections/{SCHEMA}.{{layer}}/tiles/WebMercatorQuad/{{z}}/{{x}}/{{y}}{query}"
        )
        yield Peer("tipg", template, pid, version, settings)


@contextmanager
def mapserver(database: PeerDatabase, layers: Sequence[PeerLayer], folder: Path) -> Iterator[Peer]:
    """MapServer in two FastCGI processes behind nginx, with deferred connections."""
    program, spawn, nginx = (shutil.which(name) for name in ("mapserv", "spawn-fcgi", "nginx"))
    if not (program and spawn and nginx):
        raise PeerAbsent("MapServer is not installed: python -m benchmarks.peers mapserver")
    port = free_port()
    mapfile = folder / "peer.map"
    mapfile.write_text(_mapfile(database, layers), "utf-8")
    config = folder / "mapserver.conf"
    config.write_text(f'CONFIG\n MAPS\n  PEER "{mapfile}"\n END\nEND\n', "utf-8")
    sockets = [folder / f"mapserv{number}.sock" for number in range(2)]
    environment = {"MAPSERVER_CONFIG_FILE": str(config)}
    children = [_spawn(str(spawn), str(program), path, environment) for path in sockets]
    servers = " ".join(f"server unix:{path};" for path in sockets)
    conf = folder / "mapserver-nginx.conf"
    conf.write_text(
        f"daemon off; worker_processes 1; pid {folder}/ms.pid; error_log {folder}/ms.err; events {{}}\n"
        f"http {{ access_log off; upstream ms {{ {servers} }} server {{ listen 127.0.0.1:{port};"
        " location / { include /etc/nginx/fastcgi_params; fastcgi_pass ms; fastcgi_read_timeout 120s; } } }\n",
        "utf-8",
    )
    query = "map=PEER&mode=tile&tilemode=gmap&tile={x}+{y}+{z}&layers={layer}&map.imagetype=mvt"
    try:
        with _running([str(nginx), "-c", str(conf)], folder / "ms.log", f"http://127.0.0.1:{port}/") as pid:
            version = _output([str(program), "-v"]).split(" OUTPUT")[0]
            yield Peer(
                "mapserver", f"http://127.0.0.1:{port}/?{query}", pid, version, "2 FastCGI processes, nginx before"
            )
    finally:
        for child in children:
            child.kill()  # it answers SIGTERM only with the next request
            child.wait()


def _mapfile(database: PeerDatabase, layers: Sequence[PeerLayer]) -> str:
    drawn = "".join(
        f"""LAYER NAME "{layer.id}" TYPE POLYGON STATUS ON CONNECTIONTYPE POSTGIS
 CONNECTION "{database.words}" PROCESSING "CLOSE_CONNECTION=DEFER"
 DATA "geom FROM {SCHEMA}.{layer.id} USING UNIQUE fid USING SRID=3857"
 PROJECTION "init=epsg:3857" END METADATA "gml_include_items" "{",".join(layer.fields)}" END
 CLASS STYLE COLOR 0 0 0 END END END
"""
        for layer in layers
    )
    return f"""MAP NAME peer SIZE 256 256 EXTENT -20037508 -20037508 20037508 20037508 UNITS METERS
PROJECTION "init=epsg:3857" END
OUTPUTFORMAT NAME "mvt" DRIVER "MVT" FORMATOPTION "EDGE_BUFFER={BUFFER // 16}" EXTENSION "pbf" END
{drawn}END
"""


def _spawn(spawn: str, program: str, path: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    path.unlink(missing_ok=True)
    command = [spawn, "-n", "-s", str(path), "-M", "0666", "--", program]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)


@contextmanager
def _running(command: Sequence[str], log: Path, probe: str, environment: dict[str, str] | None = None) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **(environment or {})})
        try:
            wait_for(probe, process)
            yield process.pid
        finally:
            process.terminate()
            process.wait()


def wait_for(address: str, process: "subprocess.Popen[bytes] | None" = None, seconds: float = 60.0) -> None:
    """Wait until anything but a server's error answers; TimeoutError when nothing does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        else:
            return
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the server for {address} ended with {process.returncode}")
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at {address}")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def install(name: str) -> None:
    """Install a peer below ``HOME``, or from Debian."""
    HOME.mkdir(parents=True, exist_ok=True)
    if name == "tipg":
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "tipg")], check=True)
        subprocess.run([str(HOME / "tipg" / "bin" / "pip"), "install", "-q", "tipg", "uvicorn"], check=True)
    elif name == "martin":
        options = ["--locked", "--no-default-features", "--features", "postgres", "--root", str(HOME / "martin")]
        subprocess.run(["cargo", "install", "martin", "--version", MARTIN_VERSION, *options], check=True)
    elif name == "mapserver":
        subprocess.run(["apt-get", "install", "-y", "cgi-mapserver", "spawn-fcgi", "nginx"], check=True)
    else:
        raise SystemExit(f"there is no peer {name}: tipg, martin, mapserver")


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ("tipg", "martin", "mapserver"):
        install(wanted)
