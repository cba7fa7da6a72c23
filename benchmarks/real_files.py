"""Real files and what becomes of them: each is inspected and imported into a layer of its own, against expectations.

``real_files.toml`` names for each file what its publisher's tools find, and what inspection and import must find here.
The table goes to docs/real-files.md. The files stand beside the checkout and are not part of it.
"""

import asyncio
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.errors import CimError, ImportRefused
from cim.store.cluster import Cluster
from cim.store.cluster_logins import DATABASE, Logins, create_database, drop_database
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.migrating import migrate
from importers.importer import ReadOptions
from importers.inspection import Inspection
from importers.run import ImportRequest, import_file
from importers.sandbox import open_source
from layers.catalog import Catalog

PROJECT = Path(__file__).resolve().parents[1]
REAL_DATA = PROJECT.parent / "shared" / "real-data"
FOLDERS = ("gis", "raster", "malformed")
PARTS = frozenset({".dbf", ".shx", ".prj", ".cpg"})
EMPTY = Catalog({}, (), {}, {})
HEAD = """# Real files

What a set of real files from public repositories becomes: `python -m benchmarks real_files` writes this table.
Expected is what the publisher's own tools or GDAL find; found is our inspection, ends is the import.

| file | expected | found | ends |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What inspection and import said of a file, as short texts."""

    inspected: str
    ends: str


def expectations() -> dict[str, dict[str, str]]:
    """By path: ``expected`` for people, ``found`` and ``ends`` as they must come out, ``crs`` where one is given."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def real_files(root: Path) -> list[str]:
    """Every file of the folders that stands for itself, below ``root``."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*")) if path.is_file()]
    own = [p for p in paths if not (p.suffix.lower() in PARTS and p.with_suffix(".shp").exists())]
    return [path.relative_to(root).as_posix() for path in own if path.name != "README.md"]


async def look(database: Database, files: FileStore, path: Path, crs: str | None) -> Found:
    """Inspect and import a file into an empty database."""
    options = ReadOptions(trust_file=True, crs=crs)
    try:
        with open_source(path, options) as source:
            inspection = source.inspection
    except CimError as error:
        return Found("-", f"refused {_code(error)}")
    request = ImportRequest(path, "real", "administrator", options=options)
    reports = await import_file(database, EMPTY, request, files=files)
    return Found(_told(inspection), _joined([_end(report) for report in reports]))


def measure(_county: Path | None, _rounds: int) -> dict[str, object]:
    """Look at every file and write the table; says which came out otherwise than they must."""
    folder = Path(tempfile.mkdtemp(prefix="cimb-", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "files").mkdir()
    try:
        with Cluster(folder / "d", durable=False) as logins:
            migrate(logins.owner_url)
            found = asyncio.run(_all(logins, FileStore(folder / "files")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    known = expectations()
    rows = [f"| `{name}` | {known[name]['expected']} | {one.inspected} | {one.ends} |" for name, one in found.items()]
    (PROJECT / "docs" / "real-files.md").write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    other = {
        name: [one.inspected, one.ends]
        for name, one in found.items()
        if (one.inspected, one.ends) != (known[name]["found"], known[name]["ends"])
    }
    return {"files": len(found), "otherwise": other, "reached": not other}


async def _all(logins: Logins, files: FileStore) -> dict[str, Found]:
    known = expectations()
    found = {}
    for number, name in enumerate(real_files(REAL_DATA)):
        with logins.connect_admin("postgres") as admin:
            create_database(admin, f"real_{number}", template=DATABASE)
        own = logins.for_database(f"real_{number}")
        database = Database(own.reader_url, own.writer_url, pool_size=2)
        found[name] = await look(database, files, REAL_DATA / name, known.get(name, {}).get("crs"))
        await database.close()
        with logins.connect_admin("postgres") as admin:
            drop_database(admin, f"real_{number}")
    return found


def _told(inspection: Inspection) -> str:
    layers = [
        f"{layer.feature_count} {layer.geometry_type}" + (f" {layer.crs[:24]}" if layer.crs else "")
        for layer in inspection.layers
    ]
    return f"{inspection.driver}: {_joined(layers)}".replace("|", "/")


def _joined(texts: list[str]) -> str:
    """Texts in a row, the same ones counted, no more than six."""
    counted: dict[str, int] = {}
    for text in texts:
        counted[text] = counted.get(text, 0) + 1
    shown = [text if count == 1 else f"{count} x {text}" for text, count in counted.items()]
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more kinds" if len(shown) > 6 else "")


def _end(report: Any) -> str:
    if report.status == "refused":
        return f"refused {report.findings[0].code}"
    repaired = f", {len(report.repaired)} repaired" if report.repaired else ""
    rejected = f", {len(report.rejected)} rejected" if report.rejected else ""
    return f"{report.status} {report.loaded}{rejected}{repaired}"


def _code(error: CimError) -> str:
    return error.code if isinstance(error, ImportRefused) else type(error).__name__
