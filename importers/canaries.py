"""The start-up self-test of reading: small hostile files that must tell nothing and reach nobody.

Each is read exactly as an upload would be. Outside the job folder lies a secret text anybody on the machine may read,
and on the loopback a listener waits: a canary is held when neither the secret nor a connection comes out.
"""

import functools
import io
import json
import secrets
import shutil
import socket
import sqlite3
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cim.errors import CimError, ImportRefused
from importers.importer import ReadOptions
from importers.sandbox import network_isolation, open_source
from importers.shapes import Target

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """One hostile file: whether it was held, and what became of it."""

    name: str
    held: bool
    how: str


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where canaries are set: the secret, the text in it, and the address that must not be called."""

    folder: Path
    secret: Path
    text: str
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/canary"


@functools.cache
def self_test() -> tuple[CanaryResult, ...]:
    """Read every hostile file once; the results are kept for the life of the process."""
    return run_canaries()


def run_canaries() -> tuple[CanaryResult, ...]:
    """Read every hostile file now."""
    folder = Path(tempfile.mkdtemp(prefix="cim-canary-"))
    folder.chmod(0o755)
    try:
        with _listener() as (port, calls):
            text = secrets.token_hex(16)
            secret = folder / "secret.csv"
            secret.write_text(f"name,x,y\n{text},1,2\n")
            ground = _Ground(folder, secret, text, port)
            files = {name: _placed(folder, name, content) for name, content in _files(ground).items()}
            with ThreadPoolExecutor(AT_ONCE) as pool:
                results = list(pool.map(lambda item: _read(item[0], item[1], text), files.items()))
        if calls:
            results.append(CanaryResult("network", held=False, how=f"{len(calls)} connections came out"))
        return tuple(results)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_safe_reading() -> None:
    """Raise ImportRefused, naming them, when hostile files are not held on this machine."""
    loose = [result for result in self_test() if not result.held]
    if loose:
        named = ", ".join(f"{result.name} ({result.how})" for result in loose)
        raise ImportRefused(
            "sandbox-unsafe",
            f"hostile files are not held here: {named}",
            remedy="no upload is read until `cim doctor` finds all of them held",
        )


def _read(name: str, path: Path, text: str) -> CanaryResult:
    """Read a file to its end and look for the secret in all that comes back."""
    told = ""
    how = "nothing came out"
    options = ReadOptions(crs="EPSG:4490", trust_file=not network_isolation().isolated)
    try:
        with open_source(path, options) as source:
            told += json.dumps(asdict(source.inspection), ensure_ascii=False)
            for layer in source.inspection.layers:
                target = Target(layer.geometry_type, 4490, None)
                for batch in source.batches(layer, target):
                    told += str(batch.to_pylist())
    except CimError as error:
        told += str(error)
        how = f"refused: {error.what}"[:160]
    if text in told:
        return CanaryResult(name, held=False, how="the secret came out")
    return CanaryResult(name, held=True, how=how)


def _placed(folder: Path, name: str, content: bytes | dict[str, bytes]) -> Path:
    """Write a canary in a folder of its own; of several files the first is the one that is read."""
    place = folder / name.replace(" ", "-")
    place.mkdir()
    files = content if isinstance(content, dict) else {name.rsplit(" ", maxsplit=1)[-1]: content}
    for file, data in files.items():
        (place / file).write_bytes(data)
    return place / next(iter(files))


def _files(ground: _Ground) -> dict[str, bytes | dict[str, bytes]]:
    """The hostile files; the last word of a name is the file's."""
    vector_vrt = (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{ground.secret}</SrcDataSource>'
        "<GeometryType>wkbNone</GeometryType></OGRVRTLayer></OGRVRTDataSource>"
    ).encode()
    remote_vrt = vector_vrt.replace(str(ground.secret).encode(), f"/vsicurl/{ground.url}.csv".encode())
    entity = f'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY leak SYSTEM "file://{ground.secret}">]>'
    placemark = "<Document><Placemark><name>&leak;</name><Point><coordinates>1,2</coordinates></Point></Placemark>"
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    kml = '<kml xmlns="http://www.opengis.net/kml/2.2">'
    return {
        "vector VRT as a.geojson": vector_vrt,
        "vector VRT as a.csv": vector_vrt,
        "vector VRT posing as b.kml": vector_vrt + b"<!-- <kml -->",
        "vector VRT posing as c.gml": vector_vrt + b"<!-- opengis.net/gml -->",
        "remote VRT posing as d.kml": remote_vrt + b"<!-- <kml -->",
        "web service posing as e.gml": _web_service(ground),
        "network link in f.kml": (
            f"{kml}<NetworkLink><Link><href>{ground.url}</href></Link></NetworkLink></kml>"
        ).encode(),
        "external entity in g.kml": f"{entity}{kml}{placemark}</Document></kml>".encode(),
        "external entity in h.gml": _gml(ground, entity.replace("kml [", "FeatureCollection ["), "&leak;"),
        "laughing entities in i.kml": (
            f'<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY l0 "ha">{laughs}]>{kml}'
            f"{placemark.replace('&leak;', '&l11;')}</Document></kml>"
        ).encode(),
        "schema location in j.gml": _gml(ground, '<?xml version="1.0"?>', "x"),
        "linked attribute in k.gml": _gml(ground, '<?xml version="1.0"?>', "x", link=True),
        "bomb in l.zip": _bomb(),
        "paths in m.zip": _escaping(ground),
        "database with views in n.gpkg": _database(ground),
        "table beside o.csv": {
            "o.csv": b"name\nx\n",
            "o.csvt": b"String",
            "o.vrt": vector_vrt,
        },
        "tile index as p.geojson": f'{{"type":"FeatureCollection","features":[],"GTI":"{ground.secret}"}}'.encode(),
    }


def _web_service(ground: _Ground) -> bytes:
    return f"<OGRWFSDataSource><URL>{ground.url}</URL></OGRWFSDataSource><!-- opengis.net/gml -->".encode()


def _gml(ground: _Ground, prologue: str, value: str, *, link: bool = False) -> bytes:
    href = f' xlink:href="{ground.url}"' if link else ""
    return (
        f'{prologue}<ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" '
        'xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="http://ogr.maptools.org/ {ground.url}.xsd"><gml:featureMember><ogr:a>'
        f"<ogr:name{href}>{value}</ogr:name>"
        "<ogr:geometryProperty><gml:Point><gml:coordinates>1,2</gml:coordinates></gml:Point></ogr:geometryProperty>"
        "</ogr:a></gml:featureMember></ogr:FeatureCollection>"
    ).encode()


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}.geojson", bytes(40_000_000))
    return packed.getvalue()


def _escaping(ground: _Ground) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../../../tmp/cim-canary-escaped.csv", "x")
        link = zipfile.ZipInfo("leak.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(ground.secret))
    return packed.getvalue()


def _database(ground: _Ground) -> bytes:
    """A GeoPackage whose layer is a view that would read the secret, had SQLite the means."""
    path = ground.folder / "build.gpkg"
    with sqlite3.connect(path) as database:
        database.executescript(
            "PRAGMA application_id = 1196444487;"
            "CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, identifier TEXT, srs_id INTEGER);"
            "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER, organization TEXT,"
            " organization_coordsys_id INTEGER, definition TEXT);"
            "INSERT INTO gpkg_contents VALUES ('leak', 'attributes', 'leak', 0);"
        )
        leak = "CREATE VIEW leak AS SELECT 1 AS fid, readfile('SECRET') AS name"
        database.execute(leak.replace("SECRET", str(ground.secret)))
    database.close()
    content = path.read_bytes()
    path.unlink()
    return content


@contextmanager
def _listener() -> Iterator[tuple[int, list[str]]]:
    """A loopback port and the addresses that called it."""
    calls: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    stopped = threading.Event()

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, address = server.accept()
            except TimeoutError:
                continue
            calls.append(str(address))
            connection.close()

    thread = threading.Thread(target=accept, name="importers.canaries", daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1]), calls
    finally:
        stopped.set()
        thread.join()
        server.close()
