"""Memory of an import of millions of features from each format: our processes together, from start to version.

What counts is the proportional set size of the importing process and its reading child, sampled twenty times a second.
The layer has no definition, so it is imported without rules. Each import is told beside a bare COPY of its rows, which
says what the machine was able to do at the time. Formats measured before with as many rows keep their figures.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.big_files import FORMATS, write_file
from benchmarks.machine import children, proportional_mb
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins

FOLDER = Path("/tmp/cim-mem/run")
RESULT = Path(__file__).parent / "results" / "import_memory.json"
ROWS = 5_000_000
REACH_MB = 600
KEYLESS = "-keyless"
NAMES = (*FORMATS, *(f"{name}{KEYLESS}" for name in FORMATS if name != "osm"))
INTERVAL_S = 0.05
DRIVER = """
import asyncio, json, sys, time
from pathlib import Path
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.migrating import migrate
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

async def work(logins):
    database = Database(logins.reader_url, logins.writer_url)
    path, key = Path(sys.argv[1]), sys.argv[2] or None
    options = ReadOptions(trust_file=True, crs="EPSG:4490" if path.suffix == ".csv" else None)
    begun = time.perf_counter()
    reports = await import_file(
        database, Catalog({}, (), {}, {}), ImportRequest(path, "b", "administrator", key=key, options=options)
    )
    seconds = time.perf_counter() - begun
    layers = {report.layer: [report.status, report.loaded, report.message] for report in reports}
    print(json.dumps({"seconds": seconds, "layers": layers}))
    await database.close()

with Cluster(Path(sys.argv[3]), durable=False) as logins:
    migrate(logins.owner_url)
    asyncio.run(work(logins))
"""


@dataclass(slots=True)
class Peak:
    """The most that the importing process, its child, and both together held, in MB."""

    parent: float = 0.0
    child: float = 0.0
    together: float = 0.0
    samples: int = field(default=0, repr=False)

    def take(self, pid: int) -> None:
        """Look at a process and its descendants once."""
        parent, *others = [proportional_mb(each) for each in children(pid)]
        child = sum(others)
        self.parent, self.child = max(self.parent, parent), max(self.child, child)
        self.together = max(self.together, parent + child)
        self.samples += 1


def measure(county: Path | None, rounds: int, *, rows: int = ROWS, formats: Sequence[str] = ()) -> dict[str, object]:
    """Peak memory and seconds of an import of each format; the county sample and rounds are not used."""
    del county, rounds
    unknown = sorted(set(formats) - set(NAMES))
    if unknown:
        raise SystemExit(f"unknown formats: {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    found = _kept(rows)
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o755)
    try:
        with Cluster(FOLDER / "d", durable=False) as logins:
            for name in formats or FORMATS:
                found[name] = _one(name, rows, logins)
                print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    return {
        "what": "import of so many features to the visible version, without rules; peak of parent, child and both",
        "rows": rows,
        "formats": found,
        "reach": f"both together < {REACH_MB} MB in every format",
        "reached": all(float(str(entry["together_mb"])) < REACH_MB for entry in found.values()),
    }


def _kept(rows: int) -> dict[str, dict[str, object]]:
    """Formats of the last result, where it had as many rows."""
    with suppress(OSError, ValueError, KeyError):
        last = json.loads(RESULT.read_text("utf-8"))
        if last["rows"] == rows:
            return dict(last["formats"])
    return {}


def _one(name: str, rows: int, logins: Logins) -> dict[str, object]:
    keyed = not name.endswith(KEYLESS)
    files = FOLDER / "files"
    files.mkdir()
    try:
        path = write_file(name.removesuffix(KEYLESS), files, rows, keyed=keyed)
        size = sum(part.stat().st_size for part in files.iterdir())
        answer, peak = _import(path, "code" if keyed and name != "osm" else "")
        layers: dict[str, list[object]] = answer["layers"]  # type: ignore[assignment]  # as the driver prints it
    finally:
        shutil.rmtree(files)
    loaded = sum(int(str(layer[1])) for layer in layers.values())
    if any(layer[0] != "published" for layer in layers.values()) or loaded != rows:
        raise RuntimeError(f"{name}: the import ended with {layers}")
    bare = sum(_bare_copy(logins, f"history.{layer}") for layer in layers)
    _forget(logins, list(layers))
    return {
        "parent_mb": round(peak.parent),
        "child_mb": round(peak.child),
        "together_mb": round(peak.together),
        "samples": peak.samples,
        "rows": loaded,
        "file_mb": round(size / 1e6),
        "seconds": round(float(str(answer["seconds"])), 1),
        "bare_copy_seconds": round(bare, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _import(path: Path, key: str) -> tuple[dict[str, object], Peak]:
    """Import in a process of its own, watched from its start to its end."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path), key, str(FOLDER / "d")], stdout=subprocess.PIPE, text=True
    )
    peak = Peak()
    threading.Thread(target=_watch, args=(process.pid, peak), daemon=True).start()
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the import of {path.name} failed; {asdict(peak)}")
    answer: dict[str, object] = json.loads(output.splitlines()[-1])
    return answer, peak


def _watch(pid: int, peak: Peak) -> None:
    while True:
        try:
            peak.take(pid)
        except OSError:
            if not Path(f"/proc/{pid}").exists():
                return
        time.sleep(INTERVAL_S)


def _bare_copy(logins: Logins, table: str) -> float:
    """Seconds of the same rows through binary COPY, out and in again."""
    begun = time.perf_counter()
    with logins.connect_admin() as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE bare AS SELECT * FROM {table} LIMIT 0".encode())
        with (
            logins.connect_admin() as reader,
            reader.cursor() as source,
            source.copy(f"COPY {table} TO STDOUT (FORMAT BINARY)".encode()) as out,
            cursor.copy("COPY bare FROM STDIN (FORMAT BINARY)") as into,
        ):
            for chunk in out:
                into.write(chunk)
        return time.perf_counter() - begun


def _forget(logins: Logins, layers: Sequence[str]) -> None:
    """Take imported layers away again, so that the next ones are as new."""
    with logins.connect_admin() as admin:
        for layer in layers:
            admin.execute(
                f"DROP VIEW city.{layer}; DROP TABLE history.{layer}; DROP SEQUENCE history.{layer}_fid".encode()
            )
            for table, column in (("version", "layer"), ("change", "layer"), ("collection", "id")):
                admin.execute(f"DELETE FROM cim.{table} WHERE {column} = '{layer}'".encode())
