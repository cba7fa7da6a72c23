"""A full disk ends an import with a clear word, leaves nothing behind and nothing broken."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
import sqlalchemy as sa
from serving import Served

from cim.store.cluster_logins import Logins
from cim.store.database import Database
from cim.store.files import FileStore
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

EMPTY = Catalog({}, (), {}, {})
pytestmark = pytest.mark.slow


@contextmanager
def small_disk(folder: Path, megabytes: int, owner: str = "root") -> Iterator[Path]:
    """A file system of its own of so many megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine lets nobody mount: {mounted.stderr.decode().strip()}")
    try:
        if owner != "root":
            subprocess.run(["chown", owner, folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def used_bytes(folder: Path) -> int:
    """What the files below a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def enlarge(disk: Path, megabytes: int) -> None:
    """Give a small disk more room."""
    subprocess.run(["mount", "-o", f"remount,size={megabytes}m", disk], check=True)


def delivery(path: Path, count: int) -> Path:
    """Boxes with a text of a hundred letters each."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(103.7, 104.1, count), rng.uniform(30.9, 31.2, count)
    texts = np.array([f"{n:0100d}" for n in range(count)], dtype=object)
    shapes = shapely.to_wkb(shapely.box(x, y, x + 1e-4, y + 1e-4))
    pyogrio.raw.write(path, shapes, [texts], ["code"], driver="GPKG", geometry_type="Polygon", crs="EPSG:4490")
    return path


async def load(database: Database, path: Path, layer: str) -> tuple[str, str]:
    request = ImportRequest(path, "test", "technician", layer, key="code", options=ReadOptions(trust_file=True))
    (report,) = await import_file(database, EMPTY, request)
    return report.status, report.message


@pytest.mark.timeout(300)
async def test_a_full_database_disk_changes_nothing(
    database: Database, logins: Logins, run_folder: Path, tmp_path: Path
) -> None:
    """Goal F4, the database."""
    few, many = delivery(tmp_path / "few.gpkg", 1_000), delivery(tmp_path / "many.gpkg", 250_000)
    with small_disk(run_folder / "small", 60, "postgres") as disk:
        try:
            await fill_and_free(logins, disk, few, many)
        finally:
            with logins.connect_admin() as admin:
                admin.autocommit = True
                admin.execute("DROP VIEW IF EXISTS city.lots; DROP TABLE IF EXISTS history.lots")
                admin.execute(f"ALTER DATABASE {logins.database} RESET default_tablespace".encode())
                admin.execute("DROP TABLESPACE small")


async def fill_and_free(logins: Logins, disk: Path, few: Path, many: Path) -> None:
    with logins.connect_admin() as admin:
        admin.autocommit = True
        admin.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        admin.execute("GRANT CREATE ON TABLESPACE small TO PUBLIC")
        admin.execute(f"ALTER DATABASE {logins.database} SET default_tablespace = small".encode())
    fresh = Database(logins.reader_url, logins.writer_url, pool_size=2)
    try:
        status, message = await load(fresh, few, "lots")
        assert status == "published", message
        status, message = await load(fresh, many, "lots")
        assert status == "refused"
        assert "disk is full" in message
        async with fresh.writing() as connection:
            assert await connection.scalar(sa.text("SELECT count(*) FROM city.lots")) == 1_000
            assert await connection.scalar(sa.text("SELECT count(*) FROM pg_tables WHERE schemaname='staging'")) == 0
        assert used_bytes(disk) < 10_000_000
        enlarge(disk, 800)
        status, message = await load(fresh, many, "lots")
        assert status == "published", message
    finally:
        await fresh.close()


async def test_a_full_upload_disk_is_said_and_leaves_no_file(
    served: Served, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal F4, uploads: past the guard of free space, as when another program fills the disk meanwhile."""
    monkeypatch.setattr(FileStore, "require_room", lambda _self, _bytes: None)
    with small_disk(files.root / "uploads", 8):
        full = await served.technician.post("/imports", files={"file": ("a.geojson", b" " * 12_000_000)})
        assert full.status_code == 507, full.text
        assert not [path for path in files.root.rglob("*") if path.is_file()]
        fits = await served.technician.post("/imports", files={"file": ("a.geojson", b"{}")})
        assert fits.status_code == 201
