"""Backup and restore of the whole county, and going back from a version of 1 % change.

The calibration of both is the bare program's share of the same work: ``pg_dump -Fc`` of the same database, and
``pg_restore`` of that dump into an empty one. Going back is calibrated by an UPDATE of as many rows of the same table.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.county import county_folder
from benchmarks.machine import spread
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins, create_database, drop_database
from cim.store.cluster_programs import find_programs

RESTORE_LIMIT_S = 900.0
ROLLBACK_LIMIT_S = 5.0
LAYER = "buildings"
FILL = """
import sys
from pathlib import Path
from cim.store.database import Database, run
from cim.store.deployment import open_deployment
from layers.catalog import load_catalog
from web.cli.samples import import_samples

async def work(deployment):
    database = Database(deployment.logins.reader_url, deployment.logins.writer_url)
    await import_samples(database, load_catalog(), Path(sys.argv[1]), deployment.files(), lambda text: None)
    await database.close()

with open_deployment(Path(sys.argv[2])) as deployment:
    deployment.migrate()
    run(work(deployment))
"""
GO_BACK = """
import asyncio, json, sys, time
from cim.store.database import Database
from cim.store.versions import rollback
import sqlalchemy as sa

async def work(reader, writer, layer):
    database = Database(reader, writer)
    async with database.writing(timeout_ms=0) as connection:
        before = await connection.scalar(sa.text("SELECT version FROM cim.collection WHERE id = :id"), {"id": layer})
        await connection.execute(
            sa.text(f"UPDATE city.{layer} SET floors = coalesce(floors, 0) + 1 WHERE fid % 100 = 0")
        )
    begun = time.perf_counter()
    async with database.writing(timeout_ms=0) as connection:
        version = await rollback(connection, layer, before, author="benchmark")
    took = time.perf_counter() - begun
    begun = time.perf_counter()
    async with database.writing(timeout_ms=0) as connection:
        await connection.execute(sa.text(
            f"UPDATE history.{layer} SET floors = floors WHERE valid_to_version IS NULL AND fid % 100 = 0"))
    print(json.dumps({"seconds": took, "bare": time.perf_counter() - begun, "rows": version.change.changed}))
    await database.close()

asyncio.run(work(*sys.argv[1:]))
"""


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Seconds of backup, restore and going back in every round, each with its calibration."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "city"
        _python(FILL, county_folder(county), data)
        return _rounds(folder, data, rounds)


def _rounds(folder: Path, data: Path, rounds: int) -> dict[str, object]:
    seconds: dict[str, list[float]] = {
        name: [] for name in ("backup", "bare_dump", "restore", "bare_restore", "rollback", "bare_update")
    }
    rows, backup = 0, folder / "county.cimbackup"
    for number in range(rounds):
        with Cluster(data) as logins:
            told = json.loads(_python(GO_BACK, logins.reader_url, logins.writer_url, LAYER))
            rows = int(told["rows"])
            seconds["rollback"].append(float(told["seconds"]))
            seconds["bare_update"].append(float(told["bare"]))
            dump, restore = _bare(logins, folder / "bare.dump")
            seconds["bare_dump"].append(dump)
            seconds["bare_restore"].append(restore)
        backup.unlink(missing_ok=True)
        seconds["backup"].append(_timed("backup", backup, "--data", data))
        seconds["restore"].append(_timed("restore", backup, "--data", folder / f"again-{number}"))
    restored, back = spread(seconds["restore"]), spread(seconds["rollback"])
    return {
        "what": "the county: every layer of the sample; verified on both sides",
        "rounds": rounds,
        "backup_mb": round(backup.stat().st_size / 1e6, 1),
        "rows_gone_back": rows,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "reach": f"restore <= {RESTORE_LIMIT_S:.0f} s, rollback < {ROLLBACK_LIMIT_S:.0f} s",
        "reached": restored["max"] <= RESTORE_LIMIT_S and back["max"] < ROLLBACK_LIMIT_S,
    }


def _bare(logins: Logins, dump: Path) -> tuple[float, float]:
    """Seconds of pg_dump and of pg_restore by themselves."""
    programs = find_programs()
    environment = {**os.environ, "PGHOST": str(logins.socket_dir), "PGPORT": str(logins.port), "PGUSER": "cim_admin"}
    environment["PGPASSWORD"] = logins.passwords["cim_admin"]
    begun = time.perf_counter()
    command = [str(programs / "pg_dump"), "-Fc", "-f", str(dump), logins.database]
    subprocess.run(command, check=True, env=environment)
    dumped = time.perf_counter() - begun
    with logins.connect_admin("postgres") as admin:
        create_database(admin, "bare")
    begun = time.perf_counter()
    command = [str(programs / "pg_restore"), "-d", "bare", "--no-owner", "--no-privileges", str(dump)]
    subprocess.run(command, check=False, env=environment, stderr=subprocess.DEVNULL)
    restored = time.perf_counter() - begun
    with logins.connect_admin("postgres") as admin:
        drop_database(admin, "bare")
    return dumped, restored


def _timed(verb: str, *words: object) -> float:
    begun = time.perf_counter()
    _python("from web.cli.main import main; main()", verb, *words)
    return time.perf_counter() - begun


def _python(program: str, *words: object) -> str:
    command = [sys.executable, "-c", program, *(str(word) for word in words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
