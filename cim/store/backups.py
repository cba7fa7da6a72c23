"""Backups of a private cluster: one file with the database, its rights, the data folder's files and a manifest.

Counts and checksums of every table are taken in the snapshot that is dumped, so they agree with the dump whatever is
written meanwhile. A set gets its name only when it is whole; a restore believes nothing it has not verified.
"""

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from cim.errors import StoreConflict, StoreError
from cim.store.cluster import Cluster
from cim.store.cluster_account import disk_floor, free_disk_problem
from cim.store.cluster_logins import DATABASE, EXTENSIONS, Logins, create_database, drop_database, prepare_database
from cim.store.cluster_programs import Progress, find_programs
from cim.store.files import MADE, PARTIAL
from cim.store.migrating import current_revision, migrate, needed_revision

FORMAT = 1
SUFFIX = ".cimbackup"
MANIFEST, DUMP, FILES = "manifest.json", "database.dump", "files"
SCHEMAS = ("bim", "cim", "city", "history", "scenario", "sensing")
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind = 'r' ORDER BY 1, 2
"""
CHECKSUM = "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text FROM {} t"
GRANTS = """
SELECT n.nspname || '.' || c.relname || ' ' || coalesce(c.relacl::text, '') || ' ' || c.relrowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'v', 'S') ORDER BY 1
"""
RESTORE_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('cim.restore', 0))"
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished set: where it is and what its manifest says."""

    path: Path
    manifest: dict[str, Any]


def back_up(cluster: Cluster, target: Path, progress: Progress = lambda _: None) -> Backup:
    """Write a whole set to ``target``, a file or an existing folder.

    Raises StoreError, and leaves no file, when any part of it cannot be had.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = target / f"cim-{stamp}{SUFFIX}" if target.is_dir() else target
    problem = free_disk_problem(path.parent, disk_floor())
    if problem:
        raise StoreError(problem, where=str(path.parent))
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with tempfile.TemporaryDirectory(prefix=".cim-backup-", dir=path.parent) as name:
            folder = Path(name)
            manifest = _dump(cluster.logins(), folder / DUMP, progress)
            _pack(folder, cluster.data_dir / FILES, manifest, partial)
        partial.replace(path)
    except OSError as error:
        raise StoreError(
            f"the backup could not be written: {error.strerror}", where=str(error.filename or path)
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return Backup(path, manifest)


def check(path: Path) -> dict[str, Any]:
    """The manifest of a set whose every member is whole; StoreError names the member that is not."""
    try:
        with tarfile.open(path) as archive:
            names = archive.getnames()
            if not names or names[-1] != MANIFEST:
                raise StoreError("the set has no manifest: it was never finished", where=path.name)
            manifest: dict[str, Any] = json.loads(_member(archive, MANIFEST))
            for name, entry in manifest["members"].items():
                if name not in names or _digest(archive, name) != entry["sha256"]:
                    raise StoreError("a member is missing or was changed", where=f"{path.name}: {name}")
    except (tarfile.TarError, OSError, ValueError, KeyError, EOFError) as error:
        raise StoreError(
            f"the set is damaged or incomplete: {str(error)[:120]}", where=path.name, remedy="take an earlier set"
        ) from error
    if manifest["format"] > FORMAT:
        raise StoreError("the set is of a newer version of this program", where=path.name, remedy="update it first")
    return manifest


def restore(
    cluster: Cluster, path: Path, *, replace: bool = False, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Put a set into a private cluster, verify it there, and only then let it be the database.

    Raises StoreError when the set or what came of it differs from its manifest, StoreConflict when the database is not
    empty and ``replace`` is not given, or another restore is under way. The database that was there stays until the
    new one is verified.
    """
    progress("verifying the set")
    manifest = check(path)
    logins = cluster.logins()
    beside = f"{DATABASE}_restored_{secrets.token_hex(4)}"
    with logins.connect_admin("postgres") as admin:
        if not _value(admin, RESTORE_LOCK):
            raise StoreConflict("another restore is under way", where=DATABASE, remedy="wait for it")
        if current_revision(logins.admin_url) is not None and not replace and not _is_empty(logins):
            raise StoreConflict(
                "the database is not empty", where=DATABASE, remedy="give --replace, or another --data folder"
            )
        try:
            create_database(admin, beside)
            _fill(logins.for_database(beside), path, manifest, progress)
            _take_files(cluster, path)
            _swap(admin, beside)
        except BaseException:
            drop_database(admin, beside)
            raise
    return manifest


def _dump(logins: Logins, target: Path, progress: Progress) -> dict[str, Any]:
    """Dump one snapshot of the database, and say what is in it."""
    with logins.connect_admin() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = str(_value(connection, "SELECT pg_export_snapshot()"))
        progress("dumping the database")
        extensions = [f"--extension={name}" for name in ("plpgsql", *EXTENSIONS)]
        _run("pg_dump", logins, "-Fc", "-Z6", *extensions, f"--snapshot={snapshot}", "-f", str(target), DATABASE)
        progress("counting its tables")
        manifest = {
            "format": FORMAT,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "revision": _value(connection, "SELECT version_num FROM cim.alembic_version"),
            "postgresql": _value(connection, "SHOW server_version"),
            "postgis": _value(connection, "SELECT extversion FROM pg_extension WHERE extname = 'postgis'"),
            "tables": _tables(connection),
            "grants": _grants(connection),
        }
        connection.execute("COMMIT")
    return manifest


def _tables(connection: Connection) -> dict[str, list[Any]]:
    """Rows and an order-independent checksum of every table."""
    found = {}
    for schema, name in connection.execute(TABLES, [list(SCHEMAS)]).fetchall():
        row = connection.execute(sql.SQL(CHECKSUM).format(sql.Identifier(schema, name))).fetchone()
        found[f"{schema}.{name}"] = list(row or ())
    return found


def _grants(connection: Connection) -> list[str]:
    return [str(row[0]) for row in connection.execute(GRANTS, [list(SCHEMAS)]).fetchall()]


def _pack(folder: Path, files: Path, manifest: dict[str, Any], partial: Path) -> None:
    """One tar of dump, files and, last, the manifest; on the disk when this returns."""
    members = [(DUMP, folder / DUMP)]
    if files.is_dir():
        whole = (p for p in sorted(files.rglob("*")) if p.is_file() and _is_kept(p.relative_to(files)))
        members += [(f"{FILES}/{p.relative_to(files)}", p) for p in whole]
    manifest["members"] = {name: {"sha256": _sha256(path), "bytes": path.stat().st_size} for name, path in members}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
    with partial.open("wb") as raw:
        os.fchmod(raw.fileno(), 0o600)
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for name, path in [*members, (MANIFEST, folder / MANIFEST)]:
                archive.add(path, name)
        raw.flush()
        os.fsync(raw.fileno())


def _is_kept(name: Path) -> bool:
    """Whether a file below the folder of files is part of a set: none half written, none that can be made again."""
    return not name.parent.name.startswith(PARTIAL) and name.parts[0] != MADE


def _fill(logins: Logins, path: Path, manifest: dict[str, Any], progress: Progress) -> None:
    """Restore into an empty database beside the one in use, and compare it with the manifest."""
    with logins.connect_admin() as admin:
        prepare_database(admin)
    progress("restoring the database")
    with tempfile.TemporaryDirectory(prefix="cim-restore-") as name:
        with tarfile.open(path) as archive:
            _extract(archive, DUMP, Path(name))
        _run("pg_restore", logins, "-j2", "--exit-on-error", "-d", logins.database, str(Path(name) / DUMP))
    progress("verifying what was restored")
    with logins.connect_admin() as admin:
        found = _tables(admin)
        wrong = [name for name, said in manifest["tables"].items() if found.get(name) != said]
        if wrong or set(found) != set(manifest["tables"]):
            raise StoreError("tables differ from the set's manifest", where=", ".join(wrong[:5]) or "tables")
        if _grants(admin) != manifest["grants"]:
            raise StoreError("rights differ from the set's manifest", where=logins.database)
    if manifest["revision"] != needed_revision():
        migrate(logins.owner_url)


def _take_files(cluster: Cluster, path: Path) -> None:
    """Put the set's files in the data folder's place for them, whole or not at all."""
    place = cluster.data_dir / FILES
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=cluster.data_dir) as name:
        with tarfile.open(path) as archive:
            for member in archive.getnames():
                if member.startswith(f"{FILES}/"):
                    _extract(archive, member, Path(name))
        fresh = Path(name) / FILES
        if fresh.is_dir():
            if place.exists():
                place.rename(Path(name) / "old")
            shutil.move(fresh, place)


def _swap(admin: Connection, beside: str) -> None:
    """Make the restored database the one in use; the one before goes only then."""
    before = f"{DATABASE}_before_{secrets.token_hex(4)}"
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s) AND pid <> pg_backend_pid()"
    admin.execute(end, [[DATABASE, beside]])
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    admin.execute(rename.format(sql.Identifier(DATABASE), sql.Identifier(before)))
    try:
        admin.execute(rename.format(sql.Identifier(beside), sql.Identifier(DATABASE)))
    except psycopg.Error:
        admin.execute(rename.format(sql.Identifier(before), sql.Identifier(DATABASE)))
        raise
    drop_database(admin, before)


def _is_empty(logins: Logins) -> bool:
    with logins.connect_admin() as admin:
        return bool(_value(admin, "SELECT count(*) = 0 FROM cim.collection"))


def _value(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _run(program: str, logins: Logins, *words: str) -> None:
    """Run one of PostgreSQL's programs as the superuser of the cluster; StoreError quotes what it says."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    environment |= {"PGHOST": str(logins.socket_dir), "PGPORT": str(logins.port), "PGUSER": "cim_admin"}
    environment |= {"PGPASSWORD": logins.passwords["cim_admin"], "LC_ALL": "C.UTF-8"}
    command = [str(find_programs() / program), "--no-password", *words]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise StoreError(f"{program} failed: {said[0][:200]}", where=logins.database)


def _extract(archive: tarfile.TarFile, name: str, folder: Path) -> None:
    """Write a member below ``folder``; StoreError when its name leads elsewhere or it is no plain file."""
    target = (folder / name).resolve()
    file = archive.extractfile(name)
    if file is None or not target.is_relative_to(folder.resolve()):
        raise StoreError("a member is no plain file of the set", where=name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as copy:
        shutil.copyfileobj(file, copy)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    return file.read() if file else b""


def _digest(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    digest = hashlib.sha256()
    while file and (chunk := file.read(1 << 20)):
        digest.update(chunk)
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
